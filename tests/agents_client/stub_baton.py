"""Baton as its agents see it, without a network: gives out tasks, keeps what it hears, fails when told to."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from orchestrator.agents.client import Agent, AsyncAgent, AsyncTask, Task

TOKEN = "batonagent_abcdefgh_0123456789012345678901234567890123456789012"
PATIENCE = 20.0
AnyTask = Task | AsyncTask
Maker = Callable[..., Agent | AsyncAgent]
Fault = tuple[int, str] | httpx.Response | Exception


@dataclass(frozen=True, slots=True)
class Heard:
    verb: str
    lease: int
    body: dict[str, Any]


class StubBaton:
    """Everything about it can be called from the thread of the test while an agent runs in another."""

    def __init__(self, lease_seconds: float = 60.0) -> None:
        self.lease_seconds = lease_seconds
        self.heard: list[Heard] = []
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.always: dict[str, Fault] = {}
        self.cancelled: set[int] = set()
        self.begun = threading.Event()
        self._tasks: deque[dict[str, Any]] = deque()
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._calls: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self.transport = httpx.MockTransport(self._answer)

    # For the test

    def give(self, **parameters: Any) -> int:
        """A task waits; its lease."""
        lease = next(self._numbers)
        until = datetime.now(UTC) + timedelta(seconds=self.lease_seconds)
        self._tasks.append(
            {
                "lease": lease,
                "run": 5,
                "workflow": "Review",
                "task": "read",
                "index": -1,
                "attempt": 2,
                "parameters": parameters,
                "idempotency_key": "run-5-read",
                "lease_until": until.isoformat(),
                "timeout_at": None,
            }
        )
        for loop, event in self._calls:
            loop.call_soon_threadsafe(event.set)
        return lease

    def fault(self, verb: str, *faults: Fault) -> None:
        """The next requests of this kind end like this."""
        self.faults[verb].extend(faults)

    def all(self, *verbs: str) -> list[Heard]:
        return [one for one in self.heard if one.verb in verbs]

    def wait_for(self, verb: str, count: int = 1) -> Heard:
        """The last of so many requests of this kind, once they have come."""
        self.wait_until(lambda: len(self.all(verb)) >= count)
        return self.all(verb)[count - 1]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, PATIENCE), self.heard

    # For the agent

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        who, verb, body = await _read(request)
        with self._changed:
            self.heard.append(Heard(verb, int(who) if who.isdigit() else 0, body))
            self._changed.notify_all()
        fault = self.faults[verb].popleft() if self.faults[verb] else self.always.get(verb)
        if isinstance(fault, Exception):
            raise fault
        if isinstance(fault, httpx.Response):
            return fault
        if fault is not None:
            return httpx.Response(
                fault[0], json={"error": {"code": fault[1], "message": "No.", "issues": []}}
            )
        return httpx.Response(200, json=await self._good(verb, who, body))

    async def _good(self, verb: str, who: str, body: dict[str, Any]) -> Any:
        if verb == "claim":
            return {"tasks": await self._given(body["wait"], body["most"])}
        if verb == "heartbeat":
            until = datetime.now(UTC) + timedelta(seconds=self.lease_seconds)
            is_over = int(who) in self.cancelled
            return {"lease_until": None if is_over else until.isoformat(), "cancelled": is_over}
        return {"status": "stored"}

    async def _given(self, wait: float, most: int) -> list[dict[str, Any]]:
        called = asyncio.Event()
        entry = (asyncio.get_running_loop(), called)
        self._calls.append(entry)
        try:
            if not self._tasks:
                await asyncio.wait_for(called.wait(), wait)
        except TimeoutError:
            return []
        finally:
            self._calls.remove(entry)
        return [self._tasks.popleft() for _ in range(min(most, len(self._tasks)))]


async def _read(request: httpx.Request) -> tuple[str, str, dict[str, Any]]:
    """Whose request it is, what it asks for, and what it holds."""
    content = await request.aread()
    *_, who, verb = request.url.path.split("/")
    if request.method == "PUT":
        assert request.headers["Content-Length"] == str(len(content))
        return request.url.path.split("/")[3], "attach", {"name": verb, "content": content}
    return who, verb, json.loads(content)


def of_threads(baton: StubBaton, function: Callable[[AnyTask], object], **given: Any) -> Agent:
    agent = Agent("http://baton", TOKEN, agent_id="reviewer", transport=baton.transport, **given)
    agent.task(function)
    return agent


def of_coroutines(baton: StubBaton, function: Callable[[AnyTask], object], **given: Any) -> AsyncAgent:
    agent = AsyncAgent("http://baton", TOKEN, agent_id="reviewer", transport=baton.transport, **given)

    @agent.task
    async def work(task: AsyncTask) -> object:
        return function(task)

    return agent


@contextmanager
def serving(agent: Agent | AsyncAgent) -> Iterator[threading.Thread]:
    """The agent runs in a thread until the block ends, and what it ended with is raised there."""
    ended: list[BaseException] = []

    def run() -> None:
        try:
            if isinstance(agent, AsyncAgent):
                asyncio.run(agent.run())
            else:
                agent.run()
        except BaseException as error:  # noqa: BLE001 - raised where the test waits
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        agent.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "The agent does not stop."
    if ended:
        raise ended[0]
