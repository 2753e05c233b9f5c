"""The transaction of a turn: how it queues for the database and how its statements travel."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from orchestrator.engine import statements


@contextmanager
def turn_transaction() -> Iterator[None]:
    """One transaction; inside somebody else's, a part of that."""
    if connections[DEFAULT_DB_ALIAS].in_atomic_block:
        with transaction.atomic(savepoint=False):
            yield
    elif statements.is_postgres():
        with transaction.atomic(), statements.pipelined():
            yield
    else:
        with _in_line(), transaction.atomic():
            yield


_mine = threading.local()


@contextmanager
def _in_line() -> Iterator[None]:
    """Wait for SQLite's one writer in the kernel, which wakes the next the moment it is free.

    SQLite itself sleeps between tries, longer each time: beside a busy writer another one would hardly ever get in.
    Whoever does not queue here is still kept apart by the database. The lock dies with its process.
    """
    if getattr(_mine, "held", False):  # what follows a turn takes turns before the first has let go
        yield
        return
    place = _Place()
    try:
        place.wait(float(connections[DEFAULT_DB_ALIAS].settings_dict["OPTIONS"].get("timeout", 5)))
        _mine.held = True
        yield
    finally:
        _mine.held = False
        place.leave()


class _Place:
    """A place in the line. It is left after a while even if its turn has not come: a process may have stopped in its own."""

    def __init__(self) -> None:
        self._descriptor = os.open(
            settings.DATA_DIR / "turn.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        self._mutex = threading.Lock()
        self._reached = threading.Event()
        self._left = False

    def wait(self, seconds: float) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._reached.set()
        except BlockingIOError:
            # The kernel keeps the order and wakes at once, but knows no end; a thread can be left waiting.
            threading.Thread(target=self._stand, name="baton-line", daemon=True).start()
            self._reached.wait(seconds)

    def _stand(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        with self._mutex:
            self._reached.set()
            if self._left:
                os.close(self._descriptor)

    def leave(self) -> None:
        with self._mutex:
            self._left = True
            if self._reached.is_set():
                os.close(self._descriptor)
