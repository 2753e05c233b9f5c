"""The status of a run as data, and how people name runs and workflows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from orchestrator import secrets
from orchestrator.definition.names import did_you_mean, nearest
from orchestrator.exceptions import NotFoundError
from orchestrator.models import Approval, Run, TaskRun, Workflow, WorkflowVersion
from orchestrator.planning.machine import TaskStatus, WaitReason
from orchestrator.reads.keyset import counted, newest_of

_NUMBER = re.compile(r"#?([0-9]{1,18})")
_NAMES_COMPARED = 1000
_DEEPEST = 8  # runs that start runs are nested no deeper


def status(run: Run) -> dict[str, Any]:
    """What the command line, the API and the Python API say of a run; tasks in the order of the definition."""
    run = Run.objects.select_related("workflow", "version").defer("version__definition").get(pk=run.pk)
    rows = TaskRun.objects.filter(run_id=run.pk, index=-1).order_by("order")
    return {
        "workflow": run.workflow.key,
        "name": run.workflow.name,
        "version": run.version.number,
        "test_run": run.is_trial,
        "run": run.pk,
        "status": run.status,
        "error": run.error,
        "parameters": secrets.mask(run.params),
        "created_at": _iso(run.created_at),
        "started_at": _iso(run.started_at),
        "finished_at": _iso(run.finished_at),
        "counts": {
            "total": run.total,
            "unsettled": run.unsettled,
            "completed": run.completed,
            "failed": run.failed,
            "skipped": run.skipped,
        },
        "tasks": {row.key: _task(row) for row in rows},
    }


def _task(row: TaskRun) -> dict[str, Any]:
    return {
        "status": row.status,
        "reason": row.reason,
        "attempts": row.attempt,
        "output": row.output,
        "error": row.error,
        "agent": row.agent_id,
        "child": row.child_id,
        "started_at": _iso(row.started_at),
        "finished_at": _iso(row.finished_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def latest_run(workflow: Workflow) -> Run | None:
    return newest_of(counted(), workflow.pk).first()


def resolve(text: str) -> Run:
    """The run that somebody named: by its number, or by a workflow's id, which means its latest run."""
    number = _NUMBER.fullmatch(text.strip())
    run = Run.objects.select_related("workflow").filter(pk=int(number[1])).first() if number else None
    if run is not None:
        return run
    if number and not Workflow.objects.filter(key=text).exists():
        raise NotFoundError(f"There is no run {number[1]}.")
    workflow = find_workflow(text)
    latest = latest_run(workflow)
    if latest is None:
        raise NotFoundError(f"Workflow {workflow.key} has not been started yet.", code="no_run")
    return latest


def find_workflow(text: str) -> Workflow:
    """The workflow of that id. Raises NotFoundError with the nearest id there is."""
    workflow = Workflow.objects.filter(key=text).first()
    if workflow is None:
        keys = Workflow.objects.order_by("-updated_at").values_list("key", flat=True)[:_NAMES_COMPARED]
        hint = did_you_mean(nearest(text, keys)) if len(text) <= 100 else ""
        raise NotFoundError(f"There is no workflow {text[:100]!r}.{hint}")
    return workflow


def workflows_with_last_run(search: str = "") -> QuerySet[Workflow]:
    """Workflows that are not archived, each with `last_run`, `last_status`, `last_at` and `last_version`."""
    last = newest_of(counted(), OuterRef("pk"))
    version = WorkflowVersion.objects.filter(workflow=OuterRef("pk")).order_by("-number")
    rows = Workflow.objects.filter(archived_at=None).annotate(
        last_run=Subquery(last.values("pk")[:1]),
        last_status=Subquery(last.values("status")[:1]),
        last_at=Subquery(last.values("created_at")[:1]),
        last_version=Subquery(version.values("number")[:1]),
        last_schema=Subquery(version.values("schema_version")[:1]),
    )
    return (rows.filter(name__icontains=search) | rows.filter(key__icontains=search)) if search else rows


def family(run: Run) -> list[int]:
    """The run and the runs it waits for, and those they wait for in turn."""
    found = [run.pk]
    level: Iterable[int] = [run.pk]
    for _ in range(_DEEPEST):
        waiting = TaskRun.objects.filter(
            run_id__in=list(level), status=TaskStatus.WAITING, reason=WaitReason.CHILD
        )
        level = list(waiting.exclude(child=None).values_list("child_id", flat=True))
        if not level:
            break
        found += level
    return found


def open_approvals(run: Run | None = None) -> QuerySet[Approval]:
    """What waits for a decision: everywhere, or in one run and the runs it waits for."""
    rows = Approval.objects.filter(status=Approval.Status.OPEN)
    if run is not None:
        rows = rows.filter(run_id__in=family(run))
    return rows.select_related("run__workflow", "task_run").prefetch_related("approvers").order_by("pk")
