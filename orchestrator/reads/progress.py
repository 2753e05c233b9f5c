"""Progress bars: one piece for each task of a small run, in proportion for a large one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from orchestrator.models import Run, TaskRun
from orchestrator.planning.machine import RUN_ENDED
from orchestrator.reads.states import State, task_state

PIECES: Final = 40
# Of several tasks that share a piece, the one whose state says most.
_WEIGHT: Final[tuple[State, ...]] = (
    "failed",
    "waiting",
    "retrying",
    "running",
    "queued",
    "success",
    "skipped",
    "cancelled",
)


def bundle(states: Sequence[State]) -> list[State]:
    """At most `PIECES` states, in order: the weightiest of each stretch."""
    if len(states) <= PIECES:
        return list(states)
    cuts = [round(n * len(states) / PIECES) for n in range(PIECES + 1)]
    return [min(states[a:b], key=_WEIGHT.index) for a, b in pairwise(cuts)]


def pieces_of_runs(runs: Sequence[Run]) -> dict[int, list[State]]:
    """The bar of each run, in one query: tasks are read only of runs small enough to show each."""
    small = [run.pk for run in runs if run.total <= PIECES]
    states: dict[int, list[State]] = defaultdict(list)
    rows = TaskRun.objects.filter(run_id__in=small, index=-1).order_by("run_id", "order")
    for run_id, status, reason in rows.values_list("run_id", "status", "reason"):
        states[run_id].append(task_state(status, reason))
    return {run.pk: states[run.pk] if run.pk in states else _by_share(run) for run in runs}


def _by_share(run: Run) -> list[State]:
    """What the run's own counters tell: how much is done, how it ended, what is left."""
    if not run.total:
        return []
    counted = _counted(run)
    reached, pieces = 0, list[State]()
    for state, number in counted:
        reached += number
        wanted = round(PIECES * reached / run.total)
        # A few failures among thousands still show.
        least = len(pieces) + (1 if number and state in {"failed", "running"} else 0)
        pieces += [state] * (max(wanted, least) - len(pieces))
    return pieces[:PIECES]


def _counted(run: Run) -> list[tuple[State, int]]:
    running = run.executing
    rest = max(0, run.unsettled - running)
    cancelled = max(0, run.total - run.unsettled - run.completed - run.failed - run.skipped)
    ended = run.status in RUN_ENDED
    return [
        ("failed", run.failed),
        ("success", run.completed),
        ("skipped", run.skipped),
        ("cancelled", cancelled + (rest if ended else 0)),
        ("running", running),
        ("queued", 0 if ended else rest),
    ]
