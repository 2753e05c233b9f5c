"""The socket of a draft: who may open it, who is told to be there, and that every change of the draft is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client

from editor import drafts, rooms
from orchestrator import engine
from orchestrator.definition import formats
from orchestrator.models import Workflow
from orchestrator.web import feeds
from tests.engine.flows import flow, task
from tests.live.conftest import InDatabase
from tests.live.sockets import PATIENCE, Socket
from tests.people import bearer, person

PATH = "ws/workflows/drawn/"
DRAWN = {**flow({"a": task(), "b": task("a")}), "name": "Drawn"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(rooms, "SOONEST_SECONDS", 0.01)
    monkeypatch.setattr(rooms, "WRITE_SECONDS", 0.05)


@pytest.fixture
def anna(transactional_db: None) -> User:
    anna = person("anna", "designer")
    anna.first_name, anna.last_name = "Anna", "Berg"
    anna.save()
    return anna


@pytest.fixture
def bob(transactional_db: None) -> User:
    return person("bob", "designer")


@pytest.fixture
def workflow(transactional_db: None) -> Workflow:
    return engine.save_workflow(DRAWN, user=person("olga"))


def named(value: str) -> list[dict[str, Any]]:
    return [{"op": "set", "key": "a", "field": ["name"], "value": value}]


def edit(workflow: Workflow, user: User, name: str = "A") -> int:
    workflow.refresh_from_db()
    return drafts.change(workflow, named(name), base_rev=workflow.draft_rev, user=user).rev


async def hears(socket: Socket, kind: str) -> dict[str, Any]:
    """The next message of this kind."""
    while (message := await socket.hears())["t"] != kind:
        pass
    return message


async def hears_of(socket: Socket, *there: tuple[str, str | None]) -> None:
    """Waits until these are told to be there, each at a task. Whoever comes before the greeting is told in it."""
    while True:
        people = (await socket.hears()).get("people", ())
        if [(one["name"], one["at"]) for one in people] == list(there):
            return


# Who


@pytest.mark.parametrize(
    ("name", "roles", "expected"),
    [
        ("olga", (), True),
        ("dora", ("designer",), True),
        ("vera", ("viewer", "operator", "approver", "auditor"), False),
        ("oscar", (), False),
    ],
)
async def test_it_is_open_to_whoever_may_change_the_draft(
    in_db: InDatabase, workflow: Workflow, name: str, roles: tuple[str, ...], expected: bool
) -> None:
    user = workflow.owner if name == "olga" else await in_db(person, name, *roles)
    async with Socket(PATH, user) as socket:
        assert socket.is_open is expected


async def test_a_draft_that_does_not_exist_is_refused_like_one_that_may_not_be_seen(
    in_db: InDatabase, workflow: Workflow, anna: User
) -> None:
    oscar = await in_db(person, "oscar")
    async with Socket("ws/workflows/nothing/", anna) as missing, Socket(PATH, oscar) as hidden:
        assert (missing.is_open, missing.refusal) == (hidden.is_open, hidden.refusal) == (False, 1000)


async def test_it_says_first_where_the_draft_is_and_who_is_there(
    in_db: InDatabase, workflow: Workflow, anna: User
) -> None:
    async with Socket(PATH, anna) as socket:
        assert await socket.hears() == {
            "v": 1,
            "t": "hello",
            "rev": 1,
            "me": {"id": anna.pk},
            "people": [{"id": anna.pk, "name": "Anna Berg", "initials": "AB", "at": None}],
        }
        assert await socket.hears_nothing()


async def test_who_comes_selects_and_goes_is_told(
    in_db: InDatabase, workflow: Workflow, anna: User, bob: User
) -> None:
    async with Socket(PATH, anna) as socket:
        async with Socket(PATH, bob) as other:
            await hears_of(socket, ("Anna Berg", None), ("bob", None))
            await other.says({"t": "at", "task": "a"})
            await hears_of(socket, ("Anna Berg", None), ("bob", "a"))
            await other.says({"t": "at", "task": None})
            await hears_of(socket, ("Anna Berg", None), ("bob", None))
        await hears_of(socket, ("Anna Berg", None))


async def test_one_person_with_two_tabs_is_one_where_they_were_last(
    in_db: InDatabase, workflow: Workflow, anna: User, bob: User
) -> None:
    async with Socket(PATH, anna) as socket, Socket(PATH, bob) as first:
        async with Socket(PATH, bob) as second:
            await first.says({"t": "at", "task": "a"})
            await hears_of(socket, ("Anna Berg", None), ("bob", "a"))
            await second.says({"t": "at", "task": "b"})
            await hears_of(socket, ("Anna Berg", None), ("bob", "b"))
        await hears_of(socket, ("Anna Berg", None), ("bob", "a"))


async def test_people_of_another_draft_are_not_told(
    in_db: InDatabase, workflow: Workflow, anna: User, bob: User
) -> None:
    await in_db(engine.save_workflow, {**DRAWN, "id": "other"}, user=bob)
    async with Socket(PATH, anna) as socket:
        await hears(socket, "hello")
        async with Socket("ws/workflows/other/", bob) as other:
            assert len((await hears(other, "hello"))["people"]) == 1
            assert await socket.hears_nothing()


async def test_a_key_that_is_held_down_makes_few_messages_and_the_last_place_is_told(
    in_db: InDatabase, workflow: Workflow, anna: User, bob: User
) -> None:
    async with Socket(PATH, anna) as socket, Socket(PATH, bob) as other:
        await hears_of(socket, ("Anna Berg", None), ("bob", None))
        for number in range(60):
            await other.says({"t": "at", "task": f"t{number}"})
            await asyncio.sleep(0)
        messages = [await hears(socket, "people")]
        while messages[-1]["people"][1]["at"] != "t59":
            messages.append(await hears(socket, "people"))
        assert len(messages) < 10


# What it takes


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"t": "at"},
        {"t": "at", "task": 1},
        {"t": "at", "task": ["a"]},
        {"t": "at", "task": "a", "more": 1},
        {"t": "at", "task": "x" * 65},
        {"t": "at", "task": "a\u202eb"},
        {"t": "at", "task": "\x00"},
        {"t": "hello"},
        {"resume": 1},
    ],
    ids=str,
)
async def test_what_it_does_not_understand_is_refused_in_words_and_changes_nothing(
    in_db: InDatabase, workflow: Workflow, anna: User, frame: Any
) -> None:
    async with Socket(PATH, anna) as socket:
        await socket.says(frame)
        assert (await hears(socket, "refused"))["why"]
        await socket.says({"t": "at", "task": "a"})
        await hears_of(socket, ("Anna Berg", "a"))


@pytest.mark.parametrize(
    "raw",
    [
        {"text_data": "{"},
        {"text_data": "[]"},
        {"text_data": '{"t": "at", "task": "%s"}' % ("x" * 300)},
        {"bytes_data": b"{}"},
    ],
    ids=["torn", "no object", "too long", "bytes"],
)
async def test_what_is_no_frame_at_all_closes_it(
    in_db: InDatabase, workflow: Workflow, anna: User, raw: dict[str, Any]
) -> None:
    async with Socket(PATH, anna) as socket:
        await socket.wire.send_to(**raw)
        assert await socket.is_closed_with() == feeds.BAD_FRAME


# When it ends


async def test_a_lost_right_ends_it_and_the_person_is_gone(
    in_db: InDatabase, workflow: Workflow, anna: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "RECHECK_SECONDS", 0.05)
    async with Socket(PATH, anna) as socket:
        async with Socket(PATH, bob) as other:
            await hears_of(socket, ("Anna Berg", None), ("bob", None))
            await in_db(bob.groups.clear)
            assert await other.is_closed_with() == feeds.NOT_ALLOWED
        await hears_of(socket, ("Anna Berg", None))


async def test_a_workflow_that_is_deleted_ends_it(in_db: InDatabase, workflow: Workflow, anna: User) -> None:
    async with Socket(PATH, anna) as socket:
        await hears(socket, "hello")
        await in_db(workflow.delete)
        assert await socket.is_closed_with() == feeds.GONE


# What is done to the draft


def by_api(path: str, **body: Any) -> Callable[[Workflow, User], Any]:
    def send(workflow: Workflow, user: User) -> Any:
        url = f"/api/workflows/drawn/draft/{path}"
        return Client().post(url, body, content_type="application/json", headers=bearer(user))

    return send


def by_page(path: str, **form: Any) -> Callable[[Workflow, User], Any]:
    def send(workflow: Workflow, user: User) -> Any:
        client = Client()
        client.force_login(user)
        return client.post(f"/workflows/drawn/{path}", {"base_rev": workflow.draft_rev, **form})

    return send


def by_put(workflow: Workflow, user: User) -> Any:
    return Client().put("/api/workflows/drawn", DRAWN, content_type="application/json", headers=bearer(user))


def migrate(workflow: Workflow, user: User) -> None:
    """Its newest version is of an older schema."""
    older = {"name": "Drawn", "version": "1.1.0", "tasks": {"a": {"action": "agent_task"}}}
    workflow.versions.create(number=2, definition=older, schema_version="1.1.0")
    engine.migrate_workflow(workflow, user=user)


WAYS: dict[str, tuple[str, Callable[[Workflow, User], Any]]] = {
    "operations": ("edit", by_api("ops", base_rev=3, ops=named("Z"))),
    "undo": ("undo", by_api("undo")),
    "redo": ("redo", lambda w, user: (drafts.undo(w, user=user), drafts.redo(w, user=user))),
    "publish": ("publish", by_api("publish", base_rev=3)),
    "PUT": ("publish", by_put),
    "list view": ("edit", by_page("edit/", do="about", name="Other")),
    "list view, undo": ("undo", by_page("edit/", do="undo")),
    "list view, publish": ("publish", by_page("edit/", do="publish")),
    "JSON view": ("edit", by_page("edit/json/", definition=formats.to_json({**DRAWN, "name": "Other"}))),
    "restore": ("edit", by_page("restore/", version=1)),
    "migration": ("publish", migrate),
}


@pytest.mark.parametrize("way", WAYS)
async def test_every_change_of_the_draft_is_told_with_who_made_it_and_how(
    in_db: InDatabase, workflow: Workflow, anna: User, bob: User, way: str
) -> None:
    kind, act = WAYS[way]
    for name in ("X", "Y"):
        await in_db(edit, workflow, bob, name)
    await in_db(workflow.refresh_from_db)
    async with Socket(PATH, anna) as watching, Socket(PATH, bob) as own:
        before = (await hears(watching, "hello"))["rev"]
        await hears(own, "hello")
        await in_db(act, workflow, bob)
        await in_db(workflow.refresh_from_db)
        assert workflow.draft_rev > before
        for socket, mine in ((watching, False), (own, True)):
            while (told := await hears(socket, "rev"))["rev"] < workflow.draft_rev:
                pass
            assert told == {
                "v": 1,
                "t": "rev",
                "rev": workflow.draft_rev,
                "by": "bob",
                "mine": mine,
                "kind": kind,
            }


async def test_a_writer_that_tells_nobody_is_found_by_looking(
    in_db: InDatabase, workflow: Workflow, anna: User
) -> None:
    async with Socket(PATH, anna) as socket:
        await hears(socket, "hello")
        await in_db(Workflow.objects.filter(pk=workflow.pk).update, draft_rev=F("draft_rev") + 1)
        assert (await hears(socket, "rev"))["rev"] == 2


async def test_several_revisions_at_once_are_told_one_by_one(
    in_db: InDatabase, workflow: Workflow, anna: User, bob: User
) -> None:
    async with Socket(PATH, anna) as socket:
        await hears(socket, "hello")
        for number in range(4):
            await in_db(edit, workflow, bob, f"A{number}")
        assert [(await hears(socket, "rev"))["rev"] for _ in range(4)] == [2, 3, 4, 5]


async def test_of_very_many_only_the_last_are_told(
    in_db: InDatabase, workflow: Workflow, anna: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms.presence, "MOST_REVISIONS", 3)
    monkeypatch.setattr(rooms, "LOOK_SECONDS", 60.0)
    async with Socket(PATH, anna) as socket:
        await hears(socket, "hello")
        for number in range(9):
            await in_db(edit, workflow, bob, f"A{number}")
        rooms.Rooms.here().told([workflow.pk])
        assert (await hears(socket, "rev"))["rev"] == 8
        while (await hears(socket, "rev"))["rev"] < 10:
            pass


async def test_what_happened_while_a_socket_was_gone_shows_in_its_next_hello(
    in_db: InDatabase, workflow: Workflow, anna: User, bob: User
) -> None:
    async with Socket(PATH, anna) as socket:
        assert (await hears(socket, "hello"))["rev"] == 1
    await in_db(edit, workflow, bob)
    async with Socket(PATH, anna) as socket:
        assert (await hears(socket, "hello"))["rev"] == 2


async def test_sockets_close_within_patience_and_leave_nobody_behind(
    in_db: InDatabase, workflow: Workflow, anna: User
) -> None:
    async with Socket(PATH, anna) as socket:
        await hears(socket, "hello")
    async with asyncio.timeout(PATIENCE):
        while await in_db(rooms.presence.Presence.objects.exists):
            await asyncio.sleep(0.01)
    here = rooms.Rooms.here()
    assert (here._here, here._seen, here._recent, here._bells, here._tasks) == ({}, {}, {}, {}, [])
