"""Agents that wait for work: they get it when it comes, hold nothing while they wait, and leave nothing when they go."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator

from orchestrator import engine, tokens
from orchestrator.agents import waiting
from orchestrator.agents.waiting import Seat, Work, call
from orchestrator.api.long_poll import with_long_poll
from orchestrator.engine import agent_work, agents
from orchestrator.engine.agent_figures import Figures
from orchestrator.models import Agent, Lease, Run
from tests.engine.flows import flow, task

pytestmark = pytest.mark.django_db(transaction=True)

in_db = sync_to_async
PATIENCE = 20.0


@pytest.fixture
def rover() -> tuple[Agent, str]:
    agent = agents.register("rover")
    return agent, tokens.issue_for_agent(agent)[1]


def started() -> Run:
    return engine.start(engine.save_workflow(flow({"a": task(agent_id="rover")})))


async def _elsewhere(_scope: Any, _receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def asking(
    token: str,
    body: Any = None,
    path: str = "/api/agents/rover/claim",
    method: str = "POST",
    host: str = "localhost",
) -> AsyncIterator[ApplicationCommunicator]:
    headers = [(b"host", host.encode()), (b"authorization", f"Bearer {token}".encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asked = ApplicationCommunicator(with_long_poll(_elsewhere), scope)
    content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    await asked.send_input({"type": "http.request", "body": content})
    try:
        yield asked
    finally:
        await asked.send_input({"type": "http.disconnect"})
        await asked.wait(PATIENCE)


async def answer_of(asked: ApplicationCommunicator) -> tuple[int, Any]:
    start = await asked.receive_output(PATIENCE)
    body = (await asked.receive_output(PATIENCE))["body"]
    return start["status"], json.loads(body) if body else None


async def seated(count: int = 1) -> None:
    """So many wait."""
    async with asyncio.timeout(PATIENCE):
        while len(waiting.WaitingRoom.here()._seats) != count:
            await asyncio.sleep(0.01)


async def test_work_that_is_there_is_given_at_once(rover: tuple[Agent, str]) -> None:
    await in_db(started)()
    async with asking(rover[1]) as asked:
        status, said = await answer_of(asked)
    assert (status, [one["task"] for one in said["tasks"]]) == (200, ["a"])


async def test_work_that_comes_is_given_to_whoever_waits(rover: tuple[Agent, str]) -> None:
    async with asking(rover[1], {"wait": 30}) as asked:
        await seated()
        await in_db(started)()
        status, said = await answer_of(asked)
    assert (status, len(said["tasks"])) == (200, 1)
    assert await Lease.objects.acount() == 1


async def test_without_work_the_answer_is_empty_after_a_while(rover: tuple[Agent, str]) -> None:
    async with asking(rover[1], {"wait": 0.3}) as asked:
        assert await answer_of(asked) == (200, {"tasks": []})


async def test_whoever_goes_away_holds_nothing(rover: tuple[Agent, str]) -> None:
    async with asking(rover[1], {"wait": 30}):
        await seated()
    await seated(0)
    run = await in_db(started)()
    assert await run.tasks.filter(status="waiting").acount() == 1


async def test_an_agent_that_waits_is_online(rover: tuple[Agent, str]) -> None:
    async with asking(rover[1], {"wait": 30}):
        async with asyncio.timeout(PATIENCE):
            while (await Agent.objects.aget()).seen_at is None:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"token": "batonagent_aaaaaaaa_" + "x" * 43}, 401, "token_invalid"),
        ({"path": "/api/agents/other/claim"}, 403, "not_allowed"),
        ({"body": {"wait": 61}}, 400, "invalid"),
        ({"body": {"wait": -1}}, 400, "invalid"),
        ({"body": {"seconds": 1}}, 400, "invalid"),
        ({"body": b"{"}, 400, "invalid"),
        ({"body": b"x" * 20_000}, 400, "invalid"),
        ({"host": "evil.example"}, 400, "invalid"),
    ],
)
async def test_what_is_wrong_is_said(rover: tuple[Agent, str], given: Any, status: int, code: str) -> None:
    async with asking(**{"token": rover[1], "body": {"wait": 0}, **given}) as asked:
        found, said = await answer_of(asked)
    assert (found, said["error"]["code"]) == (status, code), said


async def test_everything_else_is_left_to_the_application(rover: tuple[Agent, str]) -> None:
    for given in ({"path": "/api/agents/rover"}, {"method": "GET"}, {"path": "/api/agents/rover/claim/"}):
        async with asking(rover[1], **given) as asked:
            assert await answer_of(asked) == (299, None)


def test_as_many_are_called_as_there_are_tasks_the_least_busy_first() -> None:
    def seat(agent: int, load: float, *addresses: str) -> Seat:
        return Seat(agent, frozenset(addresses), load, since=float(agent))

    busy, free, other = seat(1, 0.5, "pool:x"), seat(2, 0.0, "pool:x", "b"), seat(3, 0.0, "pool:y")
    later = seat(4, 0.0, "pool:x")
    call({busy, free, other, later}, Work({"pool:x": 2, "nobody": 5}))
    assert [one.called for one in (busy, free, other, later)] == [False, True, False, True]
    call({busy, free, other, later}, Work({"pool:x": 1}))
    assert busy.called


async def test_who_comes_where_a_look_just_found_nothing_does_not_look_again(
    rover: tuple[Agent, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    take = waiting._take

    def counted(agent_id: int, most: int) -> Any:
        looks.append(agent_id)
        return take(agent_id, most)

    monkeypatch.setattr(waiting, "_take", counted)
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 10.0)
    async with asking(rover[1], {"wait": 30}):
        await seated()
        await looked()
        async with asking(rover[1], {"wait": 30}):
            await seated(2)
    assert len(looks) == 1


async def looked() -> None:
    """The room has made its first look."""
    async with asyncio.timeout(PATIENCE):
        while waiting.WaitingRoom.here()._looked < 0:
            await asyncio.sleep(0.01)


async def test_what_came_while_they_left_is_given_back(
    rover: tuple[Agent, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    began, left = threading.Event(), threading.Event()
    take = waiting._take

    def slow(agent_id: int, most: int) -> Any:
        began.set()
        assert left.wait(PATIENCE)
        return take(agent_id, most)

    monkeypatch.setattr(waiting, "_take", slow)
    run = await in_db(started)()
    async with asking(rover[1], {"wait": 30}) as asked:
        await in_db(began.wait)(PATIENCE)
        await asked.send_input({"type": "http.disconnect"})
        left.set()
        await asked.wait(PATIENCE)
    assert await Lease.objects.filter(ended_at=None).acount() == 0
    assert await run.tasks.filter(status="waiting").acount() == 1


def test_who_is_given_nothing_is_not_called_and_keeps_nobody_from_it() -> None:
    drained, active = Seat(1, frozenset({"x"}), 0.0, since=1.0), Seat(2, frozenset({"x"}), 0.5, since=2.0)
    call({drained, active}, Work({"x": 1}, barred=frozenset({1})))
    assert (drained.called, active.called) == (False, True)


def test_who_took_nothing_stands_behind_the_others_for_a_while() -> None:
    idle, busy = Seat(1, frozenset({"x"}), 0.0, since=1.0), Seat(2, frozenset({"x"}), 0.9, since=2.0)
    idle.idle_until = time.monotonic() + 100
    call({idle, busy}, Work({"x": 1}))
    assert (idle.called, busy.called) == (False, True)
    call({idle, busy}, Work({"x": 1}))
    assert idle.called


async def crew_of(rover: Agent) -> tuple[Agent, str]:
    """Another agent that does the same, and its token."""
    await in_db(agents.describe)(rover, pools=["crew"])
    other = await in_db(agents.register)("other", pools=["crew"])
    return other, (await in_db(tokens.issue_for_agent)(other))[1]


async def test_a_drained_agent_that_waits_does_not_keep_work_from_another(rover: tuple[Agent, str]) -> None:
    _, token = await crew_of(rover[0])
    await in_db(agents.drain)(rover[0])
    async with asking(rover[1], {"wait": 30}):
        await seated()
        async with asking(token, {"wait": 30}, path="/api/agents/other/claim") as asked:
            await seated(2)
            await in_db(crew_work)()
            status, said = await answer_of(asked)
    assert (status, len(said["tasks"])) == (200, 1)


async def test_of_two_who_wait_the_one_that_does_better_is_called(rover: tuple[Agent, str]) -> None:
    other, token = await crew_of(rover[0])
    room = waiting.WaitingRoom.here()
    room._known = {rover[0].pk: Figures(5, 50), other.pk: Figures(50, 50)}
    room._learned = time.monotonic()
    async with asking(rover[1], {"wait": 30}):
        await seated()
        async with asking(token, {"wait": 30}, path="/api/agents/other/claim") as asked:
            await seated(2)
            await in_db(crew_work)()
            status, said = await answer_of(asked)
    assert (status, len(said["tasks"])) == (200, 1)


def crew_work() -> Run:
    return engine.start(engine.save_workflow(flow({"a": task(agent_id="pool:crew")})))


async def test_how_they_have_done_is_learned_while_they_wait(rover: tuple[Agent, str]) -> None:
    await in_db(started)()
    (held,) = await in_db(agent_work.take)(rover[0])
    await in_db(agent_work.complete)(held.lease, None)
    async with asking(rover[1], {"wait": 30}):
        async with asyncio.timeout(PATIENCE):
            while not waiting.WaitingRoom.here()._known:
                await asyncio.sleep(0.01)
    found = waiting.WaitingRoom.here()._known[rover[0].pk]
    assert (found.done, found.settled, found.typical is not None) == (1, 1, True)
