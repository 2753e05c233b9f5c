"""Starting, pausing, resuming and cancelling runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError
from django.utils import timezone

from orchestrator.engine import rows
from orchestrator.engine.definitions import current_version
from orchestrator.engine.limits import KEY_LENGTH, REASON_LENGTH, check_text
from orchestrator.engine.parameters import check_parameters
from orchestrator.engine.plans import plan_for
from orchestrator.engine.points import reached
from orchestrator.engine.transactions import turn_transaction
from orchestrator.engine.turn import take_turn
from orchestrator.exceptions import ConflictError, NotFoundError
from orchestrator.models import Run, TaskRun, Workflow, WorkflowVersion
from orchestrator.planning.machine import RunStatus
from orchestrator.planning.plan import Plan
from orchestrator.planning.signals import Begin, Cancel, Pause, Resume, Signal
from orchestrator.planning.state import pending_tasks


def actor_of(user: User | None) -> str:
    return f"user:{user.get_username()}" if user is not None else "engine"


def start(
    workflow: Workflow,
    params: Mapping[str, Any] | None = None,
    *,
    user: User | None = None,
    trigger: str = "manual",
    idempotency_key: str | None = None,
    mark: str = "",
    parent: TaskRun | None = None,
    depth: int = 0,
    now: datetime | None = None,
) -> Run:
    """Start a run of the workflow's newest version; what a test run starts is a part of the test.

    The same `idempotency_key` gives the same run, however often it is asked for. Raises InvalidError on parameters that
    do not fit, with every problem located.
    """
    return start_version(
        current_version(workflow),
        params,
        user=user,
        idempotency_key=idempotency_key,
        now=now,
        trigger=trigger,
        mark=mark,
        parent=parent,
        depth=depth,
        is_trial=parent is not None and parent.run.is_trial,
    )


def start_version(
    version: WorkflowVersion,
    params: Mapping[str, Any] | None = None,
    *,
    user: User | None = None,
    idempotency_key: str | None = None,
    stand_ins: Mapping[str, Any] | None = None,
    now: datetime | None = None,
    **given: Any,
) -> Run:
    """Start a run of this version, laying into the rows of tasks what stands in for them."""
    check_text(idempotency_key or "", "idempotency_key", KEY_LENGTH)
    workflow = version.workflow
    plan = plan_for(version.pk)
    values = check_parameters(plan, params or {})
    if idempotency_key and (known := run_of_key(workflow, idempotency_key)):
        return known
    try:
        with turn_transaction():
            run = _insert(
                version,
                plan,
                now or timezone.now(),
                stand_ins or {},
                params=values,
                started_by=user,
                idempotency_key=idempotency_key or None,
                **given,
            )
            take_turn([Begin(run_id=run.pk, actor=actor_of(user))], now=now)
            reached("start before commit")
    except IntegrityError:
        # Another request with the same key was first.
        if idempotency_key and (known := run_of_key(workflow, idempotency_key)):
            return known
        raise
    reached("start after commit")
    run.refresh_from_db()
    return run


def run_of_key(workflow: Workflow, key: str) -> Run | None:
    """The run that was started under this key. Raises ConflictError when it is one of another workflow."""
    run = Run.objects.filter(idempotency_key=key).first()
    if run is not None and run.workflow_id != workflow.pk:
        raise ConflictError("This idempotency key was used for a run of another workflow.")
    return run


def _insert(
    version: WorkflowVersion, plan: Plan, now: datetime, stand_ins: Mapping[str, Any], **given: Any
) -> Run:
    deadline = now + timedelta(seconds=plan.timeout_seconds) if plan.timeout_seconds else None
    run = Run.objects.create(
        workflow_id=version.workflow_id,
        version=version,
        status=RunStatus.CREATED,
        total=len(plan.tasks),
        unsettled=len(plan.tasks),
        created_at=now,
        touched_at=now,
        deadline_at=deadline,
        **given,
    )
    tasks = pending_tasks(plan.tasks.values(), run.pk)
    for task in tasks:
        task.item = stand_ins.get(task.key)
    rows.insert_tasks(tasks)
    return run


def pause(run_id: int, *, user: User | None = None) -> Run:
    """Start nothing new; what runs finishes. Raises ConflictError unless the run is running."""
    return _do(Pause(run_id=run_id, actor=actor_of(user)))


def resume(run_id: int, *, user: User | None = None) -> Run:
    """Go on after a pause. Raises ConflictError unless the run is paused."""
    return _do(Resume(run_id=run_id, actor=actor_of(user)))


def cancel(run_id: int, *, user: User | None = None, reason: str = "") -> Run:
    """End the run now; what still executes is fenced off. Raises ConflictError when it has ended."""
    check_text(reason, "reason", REASON_LENGTH)
    return _do(Cancel(run_id=run_id, actor=actor_of(user), reason=reason))


def _do(signal: Signal) -> Run:
    run = Run.objects.filter(pk=signal.run_id).first()
    if run is None:
        raise NotFoundError(f"There is no run {signal.run_id}.")
    result = take_turn([signal])
    if problems := result.conflicts.get(run.pk):
        raise ConflictError(problems[0])
    run.refresh_from_db()
    return run
