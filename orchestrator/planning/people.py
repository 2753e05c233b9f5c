"""How a person lets a failed task go on: retry, skip, fail, complete by hand."""

from __future__ import annotations

from orchestrator.planning.board import Board
from orchestrator.planning.machine import RUN_ENDED, RunStatus, TaskStatus, WaitReason
from orchestrator.planning.opening import reopen_item
from orchestrator.planning.signals import Told
from orchestrator.planning.state import TaskState
from orchestrator.planning.taking_back import behind, forget_handling, reset, reset_counts

_ANSWERABLE = frozenset({WaitReason.PERSON, WaitReason.RETRY, WaitReason.AGENT})
_BUSY = frozenset({TaskStatus.READY, TaskStatus.RUNNING, TaskStatus.WAITING})


def told(board: Board, task: TaskState, signal: Told) -> None:
    """Apply what a person said; what the task's state does not allow is a conflict, in words."""
    problem = _refusal(board, task, signal)
    if problem:
        board.conflicts.append(problem)
    elif signal.verb == "retry":
        _retry(board, task, signal)
    else:
        _close(board, task, signal)


def _refusal(board: Board, task: TaskState, signal: Told) -> str:
    if task.status is TaskStatus.WAITING and task.reason in _ANSWERABLE:
        return "" if board.run.status not in RUN_ENDED else "The run has ended."
    if task.status is not TaskStatus.FAILED or signal.verb != "retry":
        return f"Task {task.label} is {task.status}; only one that failed or waits for a person can be told to {signal.verb}."
    return _cannot_reopen(board, task)


def _cannot_reopen(board: Board, task: TaskState) -> str:
    if task.index >= 0:
        return (
            f"An item of {task.key} cannot be retried by itself once the whole has failed; retry {task.key}."
        )
    if board.run.status in {RunStatus.COMPLETED, RunStatus.CANCELLED}:
        return f"The run is {board.run.status}; start a new one."
    if any(row.status is TaskStatus.CANCELLED for row in board.tasks.values()):
        return "The run was stopped at its time limit; start a new one."
    busy = [key for key in behind(board, task.key) if board.tasks[key, -1].status in _BUSY]
    return f"{', '.join(busy)} already went on without it; wait until that has ended." if busy else ""


def _close(board: Board, task: TaskState, signal: Told) -> None:
    by_hand = {"by_hand": signal.actor, "reason": signal.reason}
    if signal.verb == "skip":
        task.output = None
        board.settle(task, TaskStatus.SKIPPED, reason="failed", provided=True)
        board.note("task.skipped", task, signal.actor, **by_hand)
    elif signal.verb == "complete":
        task.output = signal.output
        task.error = None
        board.settle(task, TaskStatus.COMPLETED)
        board.note("task.completed", task, signal.actor, **by_hand)
    else:
        task.error = task.error or {
            "code": "failed_by_hand",
            "message": signal.reason or "A person let it fail.",
        }
        board.settle(task, TaskStatus.FAILED)
        board.note("task.failed", task, signal.actor, error=task.error, **by_hand)


def _retry(board: Board, task: TaskState, signal: Told) -> None:
    board.note("task.ready", task, signal.actor, reason="retry by hand", edited=signal.parameters is not None)
    if task.status is TaskStatus.FAILED:
        _take_back_what_followed(board, task)
    single = task.index >= 0
    reset(board, task, keep_place=single)
    task.override = signal.parameters
    if single:
        reopen_item(board, task, board.plan.tasks[task.key])
    else:
        board.remove_items(task.key)
        board.open_later(task.key)


def _take_back_what_followed(board: Board, task: TaskState) -> None:
    """Tasks behind the failed one had settled by their joins; they are pending again, the run goes on."""
    following = behind(board, task.key)
    for key in following:
        forget_handling(board, key)
    for key in following:
        board.remove_items(key)
        board.note("task.reset", board.tasks[key, -1], after=task.key)
        reset(board, board.tasks[key, -1])
    if board.run.status is RunStatus.FAILED:
        board.run.error = None
        board.move_run(RunStatus.RUNNING)
        board.note("workflow.resumed", reason="retry by hand")
    reset_counts(board, {task.key, *following}, following)
