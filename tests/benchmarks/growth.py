"""Whether a turn costs more in a large run, or beside many old ones: it must not."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial

from django.db import connection
from django.utils import timezone

from orchestrator import engine
from orchestrator.engine.turn import Claim, ClaimRequest, take_turn
from orchestrator.models import Event, Run, TaskRun, Workflow
from orchestrator.planning.machine import RunStatus, TaskStatus
from orchestrator.planning.signals import Succeeded
from tests.benchmarks import flows, raw

SIZES = (100, 1_000, 5_000)
OLD_RUNS, TASKS_OF_OLD = 10_000, 5
TURNS = 90
TOGETHER = 10  # runs that share a turn


def growth() -> dict[str, float]:
    """The median turn in a run of 100 tasks, and by which part it is longer in larger ones or beside old runs.

    A disk has its moods. Runs of different sizes therefore take their turns alternately, and what comes before and after
    the old runs is each measured by raw commits made in between.
    """
    wide, chain = flows.wide(SIZES[0]), flows.chain(TURNS + 1)
    small, *larger = _medians([wide, *(flows.wide(size) for size in SIZES[1:])])
    before = _in_raw_commits(_turns(wide)), _in_raw_commits(_turns_over_many(chain))
    _add_old_runs(flows.chain(TASKS_OF_OLD))
    after = _in_raw_commits(_turns(wide)), _in_raw_commits(_turns_over_many(chain))
    beside_old = (one / other for one, other in zip(after, before, strict=True))
    return {
        "turn_ms": 1000 * small,
        "turn_growth": max(*(one / small for one in larger), *beside_old) - 1,
    }


def _medians(workflows: Sequence[Workflow]) -> list[float]:
    turns = [_turns(workflow) for workflow in workflows]
    taken = [[next(one) for one in turns] for _ in range(TURNS)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def _in_raw_commits(turns: Iterator[float]) -> float:
    """How many raw commits one of these turns takes."""
    with raw.committing() as commit:
        taken = [(next(turns), seconds(commit)) for _ in range(TURNS)]
    return statistics.median(turn for turn, _ in taken) / statistics.median(one for _, one in taken)


def _turns(workflow: Workflow) -> Iterator[float]:
    """The seconds of one turn after another that records an outcome and claims the next task, in this process."""
    run = engine.start(workflow)
    asking = ClaimRequest("bench", 1, run_id=run.pk)
    claims = take_turn(claiming=asking).claims
    while claims:
        outcome = _done(claims[0])
        began = time.perf_counter()
        claims = take_turn([outcome], claiming=asking).claims
        yield time.perf_counter() - began


def _turns_over_many(workflow: Workflow) -> Iterator[float]:
    """The seconds of one turn after another that records an outcome of each of some runs and opens what follows."""
    runs = [engine.start(workflow) for _ in range(TOGETHER)]
    for _ in range(TURNS):
        asked = [ClaimRequest("bench", 1, run_id=run.pk) for run in runs]
        outcomes = [_done(claim) for asking in asked for claim in take_turn(claiming=asking).claims]
        yield seconds(partial(take_turn, outcomes))


def _done(claim: Claim) -> Succeeded:
    task = claim.task
    return Succeeded(run_id=task.run_id, task_id=task.id, claim=task.claim, actor="worker:bench", output=None)


def seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _add_old_runs(workflow: Workflow) -> None:
    """Rows as finished runs leave them."""
    version = workflow.versions.get()
    long_ago = timezone.now() - timedelta(days=30)
    runs = Run.objects.bulk_create(
        [_old_run(workflow, version.pk, long_ago) for _ in range(OLD_RUNS)], batch_size=1_000
    )
    TaskRun.objects.bulk_create(
        [
            TaskRun(run=run, key=f"t{n}", order=n, status=TaskStatus.COMPLETED, finished_at=long_ago)
            for run in runs
            for n in range(TASKS_OF_OLD)
        ],
        batch_size=1_000,
    )
    Event.objects.bulk_create(
        [
            Event(run=run, seq=n + 1, type="task.completed", task=f"t{n}", at=long_ago, digest="0" * 64)
            for run in runs
            for n in range(TASKS_OF_OLD)
        ],
        batch_size=1_000,
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as it would by itself, but not in the middle of the measuring


def _old_run(workflow: Workflow, version: int, at: object) -> Run:
    return Run(
        workflow=workflow,
        version_id=version,
        status=RunStatus.COMPLETED,
        total=TASKS_OF_OLD,
        unsettled=0,
        created_at=at,
        touched_at=at,
        finished_at=at,
    )
