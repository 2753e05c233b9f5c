"""The columns of runs and task runs between the database and the planner's states, the same on every database.

Times are aware datetimes in UTC on this side; JSON goes through its text. Each state remembers the values that are stored
of it, so that only what has changed is written: an index whose column is not named need not be touched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from django.db import connection

from orchestrator.planning.machine import RunStatus, TaskStatus
from orchestrator.planning.state import RunState, TaskState

Converter = Callable[[Any], Any]

_TIMES = frozenset(
    {"due_at", "timeout_at", "ready_at", "started_at", "finished_at", "deadline_at", "touched_at"}
)
_JSON = frozenset({"params", "error", "item", "override", "input", "output"})
_BOOLEAN = frozenset({"claimable", "sequential"})
_TEXT = frozenset({"key", "status", "reason", "agent_id", "worker", "digest", "trigger"})
_NOT_STORED = frozenset({"stored"})
_RUN_FIXED = frozenset(
    {"id", "workflow_id", "version_id", "params", "trigger", "started_by_id", "parent_id", "depth"}
)
_TASK_FIXED = frozenset({"id", "run_id", "key", "index", "order", "sequential", "item"})


# Values


@lru_cache(maxsize=1024)
def time_out(value: datetime | None) -> Any:
    """A time as the database's driver takes it. A turn writes few different times, each of them often."""
    return connection.ops.adapt_datetimefield_value(value) if value is not None else None


@lru_cache(maxsize=1024)
def _time_from_text(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _time_in(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _time_from_text(value)
    moment: datetime = value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _json_out(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _json_in(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _outward(name: str) -> Converter | None:
    if name in _TIMES:
        return time_out
    if name in _JSON:
        return _json_out
    return str if name == "status" else None


def _inward(name: str, status: type[RunStatus] | type[TaskStatus]) -> Converter | None:
    if name == "status":
        return status
    if name in _TIMES:
        return _time_in
    if name in _JSON:
        return _json_in
    return bool if name in _BOOLEAN else None


def array_type(name: str) -> str:
    """What a list of this column's values is on PostgreSQL; JSON travels as text."""
    if name in _TIMES:
        return "timestamptz[]"
    if name in _BOOLEAN:
        return "boolean[]"
    return "text[]" if name in _JSON | _TEXT else "bigint[]"


def cast(name: str) -> str:
    return "::json" if name in _JSON else ""


# Tables

State = RunState | TaskState


class Table:
    """One table: its columns in the order of the state's fields, and those that a turn may change."""

    def __init__(
        self,
        name: str,
        state: type[RunState] | type[TaskState],
        status: type[RunStatus] | type[TaskStatus],
        fixed: frozenset[str],
    ) -> None:
        self.name = name
        self.columns = tuple(field.name for field in fields(state) if field.name not in _NOT_STORED)
        self.written = tuple(column for column in self.columns if column not in fixed)
        self._state: Any = state
        self._inward = [(i, how) for i, column in enumerate(self.columns) if (how := _inward(column, status))]
        self._outward = tuple(_outward(column) for column in self.written)
        self._written_values = attrgetter(*self.written)
        self._values = attrgetter(*self.columns)

    def select(self, where: str) -> str:
        return f"SELECT {listed(self.columns)} FROM {self.name} WHERE {where}"

    def read(self, row: Sequence[Any]) -> Any:
        values = list(row)
        for position, how in self._inward:
            values[position] = how(values[position])
        state = self._state(*values)
        self.note_stored(state)
        return state

    def copy(self, state: Any) -> Any:
        """The same values, apart from what becomes of this state; not for writing."""
        return self._state(*self._values(state))

    def note_stored(self, state: State) -> None:
        """What the state holds now is what the database holds."""
        state.stored = self._written_values(state)

    def changes(self, state: State) -> tuple[tuple[int, ...], list[Any]]:
        """Which of `written` differ from what is stored, by position, and their values as the driver takes them.

        Values are compared as wholes: a map or list in a state is replaced, never changed in place.
        """
        now, stored = self._written_values(state), state.stored
        where = tuple(
            [
                i
                for i, (new, old) in enumerate(zip(now, stored, strict=True))
                if new is not old and (new != old or type(new) is not type(old))
            ]
        )
        return where, [how(now[i]) if (how := self._outward[i]) else now[i] for i in where]

    def new_row(self, state: State) -> list[Any]:
        """Values of every column but the id."""
        return [
            how(value) if (how := _outward(column)) else value
            for column in self.columns[1:]
            for value in (getattr(state, column),)
        ]

    @lru_cache(maxsize=256)  # noqa: B019 - the two tables live as long as the process
    def update(self, where: tuple[int, ...]) -> str:
        """Sets these columns of one row, whose id is the last value."""
        sets = ", ".join(f'"{self.written[i]}" = %s' for i in where)
        return f"UPDATE {self.name} SET {sets} WHERE id = %s"

    @lru_cache(maxsize=256)  # noqa: B019 - as above
    def update_together(self, where: tuple[int, ...]) -> str:
        """PostgreSQL: the same of many rows in one statement, a list of values for each column and one of ids."""
        names: list[str] = [self.written[i] for i in where]
        sets = ", ".join(f'"{name}" = v."{name}"{cast(name)}' for name in names)
        arrays = ", ".join([*(f"%s::{array_type(name)}" for name in names), "%s::bigint[]"])
        return (
            f"UPDATE {self.name} AS t SET {sets} "
            f"FROM unnest({arrays}) AS v({listed([*names, 'row_id'])}) WHERE t.id = v.row_id"
        )


RUNS = Table("orchestrator_run", RunState, RunStatus, _RUN_FIXED)
TASKS = Table("orchestrator_taskrun", TaskState, TaskStatus, _TASK_FIXED)


def listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
