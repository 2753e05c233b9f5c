"""A run walked through without executing anything: the same planner decides, outcomes and durations are assumed.

Pure, with a clock of its own. What is assumed of a task is its `Assumption`; where none is given it completes after a
second, a gate is approved, and the output is what the demo agent would give. A run that is started is taken to complete.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from orchestrator.definition import Definition, DefinitionError
from orchestrator.definition.expressions import ExpressionError
from orchestrator.definition.templates import compile_template
from orchestrator.planning.board import Board, World
from orchestrator.planning.claiming import claim
from orchestrator.planning.machine import RUN_ENDED, RunStatus, TaskStatus, WaitReason
from orchestrator.planning.opening import context_of, fold, open_task
from orchestrator.planning.outcomes import handle
from orchestrator.planning.plan import APPROVAL_GATE, Plan, compile_plan
from orchestrator.planning.signals import Begin, Decided, Due, Failed, RunDue, Signal, Succeeded, Told
from orchestrator.planning.state import RunState, TaskState, pending_tasks

Happens = Literal["succeeds", "fails", "rejected", "unanswered"]

START: Final = datetime(2000, 1, 1, tzinfo=UTC)
MOST_MOMENTS: Final = 20_000
_ALL: Final = 1_000_000
_ACTOR: Final = "simulation"
_FAILED: Final = {"code": "assumed", "message": "It was assumed to fail."}


@dataclass(frozen=True, slots=True)
class Assumption:
    """What happens to a task: how each attempt, or the decision, ends; after how many seconds; with which output, or with
    the sample that the task itself gives."""

    happens: Happens = "succeeds"
    seconds: float = 1.0
    output: Any = None
    sample: bool = False


_USUAL: Final = Assumption(sample=True)


@dataclass(frozen=True, slots=True)
class Walked:
    """What became of one task: seconds since the start of the run, None where it never came to that."""

    key: str
    name: str
    status: str
    started: float | None
    finished: float | None
    attempts: int
    items: int
    why: str


@dataclass(frozen=True, slots=True)
class Simulation:
    """The end of the run, or that it waits for something nobody was assumed to do. `critical` is the chain of tasks
    that made it take as long as it did, first to last."""

    status: str
    seconds: float
    tasks: tuple[Walked, ...]
    critical: tuple[str, ...]
    reached: float = field(default=0.0)  # which part of the tasks did something


def simulate(
    definition: Definition,
    assumed: Mapping[str, Assumption] | None = None,
    params: Mapping[str, Any] | None = None,
) -> Simulation:
    """Walk through one run of a checked definition. Raises nothing: what cannot be evaluated fails its task, as in a run."""
    walk = _Walk(compile_plan(definition), assumed or {}, params or {})
    walk.go()
    return walk.result()


class _Walk:
    def __init__(self, plan: Plan, assumed: Mapping[str, Assumption], params: Mapping[str, Any]) -> None:
        self.plan, self.assumed = plan, assumed
        defaults = {name: parameter.default for name, parameter in plan.parameters.items()}
        self.board = Board(plan, _run_state(plan, {**defaults, **params}), _world(START))
        rows = pending_tasks(plan.tasks.values(), run_id=1)
        self.board.add(replace(row, id=number) for number, row in enumerate(rows, start=1))
        self._agenda: list[tuple[datetime, int, Signal]] = []
        self._number = self._made = len(plan.tasks)
        self._due: dict[int, datetime] = {}

    def go(self) -> None:
        if self.board.run.deadline_at is not None:
            self._at(self.board.run.deadline_at, RunDue(run_id=1))
        self._moment(START, [Begin(run_id=1, actor=_ACTOR)])
        for _ in range(MOST_MOMENTS):
            if not self._agenda or self.board.run.status in RUN_ENDED:
                return
            at = self._agenda[0][0]
            self._moment(at, [*self._happening(at)])

    def _happening(self, at: datetime) -> Iterator[Signal]:
        while self._agenda and self._agenda[0][0] == at:
            yield heapq.heappop(self._agenda)[2]

    def _moment(self, now: datetime, signals: Sequence[Signal]) -> None:
        """What happens at once, as in one turn; everything that follows from it, and what begins then."""
        board = self.board
        board.world = replace(board.world, now=now)
        for signal in signals:
            handle(board, signal)
        board.advance(open_task, fold)
        self._number_items()
        if board.run.status in RUN_ENDED:
            board.drop_propagation()
            return
        board.finish()
        for task in claim(board, _ALL, _ACTOR) if board.claim_room() else ():
            self._begin(task)
        self._take_up_waits()
        board.changed.clear()

    def _begin(self, task: TaskState) -> None:
        self._later(self._of(task).seconds, self._outcome(task))
        if task.due_at is not None:  # an outcome that comes after it is refused
            self._at(task.due_at, Due(run_id=1, task_id=task.id))

    def _number_items(self) -> None:
        """Rows that were made get the ids that a database would give them."""
        for task in self.board.changed.values():
            if not task.id:
                self._made += 1
                task.id = self._made
                self.board.by_id[task.id] = task

    def _later(self, seconds: float, signal: Signal) -> None:
        self._at(self.board.world.now + timedelta(seconds=seconds), signal)

    def _at(self, moment: datetime, signal: Signal) -> None:
        self._number += 1
        heapq.heappush(self._agenda, (moment, self._number, signal))

    def _of(self, task: TaskState) -> Assumption:
        assumed = self.assumed.get(task.key) or _USUAL
        return replace(assumed, output=self._demo_output(task)) if assumed.sample else assumed

    def _demo_output(self, task: TaskState) -> Any:
        """What the demo agent would give: the parameter `result`, filled in; null where it cannot be."""
        planned = self.plan.tasks[task.key]
        known = [key for key in planned.reads if (key, -1) in self.board.tasks]
        context = context_of(self.board, known) | {"item": task.item, "index": task.index}
        try:
            return compile_template(planned.raw_parameters.get("result")).resolve(context)
        except (ExpressionError, DefinitionError):
            return None

    def _outcome(self, task: TaskState) -> Signal:
        assumed = self._of(task)
        fence: dict[str, Any] = {"run_id": 1, "task_id": task.id, "claim": task.claim, "actor": _ACTOR}
        if assumed.happens == "succeeds":
            return Succeeded(**fence, output=assumed.output)
        return Failed(**fence, error=dict(_FAILED))

    def _take_up_waits(self) -> None:
        """What waits for a person or for its time is put on the agenda, once for each wait."""
        for task in self.board.changed.values():
            if task.status is not TaskStatus.WAITING:
                self._due.pop(task.id, None)
            elif self._due.get(task.id) != (mark := task.due_at or START):
                self._due[task.id] = mark
                self._wait(task)

    def _wait(self, task: TaskState) -> None:
        if task.reason == WaitReason.APPROVAL:
            self._ask(task)
        elif task.reason == WaitReason.PERSON:
            self._later(0.0, Told(run_id=1, task_id=task.id, verb="fail", actor=_ACTOR, reason="assumed"))
        elif task.due_at is not None:
            self._at(task.due_at, Due(run_id=1, task_id=task.id))

    def _ask(self, task: TaskState) -> None:
        assumed = self._of(task)
        if assumed.happens == "unanswered":
            if task.due_at is not None:
                self._at(task.due_at, Due(run_id=1, task_id=task.id))
            return
        decision: Literal["approve", "reject"] = "approve" if assumed.happens == "succeeds" else "reject"
        answer = Decided(
            run_id=1,
            task_id=task.id,
            decision=decision,
            actor=_ACTOR,
            user_id=0,
            username=_ACTOR,
            override=True,  # however many it takes, and on however many levels
        )
        self._later(assumed.seconds, answer)

    # What is told of it

    def result(self) -> Simulation:
        board = self.board
        tasks = tuple(self._walked(planned.key) for planned in self.plan.tasks.values())
        ended = board.run.status in RUN_ENDED
        touched = [one for one in tasks if one.started is not None]
        return Simulation(
            status=board.run.status.value if ended else "waits",
            seconds=_seconds(board.run.finished_at or board.world.now) or 0.0,
            tasks=tasks,
            critical=tuple(self._critical(tasks)),
            reached=len(touched) / len(tasks) if tasks else 1.0,
        )

    def _walked(self, key: str) -> Walked:
        task, items = self.board.tasks[key, -1], self.board.items(key)
        return Walked(
            key=key,
            name=self.plan.tasks[key].name,
            status=task.status.value,
            started=_seconds(task.started_at),
            finished=_seconds(task.finished_at),
            attempts=max([task.attempt, *(item.attempt for item in items)]),
            items=len(items),
            why=str((task.error or {}).get("message", "")),
        )

    def _critical(self, tasks: tuple[Walked, ...]) -> Iterator[str]:
        """From the task that ended last back to that dependency of it which ended last, and so on."""
        ended = {one.key: one for one in tasks if one.finished is not None and one.started is not None}
        chain: list[str] = []
        key = max(ended, key=lambda name: (ended[name].finished, ended[name].started), default="")
        while key:
            chain.append(key)
            before = [one for one in self.plan.tasks[key].dependencies if one in ended]
            key = max(before, key=lambda name: ended[name].finished or 0.0, default="")
        return reversed(chain)


def explore(definition: Definition, params: Mapping[str, Any] | None = None) -> dict[str, Simulation]:
    """One run in which all goes well, and one for each task in which that fails, or is rejected: what each leads to."""
    found = {"": simulate(definition, {}, params)}
    for key, task in definition.tasks.items():
        happens: Happens = "rejected" if task.action == APPROVAL_GATE else "fails"
        found[key] = simulate(definition, {key: Assumption(happens)}, params)
    return found


def never_reached(found: Mapping[str, Simulation]) -> list[str]:
    """The tasks that did nothing in any of these runs, in definition order."""
    started = {task.key for one in found.values() for task in one.tasks if task.started is not None}
    first = next(iter(found.values()))
    return [task.key for task in first.tasks if task.key not in started]


def _run_state(plan: Plan, params: dict[str, Any]) -> RunState:
    deadline = START + timedelta(seconds=plan.timeout_seconds) if plan.timeout_seconds else None
    return RunState(
        id=1,
        workflow_id=1,
        version_id=1,
        status=RunStatus.CREATED,
        epoch=1,
        seq=0,
        digest="",
        params=params,
        trigger=_ACTOR,
        started_by_id=None,
        parent_id=None,
        depth=0,
        total=len(plan.tasks),
        unsettled=len(plan.tasks),
        completed=0,
        failed=0,
        skipped=0,
        unhandled=0,
        executing=0,
        ready_parallel=0,
        ready_sequential=0,
        sequential_busy=0,
        claimable=False,
        error=None,
        started_at=None,
        finished_at=None,
        deadline_at=deadline,
    )


def _world(now: datetime) -> World:
    # Long leases: in here no worker dies. Retries wait their full time, since chance has no place in an expectation.
    return World(now, served=lambda _: True, jitter=lambda: 0.0, lease_seconds=1e9)


def _seconds(moment: datetime | None) -> float | None:
    return (moment - START).total_seconds() if moment is not None else None
