"""Sending what is due: claimed by compare-and-set, sent with no transaction open, tried again later and later, given up
in the end. Any number of senders may be at it."""

from __future__ import annotations

import logging
import smtplib
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from orchestrator.actions.base import ActionError
from orchestrator.database import is_away
from orchestrator.engine.points import committing, reached
from orchestrator.models import Approval, Delivery
from orchestrator.notices import hooks
from orchestrator.notices.chat import Message, event_of
from orchestrator.notices.letters import NotNeededError, letter, link_to, person, words_for
from orchestrator.notices.people import WAITS

logger = logging.getLogger(__name__)

BATCH: Final = 20
LEASE: Final = timedelta(minutes=5)  # how long a claim holds
MOST_TRIES: Final = 12  # over some six hours
_SOONEST, _LATEST = 30.0, 3600.0  # seconds until another try

Channel, State = Delivery.Channel, Delivery.State


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why one could not be sent. `after`: how long the other side wants to be left alone."""

    message: str
    retryable: bool = True
    after: float = 0.0


def send_due(channel: str, now: datetime | None = None) -> int:
    """Send one batch; how many were due."""
    moment = now or timezone.now()
    claimed = claim(channel, moment)
    if claimed:
        _CHANNELS[channel](claimed, moment)
    return len(claimed)


def claim(channel: str, now: datetime) -> list[Delivery]:
    """Take what is due. Nobody else takes it while the lease lasts; afterwards it is due again."""
    due = Delivery.objects.filter(channel=channel, state=State.WAITING, due_at__lte=now)
    if not due.exists():  # a look that takes no lock
        return []
    token = uuid.uuid4().hex
    with committing("claim notices"):
        rows = due.order_by("due_at", "pk").select_for_update(skip_locked=True).values_list("pk", "tries")
        for pk, tries in list(rows[:BATCH]):
            due.filter(pk=pk, tries=tries).update(claim=token, tries=tries + 1, due_at=now + LEASE)
    return list(
        Delivery.objects.filter(claim=token, state=State.WAITING).select_related(*_READ).order_by("pk")
    )


_READ: Final = (
    "user",
    "hook",
    "in_place_of",
    "notice__by",
    "notice__approval__run__workflow",
    "notice__approval__run__started_by",
)


def pause_before(tries: int) -> float:
    """Seconds until the next try, after so many."""
    return float(min(_SOONEST * 2 ** (tries - 1), _LATEST))


# Mail


def _send_mails(claimed: Iterable[Delivery], now: datetime) -> None:
    """One connection for all of them, each sent by itself: what is wrong with one keeps no other."""
    with _Box() as box:
        _each(claimed, lambda delivery: box.send(delivery, now), now)


class _Box:
    """The connection to the mail server, opened when the first mail is sent and anew when it broke."""

    def __init__(self) -> None:
        self._connection: BaseEmailBackend = get_connection()

    def __enter__(self) -> _Box:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def send(self, delivery: Delivery, now: datetime) -> Trouble | None:
        mail = letter(delivery, now)
        try:
            self._connection.open()
            self._connection.send_messages([mail])
        except (OSError, smtplib.SMTPException) as error:
            self._close()
            return trouble_of(error)
        return None

    def _close(self) -> None:
        try:
            self._connection.close()
        except (OSError, smtplib.SMTPException) as error:
            logger.debug("The mail server did not say good-bye: %s", error)


def trouble_of(error: Exception) -> Trouble:
    """A server that refuses this recipient or this mail for good is not asked again; all else may pass."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = [(code, _text(said)) for code, said in error.recipients.values()]
        text = "; ".join(f"{code} {said}" for code, said in answers)
        lasting = bool(answers) and all(code >= 500 for code, _ in answers)
        return Trouble(f"The mail server refused the address: {text}", retryable=not lasting)
    if isinstance(error, smtplib.SMTPResponseException):
        lasting = isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
        text = f"{error.smtp_code} {_text(error.smtp_error)}"
        return Trouble(f"The mail server answered: {text}", retryable=not lasting)
    return Trouble(f"The mail server cannot be reached: {str(error) or type(error).__name__}")


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


