"""A run that Baton cannot go on with is set aside: paused with the reason, so that it holds nothing else up."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from orchestrator.database import is_away
from orchestrator.engine import rows, writing
from orchestrator.models import Run, TaskRun
from orchestrator.planning.board import Board, World
from orchestrator.planning.machine import RunStatus
from orchestrator.planning.plan import Plan

# What was due in it is looked at again this much later: long enough not to spin, short enough to mend itself.
PUT_OFF = timedelta(minutes=5)
SET_ASIDE = "Baton could not work out how this run goes on, and has set it aside; its page says why."
_NOTHING_PLANNED = Plan(id="", name="", metadata={}, tasks={}, max_parallel=None, timeout_seconds=None)


def set_aside(board: Board, error: Exception, world: World) -> Board:
    """A fresh board of the same run that carries nothing but the pause.

    A run that has not begun is nobody's burden yet: whoever starts it gets the error.
    """
    fresh = Board(board.plan, rows.lock_runs([board.run.id])[0], world)
    if fresh.run.status is RunStatus.CREATED:
        raise error
    _pause(fresh, error)
    if fresh.run.deadline_at is not None:
        fresh.run.deadline_at = max(fresh.run.deadline_at, world.now + PUT_OFF)
    _put_off(fresh, world)
    fresh.run.claimable = False
    return fresh


def seal_off(run_id: int, error: Exception, now: datetime) -> None:
    """Take a run out of everybody's way whose rows may not even be readable: paused if that can be written, else at
    least not looked at again, with the reason. The caller holds a transaction open."""
    reason = _reason(error)
    try:
        with transaction.atomic():
            _pause_alone(run_id, error, now)
    except Exception as second:
        if is_away(second):
            raise
        Run.objects.filter(pk=run_id).update(error=reason)
    Run.objects.filter(pk=run_id).update(claimable=False, turns=F("turns") + 1)
    Run.objects.filter(pk=run_id, deadline_at__lte=now).update(deadline_at=now + PUT_OFF)
    TaskRun.objects.filter(run_id=run_id, due_at__lte=now).update(due_at=now + PUT_OFF)


def _pause_alone(run_id: int, error: Exception, now: datetime) -> None:
    """Only the row of the run is read, and its definition not at all."""
    world = World(now, lambda _agent: False, lambda: 0.0)
    board = Board(_NOTHING_PLANNED, rows.lock_runs([run_id])[0], world)
    if board.run.status is RunStatus.RUNNING:
        _pause(board, error)
        writing.write([board], now)


def _pause(board: Board, error: Exception) -> None:
    board.run.error = _reason(error)
    if board.run.status is RunStatus.RUNNING:
        board.move_run(RunStatus.PAUSED)
        board.note("workflow.paused", error=board.run.error)


def _reason(error: Exception) -> dict[str, str]:
    message = f"Baton could not work out how this run goes on ({type(error).__name__}: {error})."
    return {"code": "engine_error", "message": message[:1000]}


def _put_off(board: Board, world: World) -> None:
    for task in rows.tasks_of_run(board.run.id):
        if task.due_at is not None and task.due_at <= world.now:
            task.due_at = world.now + PUT_OFF
            board.changed[task.place] = task
