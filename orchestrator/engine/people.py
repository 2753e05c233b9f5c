"""How a person lets a failed or waiting task go on."""

from __future__ import annotations

from typing import Any, Literal

from django.contrib.auth.models import User

from orchestrator.engine.lifecycle import actor_of
from orchestrator.engine.limits import OUTPUT_BYTES, PARAMETER_BYTES, REASON_LENGTH, check_json, check_text
from orchestrator.engine.turn import take_turn
from orchestrator.exceptions import ConflictError, NotFoundError
from orchestrator.models import TaskRun
from orchestrator.planning.signals import Told


def retry_task(
    task_run_id: int, *, user: User | None = None, parameters: dict[str, Any] | None = None
) -> TaskRun:
    """Try a failed task again, with its own parameters or these instead; the run goes on from there."""
    if parameters is not None:
        check_json(parameters, "parameters", PARAMETER_BYTES)
    return _tell(task_run_id, "retry", user, parameters=parameters)


def skip_task(task_run_id: int, *, user: User | None = None, reason: str = "") -> TaskRun:
    """Go on without it: what follows sees a null output."""
    return _tell(task_run_id, "skip", user, reason=reason)


def fail_task(task_run_id: int, *, user: User | None = None, reason: str = "") -> TaskRun:
    """Let it fail."""
    return _tell(task_run_id, "fail", user, reason=reason)


def complete_task(task_run_id: int, *, user: User | None = None, output: Any = None) -> TaskRun:
    """It was done by hand, with this result."""
    check_json(output, "output", OUTPUT_BYTES)
    return _tell(task_run_id, "complete", user, output=output)


def _tell(
    task_run_id: int,
    verb: Literal["retry", "skip", "fail", "complete"],
    user: User | None,
    **given: Any,
) -> TaskRun:
    check_text(str(given.get("reason", "")), "reason", REASON_LENGTH)
    task = TaskRun.objects.filter(pk=task_run_id).first()
    if task is None:
        raise NotFoundError(f"There is no task run {task_run_id}.")
    signal = Told(run_id=task.run_id, task_id=task.pk, verb=verb, actor=actor_of(user), **given)
    result = take_turn([signal])
    if problems := result.conflicts.get(task.run_id):
        raise ConflictError(problems[0])
    task.refresh_from_db()
    return task
