"""The socket of a person: how many requests wait for them."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from monitoring import hub
from orchestrator.models import Approval, Run
from orchestrator.web import feeds
from orchestrator.web.context import waiting_now
from tests.live.conftest import InDatabase
from tests.live.sockets import Socket, make_run
from tests.people import person


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "APPROVALS_SECONDS", 0.05)


@pytest.fixture
def alice(transactional_db: None) -> User:
    return person("alice", "approver")


def ask(run: Run, approver: User) -> Approval:
    approval = Approval.objects.create(
        run=run, task_run=run.tasks.get(), epoch=1, title="Pay?", requested_at=timezone.now()
    )
    approval.approvers.create(name=approver.get_username(), user=approver)
    return approval


def decide(approval: Approval) -> None:
    Approval.objects.filter(pk=approval.pk).update(status=Approval.Status.APPROVED)


async def number_of(socket: Socket) -> int:
    """The number that is told next."""
    message = await socket.hears()
    assert message == {"v": 1, "approvals": message["approvals"], "as_of": message["as_of"]}
    number: int = message["approvals"]
    return number


async def test_the_number_comes_at_once_and_then_when_it_changes(in_db: InDatabase, alice: User) -> None:
    async with Socket("ws/me/", alice) as socket:
        assert await number_of(socket) == 0
        approval = await in_db(ask, await in_db(make_run), alice)
        assert await number_of(socket) == 1
        await in_db(decide, approval)
        assert await number_of(socket) == 0


async def test_the_mark_is_that_of_what_waits(in_db: InDatabase, alice: User) -> None:
    async with Socket("ws/me/", alice) as socket:
        assert (await socket.hears())["as_of"] == (await in_db(waiting_now, alice)).mark


async def test_whoever_comes_beside_others_is_told_at_once_too(in_db: InDatabase, alice: User) -> None:
    """The look-out knows already what they have not heard."""
    async with Socket("ws/me/", alice) as first:
        assert await number_of(first) == 0
        await in_db(ask, await in_db(make_run), alice)
        assert await number_of(first) == 1
        async with Socket("ws/me/", alice) as second:
            assert await number_of(second) == 1


async def test_a_request_that_asks_others_later_is_told_to_them(in_db: InDatabase, alice: User) -> None:
    """As one of several levels does, and one that climbs a ladder."""

    def asked_elsewhere() -> Approval:
        return ask(make_run(), person("bob", "approver"))

    approval = await in_db(asked_elsewhere)
    async with Socket("ws/me/", alice) as socket:
        assert await number_of(socket) == 0
        await in_db(approval.approvers.create, name="alice", user=alice, level=2)
        assert await number_of(socket) == 1


async def test_a_question_counts_for_whom_it_was_put_to(in_db: InDatabase, alice: User) -> None:
    """As it does on the rail that the page came with."""

    def put_to_alice() -> None:
        bob = person("bob", "approver")
        asked = {"asked_by": bob, "asked_of": alice, "asked_at": timezone.now(), "text": "Why?"}
        ask(make_run(), bob).questions.create(uid=uuid.uuid4(), **asked)

    async with Socket("ws/me/", alice) as socket:
        assert await number_of(socket) == 0
        await in_db(put_to_alice)
        assert await number_of(socket) == 1


async def test_one_that_comes_as_another_goes_is_told_although_there_are_as_many(
    in_db: InDatabase, alice: User
) -> None:
    first = await in_db(ask, await in_db(make_run), alice)
    async with Socket("ws/me/", alice) as socket:
        assert await number_of(socket) == 1
        run = await in_db(make_run)

        def exchange() -> None:
            with transaction.atomic():
                decide(first)
                ask(run, alice)

        await in_db(exchange)
        assert await number_of(socket) == 1


async def test_what_others_are_asked_is_not_said(in_db: InDatabase, alice: User) -> None:
    bob = await in_db(person, "bob", "approver")
    async with Socket("ws/me/", alice) as socket:
        assert await number_of(socket) == 0
        await in_db(ask, await in_db(make_run), bob)
        assert await socket.hears_nothing()


async def test_one_socket_too_many_is_refused_until_another_closes(
    in_db: InDatabase, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MOST_SOCKETS", 2)
    bob = await in_db(person, "bob", "approver")
    async with Socket("ws/me/", alice) as first:
        async with Socket("ws/me/", alice) as second, Socket("ws/me/", alice) as third:
            assert (first.is_open, second.is_open, third.is_open) == (True, True, False)
            async with Socket("ws/me/", bob) as other:
                assert other.is_open
        async with Socket("ws/me/", alice) as again:
            assert again.is_open
    assert not feeds.seats()
