"""Tasks that are pending again: what lies behind a task, and rows and counts as if it had never been tried."""

from __future__ import annotations

from orchestrator.planning.board import HANDLED, Board
from orchestrator.planning.machine import TaskStatus
from orchestrator.planning.state import TaskState


def behind(board: Board, key: str) -> list[str]:
    """Every task after this one, in definition order."""
    found: set[str] = set()
    frontier = [key]
    while frontier:
        for successor in board.plan.tasks[frontier.pop()].successors:
            if successor not in found:
                found.add(successor)
                frontier.append(successor)
    return [name for name in board.plan.tasks if name in found]


def forget_handling(board: Board, key: str) -> None:
    """What failed before this task is unprovided for again, if the task had provided for it."""
    if board.tasks[key, -1].status is not TaskStatus.COMPLETED:
        return
    for handled in board.plan.tasks[key].handles:
        row = board.tasks[handled, -1]
        if row.status is TaskStatus.FAILED and row.reason == HANDLED:
            row.reason = ""
            board.run.unhandled += 1
            board.changed[row.place] = row


def reset(board: Board, task: TaskState, *, keep_place: bool = False) -> None:
    """Back to pending under a new epoch, as if it had never been tried; its claim number goes on counting."""
    if not (keep_place or task.status is TaskStatus.PENDING):
        board.move(task, TaskStatus.PENDING)
    board.changed[task.place] = task
    task.epoch += 1
    task.attempt = task.losses = task.items_left = task.items_failed = 0
    task.output = task.error = task.input = task.override = None
    task.due_at = task.timeout_at = task.started_at = task.finished_at = task.ready_at = None


def reset_counts(board: Board, reopened: set[str], following: list[str]) -> None:
    """Count anew what these tasks wait for, of which those reopened have not settled."""
    for key in following:
        row = board.tasks[key, -1]
        settled = [board.tasks[d, -1] for d in board.plan.tasks[key].dependencies if d not in reopened]
        row.waits_for = len(board.plan.tasks[key].dependencies) - len(settled)
        row.ok = sum(_counts_as_completed(other) for other in settled)
        row.bad = sum(other.status in {TaskStatus.FAILED, TaskStatus.CANCELLED} for other in settled)


def _counts_as_completed(task: TaskState) -> bool:
    return task.status is TaskStatus.COMPLETED or (
        task.status is TaskStatus.SKIPPED and task.reason == "failed"
    )
