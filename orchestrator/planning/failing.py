"""What a failure leads to: another attempt, or what the task's `on_failure` says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from orchestrator.planning.board import Board
from orchestrator.planning.machine import TaskStatus, WaitReason
from orchestrator.planning.queueing import make_ready
from orchestrator.planning.state import TaskState

MAX_LOSSES = 3


def attempt_failed(
    board: Board,
    task: TaskState,
    error: dict[str, Any],
    *,
    retryable: bool = True,
    retry_after: float | None = None,
    actor: str = "engine",
) -> None:
    """Try again later if the policy has a try left, else give up."""
    policy = board.plan.tasks[task.key].retry
    wait = policy.wait(task.attempt, board.world.jitter(), retry_after) if retryable else None
    if wait is None:
        give_up(board, task, error, actor)
        return
    task.error = error
    board.end_wait(task)
    board.move(task, TaskStatus.WAITING, WaitReason.RETRY)
    task.due_at = board.world.now + timedelta(seconds=wait)
    board.note("task.retrying", task, actor, error=error, retry_at=task.due_at.isoformat())


def give_up(board: Board, task: TaskState, error: dict[str, Any], actor: str = "engine") -> None:
    """The task failed for good; `on_failure` decides what that means for the run."""
    task.error = error
    choice = board.plan.tasks[task.key].on_failure
    if choice == "skip":
        task.output = None
        board.settle(task, TaskStatus.SKIPPED, reason="failed", provided=True)
        board.note("task.skipped", task, actor, reason="failed", error=error)
    elif choice in {"manual", "rollback"}:
        # Rolling back to a checkpoint is a person's act; until they act the task waits for them.
        board.end_wait(task)
        board.move(task, TaskStatus.WAITING, WaitReason.PERSON)
        board.note("task.waiting", task, actor, reason=WaitReason.PERSON.value, error=error)
    else:
        board.settle(task, TaskStatus.FAILED)
        board.note("task.failed", task, actor, error=error)


def attempt_lost(board: Board, task: TaskState, actor: str = "clock") -> None:
    """The worker of an attempt died. The attempt is given out again and does not count, three times at most."""
    task.losses += 1
    if task.losses >= MAX_LOSSES:
        message = f"The worker died {MAX_LOSSES} times while it carried this task out."
        attempt_failed(board, task, {"code": "worker_lost", "message": message}, retryable=False, actor=actor)
        return
    give_back(board, task, "lost", actor)


def give_back(board: Board, task: TaskState, reason: str, actor: str) -> None:
    """A running task is queued again; the attempt it was in does not count."""
    board.note("task.ready", task, actor, reason=reason)
    board.end_wait(task)
    task.attempt -= 1
    make_ready(board, task)
