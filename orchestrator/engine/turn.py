"""The turn: one transaction that records outcomes, plans what follows, applies it, and claims the next work.

The order in it is what makes it correct:
1. lock the runs (in order of id; those only claimed from are skipped when another turn holds them);
2. read the affected rows; 3. let the pure planner decide; 4. write rows, events and requests;
5. after commit: tell live views, wake workers, wake parents of runs that ended.
A run whose rows the planner cannot make sense of is set aside (paused, with the reason); the others go on.
"""

from __future__ import annotations

import logging
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from orchestrator import conf
from orchestrator.actions.agent_task import served_by
from orchestrator.dispatch import wake
from orchestrator.engine import quarantine, registry, rows, singly, writing
from orchestrator.engine.columns import TASKS
from orchestrator.engine.memory import Memory
from orchestrator.engine.news import send_after_commit
from orchestrator.engine.plans import plan_for
from orchestrator.engine.points import reached
from orchestrator.engine.transactions import turn_transaction
from orchestrator.planning.board import Board, Wanted, World
from orchestrator.planning.claiming import claim
from orchestrator.planning.machine import RUN_ENDED, TaskStatus
from orchestrator.planning.opening import fold, open_task
from orchestrator.planning.outcomes import handle
from orchestrator.planning.plan import PlanTask
from orchestrator.planning.signals import Signal, TaskSignal, takes_back
from orchestrator.planning.state import RunState, TaskState

logger = logging.getLogger(__name__)

Line = tuple[int, int, datetime, str, str]  # id of the task run, attempt, time, level, message

