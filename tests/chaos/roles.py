"""Who is killed: each process of Baton by what it does at that moment."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils import timezone
from django_q.models import OrmQ

from orchestrator.models import TaskRun
from orchestrator.planning.machine import TaskStatus
from tests.chaos.baton import UP_SECONDS
from tests.chaos.processes import Seen

Family = Sequence[Seen]
Find = Callable[[Family], Seen | None]

STEADY_PACE = 0.4
SPARSE_PACE = 2.5  # leaves moments in which nobody has anything to do


@dataclass(frozen=True)
class Role:
    """`find` gives the one to be killed, or None while nobody is at that place."""

    name: str
    find: Find
    signal: signal.Signals = signal.SIGKILL
    pace: float = STEADY_PACE
    recovers_within: float = 30.0


def _the(role: str) -> Find:
    return lambda family: next((one for one in family if one.role == role), None)


def _busy_worker(family: Family) -> Seen | None:
    """One with a task under way."""
    running = TaskRun.objects.filter(status=TaskStatus.RUNNING).values_list("worker", flat=True)
    busy = {name.rpartition(":")[2] for name in running}
    return next((one for one in family if one.role == "worker" and str(one.pid) in busy), None)


def _idle_worker(*, next_in_line: bool) -> Find:
    """One that waits: for the next message, which it does with the lock of the queue in its hand, or for that lock."""

    def find(family: Family) -> Seen | None:
        if _anything_to_do():
            return None
        readers = [one for one in family if one.role == "worker" and one.reads_a_pipe]
        others = [one for one in family if one.role == "worker" and not one.reads_a_pipe]
        if len(readers) != 1:  # one is just between two messages
            return None
        return readers[0] if next_in_line else others[0]

    return find


def _anything_to_do() -> bool:
    under_way = TaskRun.objects.filter(status__in=(TaskStatus.RUNNING, TaskStatus.READY)).exists()
    return under_way or OrmQ.objects.filter(lock__lte=timezone.now()).exists()


# Those with whom the whole cluster ends stand apart from each other, as far as there are others.
ROLES = (
    Role("busy worker", _busy_worker),
    Role("cluster", _the("cluster")),
    Role("clock", _the("clock")),
    Role("monitor", _the("monitor")),
    Role("idle worker, next in line", _idle_worker(next_in_line=True), pace=SPARSE_PACE),
    Role("web", _the("web")),
    Role("pusher", _the("pusher")),
    Role("sentinel", _the("sentinel")),
    Role("clock, stopped", _the("clock"), signal.SIGSTOP),
    Role("idle worker, behind", _idle_worker(next_in_line=False), pace=SPARSE_PACE),
    # Nobody but the machine can start it again, and how soon it does is not Baton's.
    Role("keeper", _the("keeper"), recovers_within=UP_SECONDS),
)
NAMES = tuple(role.name for role in ROLES)