# Chats


def _send_messages(claimed: Iterable[Delivery], now: datetime) -> None:
    _each(claimed, lambda delivery: _post(delivery, now), now)


def _post(delivery: Delivery, now: datetime) -> Trouble | None:
    hook, approval = delivery.hook, delivery.notice.approval
    assert hook is not None
    if hook.paused_at is not None:
        raise NotNeededError("The chat is paused.")
    if approval is None:
        raise NotNeededError("The request is gone.")
    if delivery.notice.kind in WAITS and approval.status != Approval.Status.OPEN:
        raise NotNeededError("It waits no more.")
    try:
        hooks.post(hook, _message(delivery, approval), now)
    except ActionError as error:
        return Trouble(error.message, error.retryable, error.retry_after or 0.0)
    return None


def _message(delivery: Delivery, approval: Approval) -> Message:
    notice, run = delivery.notice, approval.run
    words = words_for(notice, approval)
    facts = {"Workflow": run.workflow.name, "Run": f"#{run.pk}", "Request": f"#{approval.pk}"}
    if approval.status == Approval.Status.OPEN:
        asked = approval.approvers.order_by("pk").values_list("name", flat=True)
        facts["Asked"] = ", ".join(name.removeprefix("group:") for name in asked[:10])
        if approval.deadline_at:
            facts["Until"] = f"{timezone.localtime(approval.deadline_at):%Y-%m-%d %H:%M %Z}"
    elif approval.decided_by:
        facts["By"] = person(approval.decided_by)
    return Message(
        id=str(delivery.pk),
        event=event_of(notice.kind),
        kind=notice.kind,
        title=words.subject,
        sentence=words.sentence.replace("waits for you", "waits").replace(
            " you to decide", " for a decision"
        ),
        quote=words.quote,
        facts=facts,
        link=link_to(approval),
        at=notice.at.isoformat(),
    )


_CHANNELS: Final = {Channel.MAIL: _send_mails, Channel.CHAT: _send_messages}


# What became of it


def _each(claimed: Iterable[Delivery], send: Callable[[Delivery], Trouble | None], now: datetime) -> None:
    """Send one after the other while the claim holds; what is left then is due again by itself."""
    until = time.monotonic() + LEASE.total_seconds() / 2
    for delivery in claimed:
        if time.monotonic() > until:
            return
        try:
            trouble = send(delivery)
        except NotNeededError as reason:
            _end(delivery, State.SKIPPED, now, str(reason))
            continue
        except Exception as error:
            if is_away(error):
                raise
            logger.exception("Delivery %s could not be made", delivery.pk)
            trouble = Trouble(f"A fault of the program: {error!r}")
        reached("notice sent")
        if trouble is None:
            _end(delivery, State.SENT, now, "")
        else:
            _put_off(delivery, trouble, now)


def _put_off(delivery: Delivery, trouble: Trouble, now: datetime) -> None:
    if not trouble.retryable or delivery.tries >= MOST_TRIES:
        logger.warning("Delivery %s is given up: %s", delivery.pk, trouble.message)
        _end(delivery, State.FAILED, now, trouble.message)
        return
    wait = timedelta(seconds=max(pause_before(delivery.tries), trouble.after))
    _mine(delivery).update(due_at=now + wait, claim="", error=trouble.message)


def _end(delivery: Delivery, state: str, now: datetime, error: str) -> None:
    _mine(delivery).update(state=state, due_at=None, claim="", error=error, ended_at=now)


def _mine(delivery: Delivery):  # type: ignore[no-untyped-def]
    """The row while the claim is ours: somebody may have taken it up anew when it had taken too long."""
    return Delivery.objects.filter(pk=delivery.pk, claim=delivery.claim, state=State.WAITING)


def send_again(chosen: Iterable[int], now: datetime) -> int:
    """Try what was given up once more, from the beginning; how many."""
    with committing("send again"):
        failed = Delivery.objects.filter(pk__in=list(chosen), state=State.FAILED)
        return failed.update(state=State.WAITING, due_at=now, tries=0, ended_at=None)
