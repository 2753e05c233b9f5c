"""What a task of a test run gives without being done: laid into its row at the start, its outcome in the turn that opens it.

An ordinary definition cannot hold such a task: its action is unknown there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

STAND_IN: Final = "stand_in"  # the action of a task that something stands in for
LAID_IN: Final = "stand_in"  # the reason of one that was skipped because what stands in for it says so

Source = Literal["pin", "past", "mock", "nothing"]
Outcome = Literal["completed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class StandIn:
    """The outcome, and where it comes from: `nothing` where nobody said what the task gives.

    `provided` marks a failure that the run it is taken from went on from: of a task that failed, that another provided
    for it; of one that was skipped, that it counts as completed.
    """

    source: Source
    outcome: Outcome = "completed"
    output: Any = None
    error: dict[str, Any] | None = None
    provided: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "outcome": self.outcome,
            "output": self.output,
            "error": self.error,
            "provided": self.provided,
        }


NOTHING: Final = StandIn("nothing")


def laid_in(value: Any) -> StandIn:
    """What was stored in the row of a task; nothing at all completes it without an output."""
    return StandIn(**value) if isinstance(value, dict) else NOTHING
