"""The threads in which a worker carries out attempts.

Attempts come in bundles. A bundle of quick ones is taken by one lane, which does them one after the other: handing each to
a thread of its own would cost more than doing it. What turns out to be slow is offered to the other lanes (`widen`).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue

from orchestrator.engine.attempts import Attempt
from orchestrator.planning.signals import AttemptSignal

TELL_SECONDS = 0.002  # how often at most a lane in the middle of a bundle says that something is done

Bundle = deque[Attempt]
Done = tuple[Attempt, AttemptSignal]


class Lanes:
    """Up to `count` daemon threads. `carry` does one attempt and must not raise; `rest` is called before a lane waits."""

    def __init__(
        self, count: int, carry: Callable[[Attempt], AttemptSignal], rest: Callable[[], None]
    ) -> None:
        self._count = count
        self._carry = carry
        self._rest = rest
        self._threads: list[threading.Thread] = []
        self._bundles: list[Bundle] = []
        self._offers: SimpleQueue[Bundle | None] = SimpleQueue()
        self._done: deque[Done] = deque()
        self._told = threading.Lock()  # held while there is nothing new to tell
        self._told.acquire()

    def begin(self, attempts: Sequence[Attempt], *, together: bool) -> None:
        """Carry these out: `together` in one lane, otherwise each in its own as far as there are lanes."""
        bundle = deque(attempts)
        self._bundles = [*self._waiting_bundles(), bundle]
        self._offer(bundle, 1 if together else len(bundle))

    def widen(self) -> None:
        """Offer what still waits to more lanes."""
        for bundle in self._waiting_bundles():
            self._offer(bundle, len(bundle))

    def withdraw(self, attempt: Attempt) -> bool:
        """Take back one that no lane has taken up; False when one has."""
        for bundle in self._waiting_bundles():
            try:
                bundle.remove(attempt)
            except (ValueError, IndexError):  # not in it, or a lane changed it meanwhile
                continue
            return True
        return False

    @property
    def waiting(self) -> bool:
        """Whether there are attempts that no lane has taken up."""
        return any(self._bundles)

    def take(self, timeout: float = 0.0) -> list[Done]:
        """What is done; waits up to `timeout` seconds while that is nothing."""
        last = time.monotonic() + timeout
        while not self._done and (left := last - time.monotonic()) > 0:
            self._told.acquire(timeout=left)
        return [self._done.popleft() for _ in range(len(self._done))]

    def close(self, *, wait: bool) -> None:
        """No more begins; with `wait` returns once every lane has ended."""
        for bundle in self._bundles:
            bundle.clear()
        for _ in self._threads:
            self._offers.put(None)
        for thread in self._threads if wait else ():
            thread.join()

    def _waiting_bundles(self) -> list[Bundle]:
        return [bundle for bundle in self._bundles if bundle]

    def _offer(self, bundle: Bundle, lanes: int) -> None:
        lanes = min(lanes, self._count)
        for _ in range(lanes - len(self._threads)):
            thread = threading.Thread(
                target=self._serve, name=f"baton-lane-{len(self._threads)}", daemon=True
            )
            self._threads.append(thread)
            thread.start()
        for _ in range(lanes):
            self._offers.put(bundle)

    # In the lanes

    def _serve(self) -> None:
        while (bundle := self._offers.get()) is not None:
            told = time.monotonic()
            while bundle:
                try:
                    attempt = bundle.popleft()
                except IndexError:  # another lane was quicker
                    break
                self._done.append((attempt, self._carry(attempt)))
                now = time.monotonic()
                if not bundle or now - told >= TELL_SECONDS:
                    told = now
                    with suppress(RuntimeError):  # another lane has told
                        self._told.release()
            self._rest()
