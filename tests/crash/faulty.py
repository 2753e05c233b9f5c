"""A database that fails at one chosen statement, in whatever thread that comes.

It stands between Baton and the driver, beneath Django's cursors and beside them, so that what fails is what would be sent in
production. Counted are statements, and each commit twice: a connection may be lost before it is sent, and after it was
carried out and before anybody hears of it. A write outside of a transaction is a commit of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

import pytest
from django.db import OperationalError, close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from orchestrator.engine import statements

Kind = Literal["lost", "died"]
Counting = Callable[[str], bool]
BEFORE, AFTER = "before COMMIT", "after COMMIT"


def every(_: str) -> bool:
    return True


def writes(what: str) -> bool:
    return not what.startswith("SELECT")


def commits(what: str) -> bool:
    return what.startswith((BEFORE, AFTER))


class Died(BaseException):
    """Stands for kill -9: nothing in the process gets to tidy up."""


class Faults:
    """Fails the `at`-th thing that is asked of the database. `lost`: the connection breaks, and another can be had.

    `died`: the process is gone; whatever it still tries fails too, until `revive`.
    """

    def __init__(self) -> None:
        self.met: list[str] = []
        self.dead = False
        self._at = 0
        self._kind: Kind = "lost"
        self._counts: Counting = every
        self._active = False
        self._others: list[threading.Thread] = []
        self._lock = threading.Lock()

    @contextmanager
    def failing(self, at: int, kind: Kind, *, of: Counting) -> Iterator[None]:
        """`of` says what is counted, and may be chosen."""
        self.met, self._at, self._kind, self._counts, self._active = [], at, kind, of, True
        self._others = threading.enumerate()
        try:
            yield
        finally:
            self._active = False

    @property
    def struck(self) -> bool:
        return len(self.met) >= self._at

    def revive(self) -> None:
        """Another process takes over once the threads of the dead one are gone."""
        for thread in threading.enumerate():
            if thread not in self._others and thread.name.startswith("baton-lane"):
                thread.join(10)
        close_old_connections()
        if connections["default"].errors_occurred:
            connections["default"].close()
        self.dead = False

    def meet(self, what: str) -> None:
        if self._active and (self.dead or self._is_chosen(what)):
            self._strike(what)

    def _is_chosen(self, what: str) -> bool:
        if not self._counts(what):
            return False
        with self._lock:
            self.met.append(what)
            return len(self.met) == self._at

    def _strike(self, what: str) -> None:
        here = connections["default"]
        # A file is not lost; there a statement fails by itself, as for want of space.
        if here.vendor == "postgresql" and here.connection is not None:
            with suppress(Exception):  # it may be broken already
                here.connection.close()
        here.errors_occurred = True
        if self._kind == "died":
            self.dead = True
            raise Died(what)
        raise OperationalError(f"The connection was lost at: {what}")


def install(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Faults that every connection of this test meets."""
    faults = Faults()
    _under_cursors(monkeypatch, faults)
    _beside_cursors(monkeypatch, faults)
    _around_commits(monkeypatch, faults)
    return faults


def without_flushing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried is what a transaction leaves, hundreds of times, and not whether the disk keeps it."""
    here = connections["default"]
    options = here.settings_dict["OPTIONS"]
    if here.vendor == "postgresql":
        monkeypatch.setitem(options, "options", "-c synchronous_commit=off")
    else:
        monkeypatch.setitem(options, "init_command", options["init_command"] + "PRAGMA synchronous=OFF;")
    here.close()


def _under_cursors(monkeypatch: pytest.MonkeyPatch, faults: Faults) -> None:
    for name in ("_execute", "_executemany"):
        monkeypatch.setattr(CursorWrapper, name, _meeting(faults, getattr(CursorWrapper, name)))


_NO_CHANGE = ("BEGIN", "PRAGMA", "SET", "SHOW")


def _meeting(faults: Faults, original: Callable[..., Any]) -> Callable[..., Any]:
    def execute(cursor: CursorWrapper, sql: str, *args: Any) -> Any:
        alone = writes(sql) and not cursor.db.in_atomic_block and not sql.startswith(_NO_CHANGE)
        faults.meet(f"{BEFORE} of {sql}" if alone else sql)
        found = original(cursor, sql, *args)
        if alone:
            faults.meet(f"{AFTER} of {sql}")
        return found

    return execute


def _beside_cursors(monkeypatch: pytest.MonkeyPatch, faults: Faults) -> None:
    original = statements._driver
    monkeypatch.setattr(statements, "_driver", lambda here: _Driver(original(here), faults))


class _Driver:
    """What executes, once the statement has passed the faults."""

    def __init__(self, driver: Any, faults: Faults) -> None:
        self._driver = driver
        self._faults = faults

    def execute(self, sql: str, *args: Any) -> Any:
        self._faults.meet(sql)
        return self._driver.execute(sql, *args)

    def executemany(self, sql: str, *args: Any) -> Any:
        self._faults.meet(sql)
        return self._driver.executemany(sql, *args)


def _around_commits(monkeypatch: pytest.MonkeyPatch, faults: Faults) -> None:
    original = BaseDatabaseWrapper._commit

    def commit(here: BaseDatabaseWrapper) -> None:
        faults.meet(BEFORE)
        original(here)
        faults.meet(AFTER)

    monkeypatch.setattr(BaseDatabaseWrapper, "_commit", commit)
    _around_ends(monkeypatch, faults)


def _around_ends(monkeypatch: pytest.MonkeyPatch, faults: Faults) -> None:
    """Tidying up a connection that is gone raises an error of its own, which would hide that the process is dead."""
    original = BaseDatabaseWrapper.set_autocommit

    def set_autocommit(here: BaseDatabaseWrapper, *args: Any, **options: Any) -> None:
        if faults.dead:
            raise Died("at the end of a transaction")
        original(here, *args, **options)

    monkeypatch.setattr(BaseDatabaseWrapper, "set_autocommit", set_autocommit)
