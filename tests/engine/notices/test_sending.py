"""Sent once by several senders, at least once when one dies, tried again later and later, and given up in the end."""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection

from orchestrator.engine import points
from orchestrator.models import Delivery, Notice
from orchestrator.notices import sender, sending
from orchestrator.notices.sending import (
    LEASE,
    MOST_TRIES,
    Trouble,
    claim,
    pause_before,
    send_again,
    trouble_of,
)
from orchestrator.notices.telling import tell
from orchestrator.reads.notices import MANY, trouble
from tests.engine.notices.conftest import Post, with_address
from tests.people import person


class Killed(BaseException):
    """As if the process died here."""


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_each_once() -> None:
    post = Post()
    names = [with_address(f"p{number}", "approver").username for number in range(30)]
    post.ask(*names)
    start = threading.Barrier(2)

    def go_round() -> None:
        start.wait()
        for _ in range(4):
            sender.look(post.crank.now)
        connection.close()

    both = [threading.Thread(target=go_round) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    sender.look(post.crank.now)
    assert sorted(one.to[0] for one in mail.outbox) == sorted(f"{name}@example.org" for name in names)
    assert set(Delivery.objects.values_list("state", "tries")) == {("sent", 1)}


@pytest.mark.django_db
def test_two_clocks_tell_a_notice_once(post: Post, ann: User) -> None:
    post.ask("ann")
    assert (tell(post.crank.now), tell(post.crank.now)) == (1, 0)
    assert Delivery.objects.count() == 1
    Notice.objects.update(told_at=None)  # as if the first had not got to noting it
    assert tell(post.crank.now) == 1
    assert Delivery.objects.count() == 1


@pytest.mark.django_db
def test_what_was_sent_and_not_noted_is_sent_again_under_the_same_id(post: Post, ann: User) -> None:
    def die() -> None:
        raise Killed

    post.ask("ann")
    points.arm("notice sent", die)
    with pytest.raises(Killed):
        post.later()
    points.disarm()
    assert len(mail.outbox) == 1
    assert post.later(LEASE.total_seconds() - 1) == []
    assert post.later(2) == ["ann: Decide: Pay?"]
    first, second = mail.outbox
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]
    assert first.message()["Message-ID"] == second.message()["Message-ID"]


@pytest.mark.parametrize(
    "point", ["claim notices before commit", "claim notices after commit", "telling before commit"]
)
@pytest.mark.django_db(transaction=True)
def test_a_sender_that_dies_before_it_sends_loses_nothing(point: str) -> None:
    post = Post()
    with_address("ann", "approver")

    def die() -> None:
        raise Killed

    post.ask("ann")
    points.arm(point, die)
    with pytest.raises(Killed):
        post.later()
    points.disarm()
    assert mail.outbox == []
    assert post.later(LEASE.total_seconds() + 1) == ["ann: Decide: Pay?"]


class Failing(EmailBackend):
    """Refuses as the test says."""

    error: Exception | None = None
    opened = 0

    def open(self) -> bool:
        type(self).opened += 1
        return True

    def send_messages(self, messages: Any) -> int:
        if self.error is not None and "ann" in messages[0].to[0]:
            raise self.error
        return int(super().send_messages(messages))


@pytest.fixture
def failing(settings: Any) -> type[Failing]:
    settings.EMAIL_BACKEND = f"{__name__}.Failing"
    Failing.error, Failing.opened = None, 0
    return Failing


@pytest.mark.django_db
def test_a_server_that_is_away_is_tried_later_and_later_and_given_up(
    post: Post, ann: User, failing: type[Failing]
) -> None:
    failing.error = ConnectionRefusedError(111, "Connection refused")
    post.ask("ann")
    waits = []
    for _ in range(MOST_TRIES):
        post.later()
        delivery = Delivery.objects.get()
        if delivery.due_at is None:
            break
        waits.append((delivery.due_at - post.crank.now).total_seconds())
        post.crank.now = delivery.due_at
    assert waits == [pause_before(tries) for tries in range(1, MOST_TRIES)]
    assert (delivery.state, delivery.tries) == ("failed", MOST_TRIES)
    assert "cannot be reached" in delivery.error and "Connection refused" in delivery.error
    failing.error = None
    assert send_again([delivery.pk], post.crank.now) == 1
    assert post.later() == ["ann: Decide: Pay?"]
    assert Delivery.objects.get().error == ""


