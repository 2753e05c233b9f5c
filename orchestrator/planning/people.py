"""How a person lets a failed task go on: retry, skip, fail, complete by hand."""

from __future__ import annotations

from orchestrator.planning.board import HANDLED, Board
from orchestrator.planning.machine import RUN_ENDED, RunStatus, TaskStatus, WaitReason
from orchestrator.planning.opening import reopen_item
from orchestrator.planning.signals import Told
from orchestrator.planning.state import TaskState

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
    busy = [key for key in _behind(board, task.key) if board.tasks[key, -1].status in _BUSY]
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
    _reset(board, task, keep_place=single)
    task.override = signal.parameters
    if single:
        reopen_item(board, task, board.plan.tasks[task.key])
    else:
        board.remove_items(task.key)
        board.open_later(task.key)


def _take_back_what_followed(board: Board, task: TaskState) -> None:
    """Tasks behind the failed one had settled by their joins; they are pending again, the run goes on."""
    behind = _behind(board, task.key)
    for key in behind:
        _forget_handling(board, key)
    for key in behind:
        board.remove_items(key)
        board.note("task.reset", board.tasks[key, -1], after=task.key)
        _reset(board, board.tasks[key, -1])
    if board.run.status is RunStatus.FAILED:
        board.run.error = None
        board.move_run(RunStatus.RUNNING)
        board.note("workflow.resumed", reason="retry by hand")
    _reset_counts(board, {task.key, *behind}, behind)


def _behind(board: Board, key: str) -> list[str]:
    """Every task after this one, in definition order."""
    found: set[str] = set()
    frontier = [key]
    while frontier:
        for successor in board.plan.tasks[frontier.pop()].successors:
            if successor not in found:
                found.add(successor)
                frontier.append(successor)
    return [name for name in board.plan.tasks if name in found]


def _forget_handling(board: Board, key: str) -> None:
    if board.tasks[key, -1].status is not TaskStatus.COMPLETED:
        return
    for handled in board.plan.tasks[key].handles:
        row = board.tasks[handled, -1]
        if row.status is TaskStatus.FAILED and row.reason == HANDLED:
            row.reason = ""
            board.run.unhandled += 1
            board.changed[row.place] = row


def _reset(board: Board, task: TaskState, *, keep_place: bool = False) -> None:
    """Back to pending under a new epoch, as if it had never been tried; its claim number goes on counting."""
    if not (keep_place or task.status is TaskStatus.PENDING):
        board.move(task, TaskStatus.PENDING)
    board.changed[task.place] = task
    task.epoch += 1
    task.attempt = task.losses = task.items_left = task.items_failed = 0
    task.output = task.error = task.input = task.override = None
    task.due_at = task.timeout_at = task.started_at = task.finished_at = task.ready_at = None


def _reset_counts(board: Board, reopened: set[str], behind: list[str]) -> None:
    for key in behind:
        row = board.tasks[key, -1]
        settled = [board.tasks[d, -1] for d in board.plan.tasks[key].dependencies if d not in reopened]
        row.waits_for = len(board.plan.tasks[key].dependencies) - len(settled)
        row.ok = sum(_counts_as_completed(other) for other in settled)
        row.bad = sum(other.status in {TaskStatus.FAILED, TaskStatus.CANCELLED} for other in settled)


def _counts_as_completed(task: TaskState) -> bool:
    return task.status is TaskStatus.COMPLETED or (
        task.status is TaskStatus.SKIPPED and task.reason == "failed"
    )
