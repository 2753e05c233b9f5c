"""The first page: what needs the person, what runs, what the last day was like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncHour
from django.utils import timezone

from orchestrator.models import Approval, Run, TaskRun
from orchestrator.planning.machine import RUN_ENDED, RunStatus, TaskStatus, WaitReason
from orchestrator.reads.keyset import counted, newest_of
from orchestrator.reads.lists import ACTIVE, RunRow, run_rows, with_names
from orchestrator.reads.mails import Mail, Reader, mails
from orchestrator.reads.outline import outline_of
from orchestrator.reads.states import State, task_state

HOURS: Final = 24
_MOST_NEEDS: Final = 5
_MOST_RUNNING: Final = 6
_FAILED_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that stopped, and at which task."""

    run: Run
    task: str
    message: str

    @property
    def safe(self) -> int:
        return self.run.completed


@dataclass(frozen=True, slots=True)
class Stuck:
    """A task that failed and waits for a person's word."""

    task_run: TaskRun
    name: str


@dataclass(frozen=True, slots=True)
class RunningRow:
    """A run under way, and the task that tells most about it."""

    row: RunRow
    task: str
    detail: str
    state: State


@dataclass(frozen=True, slots=True)
class Hour:
    at: datetime
    completed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Day:
    """Runs ended in each of the last 24 hours, oldest first."""

    hours: tuple[Hour, ...]

    @property
    def completed(self) -> int:
        return sum(hour.completed for hour in self.hours)

    @property
    def failed(self) -> int:
        return sum(hour.failed for hour in self.hours)

    @property
    def most(self) -> int:
        return max((hour.completed for hour in self.hours), default=0)


def asked(approvals: QuerySet[Approval], reader: Reader) -> list[Mail]:
    """Open requests, those due soonest first; each says in whose place `reader` would decide."""
    rows = approvals.filter(status=Approval.Status.OPEN)
    return mails(rows.order_by(F("deadline_at").asc(nulls_last=True), "pk"), reader, _MOST_NEEDS)


def failures(visible: QuerySet[Run], user_id: int) -> list[Failure]:
    """Runs of the person's own that failed lately and were not started again since."""
    since = timezone.now() - timedelta(days=_FAILED_DAYS)
    mine = Q(started_by=user_id) | Q(workflow__owner=user_id)
    newest = newest_of(counted(), OuterRef("workflow_id")).values("pk")[:1]
    failed = visible.filter(mine, status=RunStatus.FAILED, finished_at__gte=since, parent=None)
    rows = failed.annotate(newest=Subquery(newest)).filter(pk=F("newest")).order_by("-pk")
    return [_failure(run) for run in with_names(rows)[:_MOST_NEEDS]]


def _failure(run: Run) -> Failure:
    error = run.error or {}
    key = str(error.get("task") or "")
    name = outline_of(run.version_id).name_of(key) if key else ""
    return Failure(run, name, str(error.get("message") or "It failed."))


def stuck(visible: QuerySet[Run]) -> list[Stuck]:
    """Tasks that wait for a person's word, in runs the person may see."""
    rows = TaskRun.objects.filter(
        status=TaskStatus.WAITING, reason=WaitReason.PERSON, run__in=visible.filter(status__in=ACTIVE)
    )
    found = rows.select_related("run__workflow").defer("run__workflow__draft", "run__params").order_by("-pk")
    return [Stuck(row, outline_of(row.run.version_id).name_of(row.key)) for row in found[:_MOST_NEEDS]]


def running(visible: QuerySet[Run]) -> tuple[list[RunningRow], int]:
    """The newest runs under way, and how many there are."""
    active = visible.filter(status__in=ACTIVE)
    rows = run_rows(list(with_names(active.order_by("-pk"))[:_MOST_RUNNING]))
    told = _telling_tasks([row.run for row in rows])
    return [_running_row(row, told.get(row.run.pk)) for row in rows], active.count()


def _telling_tasks(runs: Sequence[Run]) -> dict[int, TaskRun]:
    """For each run the task that tells most: one that waits for somebody, else one that is running."""
    rank = {
        WaitReason.PERSON: 0,
        WaitReason.APPROVAL: 1,
        WaitReason.AGENT: 2,
        WaitReason.RETRY: 3,
        "": 4,
        WaitReason.CHILD: 5,
        WaitReason.ITEMS: 6,
    }
    rows = TaskRun.objects.filter(
        run__in=[run.pk for run in runs], status__in=(TaskStatus.RUNNING, TaskStatus.WAITING), index=-1
    ).only("run_id", "key", "status", "reason", "agent_id", "child_id", "attempt", "due_at")
    found: dict[int, TaskRun] = {}
    for row in sorted(rows.order_by("order")[:500], key=lambda row: rank.get(row.reason, 9)):
        found.setdefault(row.run_id, row)
    return found


def _running_row(row: RunRow, task: TaskRun | None) -> RunningRow:
    if task is None:
        return RunningRow(row, row.look.word, "", row.look.state)
    name = outline_of(row.run.version_id).name_of(task.key)
    state = task_state(task.status, task.reason)
    return RunningRow(row, name, _detail(task), state)


def _detail(task: TaskRun) -> str:
    """Who does it, or what it waits for."""
    match task.reason:
        case WaitReason.APPROVAL:
            return "waits for a decision"
        case WaitReason.AGENT:
            return f"waits for agent {task.agent_id}"
        case WaitReason.RETRY:
            return f"retry {task.attempt}"
        case WaitReason.PERSON:
            return "failed, waits for a person"
        case WaitReason.CHILD:
            return f"waits for run #{task.child_id}"
    return f"agent {task.agent_id}" if task.agent_id and task.agent_id != "system" else ""


def day(visible: QuerySet[Run]) -> Day:
    """How runs ended, hour by hour, in one query."""
    this_hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    first = this_hour - timedelta(hours=HOURS - 1)
    rows = visible.filter(finished_at__gte=first, status__in=RUN_ENDED).order_by()
    hourly = (
        rows.annotate(hour=TruncHour("finished_at")).values_list("hour", "status").annotate(n=Count("pk"))
    )
    counted = Counter({(hour, status): n for hour, status, n in hourly})
    hours = [first + timedelta(hours=n) for n in range(HOURS)]
    return Day(tuple(Hour(h, counted[h, RunStatus.COMPLETED], counted[h, RunStatus.FAILED]) for h in hours))
