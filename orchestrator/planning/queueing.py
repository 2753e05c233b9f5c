"""Where a task goes that may be carried out: into the queue of the workers, or to whoever fetches it, and to whom of those
first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from orchestrator.planning.board import Board
from orchestrator.planning.machine import TaskStatus, WaitReason
from orchestrator.planning.plan import AGENT_TASK
from orchestrator.planning.state import TaskState


def make_ready(board: Board, task: TaskState) -> None:
    """Queue a task, or let it wait for its agent when no worker serves that one."""
    if board.plan.tasks[task.key].action == AGENT_TASK and not board.world.served(task.agent_id):
        if (task.status, task.reason) != (TaskStatus.WAITING, WaitReason.AGENT):
            board.move(task, TaskStatus.WAITING, WaitReason.AGENT)
            board.note("task.waiting", task, reason=WaitReason.AGENT.value, agent=task.agent_id)
        return
    board.move(task, TaskStatus.READY)
    task.ready_at = board.world.now
    task.due_at = None


# Routing: whom of several that could take a task up.


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an agent that waits for work. `load` is the share of its capacity that it uses, `free` how many
    more tasks it has room for, `done` and `settled` count its leases that ended lately, `typical` is the length in
    seconds of what it completes, `since` when it began to wait. `is_idle_call`: it was called just now and took nothing."""

    load: float
    free: int = 1
    done: int = 0
    settled: int = 0
    typical: float | None = None
    since: float = 0.0
    is_idle_call: bool = False


Key = TypeVar("Key")

# An agent of which nothing is known counts as one that completed 9 of 10: it is tried, and not preferred.
_DONE_BEFORE: Final = 9
_SETTLED_BEFORE: Final = 10


def reliability(standing: Standing) -> float:
    """The share of what it takes up that it is likely to complete, never 0."""
    return (standing.done + _DONE_BEFORE) / (standing.settled + _SETTLED_BEFORE)


def burden(standing: Standing, usual: float | None) -> float:
    """How long a task is likely to take with it until it is done well, beside what is usual; busy agents count as slower.

    Less is better. One that fails half of its tasks needs twice as many tries.
    """
    pace = standing.typical / usual if standing.typical is not None and usual else 1.0
    return max(pace, 0.01) * (1.0 + standing.load) / reliability(standing)


def usual_length(standings: Iterable[Standing]) -> float | None:
    """What is usual among these: the middle of their typical lengths."""
    known = sorted(one.typical for one in standings if one.typical is not None)
    return known[len(known) // 2] if known else None


def order_of(standings: Mapping[Key, Standing]) -> list[Key]:
    """The keys of these, first whoever is to be asked first: by burden, then free room, then who has waited longest; last of
    all those who took nothing when they were called just now."""
    usual = usual_length(standings.values())

    def place(key: Key) -> tuple[bool, float, int, float]:
        one = standings[key]
        return one.is_idle_call, round(burden(one, usual), 3), -one.free, one.since

    return sorted(standings, key=place)
