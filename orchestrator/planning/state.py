"""The snapshot a turn works on: the columns of a run and of its affected task runs, and nothing else.

The planner changes these copies; the engine writes back what has changed in them since `stored`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.planning.machine import RunStatus, TaskStatus
from orchestrator.planning.plan import PlanTask


@dataclass(slots=True)
class RunState:
    """The columns of a run that a turn reads or writes (see `orchestrator.models.Run`)."""

    id: int
    workflow_id: int
    version_id: int
    status: RunStatus
    epoch: int
    seq: int
    digest: str
    params: dict[str, Any]
    trigger: str
    started_by_id: int | None
    parent_id: int | None
    depth: int
    total: int
    unsettled: int
    completed: int
    failed: int
    skipped: int
    unhandled: int
    executing: int
    ready_parallel: int
    ready_sequential: int
    sequential_busy: int
    claimable: bool
    error: dict[str, Any] | None
    started_at: datetime | None
    finished_at: datetime | None
    deadline_at: datetime | None
    touched_at: datetime | None = None
    turns: int = 0
    stored: tuple[Any, ...] = field(default=(), repr=False, compare=False)


@dataclass(slots=True)
class TaskState:
    """The columns of a task run that a turn reads or writes (see `orchestrator.models.TaskRun`).

    `id` is 0 for a row that this turn makes.
    """

    id: int
    run_id: int
    key: str
    index: int
    order: int
    status: TaskStatus
    reason: str = ""
    sequential: bool = True
    agent_id: str = ""
    epoch: int = 1
    attempt: int = 0
    claim: int = 0
    losses: int = 0
    worker: str = ""
    waits_for: int = 0
    ok: int = 0
    bad: int = 0
    items_left: int = 0
    items_failed: int = 0
    due_at: datetime | None = None
    timeout_at: datetime | None = None
    ready_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    item: Any = None
    override: dict[str, Any] | None = None
    input: Any = None
    output: Any = None
    error: dict[str, Any] | None = None
    child_id: int | None = None
    stored: tuple[Any, ...] = field(default=(), repr=False, compare=False)

    @property
    def place(self) -> tuple[str, int]:
        return self.key, self.index

    @property
    def label(self) -> str:
        return self.key if self.index < 0 else f"{self.key}[{self.index}]"


def pending_tasks(tasks: Iterable[PlanTask], run_id: int) -> list[TaskState]:
    """The rows with which a run of these tasks begins; none has an id yet."""
    return [
        TaskState(
            id=0,
            run_id=run_id,
            key=task.key,
            index=-1,
            order=task.order,
            status=TaskStatus.PENDING,
            sequential=task.sequential,
            waits_for=len(task.dependencies),
        )
        for task in tasks
    ]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to append; its number, time and digest are given when it is written."""

    type: str
    task: str = ""
    index: int = -1
    actor: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asking:
    """A level is asked: these may decide on it."""

    level: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpenApproval:
    """A gate was reached: ask these people this."""

    task: TaskState
    content: dict[str, Any]
    on_timeout: str
    allow_requester: bool
    deadline_at: datetime | None
    allow_author: bool = False
    level: int = 1
    levels: list[dict[str, Any]] = field(default_factory=list)
    asked: tuple[Asking, ...] = ()
    stands: tuple[int, ...] = ()  # levels whose earlier votes stand
    send_back_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stands:
    """How far a request of several levels has come: these are decided, and those are asked now."""

    task: TaskState
    level: int
    levels: list[dict[str, Any]]
    deadline_at: datetime | None
    decided: tuple[int, ...] = ()
    asked: tuple[Asking, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """A fact that somebody changed as they approved."""

    name: str
    before: Any
    after: Any

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Given:
    """What came with a decision. `seal` is that of what it holds for, `seal_shown` that of what was shown before edits."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    edits: tuple[Edit, ...] = ()
    seal: str = ""
    seal_shown: str = ""


@dataclass(frozen=True, slots=True)
class EditApproval:
    """The facts of an open request were changed: it asks for this now, and earlier votes no longer stand.

    Who was asked on the levels `anew` is forgotten: some of them are asked again.
    """

    task: TaskState
    data: dict[str, Any]
    seal: str
    user_id: int
    anew: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CastVote:
    """One of several has decided, and the request stays open."""

    task: TaskState
    decision: str
    user_id: int
    comment: str = ""
    for_id: int | None = None
    level: int = 1
    given: Given = field(default_factory=Given)
    void: bool = False  # it is record alone: with its edits others are asked first


@dataclass(frozen=True, slots=True)
class Escalate:
    """A rung was reached: those asked are reminded, and these may decide from now on, too."""

    task: TaskState
    to: tuple[str, ...] = ()
    level: int = 1
    number: int = 1  # which rung of its level


@dataclass(frozen=True, slots=True)
class CloseApproval:
    """A gate's request ends; `user_id` is the person who decided, None when nobody did."""

    task: TaskState
    status: str
    user_id: int | None = None
    comment: str = ""
    override: bool = False
    for_id: int | None = None
    level: int = 1
    given: Given = field(default_factory=Given)
    by_vote: bool = True  # whether that person decided, and did not take it back
