"""Agents that wait for work in one web process: a place for each, one look for all.

However many wait, they cost no thread and no connection: while there is anybody, one query every fifth of a second asks
which addresses have work, and as many are called as there are tasks, in the order of `planning.queueing.order_of`. What that
goes by is learned every few minutes, for all who wait at once.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.db import Error
from django.db.models import Count
from django.utils import timezone

from orchestrator.engine import agent_work, agents
from orchestrator.engine.agent_figures import Figures, figures_of
from orchestrator.engine.agent_work import Assignment
from orchestrator.models import Agent
from orchestrator.planning.queueing import Standing, order_of

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.2
TROUBLE_SECONDS: Final = 1.0
SIGN_SECONDS: Final = 15.0  # between two notes of who is here
LEARN_SECONDS: Final = 120.0  # between two looks at how those who wait have done
LEARNED_OF: Final = timedelta(hours=12)
IDLE_SECONDS: Final = 1.0  # for which whoever was called and took nothing stands behind the others
UNKNOWN: Final = Figures()

# Few: what they do is short, and each holds a connection.
_threads = ThreadPoolExecutor(2, thread_name_prefix="baton-agents")

Gone = Callable[[], Awaitable[None]]

P = ParamSpec("P")
T = TypeVar("T")


async def in_database(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `act` gives, in one of the threads that agents share."""
    run: Any = database_sync_to_async(act, thread_sensitive=False, executor=_threads)
    found: T = await run(*args, **kwargs)
    return found


class GoneError(Exception):
    """Whoever asked hears no answer any more."""


@dataclass(eq=False, slots=True)
class Seat:
    """Where one agent waits. `load` is the share of its capacity that it uses, `free` how many more tasks it has room for;
    until `idle_until` it stands behind the others. Small, for there may be thousands."""

    agent: int
    addresses: frozenset[str]
    load: float = 0.0
    free: int = 1
    idle_until: float = 0.0
    since: float = field(default_factory=time.monotonic)
    called: bool = False
    alarm: asyncio.Timeout | None = None

    @classmethod
    def of(cls, agent: Agent) -> Seat:
        return cls(agent.pk, frozenset(map(sys.intern, agent.addresses)))

    def standing(self, known: Figures, now: float) -> Standing:
        return Standing(
            load=self.load,
            free=self.free,
            done=known.done,
            settled=known.settled,
            typical=known.typical.total_seconds() if known.typical else None,
            since=self.since,
            is_idle_call=now < self.idle_until,
        )

    def call(self) -> None:
        """End the wait: there is something to look at."""
        self.called = True
        if self.alarm is not None and not self.alarm.expired():
            self.alarm.reschedule(asyncio.get_running_loop().time())

    async def wait(self, seconds: float, gone: Gone) -> bool:
        """Up to so long; whether it was called. Listening for their leaving is the waiting: no other task is needed.

        Raises GoneError once they have left.
        """
        try:
            async with asyncio.timeout(0 if self.called else seconds) as self.alarm:
                await gone()
                raise GoneError
        except TimeoutError:
            return self.called
        finally:
            self.alarm = None


@dataclass(frozen=True, slots=True)
class Work:
    """Address → how many tasks wait for it, and the agents that are given none of them."""

    tasks: Mapping[str, int] = field(default_factory=dict)
    barred: frozenset[int] = frozenset()


