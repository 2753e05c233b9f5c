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
        with statements.pipelined(), transaction.atomic():
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
    descriptor = os.open(settings.DATA_DIR / "turn.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _mine.held = True
        yield
    finally:
        _mine.held = False
        os.close(descriptor)
