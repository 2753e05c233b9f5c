"""Which ready tasks start now, under what fence."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.planning.board import Board
from orchestrator.planning.machine import RunStatus, TaskStatus
from orchestrator.planning.state import TaskState


def claim(board: Board, limit: int, worker: str) -> list[TaskState]:
    """Start up to `limit` ready tasks of the board in definition order.

    Of sequential tasks one runs at a time; `settings.max_parallel` bounds them all. Each start raises the claim number,
    the fence of its attempt, and gives it a lease.
    """
    claimed: list[TaskState] = []
    ready = [row for row in board.tasks.values() if row.status is TaskStatus.READY]
    for task in sorted(ready, key=_in_order):
        if len(claimed) >= min(limit, len(claimed) + board.claim_room()):
            break
        if task.sequential and board.run.sequential_busy:
            continue
        start(board, task, worker, f"worker:{worker}")
        claimed.append(task)
    return claimed


def _in_order(task: TaskState) -> tuple[int, int]:
    return task.order, task.index


def start(board: Board, task: TaskState, worker: str, actor: str) -> None:
    """A new attempt of a ready task begins, under a fence of its own."""
    assert board.run.status is RunStatus.RUNNING
    world = board.world
    board.move(task, TaskStatus.RUNNING)
    task.claim += 1
    task.attempt += 1
    task.worker = worker
    task.started_at = world.now
    task.finished_at = None
    task.timeout_at = world.now + timedelta(seconds=board.plan.tasks[task.key].timeout_seconds)
    task.due_at = min(task.timeout_at, world.now + timedelta(seconds=world.lease_seconds))
    board.note("task.started", task, actor, agent=task.agent_id)