class WaitingRoom:
    """That of one event loop."""

    _rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, WaitingRoom] = WeakKeyDictionary()

    def __init__(self) -> None:
        self._seats: set[Seat] = set()
        self._loads: dict[int, tuple[float, int]] = {}
        self._work = Work()
        self._known: dict[int, Figures] = {}
        self._learned = float("-inf")
        self._learning: asyncio.Task[None] | None = None
        self._looked = -LOOK_SECONDS
        self._watch: asyncio.Task[None] | None = None
        self._signed = 0.0

    @classmethod
    def here(cls) -> WaitingRoom:
        return cls._rooms.setdefault(asyncio.get_running_loop(), cls())

    def has_nothing_for(self, seat: Seat) -> bool:
        """Whether a look of just now found nothing: then who comes need not look for themselves."""
        is_fresh = self._watch is not None and time.monotonic() - self._looked < 2 * LOOK_SECONDS
        return is_fresh and seat.addresses.isdisjoint(self._work.tasks)

    def note_load(self, seat: Seat, load: float, free: int) -> None:
        self._loads[seat.agent] = seat.load, seat.free = load, free

    @contextmanager
    def seat(self, seat: Seat) -> Iterator[Seat]:
        """Waits here until the block ends."""
        seat.load, seat.free = self._loads.get(seat.agent, (0.0, 1))
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
                self._work = await in_database(_waiting)
                self._looked = time.monotonic()
                call(self._seats, self._work, self._known)
                await self._sign()
                self._learn()
            except Error as error:
                logger.warning("Agents could not be told of work: %s", error)
                pause = TROUBLE_SECONDS
            except Exception:
                logger.exception("The look for agents' work failed and is repeated")
                pause = TROUBLE_SECONDS
            await asyncio.sleep(max(0.0, pause - (time.monotonic() - started)))
        self._watch = None

    def _learn(self) -> None:
        """Beside the looks for work, which go on meanwhile."""
        if time.monotonic() - self._learned >= LEARN_SECONDS and self._learning is None:
            self._learned = time.monotonic()
            self._learning = asyncio.create_task(self._learn_now())

    async def _learn_now(self) -> None:
        try:
            self._known = await in_database(_figures, [seat.agent for seat in self._seats])
        except Error as error:
            logger.warning("How agents have done is not known: %s", error)
        finally:
            self._learning = None

    async def _sign(self) -> None:
        if time.monotonic() - self._signed >= SIGN_SECONDS:
            self._signed = time.monotonic()
            await in_database(agents.seen, [seat.agent for seat in self._seats])


def call(seats: Collection[Seat], work: Work, known: Mapping[int, Figures] | None = None) -> None:
    """Call as many as there are tasks, of those who may take them whoever is likely to have it done first."""
    now, figures = time.monotonic(), known or {}
    for address, those in _seats_by_address(seats, work).items():
        free = {
            seat: seat.standing(figures.get(seat.agent, UNKNOWN), now) for seat in those if not seat.called
        }
        for seat in order_of(free)[: work.tasks[address]]:
            seat.call()


def _seats_by_address(seats: Collection[Seat], work: Work) -> dict[str, list[Seat]]:
    """In one pass: comparing each seat with each address that has work takes too long where there are many of both."""
    found: dict[str, list[Seat]] = {}
    for seat in seats:
        if not seat.called and seat.agent not in work.barred:
            for address in seat.addresses & work.tasks.keys():
                found.setdefault(address, []).append(seat)
    return found


def _waiting() -> Work:
    found = dict(agent_work.waiting_for(None).order_by().values_list("agent_id").annotate(Count("id")))
    return Work(found, frozenset(agents.given_nothing())) if found else Work()


def _figures(waiting: Collection[int]) -> dict[int, Figures]:
    return figures_of(waiting, timezone.now() - LEARNED_OF)


async def fetch(seat: Seat, wait: float, most: int, gone: Gone) -> list[Assignment]:
    """Work for the agent of this seat, as soon as there is any, for so many seconds at most.

    `gone` returns once whoever waits has left: then nothing is left in their hands, and GoneError is raised.
    """
    room, end = WaitingRoom.here(), time.monotonic() + wait
    if (wait <= 0 or not room.has_nothing_for(seat)) and (found := await _taken(room, seat, most, gone)):
        return found
    with room.seat(seat):
        while (left := end - time.monotonic()) > 0 and await seat.wait(left, gone):
            seat.called = False
            if found := await _taken(room, seat, most, gone):
                return found
            seat.idle_until = time.monotonic() + IDLE_SECONDS
    return []


async def _taken(room: WaitingRoom, seat: Seat, most: int, gone: Gone) -> list[Assignment]:
    found, load, free = await in_database(_take, seat.agent, most)
    room.note_load(seat, load, free)
    if found and await _has_gone(gone):
        await give_back(found)
        raise GoneError
    return found


async def _has_gone(gone: Gone) -> bool:
    try:
        async with asyncio.timeout(0):
            await gone()
    except TimeoutError:
        return False
    return True


def _take(agent_id: int, most: int) -> tuple[list[Assignment], float, int]:
    """What it is given, the share of its capacity that is used then, and how much is left."""
    agent = Agent.objects.filter(pk=agent_id).first()
    if agent is None:
        return [], 1.0, 0
    found = agent_work.take(agent, most)
    free = agent_work.free_capacity(agent)
    return found, 1 - free / agent.capacity, free


async def give_back(assignments: list[Assignment]) -> None:
    """The agent that was to have these has gone before it heard of them."""
    for one in assignments:
        await in_database(agent_work.release, one.lease)
