"""How long to wait before a program that ended is started again."""

from __future__ import annotations

from dataclasses import dataclass

FIRST = 0.5
LONGEST = 30.0
STEADY = 10.0


@dataclass(slots=True)
class Backoff:
    """Doubles with every end in quick succession, and forgets them after a life of `STEADY` seconds."""

    ends: int = 0

    def after(self, lived: float) -> float:
        """The pause, in seconds, after a life of `lived` seconds."""
        self.ends = 1 if lived >= STEADY else self.ends + 1
        return min(LONGEST, FIRST * 2.0 ** min(self.ends - 1, 16))