FEW = 20  # ready rows of a run that are read together with those of other runs


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """How many tasks a worker can take, of how many runs at most; `run_id` limits it to one run."""

    worker: str
    limit: int
    runs: int = 20
    run_id: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A task a worker holds: what it needs to carry it out, as values."""

    run: RunState
    task: TaskState
    planned: PlanTask
    workflow: Mapping[str, Any]  # id, name and metadata, as expressions see them


@dataclass(slots=True)
class TurnResult:
    claims: list[Claim] = field(default_factory=list)
    conflicts: dict[int, list[str]] = field(default_factory=dict)
    left_over: bool = False  # something stayed claimable that this turn had no room for

    def add(self, other: TurnResult) -> None:
        self.claims += other.claims
        self.conflicts |= other.conflicts
        self.left_over |= other.left_over


def take_turn(
    signals: Iterable[Signal] = (),
    *,
    claiming: ClaimRequest | None = None,
    lines: Sequence[Line] = (),
    now: datetime | None = None,
    memory: Memory | None = None,
) -> TurnResult:
    """Settle these signals, of any number of runs, in one transaction, and store what the attempts behind them logged.

    `memory` is what the caller's earlier turns left. Raises only what the database raises.
    """
    by_run: dict[int, list[Signal]] = defaultdict(list)
    for signal in signals:
        by_run[signal.run_id].append(signal)
    moment, memory = now or timezone.now(), memory if memory is not None else Memory()
    if conf.demo():
        registry.look()
    try:
        return _taken(by_run, claiming, lines, moment, memory)
    except Exception as error:
        if not singly.is_ours_to_mend(error):
            raise
        logger.exception("A turn over %s runs failed and is taken again run by run", len(by_run))
        return _taken_singly(by_run, claiming, lines, moment, memory)


def _taken(
    by_run: dict[int, list[Signal]],
    claiming: ClaimRequest | None,
    lines: Sequence[Line],
    now: datetime,
    memory: Memory,
) -> TurnResult:
    try:
        with turn_transaction():
            turn = _Turn(by_run, claiming, now, memory)
            result = turn.take()
            rows.insert_lines(lines)
            reached("turn before commit")
    except BaseException:
        memory.clear()
        raise
    reached("turn after commit")
    return result


def _taken_singly(
    by_run: dict[int, list[Signal]],
    claiming: ClaimRequest | None,
    lines: Sequence[Line],
    now: datetime,
    memory: Memory,
) -> TurnResult:
    """The signals of each run, and a claim from each run, in turns of their own; a run that fails alone is sealed off."""
    whole = TurnResult()

    def settle(run_id: int) -> TurnResult:
        return _taken({run_id: by_run[run_id]}, None, (), now, memory)

    def claim_from(run_id: int) -> TurnResult:
        assert claiming is not None
        request = replace(claiming, limit=claiming.limit - len(whole.claims), run_id=run_id)
        return _taken({}, request, (), now, memory)

    for run_id, result in singly.each(sorted(by_run), settle, now):
        whole.add(result or TurnResult(conflicts={run_id: [quarantine.SET_ASIDE]}))
    if claiming is not None:
        wanted = [claiming.run_id] if claiming.run_id else singly.claimable(claiming.runs)
        for _, result in singly.each(wanted, claim_from, now):
            whole.add(result or TurnResult())
            if len(whole.claims) >= claiming.limit:
                break
    rows.insert_lines(lines)
    return whole


class _Turn:
    def __init__(
        self,
        by_run: dict[int, list[Signal]],
        claiming: ClaimRequest | None,
        now: datetime,
        memory: Memory,
    ) -> None:
        self.by_run = by_run
        self.memory = memory
        self.claiming = claiming
        self.now = now
        self.world = World(now, served, random.random, conf.lease_seconds(), conf.business_hours())
        self.boards: list[Board] = []
        self.result = TurnResult()

    def take(self) -> TurnResult:
        self._lock()
        self._load()
        self._signal()
        self._settle()
        self._claim()
        self._each(Board.finish)
        self._write()
        self.memory.keep(self.boards)
        return self.result

    # 1. Lock

    def _lock(self) -> None:
        runs = rows.lock_runs(sorted(self.by_run))
        request = self.claiming
        if request is not None and request.run_id is None and request.limit > 0:
            runs += rows.lock_claimable(request.runs, sorted(self.by_run))
        elif request is not None and request.run_id is not None and request.run_id not in self.by_run:
            runs += rows.lock_runs([request.run_id])
        for run in runs:
            self.memory.recall(run)
        self.boards = [Board(plan_for(run.version_id), run, self.world) for run in runs]

    # 2. Read what the signals name

    def _load(self) -> None:
        whole = {board.run.id for board in self.boards if self._touches_all(board.run.id)}
        ids = [
            (run_id, signal.task_id)
            for run_id, signals in self.by_run.items()
            for signal in signals
            if run_id not in whole and isinstance(signal, TaskSignal)
        ]
        loaded: dict[int, list[TaskState]] = defaultdict(list)
        for row in self.memory.tasks_by_id(ids):
            loaded[row.run_id].append(row)
        for board in self.boards:
            if board.run.id in whole:
                self.memory.forget(board.run.id)
                board.add(rows.tasks_of_run(board.run.id))
            else:
                board.add(loaded[board.run.id])
        self._add_groups()

    def _touches_all(self, run_id: int) -> bool:
        return any(takes_back(signal) for signal in self.by_run.get(run_id, ()))

    def _add_groups(self) -> None:
        """An item's outcome counts in the row of its task."""
        self._fetch(
            {board.run.id: Wanted({key for key, index in board.tasks if index >= 0}) for board in self.boards}
        )

    def _fetch(self, wanted: dict[int, Wanted]) -> None:
        asked = [
            (board, sorted(wanted[board.run.id].keys)) for board in self.boards if board.run.id in wanted
        ]
        found: dict[int, list[TaskState]] = defaultdict(list)
        for row in self.memory.tasks_by_key(asked):
            found[row.run_id].append(row)
        for board in self.boards:
            board.add(found[board.run.id])
            for key in wanted[board.run.id].groups if board.run.id in wanted else ():
                board.add(rows.items_of(board.run.id, key))
                board.saw_group(key)

    # 3. Decide

    def _signal(self) -> None:
        def signal_all(board: Board) -> None:
            for signal in self.by_run.get(board.run.id, ()):
                handle(board, signal)

        self._each(signal_all)

    def _settle(self) -> None:
        self._each(_advance)
        while wanted := {board.run.id: want for board in self.boards if (want := board.wanted())}:
            self._fetch(wanted)
            self._each(_advance, only=set(wanted))

    def _claim(self) -> None:
        for board in self.boards:
            self.result.claims += [_claimed(board, task) for task in board.taken]
        request = self.claiming
        if request is None:
            self.result.left_over = any(board.claim_room() > 0 for board in self.boards)
            return
        boards = [board for board in self.boards if request.run_id in {None, board.run.id}]
        self._load_ready(boards, request.limit)
        room = request.limit
        for board in boards:
            taken = claim(board, room, request.worker) if room > 0 and board.claim_room() > 0 else []
            room -= len(taken)
            self.result.claims += [_claimed(board, task) for task in taken]
        self.result.left_over = any(board.claim_room() > 0 for board in self.boards)

    def _load_ready(self, boards: Iterable[Board], room: int) -> None:
        """Ready rows from before this turn, as far as there is room; those made ready in it are on the board already."""
        few: dict[int, Board] = {}
        for board in boards:
            if room <= 0:
                break
            for sequential, count in _ready_before(board):
                known = self.memory.take_ready(board.run.id, sequential=sequential, count=count, limit=room)
                if known is not None:
                    board.add(known)
                elif count <= FEW:
                    few[board.run.id] = board
                else:
                    board.add(rows.ready_tasks(board.run.id, sequential=sequential, limit=room))
            room -= board.claim_room()
        for row in rows.all_ready_tasks(list(few)) if few else ():
            few[row.run_id].add([row])

    def _each(self, step: writing.Step, only: set[int] | None = None) -> None:
        """Do this with every board; one it fails on is set aside and the others go on."""
        for position, board in enumerate(self.boards):
            if only is not None and board.run.id not in only:
                continue
            try:
                step(board)
            except Exception as error:
                logger.exception("Run %s was set aside", board.run.id)
                self.memory.forget(board.run.id)
                self.boards[position] = quarantine.set_aside(board, error, self.world)

    # 4. and 5. Write, and what follows the commit

    def _write(self) -> None:
        writing.write(self.boards, self.now)
        for board in self.boards:
            if board.conflicts:
                self.result.conflicts[board.run.id] = board.conflicts
        if self.result.left_over:
            wake()
        send_after_commit(self.boards)


def _claimed(board: Board, task: TaskState) -> Claim:
    # A copy: the row itself lives on, and another attempt must not change this one's fence.
    return Claim(board.run, TASKS.copy(task), board.plan.tasks[task.key], board.plan.facts)


def _advance(board: Board) -> None:
    board.advance(open_task, fold)
    if board.run.status in RUN_ENDED:
        board.drop_propagation()


def _ready_before(board: Board) -> list[tuple[bool, int]]:
    """How many rows of each kind, sequential or not, were ready before this turn and could be claimed now."""
    run = board.run
    if board.claim_room() <= 0:
        return []
    here = [task.sequential for task in board.tasks.values() if task.status is TaskStatus.READY]
    sequential = 0 if run.sequential_busy else run.ready_sequential - sum(here)
    parallel = run.ready_parallel - (len(here) - sum(here))
    return [(kind, count) for kind, count in ((True, sequential), (False, parallel)) if count > 0]


def served(agent_id: str) -> bool:
    """Whether a worker carries out the tasks of this agent. The demo agent stands in for nobody who is registered."""
    demo = conf.demo() and not registry.answers_for(agent_id)
    return served_by(agent_id, conf.agents(), demo=demo) is not None
