"""Rows of runs and task runs in and out of the database, in few statements and the same on SQLite and PostgreSQL.

Plain SQL, because a turn is the hot path: a statement through the ORM costs several times its execution.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from orchestrator.engine import statements
from orchestrator.engine.columns import RUNS, TASKS, State, Table, array_type, cast, listed, time_out
from orchestrator.planning.state import RunState, TaskState

_EVENT_COLUMNS = ("run_id", "seq", "type", "task", "index", "actor", "at", "data", "digest")
_EVENT_TYPES = ("bigint", "bigint", "text", "text", "bigint", "text", "timestamptz", "text", "text")
_INSERT_EVENT = f"INSERT INTO orchestrator_event ({listed(_EVENT_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_EVENT_COLUMNS))})"
# On PostgreSQL many rows go as one list for each column.
_INSERT_EVENTS = (
    f"INSERT INTO orchestrator_event ({listed(_EVENT_COLUMNS)}) "
    'SELECT run_id, seq, type, task, "index", actor, at, data::json, digest '
    f"FROM unnest({', '.join(f'%s::{kind}[]' for kind in _EVENT_TYPES)}) AS v({listed(_EVENT_COLUMNS)})"
)
_INSERT_TASKS = (
    f"INSERT INTO {TASKS.name} ({listed(TASKS.columns[1:])}) "
    f"SELECT {', '.join(chr(34) + name + chr(34) + cast(name) for name in TASKS.columns[1:])} "
    f"FROM unnest({', '.join('%s::' + array_type(name) for name in TASKS.columns[1:])}) "
    f"AS v({listed(TASKS.columns[1:])})"
)
_INSERT_TASK = (
    f"INSERT INTO {TASKS.name} ({listed(TASKS.columns[1:])}) "
    f"VALUES ({', '.join(['%s'] * len(TASKS.columns[1:]))})"
)
# Whoever is retried by hand has lost the rows of its items: lines about those go nowhere.
_INSERT_LINE = (
    'INSERT INTO orchestrator_logline ("task_run_id", "attempt", "at", "level", "message") '
    f"SELECT id, %s, %s, %s, %s FROM {TASKS.name} WHERE id = %s"
)

_KEY = '"key"'

# SQLite takes at most 32,766 values in a statement.
_CHUNK = 5000


# Reading


def lock_runs(ids: Sequence[int]) -> list[RunState]:
    """These runs, locked in order of id, so that two turns over several runs cannot wait for each other."""
    if not ids:
        return []
    return _runs(f"{_in('id', ids)} ORDER BY id{_locking('')}", _values(ids))


def runs_by_id(ids: Sequence[int]) -> list[RunState]:
    """These runs as they are, not locked."""
    return _runs(_in("id", ids), _values(ids))


def lock_claimable(limit: int, but: Sequence[int]) -> list[RunState]:
    """Runs with something to claim that no other turn holds, the one longest untouched first. Never waits."""
    exclusion = f" AND NOT {_in('id', but)}" if but else ""
    where = f"claimable{exclusion} ORDER BY touched_at LIMIT %s{_locking('SKIP LOCKED')}"
    return _runs(where, [*(_values(but) if but else ()), limit])


def _runs(where: str, values: Sequence[Any]) -> list[RunState]:
    return [RUNS.read(row) for row in statements.query(RUNS.select(where), values)]


def _tasks(where: str, values: Sequence[Any]) -> list[TaskState]:
    return [TASKS.read(row) for row in statements.query(TASKS.select(where), values)]


def tasks_by_id(ids: Sequence[int]) -> list[TaskState]:
    found: list[TaskState] = []
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        found += _tasks(_in("id", part), _values(part))
    return found


def tasks_by_key(wanted: Sequence[tuple[int, str]]) -> list[TaskState]:
    """The rows (not items) of these (run, key) pairs."""
    runs = {run_id for run_id, _ in wanted}
    found: list[TaskState] = []
    for start in range(0, len(wanted), _CHUNK):
        part = wanted[start : start + _CHUNK]
        if len(runs) == 1:
            keys = [key for _, key in part]
            where = f'run_id = %s AND {_in(_KEY, keys)} AND "index" = -1'
            found += _tasks(where, [*runs, *_values(keys)])
        else:
            found += _tasks(*_pairs(part))
    return found


def _pairs(pairs: Sequence[tuple[int, str]]) -> tuple[str, list[Any]]:
    """One look-up in the unique index for each pair.

    For `(run_id, key, index) IN (VALUES …)` SQLite would read the whole table, so there the ids are looked up first.
    """
    if statements.is_postgres():
        runs, keys = [run for run, _ in pairs], [key for _, key in pairs]
        wanted = "SELECT r, k, -1 FROM unnest(%s::bigint[], %s::text[]) AS v(r, k)"
        return f'(run_id, {_KEY}, "index") IN ({wanted})', [runs, keys]
    marks = ", ".join(["(%s, %s)"] * len(pairs))
    alike = f'run_id = column1 AND {_KEY} = column2 AND "index" = -1'
    ids = f"SELECT id FROM (VALUES {marks}) CROSS JOIN {TASKS.name} WHERE {alike}"
    return f"id IN ({ids})", [value for pair in pairs for value in pair]


def items_of(run_id: int, key: str) -> list[TaskState]:
    return _tasks('run_id = %s AND "key" = %s AND "index" >= 0', [run_id, key])


def tasks_of_run(run_id: int) -> list[TaskState]:
    return _tasks("run_id = %s", [run_id])


def ready_tasks(run_id: int, *, sequential: bool, limit: int) -> list[TaskState]:
    where = 'run_id = %s AND status = \'ready\' AND "sequential" = %s ORDER BY "order", "index" LIMIT %s'
    return _tasks(where, [run_id, sequential, limit])


def all_ready_tasks(run_ids: Sequence[int]) -> list[TaskState]:
    """Every ready row of these runs, for runs that have few."""
    return _tasks(f"{_in('run_id', run_ids)} AND status = 'ready'", _values(run_ids))


def _in(column: str, values: Sequence[Any]) -> str:
    """On PostgreSQL a list is one value, so that the statement is the same for any number."""
    return (
        f"{column} = ANY(%s)"
        if statements.is_postgres()
        else f"{column} IN ({', '.join(['%s'] * len(values))})"
    )


def _values(values: Sequence[Any]) -> list[Any]:
    return [list(values)] if statements.is_postgres() else list(values)


def _locking(suffix: str) -> str:
    """Row locks where there are any: on SQLite the immediate transaction holds the whole database.

    They let others refer to the row: a task that takes up its child must not wait for a turn of the child.
    """
    return f" FOR NO KEY UPDATE {suffix}".rstrip() if statements.is_postgres() else ""


# Writing


def save_runs(runs: Sequence[RunState]) -> None:
    _save(RUNS, runs)


def save_tasks(tasks: Sequence[TaskState]) -> None:
    _save(TASKS, tasks)


def _save(table: Table, states: Sequence[State]) -> None:
    """Write what has changed; rows that changed alike share a statement."""
    alike: dict[tuple[int, ...], list[list[Any]]] = defaultdict(list)
    for state in states:
        changed, new = table.changes(state)
        if changed:
            alike[changed].append([*new, state.id])
            table.note_stored(state)
    for where, rows in alike.items():
        if statements.is_postgres() and len(rows) > 1:
            statements.execute(table.update_together(where), _by_column(rows))
        else:
            statements.execute_many(table.update(where), rows)


def _by_column(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def insert_tasks(tasks: Sequence[TaskState]) -> None:
    values = [TASKS.new_row(task) for task in tasks]
    if statements.is_postgres() and len(values) > 1:
        statements.execute(_INSERT_TASKS, _by_column(values))
    else:
        statements.execute_many(_INSERT_TASK, values)


def insert_events(events: Sequence[Sequence[Any]]) -> None:
    """Rows of run, seq, type, task, index, actor, at, data (JSON text), digest."""
    if statements.is_postgres() and len(events) > 1:
        statements.execute(_INSERT_EVENTS, _by_column(events))
    else:
        statements.execute_many(_INSERT_EVENT, events)


def insert_lines(lines: Sequence[tuple[int, int, datetime, str, str]]) -> None:
    """Log lines: id of the task run, attempt, time, level, message."""
    rows = [[attempt, time_out(at), level, text, task] for task, attempt, at, level, text in lines]
    statements.execute_many(_INSERT_LINE, rows)
