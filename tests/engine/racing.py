"""Races: acts of several threads set off at the same moment, each thread with its own connection to the database.

`BATON_RACES` says how often each race is run: a few times in the suite, 500 times by `make chaos`.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

from orchestrator.exceptions import BatonError

RACES = int(os.environ.get("BATON_RACES", "30"))
LONG = RACES >= 100
PATIENCE = 60.0
TIMEOUT = 3600 if LONG else 300
HEAD_START = 16  # statements of no effect, by which one may come later than the other

Act = Callable[[], Any]


class Arena:
    """Threads that stay, so that a race costs no new connection."""

    def __init__(self, threads: int, seed: int = 1) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="race")
        self._random = random.Random(seed)

    def at_once(self, *acts: Act) -> list[Any]:
        """What each act returned, or the refusal it raised, in the order given. Who sets off first is left to chance."""
        line = threading.Barrier(len(acts), timeout=PATIENCE)
        order = list(enumerate(acts))
        self._random.shuffle(order)
        runners = {
            place: self._pool.submit(_run, line, self._random.randrange(HEAD_START), act)
            for place, act in order
        }
        return [runners[place].result(PATIENCE) for place in range(len(acts))]

    def close(self) -> None:
        line = threading.Barrier(self._threads, timeout=PATIENCE)
        for runner in [self._pool.submit(_leave, line) for _ in range(self._threads)]:
            runner.result(PATIENCE)
        self._pool.shutdown()


def _run(line: threading.Barrier, late_by: int, act: Act) -> Any:
    connection.ensure_connection()
    line.wait()
    dawdle(late_by)
    try:
        return act()
    except BatonError as error:
        return error


def dawdle(statements: int) -> None:
    """Come later than the other by so many statements of no effect."""
    with connection.cursor() as cursor:
        for _ in range(statements):
            cursor.execute("SELECT 1")


def _leave(line: threading.Barrier) -> None:
    """All threads meet, so that each of them closes its connection."""
    line.wait()
    connections.close_all()


@contextmanager
def arena(threads: int) -> Iterator[Arena]:
    made = Arena(threads)
    try:
        yield made
    finally:
        made.close()


def in_a_thread(act: Act) -> threading.Thread:
    """Set an act off beside the test; its connection is closed when it ends."""

    def run() -> None:
        try:
            act()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition; raises AssertionError when it does not become true in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"Not within {seconds:g} s: {what}"
        threading.Event().wait(0.02)
