"""The worker: claims what it can carry, carries it out in threads, records what has finished together, looks again.

django-q2 calls `drain` when a wake-up arrives. One thread talks to the database: it takes the turns; the others only
execute actions. What finishes within a few milliseconds shares one turn, and that turn claims the next work.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from django.db import OperationalError, connection, connections

from orchestrator import conf, processes
from orchestrator.engine import leases
from orchestrator.engine.attempts import Attempt, attempts_for, carry_out
from orchestrator.engine.memory import Memory
from orchestrator.engine.points import reached
from orchestrator.engine.turn import ClaimRequest, TurnResult, take_turn
from orchestrator.lanes import Lanes
from orchestrator.models import Process, Run
from orchestrator.planning.machine import RUN_ENDED
from orchestrator.planning.signals import AttemptSignal, Failed, Released
from orchestrator.shift import Shift

logger = logging.getLogger(__name__)

GATHER_SECONDS = 0.002  # how long finished attempts wait for others to share their commit
LOOK_SECONDS = 0.05  # between looks for new work while there is room
FLUSH_LOGS_SECONDS = 1.0
QUICK_SECONDS = 0.005  # an attempt that takes less is not worth a turn of its own
AHEAD = 6  # how many of such are claimed for each thread
AHEAD_SECONDS = 1.0  # how long one may be held without a thread
AWAY_SECONDS = 0.5  # between tries while the database is away
STOP_SECONDS = 20.0  # how long a stopping worker lets its attempts finish


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def drain() -> int:
    """Carry work until none is left and none came for a moment, or the shift ends; the number of attempts carried out."""
    shift = Shift()
    worker = Worker(
        worker_name(),
        stop_asked=processes.stopping,
        every=partial(processes.beat, Process.Kind.WORKER),
        shift_ends=shift.closing,
        pace=_habits.pace,
        memory=_habits.memory,
    )
    return worker.run_until(idle_for(conf.linger_seconds()))


def carry(run_id: int, *, every: Callable[[], None] | None = None) -> int:
    """Carry one run to its end in this process. `every` is called about each second: the caller's clock."""
    worker = Worker(worker_name(), run_id=run_id, every=every)
    return worker.run_until(lambda _idle: Run.objects.filter(pk=run_id, status__in=RUN_ENDED).exists())


def idle_for(seconds: float) -> Callable[[float], bool]:
    return lambda idle: idle >= seconds


@dataclass(slots=True)
class Pace:
    """How quickly attempts end, and how many per thread may therefore be claimed at once.

    Claiming ahead spares a turn for every few tasks that do next to nothing; it would keep longer ones from other workers.
    """

    ahead: int = 1
    _mean: float = 1.0

    @property
    def quick(self) -> bool:
        return self.ahead > 1

    def note(self, seconds: float) -> None:
        self._mean += (seconds - self._mean) / 16
        self.ahead = AHEAD if self._mean < QUICK_SECONDS else 1

    def slow_down(self) -> None:
        """Something held up the others: many must end at once before more are claimed ahead again."""
        self._mean, self.ahead = 1.0, 1


@dataclass(slots=True)
class _Habits:
    """What a process keeps from one drain to the next."""

    pace: Pace = field(default_factory=Pace)
    memory: Memory = field(default_factory=Memory)


_habits = _Habits()


