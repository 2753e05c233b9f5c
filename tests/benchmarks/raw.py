"""What the database itself can do: transactions of the shape of a turn through the bare driver, one after the other.

A turn of a chain reads a run and a task, updates two tasks and the run, and adds two events.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
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
    with committing() as commit:
        count, started = 0, time.perf_counter()
        while (passed := time.perf_counter() - started) < SECONDS:
            commit()
            count += 1
    return count / passed


@contextmanager
def committing() -> Iterator[Callable[[], None]]:
    """What carries out one such transaction."""
    if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        with psycopg.connect(_address(), autocommit=True) as link:
            for table in ("raw_run", "raw_task", "raw_event"):
                link.execute(f"DROP TABLE IF EXISTS {table}")
            yield _prepared(link.execute, "BEGIN", lambda text: text.replace("?", "%s"))
    else:
        with closing(_sqlite()) as file:
            yield _prepared(file.execute, "BEGIN IMMEDIATE", lambda text: text)


def _sqlite() -> sqlite3.Connection:
    path = Path(settings.DATA_DIR) / "raw.sqlite3"
    path.unlink(missing_ok=True)
    link = sqlite3.connect(path, isolation_level=None)
    for statement in settings.DATABASES["default"]["OPTIONS"]["init_command"].split(";"):
        link.execute(statement)
    return link


def _address() -> str:
    given = settings.DATABASES["default"]
    return psycopg.conninfo.make_conninfo(
        host=given["HOST"],
        port=given["PORT"],
        user=given["USER"],
        password=given["PASSWORD"],
        dbname=given["NAME"],
    )


def _prepared(execute: Callable[..., Any], begin: str, spelt: Callable[[str], str]) -> Callable[[], None]:
    for statement in _TABLES:
        execute(statement)
    task, run, event = spelt(_TASK), spelt(_RUN), spelt(_EVENT)
    numbers = count(1, 2)

    def commit() -> None:
        number = next(numbers)
        execute(begin)
        for read in _READS:
            execute(read).fetchall()
        execute(task, ("completed", "null", 1))
        execute(task, ("running", None, 2))
        execute(event, (number, _DATA, _DIGEST))
        execute(event, (number + 1, _DATA, _DIGEST))
        execute(run, (number + 1, _DIGEST))
        execute("COMMIT")

    return commit
