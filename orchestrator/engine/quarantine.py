"""A run that the planner fails on is set aside: paused with the reason, so that it holds nothing else up."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.engine import rows
from orchestrator.planning.board import Board, World
from orchestrator.planning.machine import RunStatus

# What was due in it is looked at again this much later: long enough not to spin, short enough to mend itself.
PUT_OFF = timedelta(minutes=5)


def set_aside(board: Board, error: Exception, world: World) -> Board:
    """A fresh board of the same run that carries nothing but the pause.

    A run that has not begun is nobody's burden yet: whoever starts it gets the error.
    """
    fresh = Board(board.plan, rows.lock_runs([board.run.id])[0], world)
    if fresh.run.status is RunStatus.CREATED:
        raise error
    message = f"Baton could not work out how this run goes on ({type(error).__name__}: {error})."
    fresh.run.error = {"code": "engine_error", "message": message[:1000]}
    if fresh.run.status is RunStatus.RUNNING:
        fresh.move_run(RunStatus.PAUSED)
        fresh.note("workflow.paused", error=fresh.run.error)
    if fresh.run.deadline_at is not None:
        fresh.run.deadline_at = max(fresh.run.deadline_at, world.now + PUT_OFF)
    _put_off(fresh, world)
    fresh.run.claimable = False
    return fresh


def _put_off(board: Board, world: World) -> None:
    for task in rows.tasks_of_run(board.run.id):
        if task.due_at is not None and task.due_at <= world.now:
            task.due_at = world.now + PUT_OFF
            board.changed[task.place] = task
