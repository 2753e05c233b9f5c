"""Several web processes with the same draft open: they know of each other through the database, and sooner by Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from editor import drafts, presence, rooms
from editor.models import Presence
from editor.rooms import Rooms
from orchestrator import engine, events
from orchestrator.models import Workflow
from tests.engine.flows import flow, task
from tests.live.conftest import InDatabase
from tests.needs import redis_url
from tests.people import person

PATIENCE = 5.0


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(rooms, "SOONEST_SECONDS", 0.01)
    monkeypatch.setattr(rooms, "WRITE_SECONDS", 0.02)


@pytest.fixture
def anna(transactional_db: None) -> User:
    return person("anna", "designer")


@pytest.fixture
def bob(transactional_db: None) -> User:
    return person("bob", "designer")


@pytest.fixture
def workflow(transactional_db: None) -> Workflow:
    return engine.save_workflow({**flow({"a": task()}), "name": "Drawn"})


class Web:
    """A web process in which one person has the draft open."""

    def __init__(self, workflow: Workflow, user: User) -> None:
        self.rooms, self.pk, self.user = Rooms(), workflow.pk, user
        self.stack = ExitStack()

    async def __aenter__(self) -> Web:
        self.bell = self.stack.enter_context(self.rooms.bell(self.pk))
        self.tab = self.stack.enter_context(self.rooms.tab(self.pk, self.user))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stack.close()
        await self.rooms.say_farewell()

    def names(self) -> list[tuple[str, str | None]]:
        return [(one["name"], one["at"]) for one in self.rooms.people(self.pk)]

    def rev(self) -> int | None:
        found = self.rooms.seen(self.pk)
        return found.rev if found else None


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


async def test_who_is_at_another_web_process_is_known_moves_and_goes(
    in_db: InDatabase, workflow: Workflow, anna: User, bob: User
) -> None:
    async with Web(workflow, anna) as one:
        async with Web(workflow, bob) as other:
            await until(lambda: one.names() == [("anna", None), ("bob", None)] == other.names())
            other.rooms.move(other.tab, "a")
            await until(lambda: one.names() == [("anna", None), ("bob", "a")])
        await until(lambda: one.names() == [("anna", None)])


async def test_one_person_at_two_web_processes_is_one(
    in_db: InDatabase, workflow: Workflow, anna: User
) -> None:
    async with Web(workflow, anna) as one, Web(workflow, anna) as other:
        other.rooms.move(other.tab, "a")
        await until(lambda: one.names() == [("anna", "a")] == other.names())


async def test_a_web_process_that_died_is_forgotten_after_its_lease(
    in_db: InDatabase, workflow: Workflow, anna: User, bob: User
) -> None:
    def die() -> None:
        """Nothing renews or takes back what it has written."""
        presence.write("dead", [tab_of(workflow, bob)], ())

    await in_db(die)
    async with Web(workflow, anna) as one:
        await until(lambda: one.names() == [("anna", None), ("bob", None)])
        past = timezone.now() - timedelta(seconds=1)
        await in_db(Presence.objects.filter(process="dead").update, until=past)
        await until(lambda: one.names() == [("anna", None)])
        await one.rooms.write(renewing=True)
        assert not await in_db(Presence.objects.filter(process="dead").exists)


async def test_whoever_stays_is_renewed(
    in_db: InDatabase, workflow: Workflow, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "RENEW_SECONDS", 0.05)
    async with Web(workflow, anna):
        found: set[Any] = set()
        async with asyncio.timeout(PATIENCE):
            while len(found) < 3:
                found.update(await in_db(lambda: list(Presence.objects.values_list("until", flat=True))))


def tab_of(workflow: Workflow, user: User) -> presence.Tab:
    return presence.Tab("0" * 32, workflow.pk, user.pk, user.get_username(), "", timezone.now())


def test_a_workflow_that_is_gone_keeps_no_other_from_being_written(workflow: Workflow, anna: User) -> None:
    there = tab_of(workflow, anna)
    gone = presence.Tab("1" * 32, workflow.pk + 1, anna.pk, "anna", "", timezone.now())
    presence.write("one", [gone, there], ())
    assert list(Presence.objects.values_list("tab", flat=True)) == [there.key]


async def test_while_the_database_takes_nothing_those_here_see_each_other_and_others_later(
    in_db: InDatabase, workflow: Workflow, anna: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "RENEW_SECONDS", 0.05)
    write, failed = presence.write, []

    def away(*given: Any) -> None:
        failed.append(given)
        raise OperationalError("away")

    monkeypatch.setattr(presence, "write", away)
    async with Web(workflow, anna) as one, Web(workflow, bob) as other:
        await until(lambda: len(failed) > 2)
        assert (one.names(), other.names()) == ([("anna", None)], [("bob", None)])
        monkeypatch.setattr(presence, "write", write)
        await until(lambda: one.names() == [("anna", None), ("bob", None)] == other.names())


@pytest.mark.redis
async def test_over_redis_another_process_is_heard_of_without_looking(
    in_db: InDatabase,
    workflow: Workflow,
    anna: User,
    bob: User,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.REDIS_URL = redis_url()
    monkeypatch.setattr(rooms, "LOOK_SECONDS", 60.0)
    monkeypatch.setattr(rooms, "LOOK_SECONDS_WITH_NEWS", 60.0)
    async with Web(workflow, anna) as one:
        await until(lambda: one.rooms.hears_news and one.rev() == 1)
        await in_db(
            drafts.change, workflow, [{"op": "add", "key": "b", "task": task()}], base_rev=1, user=bob
        )
        await until(lambda: one.rev() == 2)
        async with Web(workflow, bob):
            await until(lambda: one.names() == [("anna", None), ("bob", None)])
        await until(lambda: one.names() == [("anna", None)])


async def test_without_an_answer_of_redis_it_looks_instead(
    in_db: InDatabase, workflow: Workflow, anna: User, bob: User, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    async with Web(workflow, anna) as one:
        await until(lambda: one.rev() == 1)
        await in_db(
            drafts.change, workflow, [{"op": "add", "key": "b", "task": task()}], base_rev=1, user=bob
        )
        await until(lambda: one.rev() == 2)


async def test_one_question_is_asked_for_all_drafts(
    in_db: InDatabase, workflow: Workflow, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[int]] = []
    look = rooms._look_at

    async def counted(known: dict[int, int | None], process: str) -> Any:
        asked.append(sorted(known))
        return await look(known, process)

    monkeypatch.setattr(rooms, "_look_at", counted)
    here = Rooms()
    other = await in_db(engine.save_workflow, {**flow({"a": task()}), "name": "Other"})
    with here.bell(workflow.pk), here.bell(workflow.pk), here.bell(other.pk):
        await until(lambda: len(asked) > 2)
    assert all(pks == sorted([workflow.pk, other.pk]) for pks in asked)
    await asyncio.sleep(0)
    assert not [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]


@pytest.mark.django_db
def test_a_draft_is_told_of_after_the_commit_and_not_when_it_is_taken_back(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(events, "tell", lambda channel, ids: told.append((channel, list(ids))))
    found = engine.start_draft("Drawn")
    with django_capture_on_commit_callbacks() as callbacks:
        drafts.change(found, [{"op": "add", "key": "b", "task": task()}], base_rev=1, user=person("anna"))
        engine.archive(found)
        assert told == []
    for callback in callbacks:
        callback()
    assert told == [(presence.DRAFTS_CHANNEL, [found.pk])]
