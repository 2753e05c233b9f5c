"""What the database itself can do: transactions of the shape of a turn through the bare driver, one after the other.

A turn of a chain reads a run and a task, updates two tasks and the run, and adds two events.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

SECONDS = 1.5
_DATA = '{"attempt":1,"claim":1,"epoch":1}'
_DIGEST = "0" * 64
_TABLES = (
    "CREATE TABLE raw_run (id integer PRIMARY KEY, status text, seq integer, digest text, touched timestamp)",
    "CREATE TABLE raw_task (id integer PRIMARY KEY, status text, output text, due timestamp)",
    "CREATE TABLE raw_event (run integer, seq integer, type text, at timestamp, data text, digest text, PRIMARY KEY (run, seq))",
    "INSERT INTO raw_run VALUES (1, 'running', 0, '', '2026-01-01')",
    "INSERT INTO raw_task VALUES (1, 'running', '', '2026-01-01'), (2, 'pending', '', '2026-01-01')",
)
_READS = ("SELECT * FROM raw_run WHERE id = 1", "SELECT * FROM raw_task WHERE id = 1")
_TASK = "UPDATE raw_task SET status = ?, output = ?, due = '2026-01-02' WHERE id = ?"
_RUN = "UPDATE raw_run SET seq = ?, digest = ?, touched = '2026-01-02' WHERE id = 1"
_EVENT = "INSERT INTO raw_event VALUES (1, ?, 'task.completed', '2026-01-02', ?, ?)"


def commits_per_second() -> float:
    """Of the database that is configured, over `SECONDS`."""
    return _postgres() if settings.DATABASES["default"]["ENGINE"].endswith("postgresql") else _sqlite()


def _sqlite() -> float:
    path = Path(settings.DATA_DIR) / "raw.sqlite3"
    path.unlink(missing_ok=True)
    link = sqlite3.connect(path, isolation_level=None)
    for statement in settings.DATABASES["default"]["OPTIONS"]["init_command"].split(";"):
        link.execute(statement)
    return _timed(link.execute, "BEGIN IMMEDIATE", lambda text: text)


def _postgres() -> float:
    with psycopg.connect(_address(), autocommit=True) as link:
        for table in ("raw_run", "raw_task", "raw_event"):
            link.execute(f"DROP TABLE IF EXISTS {table}")
        return _timed(link.execute, "BEGIN", lambda text: text.replace("?", "%s"))


def _address() -> str:
    given = settings.DATABASES["default"]
    return psycopg.conninfo.make_conninfo(
        host=given["HOST"],
        port=given["PORT"],
        user=given["USER"],
        password=given["PASSWORD"],
        dbname=given["NAME"],
    )


def _timed(execute: Callable[..., Any], begin: str, spelt: Callable[[str], str]) -> float:
    for statement in _TABLES:
        execute(statement)
    task, run, event = spelt(_TASK), spelt(_RUN), spelt(_EVENT)
    count, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < SECONDS:
        execute(begin)
        for read in _READS:
            execute(read).fetchall()
        execute(task, ("completed", "null", 1))
        execute(task, ("running", None, 2))
        execute(event, (2 * count + 1, _DATA, _DIGEST))
        execute(event, (2 * count + 2, _DATA, _DIGEST))
        execute(run, (2 * count + 2, _DIGEST))
        execute("COMMIT")
        count += 1
    return count / passed
