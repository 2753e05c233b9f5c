"""Old rows by the thousand or million, copied from real runs inside the database.

Room for them is left *below* the ids of what is made later, as for runs of years ago: lists that are newest first meet
them last.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from orchestrator.models import Approval, Approver, Event, LogLine, Run, TaskRun, Vote

ROOM = 10_000_000
_TABLES = (Run, TaskRun, Event, LogLine, Approval, Approver, Vote)
_OLD = timedelta(days=100)


def leave_room() -> None:
    """From now on new rows get ids beyond `ROOM`; rows that number themselves by the largest follow suit."""
    for model in _TABLES:
        table = model._meta.db_table
        if connection.vendor == "postgresql":
            _execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), "
                f"(SELECT greatest(%s, max(id)) FROM {table}))",
                [table, ROOM],
            )
        else:
            _execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
            _execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, ROOM])


def make_old(template: Run) -> None:
    """Move an ended run some months back; what is copied from it is as old."""
    at = timezone.now() - _OLD
    Run.objects.filter(pk=template.pk).update(created_at=at, started_at=at, finished_at=at, touched_at=at)
    template.tasks.update(started_at=at, finished_at=at)
    template.approvals.update(requested_at=at, decided_at=at)


def add_copies(template: Run, count: int) -> None:
    """This many runs like this one, with its tasks, events, log, requests and votes."""
    first = _next_free()
    columns = _columns(Run, "o", leave_out={"id"})
    _execute(
        f"INSERT INTO orchestrator_run (id, {columns.names}) "
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %s) "
        f"SELECT %s + n.i, {columns.values} FROM n, orchestrator_run o WHERE o.id = %s",
        [count, first, template.pk],
    )
    _copy_tasks(template, first, count)
    _copy_events(template, first, count)
    _copy_below_tasks(template, first, count)
    analyze()


def analyze() -> None:
    """PostgreSQL plans by what it knows of the rows; there autovacuum sees to it, in its own time."""
    if connection.vendor == "postgresql":
        _execute("ANALYZE")


def _copy_tasks(template: Run, first: int, count: int) -> None:
    columns = _columns(TaskRun, "o", leave_out={"id", "run_id", "child_id"})
    base = _largest_old("orchestrator_taskrun")
    each = template.tasks.count()
    lowest = template.tasks.order_by("pk").values_list("pk", flat=True)[0]
    _execute(
        f"INSERT INTO orchestrator_taskrun (id, run_id, {columns.names}) "
        f"SELECT %s + 1 + (r.id - %s) * %s + (o.id - %s), r.id, {columns.values} "
        "FROM orchestrator_run r, orchestrator_taskrun o WHERE r.id >= %s AND r.id < %s AND o.run_id = %s",
        [base, first, each, lowest, first, first + count, template.pk],
    )


def _copy_events(template: Run, first: int, count: int) -> None:
    columns = _columns(Event, "o", leave_out={"id", "run_id"})
    base, each = _largest_old("orchestrator_event"), template.events.count()
    _execute(
        f"INSERT INTO orchestrator_event (id, run_id, {columns.names}) "
        f"SELECT %s + (r.id - %s) * %s + o.seq, r.id, {columns.values} "
        "FROM orchestrator_run r, orchestrator_event o WHERE r.id >= %s AND r.id < %s AND o.run_id = %s",
        [base, first, each, first, first + count, template.pk],
    )


def _copy_below_tasks(template: Run, first: int, count: int) -> None:
    """Log lines and requests hang on the task of the same key; approvers and votes on the request of that task."""
    copies = "r.run_id >= %s AND r.run_id < %s AND r.key = t.key AND r.index = t.index AND t.run_id = %s"
    values = [first, first + count, template.pk]
    tasks = "FROM orchestrator_taskrun t JOIN orchestrator_taskrun r ON " + copies.replace(
        "r.index = t.index", 'r."index" = t."index"'
    )
    log = _columns(LogLine, "o", leave_out={"id", "task_run_id"})
    _execute(
        f"INSERT INTO orchestrator_logline (id, task_run_id, {log.names}) "
        f"SELECT %s + row_number() OVER (), r.id, {log.values} {tasks} "
        "JOIN orchestrator_logline o ON o.task_run_id = t.id",
        [_largest_old("orchestrator_logline"), *values],
    )
    asked = _columns(Approval, "o", leave_out={"id", "task_run_id", "run_id"})
    _execute(
        f"INSERT INTO orchestrator_approval (id, run_id, task_run_id, {asked.names}) "
        f"SELECT %s + row_number() OVER (), r.run_id, r.id, {asked.values} {tasks} "
        "JOIN orchestrator_approval o ON o.task_run_id = t.id",
        [_largest_old("orchestrator_approval"), *values],
    )
    for model in (Approver, Vote):
        table = model._meta.db_table
        columns = _columns(model, "o", leave_out={"id", "approval_id"})
        _execute(
            f"INSERT INTO {table} (id, approval_id, {columns.names}) "
            f"SELECT %s + row_number() OVER (), a.id, {columns.values} {tasks} "
            "JOIN orchestrator_approval a ON a.task_run_id = r.id "
            "JOIN orchestrator_approval b ON b.task_run_id = t.id "
            f"JOIN {table} o ON o.approval_id = b.id",
            [_largest_old(table), *values],
        )


class _Columns:
    def __init__(self, names: Sequence[str], alias: str) -> None:
        self.names = ", ".join(f'"{name}"' for name in names)
        self.values = ", ".join(f'{alias}."{name}"' for name in names)


def _columns(model: type, alias: str, leave_out: set[str]) -> _Columns:
    fields = model._meta.concrete_fields  # type: ignore[attr-defined]
    return _Columns([field.column for field in fields if field.column not in leave_out], alias)


def _next_free() -> int:
    return _largest_old("orchestrator_run") + 1


def _largest_old(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table} WHERE id < %s", [ROOM])
        return int(cursor.fetchone()[0])


def _execute(sql: str, values: Sequence[object] = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
