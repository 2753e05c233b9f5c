"""When to try again."""

from __future__ import annotations

from dataclasses import dataclass

# Of the computed delay at most this share is taken off, so that attempts that failed together do not return together.
JITTER = 0.2


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Retries after the first attempt; delays in seconds."""

    count: int
    delay: float
    backoff: float
    max_delay: float

    def wait(self, attempt: int, jitter: float, retry_after: float | None = None) -> float | None:
        """Seconds until the attempt after `attempt` (the first is 1), or None when there is none left.

        delay × backoff^(attempt−1), capped, less up to `JITTER` of it (`jitter` is in [0, 1)). What the other side
        asked for (`retry_after`) is a lower bound, capped likewise.
        """
        if attempt > self.count:
            return None
        delay = min(self.max_delay, self._raw(attempt)) * (1 - JITTER * jitter)
        return max(delay, min(retry_after or 0.0, self.max_delay))

    def _raw(self, attempt: int) -> float:
        try:
            return self.delay * self.backoff ** (attempt - 1)
        except OverflowError:
            return self.max_delay