@dataclass(slots=True)
class Worker:
    """One process's carrying of work.

    `run_id` limits it to one run; `every` is called about each second; once `stop_asked` says so it claims nothing
    more, gives what runs `STOP_SECONDS` to finish, and what has not by then back to the queue. While `shift_ends` says
    so, asked with the number of attempts carried out, it claims nothing more either, and ends when nothing runs.
    """

    name: str
    run_id: int | None = None
    every: Callable[[], None] | None = None
    stop_asked: Callable[[], bool] = lambda: False
    shift_ends: Callable[[int], bool] = lambda _carried: False
    threads: int = field(default_factory=conf.threads)
    pace: Pace = field(default_factory=Pace)
    memory: Memory = field(default_factory=Memory)
    in_flight: dict[int, Attempt] = field(default_factory=dict)
    carried: int = 0
    stuck: int = 0
    _pending: list[AttemptSignal] = field(default_factory=list)
    _lines: list[leases.Line] = field(default_factory=list)
    _last_claim: float = 0.0
    _last_beat: float = 0.0
    _last_flush: float = 0.0
    _idle_since: float = 0.0
    _stopping_since: float | None = None
    _lanes: Lanes | None = None

    def run_until(self, finished: Callable[[float], bool]) -> int:
        """Work until `finished(seconds idle)` says so; the number of attempts carried out."""
        now = time.monotonic()
        self._last_beat = self._last_flush = self._idle_since = now
        try:
            while not self._step(finished):
                pass
        finally:
            # What was given back may still hold its lane: nobody waits for that.
            self.lanes.close(wait=not self.in_flight)
            self._lanes = None
        return self.carried

    def _step(self, finished: Callable[[float], bool]) -> bool:
        """One round; True when there is nothing more to do."""
        if self._stopping_since is None and self.stop_asked():
            self._stopping_since = time.monotonic()
        try:
            self._gather()
            claimed = self._turn()
            self._housekeep()
            if self._out_of_time():
                self._give_back()
                return True
            if self.in_flight or self._pending or claimed:
                self._idle_since = time.monotonic()
                return False
            return self._stopping_since is not None or self._rest(finished)
        except OperationalError as error:
            self._outlast(error)
            return False

    # Finished attempts

    def _gather(self) -> None:
        """Wait for something to finish, and a moment longer for what finishes with it."""
        if self.in_flight and not self._pending and not self._take(self._patience()):
            self.lanes.widen()
        last = time.monotonic() + GATHER_SECONDS
        while self._pending and self.in_flight and (left := last - time.monotonic()) > 0:
            self._take(left)
        self._take()

    def _patience(self) -> float:
        """How long to wait for an outcome; not for long while others wait behind what is being carried out."""
        return QUICK_SECONDS if self.lanes.waiting else LOOK_SECONDS

    def _take(self, timeout: float = 0.0) -> bool:
        taken = self.lanes.take(timeout)
        for attempt, signal in taken:
            if self.in_flight.get(attempt.claim.task.id) is attempt:
                del self.in_flight[attempt.claim.task.id]
            else:
                self.stuck -= 1
            self.pace.note(attempt.seconds_taken)
            self._lines += leases.lines_of([attempt])
            self._pending.append(signal)
        return bool(taken)

    # The turn

    def _turn(self) -> bool:
        """Record what has finished and claim what there is room for; whether anything was claimed."""
        room = 0 if self._takes_no_more() or self.stuck else self._window() - len(self.in_flight)
        if not self._pending and not self._worth_looking(room):
            return False
        request = ClaimRequest(self.name, room, run_id=self.run_id) if room > 0 else None
        result = take_turn(self._pending, claiming=request, lines=self._lines, memory=self.memory)
        self._pending, self._lines = [], []
        self._launch(result)
        return bool(result.claims)

    def _takes_no_more(self) -> bool:
        return self._stopping_since is not None or self.shift_ends(self.carried)

    def _window(self) -> int:
        """How many attempts to hold at once: one a thread, or more where they are over in no time."""
        return self.threads * self.pace.ahead

    def _worth_looking(self, room: int) -> bool:
        now = time.monotonic()
        if room <= 0 or now - self._last_claim < LOOK_SECONDS:
            return False
        self._last_claim = now
        return leases.anything_claimable(self.run_id)

    @property
    def lanes(self) -> Lanes:
        if self._lanes is None:
            # A lane may be the last to use its connection, and nobody would close it.
            self._lanes = Lanes(self.threads, _carry_out, connections.close_all)
        return self._lanes

    def _launch(self, result: TurnResult) -> None:
        if not result.claims:
            return
        reached("worker claimed")
        attempts = attempts_for(result.claims, self.name)
        self.in_flight |= {attempt.claim.task.id: attempt for attempt in attempts}
        self.carried += len(attempts)
        self.lanes.begin(attempts, together=self.pace.quick)

    # Leases, logs, the end

    def _housekeep(self) -> None:
        now = time.monotonic()
        if now - self._last_flush >= FLUSH_LOGS_SECONDS:
            self._last_flush = now
            leases.write_logs(self.in_flight.values())
            self._return_unbegun()
            if self.every:
                self.every()
        if now - self._last_beat >= conf.lease_seconds() / 4:
            self._last_beat = now
            self._extend()

    def _return_unbegun(self) -> None:
        """What was claimed ahead of a free thread and still waits for one goes back to the queue."""
        for attempt in [one for one in self.in_flight.values() if one.waited > AHEAD_SECONDS]:
            if self.lanes.withdraw(attempt):
                del self.in_flight[attempt.claim.task.id]
                self._pending.append(Released(**attempt.fence()))
                self.pace.slow_down()

    def _extend(self) -> None:
        """Keep the leases; an attempt that has lost its own is told to stop and holds its thread until it does."""
        for attempt in leases.extend(list(self.in_flight.values())):
            attempt.stop.set()
            del self.in_flight[attempt.claim.task.id]
            # One that no thread has taken up must not begin now: the task may be somebody else's already.
            self.stuck += 0 if self.lanes.withdraw(attempt) else 1

    def _rest(self, finished: Callable[[float], bool]) -> bool:
        if self.stuck:
            # A thread cannot be killed: the process goes, its supervisor starts a fresh one.
            logger.warning("%s gives up %s attempts that do not stop, and ends", self.name, self.stuck)
            os._exit(0)
        if self.shift_ends(self.carried) or finished(time.monotonic() - self._idle_since):
            return True
        time.sleep(LOOK_SECONDS / 2)
        return False

    def _outlast(self, error: OperationalError) -> None:
        """The database is away: what has finished is kept and offered again."""
        logger.warning("The database does not answer (%s); trying again", error)
        connection.close()
        time.sleep(AWAY_SECONDS)

    def _out_of_time(self) -> bool:
        since = self._stopping_since
        return since is not None and bool(self.in_flight) and time.monotonic() - since > STOP_SECONDS

    def _give_back(self) -> None:
        """Every attempt in flight goes back to the queue: this process is stopping."""
        for attempt in self.in_flight.values():
            attempt.stop.set()
        take_turn([Released(**attempt.fence()) for attempt in self.in_flight.values()])


def _carry_out(attempt: Attempt) -> AttemptSignal:
    attempt.begin()
    try:
        signal = carry_out(attempt)
    except BaseException as error:  # noqa: BLE001 - even an action that exits must not strand its task
        message = f"The action ended with {type(error).__name__}."
        signal = Failed(**attempt.fence(), error={"code": "exception", "message": message})
    attempt.end()
    reached("attempt carried out")
    return signal
