"""What a worker remembers of the runs it drives, so that a turn need not read what the last one wrote.

The rows of a run hold as long as its `turns` shows that nobody else has written it since. Only a lease may have been
extended meanwhile, and no decision that a worker asks for looks at that. A turn that fails forgets everything.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from orchestrator.engine import rows
from orchestrator.planning.board import Board
from orchestrator.planning.machine import RUN_ENDED, TASK_SETTLED, TaskStatus
from orchestrator.planning.state import RunState, TaskState

MOST_ROWS = 20_000
COUNT_EVERY = 20  # turns
AHEAD = 32  # rows read beyond those asked for, of a run that nobody else drives

Place = tuple[int, int, int]  # order, index, id


class _Remembered:
    """The unsettled rows of one run, those that are ready also in the order in which they are claimed."""

    def __init__(self) -> None:
        self.turns = -1
        self.by_id: dict[int, TaskState] = {}
        self.by_key: dict[str, TaskState] = {}
        self.ready: dict[bool, dict[int, TaskState]] = {True: {}, False: {}}
        self._queues: dict[bool, list[Place]] = {True: [], False: []}

    def put(self, task: TaskState) -> None:
        if task.status in TASK_SETTLED or not task.id:
            self.drop(task)
            return
        self.by_id[task.id] = task
        if task.index < 0:
            self.by_key[task.key] = task
        ready = self.ready[task.sequential]
        if task.status is not TaskStatus.READY:
            ready.pop(task.id, None)
        elif task.id not in ready:
            ready[task.id] = task
            heapq.heappush(self._queues[task.sequential], (task.order, task.index, task.id))

    def drop(self, task: TaskState) -> None:
        self.by_id.pop(task.id, None)
        self.ready[task.sequential].pop(task.id, None)
        if task.index < 0:
            self.by_key.pop(task.key, None)

    def take_ready(self, sequential: bool, limit: int) -> list[TaskState]:
        """The first ready rows; they are put back by the end of the turn if they still are."""
        ready, queue = self.ready[sequential], self._queues[sequential]
        taken: list[TaskState] = []
        while queue and len(taken) < limit:
            task = ready.pop(heapq.heappop(queue)[2], None)
            if task is not None:
                taken.append(task)
        return taken


class Memory:
    """Used by one thread, in which all of a worker's turns are taken."""

    def __init__(self, most_rows: int = MOST_ROWS) -> None:
        self._runs: dict[int, _Remembered] = {}
        self._most_rows = most_rows
        self._kept = 0

    def recall(self, run: RunState) -> None:
        """The run has been locked: forget what another has changed since."""
        known = self._runs.get(run.id)
        if known is not None and known.turns != run.turns:
            del self._runs[run.id]

    def forget(self, run_id: int) -> None:
        self._runs.pop(run_id, None)

    def clear(self) -> None:
        self._runs.clear()

    def tasks_by_id(self, ids: Iterable[tuple[int, int]]) -> list[TaskState]:
        """Rows of these (run, task) ids."""
        found: list[TaskState] = []
        unknown: list[int] = []
        for run_id, task_id in ids:
            known = self._runs.get(run_id)
            task = known.by_id.get(task_id) if known else None
            if task is None:
                unknown.append(task_id)
            else:
                found.append(task)
        return found + rows.tasks_by_id(unknown) if unknown else found

    def tasks_by_key(self, wanted: Sequence[tuple[Board, Sequence[str]]]) -> list[TaskState]:
        """Rows (not items) of these runs, read in one statement where they are not known.

        Of a run that is ours alone some that will be asked for soon are read with them.
        """
        found: list[TaskState] = []
        pairs: list[tuple[int, str]] = []
        extra: set[tuple[int, str]] = set()
        for board, keys in wanted:
            run_id = board.run.id
            known = self._runs[run_id].by_key if run_id in self._runs else {}
            found += [known[key] for key in keys if key in known]
            unknown = [key for key in keys if key not in known]
            pairs += [(run_id, key) for key in unknown]
            if unknown and run_id in self._runs:
                extra.update((run_id, key) for key in _ahead(board, known, unknown))
        if not pairs:
            return found
        for task in rows.tasks_by_key([*pairs, *extra]):
            if (task.run_id, task.key) in extra:
                self._runs[task.run_id].put(task)
            else:
                found.append(task)
        return found

    def take_ready(self, run_id: int, *, sequential: bool, count: int, limit: int) -> list[TaskState] | None:
        """The first of the `count` rows that were ready before this turn; None when not all of them are known."""
        known = self._runs.get(run_id)
        if known is None or len(known.ready[sequential]) != count:
            return None
        return known.take_ready(sequential, limit)

    def keep(self, boards: Iterable[Board]) -> None:
        """The turn has been written: this is how the rows are now."""
        for board in boards:
            if board.run.status in RUN_ENDED:
                self.forget(board.run.id)
                continue
            known = self._runs.pop(board.run.id, None) or _Remembered()
            known.turns = board.run.turns
            for task in board.removed_items:
                known.drop(task)
            for task in board.tasks.values():
                known.put(task)
            self._runs[board.run.id] = known
        self._make_room()

    def _make_room(self) -> None:
        """The runs longest untouched go first."""
        self._kept += 1
        if self._kept % COUNT_EVERY:
            return
        rows_known = sum(len(known.by_id) for known in self._runs.values())
        for run_id in list(self._runs):
            if rows_known <= self._most_rows:
                return
            rows_known -= len(self._runs.pop(run_id).by_id)


def _ahead(board: Board, known: dict[str, TaskState], keys: Sequence[str]) -> list[str]:
    """The tasks that stand behind these in the definition and are not known yet."""
    if len(keys) > AHEAD:
        return []
    after = board.plan.tasks[keys[-1]].order + 1
    following = board.plan.keys[after : after + AHEAD]
    return [key for key in following if key not in known and key not in keys and (key, -1) not in board.tasks]