@pytest.mark.django_db
def test_one_that_is_refused_keeps_no_other(post: Post, ann: User, bob: User, failing: type[Failing]) -> None:
    failing.error = smtplib.SMTPRecipientsRefused({"ann@example.org": (550, b"No such user")})
    post.ask("ann", "bob")
    assert post.later() == ["bob: Decide: Pay?"]
    assert (
        Delivery.objects.get(state="failed").error == "The mail server refused the address: 550 No such user"
    )


@pytest.mark.django_db
def test_a_fault_of_ours_keeps_no_other_and_is_tried_again(
    post: Post, ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sending.letter

    def faulty(delivery: Delivery, now: Any) -> Any:
        if delivery.user == ann:
            raise KeyError("nope")
        return real(delivery, now)

    monkeypatch.setattr(sending, "letter", faulty)
    post.ask("ann", "bob")
    assert post.later() == ["bob: Decide: Pay?"]
    assert Delivery.objects.get(user=ann).state == "waiting"
    monkeypatch.undo()
    assert post.later(31) == ["ann: Decide: Pay?"]


REFUSALS: dict[str, tuple[Exception, bool]] = {
    "nobody there": (ConnectionRefusedError(), True),
    "no answer": (TimeoutError("timed out"), True),
    "hung up": (smtplib.SMTPServerDisconnected("Connection unexpectedly closed"), True),
    "greylisted": (smtplib.SMTPRecipientsRefused({"a@b": (451, b"later")}), True),
    "unknown": (smtplib.SMTPRecipientsRefused({"a@b": (550, b"never")}), False),
    "spam": (smtplib.SMTPDataError(554, b"spam"), False),
    "full": (smtplib.SMTPDataError(452, b"full"), True),
    "wrong password": (smtplib.SMTPAuthenticationError(535, b"no"), True),  # mended in the settings
    "wrong sender": (smtplib.SMTPSenderRefused(550, b"no", "x@y"), True),  # mended in the settings
}


@pytest.mark.parametrize(("error", "retryable"), REFUSALS.values(), ids=REFUSALS)
def test_what_may_pass_is_tried_again(error: Exception, retryable: bool) -> None:
    found = trouble_of(error)
    assert isinstance(found, Trouble)
    assert found.retryable is retryable
    assert found.message == found.message.strip()
    assert len(found.message.rpartition(": ")[2]) > 3


@pytest.mark.django_db
def test_a_batch_is_bounded_and_the_rest_comes_next(post: Post) -> None:
    names = [with_address(f"p{number}", "approver").username for number in range(sending.BATCH + 3)]
    post.ask(*names)
    assert len(post.later()) == sending.BATCH
    assert len(post.later()) == 3


@pytest.mark.django_db
def test_no_transaction_is_open_while_it_is_sent(
    post: Post, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth: list[int] = []
    real: Callable[..., int] = EmailBackend.send_messages

    def watched(backend: EmailBackend, messages: Any) -> int:
        depth.append(len(connection.savepoint_ids))
        return real(backend, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", watched)
    post.ask("ann")
    before = len(connection.savepoint_ids)
    post.later()
    assert depth == [before]


@pytest.mark.django_db
def test_what_took_longer_than_the_claim_changes_nothing_any_more(post: Post, ann: User) -> None:
    post.ask("ann")
    tell(post.crank.now)
    (slow,) = claim("mail", post.crank.now)
    later = post.crank.now + LEASE + timedelta(seconds=1)
    (other,) = claim("mail", later)
    sending._end(slow, "failed", later, "too late")
    assert Delivery.objects.get().state == "waiting"
    sending._end(other, "sent", later, "")
    assert Delivery.objects.get().state == "sent"


@pytest.mark.django_db
def test_many_that_were_given_up_are_told_of(post: Post) -> None:
    names = [with_address(f"p{number}", "approver").username for number in range(MANY)]
    post.ask(*names)
    tell(post.crank.now)
    assert trouble(post.crank.now) == ""
    assert "no clock sends them" in trouble(post.crank.now + timedelta(hours=1))
    Delivery.objects.update(state="failed", ended_at=post.crank.now)
    assert trouble(post.crank.now).startswith(f"{MANY} mails and messages were given up")


@pytest.mark.django_db
def test_a_look_without_news_is_a_few_reads(post: Post, django_assert_max_num_queries: Any) -> None:
    person("ann")
    with django_assert_max_num_queries(3):
        sender.look(post.crank.now, seldom=False)
