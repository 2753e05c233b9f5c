"""What is remembered of one agent's file between two looks. Losing it costs a second look, never a task."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Final

from orchestrator.agents.outbox.folder import Stamp
from orchestrator.agents.outbox.outcomes import Saying
from orchestrator.agents.outbox.shape import Outbox
from orchestrator.definition.issues import Issue

logger = logging.getLogger(__name__)

_TICK: Final = 2_000_000_000  # nanoseconds: two writes within the grain of a file's time look like one
_MOST_STRANGERS: Final = 10_000


@dataclass(slots=True)
class Box:
    key: str
    content: Outbox | None = None  # the last that was sound
    stamp: Stamp | None = None  # of the file in which it was read
    certain: bool = False  # whether the stamp alone tells that nothing has changed
    replaced: tuple[Stamp, Outbox] | None = (
        None  # what Baton wrote over, for the case that it is still written to
    )
    replaced_at: float = 0.0
    broken: tuple[Stamp, float] | None = None  # since when the file cannot be read
    quiet: frozenset[str] | None = None  # the tasks held when there was last nothing to do with this content
    said: dict[str, Saying] = field(default_factory=dict)
    strangers: set[str] = field(default_factory=set)
    kept_at: float = float("-inf")
    full: str = ""  # why it is given nothing new
    trouble: str = ""
    faults: str = ""

    def knows(self, stamp: Stamp | None) -> bool:
        """Whether the file holds what was read in it last."""
        return self.certain and stamp is not None and stamp == self.stamp

    def remember(self, content: Outbox, stamp: Stamp) -> None:
        self.content, self.stamp, self.broken, self.quiet = content, stamp, None, None
        self.certain = time.time_ns() - stamp.modified > _TICK

    def wrote(self, content: Outbox, seen: Stamp | None, base: Outbox) -> None:
        """The content is that of the file now, unless the agent has written again: the next look tells."""
        self.content, self.stamp, self.certain, self.broken, self.quiet = content, None, False, None, None
        self.replaced = (seen, base) if seen is not None else None
        self.replaced_at = time.monotonic()

    def broken_for(self, stamp: Stamp) -> float:
        """How many seconds the file has been as it is, and unreadable."""
        if self.broken is None or self.broken[0] != stamp:
            self.broken = (stamp, time.monotonic())
        return time.monotonic() - self.broken[1]

    def is_new_stranger(self, task_id: str) -> bool:
        if task_id in self.strangers or len(self.strangers) >= _MOST_STRANGERS:
            return False
        self.strangers.add(task_id)
        return True

    def warn(self, text: str) -> None:
        """Say what keeps the file from being dealt with, once until something else does; '' when nothing does."""
        if text and text != self.trouble:
            logger.warning("The outbox of %s: %s", self.key, text)
        self.trouble = text

    def tell_faults(self, issues: list[Issue]) -> None:
        """Say what in the file counts for nothing, once until it is something else."""
        more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
        text = f"{issues[0]}{more}" if issues else ""
        if text and text != self.faults:
            logger.warning("The outbox of %s: %s", self.key, text)
        self.faults = text
