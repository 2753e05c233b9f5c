"""One run in one turn: its rows, what changed on them, and the only place where a status changes.

A board is filled with the rows that signals touch, told what happened (`outcomes.handle`), and then settled in waves:
`wanted()` names rows it must see to go on, the engine adds them, `advance()` goes on, until nothing is wanted. So the
cost of a turn grows with the tasks it touches and not with the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.planning.business import USUAL, Calendar
from orchestrator.planning.joins import Verdict, judge
from orchestrator.planning.machine import (
    RUN_ENDED,
    TASK_SETTLED,
    RunStatus,
    TaskStatus,
    WaitReason,
    check_run_move,
    check_task_move,
)
from orchestrator.planning.plan import Plan, PlanTask
from orchestrator.planning.state import (
    CastVote,
    CloseApproval,
    EditApproval,
    Escalate,
    NewEvent,
    OpenApproval,
    RunState,
    Stands,
    TaskState,
)
from orchestrator.planning.talk import Talk

HANDLED = "handled"  # reason of a failed task whose failure a later task provided for


@dataclass(frozen=True, slots=True)
class World:
    """What the planner may ask of the outside: who is served, and a number in [0, 1) for jitter, and what
    hours count where a gate counts business hours and does not say which."""

    now: datetime
    served: Callable[[str], bool]
    jitter: Callable[[], float]
    lease_seconds: float = 60.0
    business_hours: Calendar = USUAL


@dataclass(slots=True)
class Wanted:
    """Rows the board must see before it can go on: tasks by key, and all items of these tasks."""

    keys: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.keys or self.groups)


class Board:
    """The working copy of one run. Not thread-safe, lives for one turn."""

    def __init__(self, plan: Plan, run: RunState, world: World) -> None:
        self.plan = plan
        self.run = run
        self.world = world
        self.tasks: dict[tuple[str, int], TaskState] = {}
        self.by_id: dict[int, TaskState] = {}
        self.changed: dict[tuple[str, int], TaskState] = {}
        self.removed_items: list[TaskState] = []
        self.events: list[NewEvent] = []
        self.opened: list[OpenApproval] = []
        self.closed: list[CloseApproval] = []
        self.votes: list[CastVote] = []
        self.edited: list[EditApproval] = []
        self.escalated: list[Escalate] = []
        self.stands: list[Stands] = []
        self.talk: list[Talk] = []
        self.taken: list[TaskState] = []
        self.abandoned_children: list[int] = []
        self.conflicts: list[str] = []
        self._arrivals: dict[str, list[int]] = {}
        self._opening: dict[str, None] = {}  # in the order in which they came
        self._folding: list[str] = []
        self._handlers: list[str] = []
        self._groups_seen: set[str] = set()

    # Rows

    def add(self, rows: Iterable[TaskState]) -> None:
        """Take in rows; one already here is newer than the database's and stays."""
        for row in rows:
            if row.place not in self.tasks:
                self.tasks[row.place] = row
                if row.id:
                    self.by_id[row.id] = row

    def create_item(self, group: TaskState, index: int, item: Any) -> TaskState:
        row = TaskState(
            id=0,
            run_id=group.run_id,
            key=group.key,
            index=index,
            order=group.order,
            status=TaskStatus.PENDING,
            sequential=group.sequential,
            agent_id=group.agent_id,
            epoch=group.epoch,
            item=item,
        )
        self.tasks[row.place] = row
        self.changed[row.place] = row
        return row

    def remove_items(self, key: str) -> None:
        """The items of a for_each task go: it is opened again and makes its own."""
        for row in self.items(key):
            del self.tasks[row.place]
            self.changed.pop(row.place, None)
            self.removed_items.append(row)

    def saw_group(self, key: str) -> None:
        self._groups_seen.add(key)

    def items(self, key: str) -> list[TaskState]:
        return sorted(
            (row for row in self.tasks.values() if row.key == key and row.index >= 0), key=_by_index
        )

    def wanted(self) -> Wanted:
        tasks = self.plan.tasks
        keys = set(self._arrivals)
        for key in self._opening:
            keys |= {key, *tasks[key].needs}
        for key in self._handlers:
            keys |= tasks[key].handles
        absent = {key for key in keys if (key, -1) not in self.tasks}
        return Wanted(absent, {key for key in self._folding if key not in self._groups_seen})

    # The chokepoint

    def move(self, task: TaskState, status: TaskStatus, reason: str = "") -> None:
        """Change a task's status, keep the run's counters true. Nothing else assigns a status."""
        check_task_move(f"Task {task.label}", task.status, status)
        self._count(task, -1)
        task.status = status
        task.reason = reason
        self._count(task, 1)
        self.changed[task.place] = task

    def move_run(self, status: RunStatus) -> None:
        check_run_move(f"Run {self.run.id}", self.run.status, status)
        self.run.status = status
        if status in RUN_ENDED:
            self.run.finished_at = self.world.now
            self.run.deadline_at = None
        else:
            self.run.finished_at = None

    def _count(self, task: TaskState, step: int) -> None:
        run = self.run
        if task.status is TaskStatus.READY:
            if task.sequential:
                run.ready_sequential += step
            else:
                run.ready_parallel += step
        elif task.status is TaskStatus.RUNNING:
            run.executing += step
            run.sequential_busy += step if task.sequential else 0
        elif task.index < 0:
            self._count_settled(task, step)

    def _count_settled(self, task: TaskState, step: int) -> None:
        run = self.run
        if task.status in TASK_SETTLED:
            run.unsettled -= step
        if task.status is TaskStatus.COMPLETED:
            run.completed += step
        elif task.status is TaskStatus.FAILED:
            run.failed += step
            run.unhandled += step if task.reason != HANDLED else 0
        elif task.status is TaskStatus.SKIPPED:
            run.skipped += step

    # Events

    def note(self, event: str, task: TaskState | None = None, actor: str = "engine", **data: Any) -> None:
        if task is None:
            self.events.append(NewEvent(event, actor=actor, data=data))
            return
        data = {"attempt": task.attempt, "claim": task.claim, "epoch": task.epoch, **data}
        self.events.append(NewEvent(event, task.key, task.index, actor, data))

    # Settling

    def settle(
        self, task: TaskState, status: TaskStatus, *, reason: str = "", provided: bool = False
    ) -> None:
        """End a task. `provided` marks a skipped task that counts as completed for those behind it."""
        self.end_wait(task)
        task.finished_at = self.world.now
        self.move(task, status, reason)
        if task.index >= 0:
            self._settle_item(task)
            return
        if status is TaskStatus.FAILED and reason != HANDLED and self.run.error is None:
            self.run.error = {"task": task.key, **(task.error or {})}
        ok = status is TaskStatus.COMPLETED or provided
        self._tell_successors(task.key, ok=ok, bad=status in {TaskStatus.FAILED, TaskStatus.CANCELLED})
        if status is TaskStatus.COMPLETED and self.plan.tasks[task.key].handles:
            self._handlers.append(task.key)

    def end_wait(self, task: TaskState) -> None:
        """A task leaves what it was doing or waiting for: no deadline holds any more."""
        task.due_at = None
        task.timeout_at = None

    def abandon_child(self, task: TaskState) -> None:
        """The run this task waits for is of no use any more: it is cancelled once this turn has committed."""
        if task.status is TaskStatus.WAITING and task.reason == WaitReason.CHILD and task.child_id:
            self.abandoned_children.append(task.child_id)

    def _settle_item(self, task: TaskState) -> None:
        group = self.tasks[task.key, -1]
        group.items_left -= 1
        group.items_failed += task.status is TaskStatus.FAILED
        self.changed[group.place] = group
        if group.items_left == 0 and group.status is TaskStatus.WAITING:
            self._folding.append(task.key)

    def _tell_successors(self, key: str, *, ok: bool, bad: bool) -> None:
        for successor in self.plan.tasks[key].successors:
            arrived = self._arrivals.setdefault(successor, [0, 0, 0])
            arrived[0] += 1
            arrived[1] += ok
            arrived[2] += bad

    def forget_arrivals(self, keys: Iterable[str]) -> None:
        """The counts of these tasks have been taken anew from the rows before them."""
        for key in keys:
            self._arrivals.pop(key, None)

    def open_later(self, key: str) -> None:
        self._opening[key] = None

    def drop_propagation(self) -> None:
        """The run has ended: nothing follows from what was settled."""
        self._arrivals.clear()
        self._opening.clear()
        self._folding.clear()
        self._handlers.clear()

    def fold_later(self, key: str) -> None:
        self._folding.append(key)

    # Waves

    def advance(self, open_task: Opener, fold: Folder) -> None:
        """Go as far as the rows on the board allow."""
        progressed = True
        while progressed:
            progressed = (
                self._take_arrivals()
                | self._take_opening(open_task)
                | self._take_folding(fold)
                | self._take_handlers()
            )

    def _take_arrivals(self) -> bool:
        here = [key for key in self._arrivals if (key, -1) in self.tasks]
        for key in here:
            self._arrive(self.tasks[key, -1], *self._arrivals.pop(key))
        return bool(here)

    def _arrive(self, task: TaskState, settled: int, ok: int, bad: int) -> None:
        task.waits_for -= settled
        task.ok += ok
        task.bad += bad
        self.changed[task.place] = task
        if task.status is not TaskStatus.PENDING or self.run.status in RUN_ENDED:
            return
        planned = self.plan.tasks[task.key]
        verdict = judge(planned.join, len(planned.dependencies), task.waits_for, task.ok, task.bad)
        if verdict is Verdict.RUN:
            self.open_later(task.key)
        elif verdict is Verdict.SKIP:
            self.settle(task, TaskStatus.SKIPPED, reason="join")
            self.note("task.skipped", task, reason="join", join=planned.join)

    def _take_opening(self, open_task: Opener) -> bool:
        here = [key for key in self._opening if self._can_open(key)]
        if not here:
            return False
        for key in here:
            del self._opening[key]
        for key in here:
            open_task(self, self.tasks[key, -1], self.plan.tasks[key])
        return True

    def _can_open(self, key: str) -> bool:
        needs = self.plan.tasks[key].needs
        return (key, -1) in self.tasks and all((need, -1) in self.tasks for need in needs)

    def _take_folding(self, fold: Folder) -> bool:
        here = [key for key in self._folding if key in self._groups_seen]
        self._folding = [key for key in self._folding if key not in here]
        for key in here:
            fold(self, self.tasks[key, -1])
        return bool(here)

    def _take_handlers(self) -> bool:
        here = [key for key in self._handlers if self._sees_handled(key)]
        self._handlers = [key for key in self._handlers if key not in here]
        for key in here:
            for handled in self.plan.tasks[key].handles:
                self._mark_handled(self.tasks[handled, -1])
        return bool(here)

    def _sees_handled(self, key: str) -> bool:
        return all((handled, -1) in self.tasks for handled in self.plan.tasks[key].handles)

    def _mark_handled(self, task: TaskState) -> None:
        if task.status is TaskStatus.FAILED and task.reason != HANDLED:
            task.reason = HANDLED
            self.run.unhandled -= 1
            self.changed[task.place] = task

    # The end of a turn

    def finish(self) -> None:
        """End the run when every task is settled, and say whether a worker finds something to do in it."""
        run = self.run
        if run.status in {RunStatus.RUNNING, RunStatus.PAUSED} and run.unsettled == 0:
            self._end_run()
        run.touched_at = self.world.now
        run.turns += 1
        run.claimable = self.claim_room() > 0

    def _end_run(self) -> None:
        if self.run.unhandled:
            self.move_run(RunStatus.FAILED)
            self.note("workflow.failed", error=self.run.error)
        else:
            self.run.error = None
            self.move_run(RunStatus.COMPLETED)
            self.note("workflow.completed")

    def may_start(self, task: TaskState) -> bool:
        """Whether this one task could start now, were it ready."""
        run, limit = self.run, self.plan.max_parallel
        if run.status is not RunStatus.RUNNING or (task.sequential and run.sequential_busy):
            return False
        return limit is None or run.executing < limit

    def claim_room(self) -> int:
        """How many ready tasks could start now."""
        run = self.run
        if run.status is not RunStatus.RUNNING:
            return 0
        ready = run.ready_parallel + (1 if run.ready_sequential and not run.sequential_busy else 0)
        limit = self.plan.max_parallel
        return ready if limit is None else max(0, min(ready, limit - run.executing))


Opener = Callable[[Board, TaskState, PlanTask], None]
Folder = Callable[[Board, TaskState], None]


def _by_index(row: TaskState) -> int:
    return row.index
