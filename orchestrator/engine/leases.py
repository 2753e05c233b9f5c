"""What keeps an attempt alive, and the log lines it writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from orchestrator import conf
from orchestrator.engine.attempts import Attempt
from orchestrator.models import LogLine, Run, TaskRun
from orchestrator.planning.machine import TaskStatus


def extend(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Extend the leases of these attempts; those whose lease is no longer theirs."""
    if not attempts:
        return []
    held = Q(*[Q(pk=a.claim.task.id, claim=a.claim.task.claim) for a in attempts], _connector=Q.OR)
    mine = TaskRun.objects.filter(held, status=TaskStatus.RUNNING)
    until = timezone.now() + timedelta(seconds=conf.lease_seconds())
    mine.update(due_at=Case(When(timeout_at__lt=until, then=F("timeout_at")), default=Value(until)))
    alive = set(mine.values_list("pk", flat=True))
    return [attempt for attempt in attempts if attempt.claim.task.id not in alive]


def anything_claimable(run_id: int | None = None) -> bool:
    """Whether a look for work is worth a transaction."""
    claimable = Run.objects.filter(claimable=True)
    return (claimable if run_id is None else claimable.filter(pk=run_id)).exists()


def write_logs(attempts: Iterable[Attempt]) -> None:
    """Store the lines these attempts have logged since the last time."""
    lines = [line for attempt in attempts for line in _take_lines(attempt)]
    if lines:
        LogLine.objects.bulk_create(lines, batch_size=500)


def _take_lines(attempt: Attempt) -> list[LogLine]:
    taken, attempt.log[:] = attempt.log[:], []
    task = attempt.claim.task
    return [
        LogLine(task_run_id=task.id, attempt=task.attempt, at=at, level=level[:10], message=message)
        for at, level, message in taken
    ]
