"""Whether a turn costs more in a large run, or beside many old ones: it must not."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from orchestrator import engine
from orchestrator.engine.turn import ClaimRequest, take_turn
from orchestrator.models import Event, Run, TaskRun, Workflow
from orchestrator.planning.machine import RunStatus, TaskStatus
from orchestrator.planning.signals import Succeeded
from tests.benchmarks import flows, raw

SIZES = (100, 1_000, 5_000)
OLD_RUNS, TASKS_OF_OLD = 10_000, 5
TURNS = 90


def growth() -> dict[str, float]:
    """The median turn in a run of 100 tasks, and by which part it is longer in larger ones or beside old runs.

    A disk has its moods. Runs of different sizes therefore take their turns alternately, and what comes before and after
    the old runs is each measured by raw commits made in between.
    """
    small, *larger = _medians([flows.wide(size) for size in SIZES])
    before = _in_raw_commits()
    _add_old_runs(flows.chain(TASKS_OF_OLD))
    beside = _in_raw_commits()
    return {
        "turn_ms": 1000 * small,
        "turn_growth": max(*(one / small for one in larger), beside / before) - 1,
    }


def _medians(workflows: Sequence[Workflow]) -> list[float]:
    turns = [_turns(workflow) for workflow in workflows]
    taken = [[next(one) for one in turns] for _ in range(TURNS)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def _in_raw_commits() -> float:
    """How many raw commits a turn of the smallest run takes."""
    turns = _turns(Workflow.objects.get(key=f"wide-{SIZES[0]}"))
    with raw.committing() as commit:
        taken = [(next(turns), seconds(commit)) for _ in range(TURNS)]
    return statistics.median(turn for turn, _ in taken) / statistics.median(one for _, one in taken)


def _turns(workflow: Workflow) -> Iterator[float]:
    """The seconds of one turn after another that records an outcome and claims the next task, in this process."""
    run = engine.start(workflow)
    asking = ClaimRequest("bench", 1, run_id=run.pk)
    claims = take_turn(claiming=asking).claims
    while claims:
        task = claims[0].task
        outcome = Succeeded(
            run_id=run.pk, task_id=task.id, claim=task.claim, actor="worker:bench", output=None
        )
        began = time.perf_counter()
        claims = take_turn([outcome], claiming=asking).claims
        yield time.perf_counter() - began


def seconds(act: Callable[[], None]) -> float:
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
