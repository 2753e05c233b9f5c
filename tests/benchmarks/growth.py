"""Whether a turn costs more in a large run, or beside many old ones: it must not."""

from __future__ import annotations

import statistics
import time
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from orchestrator import engine
from orchestrator.engine.turn import ClaimRequest, take_turn
from orchestrator.models import Event, Run, TaskRun, Workflow
from orchestrator.planning.machine import RunStatus, TaskStatus
from orchestrator.planning.signals import Succeeded
from tests.benchmarks import flows

SIZES = (100, 1_000, 5_000)
OLD_RUNS, TASKS_OF_OLD = 10_000, 5
TURNS = 90


def growth() -> dict[str, float]:
    """The median turn in a run of 100 tasks, and by which part it is longer in larger ones or beside old runs."""
    small, *larger = [_turn_seconds(flows.wide(size)) for size in SIZES]
    _add_old_runs(flows.chain(TASKS_OF_OLD))
    beside = _turn_seconds(Workflow.objects.get(key=f"wide-{SIZES[0]}"))
    return {"turn_ms": 1000 * small, "turn_growth": max(*larger, beside) / small - 1}


def _turn_seconds(workflow: Workflow) -> float:
    """Turns that record one outcome and claim the next, in this process."""
    run = engine.start(workflow)
    asking = ClaimRequest("bench", 1, run_id=run.pk)
    claims, taken = take_turn(claiming=asking).claims, []
    for _ in range(TURNS):
        task = claims[0].task
        outcome = Succeeded(
            run_id=run.pk, task_id=task.id, claim=task.claim, actor="worker:bench", output=None
        )
        began = time.perf_counter()
        claims = take_turn([outcome], claiming=asking).claims
        taken.append(time.perf_counter() - began)
    engine.cancel(run.pk)
    return statistics.median(taken)


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
            cursor.execute("ANALYZE")


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
