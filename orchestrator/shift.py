"""How long one worker process works before a fresh one takes its place: what bounds its memory.

django-q2 looks at the memory of a worker between two messages, and while there is work there is no such moment. So the
worker itself ends its message in good order once it is as large as django-q2 allows, and is then recycled, or has
carried on for long. The turn that leaves work behind wakes the next worker.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings

LONGEST_SECONDS = 3600.0  # far below the time after which django-q2 takes a message for hung
PATIENCE_SECONDS = 30.0  # how long work may pile up for the sake of an end in good order
AGAIN_SECONDS = 300.0  # after that: how long until it is tried again


def memory_kb() -> int:
    """The most memory this process has had, measured as django-q2 does."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def is_large() -> bool:
    return memory_kb() >= int(str(settings.Q_CLUSTER["max_rss"]))


@dataclass(slots=True)
class Shift:
    """Says when to take nothing more, and takes it back where something long goes on: others must not wait for it."""

    is_large: Callable[[], bool] = is_large
    longest: float = LONGEST_SECONDS
    _since: float = field(default_factory=time.monotonic)
    _closing_since: float | None = None
    _open_until: float = 0.0

    def closing(self, carried: int) -> bool:
        """Whether to take nothing more, now that so many were carried; one that has carried nothing goes on."""
        now = time.monotonic()
        if now < self._open_until or not carried or not self._is_over(now):
            return False
        if self._closing_since is None:
            self._closing_since = now
        if now - self._closing_since <= PATIENCE_SECONDS:
            return True
        self._closing_since, self._open_until = None, now + AGAIN_SECONDS
        return False

    def _is_over(self, now: float) -> bool:
        return self._closing_since is not None or now - self._since >= self.longest or self.is_large()
