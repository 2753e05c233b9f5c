"""Rows of runs and task runs in and out of the database, in few statements and the same on SQLite and PostgreSQL.

Plain SQL, because a turn is the hot path: a statement through the ORM costs several times its execution. Times are
aware datetimes in UTC on this side; JSON goes through Django's text form on both databases.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from orchestrator.planning.machine import RunStatus, TaskStatus
from orchestrator.planning.state import RunState, TaskState

RUN = "orchestrator_run"
TASK = "orchestrator_taskrun"

_TIMES = frozenset(
    {"due_at", "timeout_at", "ready_at", "started_at", "finished_at", "deadline_at", "touched_at"}
)
_JSON = frozenset({"params", "error", "item", "override", "input", "output"})
_RUN_FIXED = frozenset(
    {"id", "workflow_id", "version_id", "params", "trigger", "started_by_id", "parent_id", "depth"}
)
_TASK_FIXED = frozenset({"id", "run_id", "key", "index", "order", "sequential", "item"})

_RUN_COLUMNS = tuple(field.name for field in fields(RunState))
_TASK_COLUMNS = tuple(field.name for field in fields(TaskState))
_RUN_WRITTEN = tuple(name for name in _RUN_COLUMNS if name not in _RUN_FIXED)
_TASK_WRITTEN = tuple(name for name in _TASK_COLUMNS if name not in _TASK_FIXED)
_TASK_INSERTED = tuple(name for name in _TASK_COLUMNS if name != "id")


def _listed(names: Iterable[str], prefix: str = "") -> str:
    return ", ".join(f'{prefix}"{name}"' for name in names)


_SELECT_RUN = f"SELECT {_listed(_RUN_COLUMNS)} FROM {RUN}"
_SELECT_TASK = f"SELECT {_listed(_TASK_COLUMNS)} FROM {TASK}"
_UPDATE_RUN = (
    f"UPDATE {RUN} SET {', '.join(f'{chr(34)}{name}{chr(34)} = %s' for name in _RUN_WRITTEN)} WHERE id = %s"
)
_UPDATE_TASK = (
    f"UPDATE {TASK} SET {', '.join(f'{chr(34)}{name}{chr(34)} = %s' for name in _TASK_WRITTEN)} WHERE id = %s"
)
_INSERT_TASK = (
    f"INSERT INTO {TASK} ({_listed(_TASK_INSERTED)}) VALUES ({', '.join(['%s'] * len(_TASK_INSERTED))})"
)
_INSERT_EVENT = (
    'INSERT INTO orchestrator_event ("run_id", "seq", "type", "task", "index", "actor", "at", "data", "digest") '
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)

# Whoever is retried by hand has lost the rows of its items: lines about those go nowhere.
_INSERT_LINE = (
    'INSERT INTO orchestrator_logline ("task_run_id", "attempt", "at", "level", "message") '
    f"SELECT id, %s, %s, %s, %s FROM {TASK} WHERE id = %s"
)


# Values


@lru_cache(maxsize=1024)
def time_out(value: datetime | None) -> Any:
    """A time as the database's driver takes it. A turn writes few different times, each of them often."""
    return connection.ops.adapt_datetimefield_value(value) if value is not None else None


