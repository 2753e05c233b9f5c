"""What keeps an attempt alive, and the log lines it writes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from orchestrator import conf
from orchestrator.engine import rows
from orchestrator.engine.attempts import Attempt
from orchestrator.models import Run, TaskRun
from orchestrator.planning.machine import TaskStatus

logger = logging.getLogger(__name__)

Line = tuple[int, int, datetime, str, str]  # id of the task run, attempt, time, level, message


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
    """Store the lines these attempts have logged since the last time. Lines of one taken back meanwhile are dropped."""
    asked = list(attempts)
    lines = lines_of(asked)
    if lines:
        try:
            with transaction.atomic():
                rows.insert_lines(lines)
        except IntegrityError:
            logger.warning("%s log lines belong to tasks that are gone; they were dropped", len(lines))
        except OperationalError:
            _put_back(lines, asked)
            raise


def _put_back(lines: Sequence[Line], attempts: Sequence[Attempt]) -> None:
    """They could not be stored: they are the first of what is stored the next time."""
    for attempt in attempts:
        own = [line[2:] for line in lines if line[0] == attempt.claim.task.id]
        attempt.log[:0] = own


def lines_of(attempts: Iterable[Attempt]) -> list[Line]:
    """The lines these attempts have logged since the last time, as rows to be stored."""
    return [line for attempt in attempts for line in _take_lines(attempt)]


def _take_lines(attempt: Attempt) -> list[Line]:
    # The attempt's thread may add a line at any moment: what is taken is counted first.
    count = len(attempt.log)
    taken, attempt.log[:count] = attempt.log[:count], []
    task = attempt.claim.task
    return [(task.id, task.attempt, at, level[:10], message) for at, level, message in taken]
