"""Agents that wait for work: they get it when it comes, hold nothing while they wait, and leave nothing when they go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator

from orchestrator import engine, tokens
from orchestrator.agents import waiting
from orchestrator.agents.waiting import Seat, call
from orchestrator.api.long_poll import with_long_poll
from orchestrator.engine import agents
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
    call({busy, free, other, later}, {"pool:x": 2, "nobody": 5})
    assert [one.call.is_set() for one in (busy, free, other, later)] == [False, True, False, True]
    call({busy, free, other, later}, {"pool:x": 1})
    assert busy.call.is_set()
