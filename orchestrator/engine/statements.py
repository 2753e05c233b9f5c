"""Statements of a turn, handed to the driver without the layers between.

A turn is a handful of statements, and Django's cursor costs more than most of them. Where somebody listens to statements
(`connection.execute_wrapper`, a query log), they go through Django's cursor all the same. SQL is written with `%s`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

Row = tuple[Any, ...]


def query(sql: str, values: Sequence[Any] = ()) -> list[Row]:
    """The rows a SELECT gives."""
    here = _here()
    if _is_listened_to(here):
        with here.cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())
    with here.wrap_database_errors:
        return list(_driver(here).execute(_spelt(sql), values).fetchall())


def execute(sql: str, values: Sequence[Any] = ()) -> None:
    here = _here()
    if _is_listened_to(here):
        with here.cursor() as cursor:
            cursor.execute(sql, values)
        return
    with here.wrap_database_errors:
        _driver(here).execute(_spelt(sql), values)


def execute_many(sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """The same statement for each of these rows of values."""
    if not rows:
        return
    here = _here()
    if is_postgres():
        # In a pipeline these travel together; `executemany` would wait for them.
        for row in rows:
            execute(sql, row)
    elif _is_listened_to(here):
        with here.cursor() as cursor:
            cursor.executemany(sql, rows)
    else:
        with here.wrap_database_errors:
            _driver(here).executemany(_spelt(sql), rows)


@lru_cache(maxsize=1)
def is_postgres() -> bool:
    """Asked many times in a turn, and the same for as long as the process lives."""
    return bool(connection.vendor == "postgresql")


@contextmanager
def pipelined() -> Iterator[None]:
    """On PostgreSQL: statements travel together, and only what reads waits for an answer.

    An error shows at the next statement that reads, or at the end: for a transaction whose statements all stand or fall.
    """
    here = _here()
    if not is_postgres() or _is_listened_to(here):
        yield
        return
    with here.wrap_database_errors, here.connection.pipeline():
        yield


def _here() -> BaseDatabaseWrapper:
    """This thread's connection, itself and not the proxy, which looks it up for every attribute."""
    found: BaseDatabaseWrapper = connections[DEFAULT_DB_ALIAS]
    return found


def _is_listened_to(here: BaseDatabaseWrapper) -> bool:
    return bool(here.execute_wrappers) or here.force_debug_cursor or settings.DEBUG


def _driver(here: BaseDatabaseWrapper) -> Any:
    """What executes: the connection itself for SQLite, a cursor for PostgreSQL."""
    if here.connection is None:
        here.ensure_connection()
    driver = here.connection
    if not is_postgres():
        return driver
    from psycopg import Cursor  # the driver is there only where PostgreSQL is used

    # Django's cursors put the values into the text; these send them beside it and have it planned once.
    if driver.prepare_threshold is None:
        driver.prepare_threshold = 2
    return Cursor(driver)


def _spelt(sql: str) -> str:
    return sql if is_postgres() else _with_question_marks(sql)


@lru_cache(maxsize=512)
def _with_question_marks(sql: str) -> str:
    return sql.replace("%s", "?")
