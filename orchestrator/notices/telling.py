"""From what was noted to a delivery for each person and chat that is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from orchestrator.database import is_away
from orchestrator.engine.points import committing
from orchestrator.models import ChatHook, Delivery, Notice, NoticePreference
from orchestrator.notices.chat import event_of
from orchestrator.notices.people import WAITS, recipients

logger = logging.getLogger(__name__)

BATCH = 50
State, Mail = Delivery.State, NoticePreference.Mail


def tell(now: datetime) -> int:
    """Make the deliveries of what is not told yet; of how many notices. Two senders at once make each once."""
    untold = Notice.objects.filter(told_at=None).order_by("pk")
    if not untold.exists():  # a look that takes no lock
        return 0
    with committing("telling"):
        locked = untold.select_for_update(skip_locked=True, of=("self",)).select_related("approval__run")
        notices = list(locked[:BATCH])
        for notice in notices:
            _tell(notice, now)
    return len(notices)


def _tell(notice: Notice, now: datetime) -> None:
    try:
        made = [*_by_mail(notice, now), *_by_chat(notice, now)] if _is_for_others(notice) else []
    except Exception as error:
        if is_away(error):
            raise
        logger.exception("Nobody could be told of notice %s", notice.key)
        made, notice.error = [], repr(error)
    Delivery.objects.bulk_create(made, ignore_conflicts=True)
    notice.told_at = now
    notice.save(update_fields=["told_at", "error"])


def _is_for_others(notice: Notice) -> bool:
    """A test run is nobody's business but that of who tries it, who sits before it."""
    return notice.approval is None or not notice.approval.run.is_trial


def _by_mail(notice: Notice, now: datetime) -> Iterator[Delivery]:
    people = recipients(notice, now)
    wanted = NoticePreference.objects.filter(user__in=[one.user_id for one in people])
    chosen = dict(wanted.values_list("user", "mail"))
    for one in people:
        mail = chosen.get(one.user_id, Mail.AT_ONCE)
        # What waits stands in the digest anyway; the rest is held for it.
        if mail == Mail.NONE or (mail == Mail.DAILY and notice.kind in WAITS):
            continue
        state = State.HELD if mail == Mail.DAILY else State.WAITING
        yield Delivery(
            notice=notice,
            channel=Delivery.Channel.MAIL,
            user_id=one.user_id,
            in_place_of_id=one.of,
            state=state,
            due_at=now if state == State.WAITING else None,
        )


def _by_chat(notice: Notice, now: datetime) -> Iterator[Delivery]:
    event = event_of(notice.kind)
    if not event or notice.approval is None:
        return
    workflow = notice.approval.run.workflow_id
    for hook in ChatHook.objects.filter(paused_at=None).prefetch_related("workflows"):
        chosen = {one.pk for one in hook.workflows.all()}
        if event in hook.events and (not chosen or workflow in chosen):
            yield Delivery(notice=notice, channel=Delivery.Channel.CHAT, hook=hook, due_at=now)
