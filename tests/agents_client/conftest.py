"""Agents of both kinds, beside a Baton that is played."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orchestrator.agents.client import Agent, AsyncAgent, AsyncTask, Task, hands, serving
from orchestrator.agents.client.answers import File
from tests.agents_client.stub_baton import (
    PATIENCE,
    TOKEN,
    AnyTask,
    Maker,
    StubBaton,
    of_coroutines,
    of_threads,
)


@pytest.fixture(params=[of_threads, of_coroutines], ids=["threads", "coroutines"])
def make(request: pytest.FixtureRequest) -> Maker:
    """Makes an agent of either kind out of a function that does not wait."""
    maker: Maker = request.param
    return maker


@pytest.fixture(params=[Agent, AsyncAgent], ids=["threads", "coroutines"])
def patient(request: pytest.FixtureRequest) -> Maker:
    """Makes an agent of either kind whose tasks go on until they are cancelled."""

    def make(baton: StubBaton, ended: list[AnyTask], **given: Any) -> Agent | AsyncAgent:
        agent = request.param("http://baton", TOKEN, agent_id="reviewer", transport=baton.transport, **given)

        def in_thread(task: Task) -> object:
            baton.begun.set()
            assert task.cancelled.wait(PATIENCE)
            ended.append(task)
            return "too late"

        async def in_loop(task: AsyncTask) -> object:
            baton.begun.set()
            try:
                await task.cancelled.wait()
            finally:
                ended.append(task)
            return "too late"

        agent.task(in_thread if isinstance(agent, Agent) else in_loop)
        return agent  # type: ignore[no-any-return]

    return make


@pytest.fixture(params=[Agent, AsyncAgent], ids=["threads", "coroutines"])
def make_attaching(request: pytest.FixtureRequest) -> Maker:
    """Makes an agent of either kind that hands in these files."""

    def make(baton: StubBaton, given: list[tuple[str, File]]) -> Agent | AsyncAgent:
        agent = request.param("http://baton", TOKEN, agent_id="reviewer", transport=baton.transport)

        def in_thread(task: Task) -> object:
            for name, data in given:
                task.attach(name, data)
            return None

        async def in_loop(task: AsyncTask) -> object:
            for name, data in given:
                await task.attach(name, data)
            return None

        agent.task(in_thread if isinstance(agent, Agent) else in_loop)
        return agent  # type: ignore[no-any-return]

    return make


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that is stopped waits hardly at all for an answer that is on its way."""
    monkeypatch.setattr(serving, "LAST_ANSWER_SECONDS", 0.02)


@pytest.fixture
def baton() -> StubBaton:
    return StubBaton()


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for; they last a hundredth of what they say."""
    found: list[float] = []

    async def pause(seconds: float) -> None:
        found.append(seconds)
        await asyncio.sleep(seconds / 100)

    monkeypatch.setattr(hands, "pause", pause)
    return found
