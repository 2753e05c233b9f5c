"""Agents that wait for work in one web process: a place for each, one look for all.

However many wait, they cost no thread and no connection: while there is anybody, one query every fifth of a second asks
which addresses have work, and as many are called as there are tasks, the least busy first.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.db import Error
from django.db.models import Count

from orchestrator.engine import agent_work, agents
from orchestrator.engine.agent_work import Assignment
from orchestrator.models import Agent

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.2
TROUBLE_SECONDS: Final = 1.0
SIGN_SECONDS: Final = 15.0  # between two notes of who is here

# Few: what they do is short, and each holds a connection.
_threads = ThreadPoolExecutor(2, thread_name_prefix="baton-agents")

P = ParamSpec("P")
T = TypeVar("T")


async def in_database(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `act` gives, in one of the threads that agents share."""
    run: Any = database_sync_to_async(act, thread_sensitive=False, executor=_threads)
    found: T = await run(*args, **kwargs)
    return found


@dataclass(eq=False, slots=True)
class Seat:
    """Where one agent waits. `load` is the share of its capacity that it uses."""

    agent: int
    addresses: frozenset[str]
    load: float
    since: float = field(default_factory=time.monotonic)
    call: asyncio.Event = field(default_factory=asyncio.Event)


class WaitingRoom:
    """That of one event loop."""

    _rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, WaitingRoom] = WeakKeyDictionary()

    def __init__(self) -> None:
        self._seats: set[Seat] = set()
        self._watch: asyncio.Task[None] | None = None
        self._signed = 0.0

    @classmethod
    def here(cls) -> WaitingRoom:
        return cls._rooms.setdefault(asyncio.get_running_loop(), cls())

    @contextmanager
    def seat(self, seat: Seat) -> Iterator[Seat]:
        """Waits here until the block ends."""
        self._seats.add(seat)
        if self._watch is None:
            self._watch = asyncio.create_task(self._look())
        try:
            yield seat
        finally:
            self._seats.discard(seat)

    async def _look(self) -> None:
        """For as long as anybody waits."""
        while self._seats:
            started = time.monotonic()
            pause = LOOK_SECONDS
            try:
                call(self._seats, await in_database(_waiting))
                await self._sign()
            except Error as error:
                logger.warning("Agents could not be told of work: %s", error)
                pause = TROUBLE_SECONDS
            except Exception:
                logger.exception("The look for agents' work failed and is repeated")
                pause = TROUBLE_SECONDS
            await asyncio.sleep(max(0.0, pause - (time.monotonic() - started)))
        self._watch = None

    async def _sign(self) -> None:
        if time.monotonic() - self._signed >= SIGN_SECONDS:
            self._signed = time.monotonic()
            await in_database(agents.seen, [seat.agent for seat in self._seats])


def call(seats: set[Seat], waiting: dict[str, int]) -> None:
    """Call as many as there are tasks, of those who may take them the least busy first, then who has waited longest."""
    for address, count in waiting.items():
        free = [seat for seat in seats if address in seat.addresses and not seat.call.is_set()]
        for seat in sorted(free, key=lambda one: (one.load, one.since))[:count]:
            seat.call.set()


def _waiting() -> dict[str, int]:
    """Address → how many tasks wait for it."""
    found = agent_work.waiting_for(None).order_by().values_list("agent_id").annotate(Count("id"))
    return dict(found)


async def fetch(agent: Agent, wait: float, most: int) -> list[Assignment]:
    """Work for this agent, as soon as there is any, for so many seconds at most."""
    end = time.monotonic() + wait
    found, load = await in_database(_take, agent.pk, most)
    if found or wait <= 0:
        return found
    with WaitingRoom.here().seat(Seat(agent.pk, frozenset(agent.addresses), load)) as seat:
        while (left := end - time.monotonic()) > 0:
            try:
                await asyncio.wait_for(seat.call.wait(), left)
            except TimeoutError:
                break
            seat.call.clear()
            found, seat.load = await in_database(_take, agent.pk, most)
            if found:
                return found
    return []


def _take(agent_id: int, most: int) -> tuple[list[Assignment], float]:
    agent = Agent.objects.filter(pk=agent_id).first()
    if agent is None:
        return [], 1.0
    found = agent_work.take(agent, most)
    return found, 0.0 if found else 1 - agent_work.free_capacity(agent) / agent.capacity


async def give_back(assignments: list[Assignment]) -> None:
    """The agent that was to have these has gone before it heard of them."""
    for one in assignments:
        await in_database(agent_work.release, one.lease)
