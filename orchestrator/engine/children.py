"""Runs that a task starts."""

from __future__ import annotations

from django.utils.text import slugify

from orchestrator.actions.base import ActionError, StartChild
from orchestrator.engine.definitions import workflow_of_template
from orchestrator.engine.lifecycle import start
from orchestrator.engine.turn import Claim
from orchestrator.exceptions import BatonError
from orchestrator.models import Run, TaskRun, Workflow

MAX_DEPTH = 8
WAITED_FOR = "waited-for"


def start_child(claim: Claim, wish: StartChild) -> Run:
    """Start the run a workflow_trigger asks for, once: an attempt given out again finds the same run.

    Raises ActionError, not retryable, when it must not or cannot be started.
    """
    if claim.run.depth + 1 > MAX_DEPTH:
        raise ActionError(
            "trigger_depth",
            f"Runs start runs at most {MAX_DEPTH} deep; this would be one more.",
            retryable=False,
        )
    task = claim.task
    try:
        workflow = _target(wish)
        if workflow.pk == claim.run.workflow_id:
            raise ActionError("self_trigger", "A workflow must not start itself.", retryable=False)
        return start(
            workflow,
            wish.parameters,
            trigger="parent",
            idempotency_key=child_key(task.id, task.epoch, task.attempt, waited_for=wish.wait),
            parent=TaskRun.objects.select_related("run").get(pk=task.id),
            depth=claim.run.depth + 1,
        )
    except BatonError as error:
        raise ActionError(error.code, error.message, retryable=False) from error


def child_key(task_id: int, epoch: int, attempt: int, *, waited_for: bool = True) -> str:
    """What makes an attempt's run one and the same, and tells which runs somebody waits for."""
    return f"{WAITED_FOR if waited_for else 'child'}:{task_id}:{epoch}:{attempt}"


def _target(wish: StartChild) -> Workflow:
    if wish.template:
        return workflow_of_template(wish.template)
    wanted = wish.workflow or ""
    found = Workflow.objects.filter(archived_at__isnull=True, key__in=[wanted, slugify(wanted)]).first()
    if found is None:
        raise ActionError("unknown_workflow", f"There is no workflow {wanted}.", retryable=False)
    return found