def _time_in(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    moment: datetime = value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _json_out(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _json_in(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _outward(name: str) -> Callable[[Any], Any] | None:
    if name in _TIMES:
        return time_out
    return _json_out if name in _JSON else None


def _inward(name: str, status: type[RunStatus] | type[TaskStatus]) -> Callable[[Any], Any] | None:
    if name == "status":
        return status
    if name in _TIMES:
        return _time_in
    if name in _JSON:
        return _json_in
    return bool if name in {"claimable", "sequential"} else None


_RUN_IN = [(i, convert) for i, name in enumerate(_RUN_COLUMNS) if (convert := _inward(name, RunStatus))]
_TASK_IN = [(i, convert) for i, name in enumerate(_TASK_COLUMNS) if (convert := _inward(name, TaskStatus))]
_RUN_OUT = [(name, _outward(name)) for name in _RUN_WRITTEN]
_TASK_OUT = [(name, _outward(name)) for name in _TASK_WRITTEN]
_TASK_NEW = [(name, _outward(name)) for name in _TASK_INSERTED]


def _read(row: Sequence[Any], conversions: list[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    values = list(row)
    for position, convert in conversions:
        values[position] = convert(values[position])
    return values


def _written(state: object, columns: list[tuple[str, Callable[[Any], Any] | None]]) -> list[Any]:
    return [convert(getattr(state, name)) if convert else getattr(state, name) for name, convert in columns]


# Reading


def _marks(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _locking(suffix: str) -> str:
    """Row locks where there are any: on SQLite the immediate transaction holds the whole database.

    They let others refer to the row: a task that takes up its child must not wait for a turn of the child.
    """
    return f" FOR NO KEY UPDATE {suffix}".rstrip() if connection.features.has_select_for_update else ""


def lock_runs(ids: Sequence[int]) -> list[RunState]:
    """These runs, locked in order of id, so that two turns over several runs cannot wait for each other."""
    if not ids:
        return []
    sql = f"{_SELECT_RUN} WHERE id IN ({_marks(ids)}) ORDER BY id{_locking('')}"
    return _runs(sql, ids)


def lock_claimable(limit: int, but: Sequence[int]) -> list[RunState]:
    """Runs with something to claim that no other turn holds, the one longest untouched first. Never waits."""
    exclusion = f" AND id NOT IN ({_marks(but)})" if but else ""
    sql = f"{_SELECT_RUN} WHERE claimable{exclusion} ORDER BY touched_at LIMIT %s{_locking('SKIP LOCKED')}"
    return _runs(sql, [*but, limit])


def _runs(sql: str, values: Sequence[Any]) -> list[RunState]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [RunState(*_read(row, _RUN_IN)) for row in cursor.fetchall()]


def _tasks(where: str, values: Sequence[Any]) -> list[TaskState]:
    with connection.cursor() as cursor:
        cursor.execute(f"{_SELECT_TASK} WHERE {where}", values)
        return [TaskState(*_read(row, _TASK_IN)) for row in cursor.fetchall()]


# SQLite takes at most 32,766 values in a statement; PostgreSQL 65,535.
_CHUNK = 5000


def tasks_by_id(ids: Sequence[int]) -> list[TaskState]:
    found: list[TaskState] = []
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        found += _tasks(f"id IN ({_marks(part)})", part)
    return found


def tasks_by_key(wanted: Sequence[tuple[int, str]]) -> list[TaskState]:
    """The rows (not items) of these (run, key) pairs."""
    found: list[TaskState] = []
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        pairs = ", ".join(["(%s, %s, -1)"] * len(part))
        values = [value for pair in part for value in pair]
        found += _tasks(f'(run_id, "key", "index") IN (VALUES {pairs})', values)
    return found


def items_of(run_id: int, key: str) -> list[TaskState]:
    return _tasks('run_id = %s AND "key" = %s AND "index" >= 0', [run_id, key])


def tasks_of_run(run_id: int) -> list[TaskState]:
    return _tasks("run_id = %s", [run_id])


def ready_tasks(run_id: int, *, sequential: bool, limit: int) -> list[TaskState]:
    where = (
        "run_id = %s AND status = 'ready' AND "
        + ("sequential" if sequential else "NOT sequential")
        + ' ORDER BY "order", "index" LIMIT %s'
    )
    return _tasks(where, [run_id, limit])


# Writing


def save_runs(runs: Sequence[RunState]) -> None:
    _many(_UPDATE_RUN, [[*_written(run, _RUN_OUT), run.id] for run in runs])


def save_tasks(tasks: Sequence[TaskState]) -> None:
    _many(_UPDATE_TASK, [[*_written(task, _TASK_OUT), task.id] for task in tasks])


def insert_tasks(tasks: Sequence[TaskState]) -> None:
    _many(_INSERT_TASK, [_written(task, _TASK_NEW) for task in tasks])


def insert_events(events: Sequence[Sequence[Any]]) -> None:
    """Rows of run, seq, type, task, index, actor, at, data (JSON text), digest."""
    _many(_INSERT_EVENT, events)


def insert_lines(lines: Sequence[tuple[int, int, datetime, str, str]]) -> None:
    """Log lines: id of the task run, attempt, time, level, message."""
    _many(
        _INSERT_LINE, [[attempt, time_out(at), level, text, task] for task, attempt, at, level, text in lines]
    )


def _many(sql: str, values: Sequence[Sequence[Any]]) -> None:
    if values:
        with connection.cursor() as cursor:
            cursor.executemany(sql, values)
