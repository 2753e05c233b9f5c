"""The statuses of runs and task runs, and the legal moves between them, as data."""

from __future__ import annotations

from enum import StrEnum


class _Named(StrEnum):
    @classmethod
    def values(cls) -> list[str]:
        return [member.value for member in cls]

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(member.value, member.value.replace("_", " ")) for member in cls]


class RunStatus(_Named):
    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    ROLLING_BACK = "rolling_back"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskStatus(_Named):
    PENDING = "pending"  # a dependency has not settled
    READY = "ready"  # may be claimed: the row is the queue entry
    RUNNING = "running"  # an attempt holds a lease
    WAITING = "waiting"  # for what `reason` says
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class WaitReason(_Named):
    AGENT = "agent"  # nobody serves its agent
    APPROVAL = "approval"
    CHILD = "child"  # a run it started
    RETRY = "retry"  # until due_at
    ITEMS = "items"  # its own for_each items
    PERSON = "person"  # failed; a person says how to go on


RUN_ENDED = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})
TASK_SETTLED = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.SKIPPED, TaskStatus.CANCELLED})

RUN_MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.CREATED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED}),
    RunStatus.RUNNING: frozenset({RunStatus.PAUSED, RunStatus.ROLLING_BACK, *RUN_ENDED}),
    RunStatus.PAUSED: frozenset({RunStatus.RUNNING, RunStatus.ROLLING_BACK, *RUN_ENDED}),
    RunStatus.ROLLING_BACK: frozenset({RunStatus.PAUSED, RunStatus.RUNNING, *RUN_ENDED}),
    RunStatus.COMPLETED: frozenset(),
    # A person may take a failed run up again by retrying what failed.
    RunStatus.FAILED: frozenset({RunStatus.RUNNING}),
    RunStatus.CANCELLED: frozenset(),
}

_SETTLE = TASK_SETTLED
TASK_MOVES: dict[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.PENDING: frozenset({TaskStatus.READY, TaskStatus.WAITING, *_SETTLE}),
    # Back to pending only by a person: by a retry, or by sending an approval back. Either takes back what is behind the task.
    TaskStatus.READY: frozenset({TaskStatus.RUNNING, TaskStatus.WAITING, TaskStatus.PENDING, *_SETTLE}),
    TaskStatus.RUNNING: frozenset({TaskStatus.READY, TaskStatus.WAITING, TaskStatus.PENDING, *_SETTLE}),
    TaskStatus.WAITING: frozenset({TaskStatus.READY, TaskStatus.WAITING, TaskStatus.PENDING, *_SETTLE}),
    TaskStatus.COMPLETED: frozenset({TaskStatus.PENDING}),
    TaskStatus.FAILED: frozenset({TaskStatus.PENDING}),
    TaskStatus.SKIPPED: frozenset({TaskStatus.PENDING}),
    TaskStatus.CANCELLED: frozenset(),
}


class IllegalMoveError(Exception):
    """The state machine does not allow this move."""

    def __init__(self, what: str, old: str, new: str) -> None:
        super().__init__(f"{what} cannot go from {old} to {new}.")


def check_task_move(what: str, old: TaskStatus, new: TaskStatus) -> None:
    if new not in TASK_MOVES[old]:
        raise IllegalMoveError(what, old, new)


def check_run_move(what: str, old: RunStatus, new: RunStatus) -> None:
    if new not in RUN_MOVES[old]:
        raise IllegalMoveError(what, old, new)
