"""The levels of a request, as its page shows them: who is asked on each, how far it is, who decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orchestrator.models import Approval, Approver, Vote
from orchestrator.planning.levels import OPEN
from orchestrator.reads.states import State

_LOOKS: Final[dict[str, tuple[State, str]]] = {
    "waiting": ("queued", "Not asked yet"),
    "open": ("waiting", "Asked now"),
    "approved": ("success", "Approved"),
    "rejected": ("failed", "Rejected"),
    "expired": ("failed", "Not decided in time"),
    "passed": ("skipped", "Not decided in time, so the next was asked"),
}


@dataclass(frozen=True, slots=True)
class LevelLine:
    """One level. `people` are those who may decide; `names` stand for those who are not asked yet."""

    number: int
    name: str
    status: str
    state: State
    word: str
    quorum: str
    so_far: str
    people: list[Approver]
    names: list[str]
    votes: list[Vote]
    deadline_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.status == OPEN


def level_lines(approval: Approval, approvers: Sequence[Approver], votes: Sequence[Vote]) -> list[LevelLine]:
    """The levels in their order; none for a gate that names its approvers."""
    return [_line(approval, stands, approvers, votes) for stands in approval.levels]


def _line(
    approval: Approval, stands: dict[str, object], approvers: Sequence[Approver], votes: Sequence[Vote]
) -> LevelLine:
    number, status = int(str(stands["level"])), str(stands["status"])
    state, word = _LOOKS[status] if approval.status == "open" or status != OPEN else ("cancelled", "Closed")
    people = [one for one in approvers if one.level == number]
    names = stands["approvers"] if isinstance(stands["approvers"], list) else []
    given, needed = int(str(stands["given"])), int(str(stands["needed"]))
    deadline = stands["deadline_at"]
    return LevelLine(
        number=number,
        name=str(stands["name"]),
        status=status,
        state=state,
        word=word,
        quorum=str(stands["quorum"]) if len(names) > 1 or needed > 1 else "",
        so_far=f"{given} of {needed} approvals" if needed > 1 and status == OPEN else "",
        people=people,
        names=[] if people else [str(name) for name in names],
        votes=[one for one in votes if one.level == number],
        deadline_at=datetime.fromisoformat(str(deadline)) if deadline and status == OPEN else None,
    )


def level_in_words(approval: Approval) -> str:
    """ "Level 1 of 2: Team lead", while a request of several is open."""
    if approval.status != "open" or not approval.levels:
        return ""
    now = [one["name"] for one in approval.levels if one["status"] == OPEN]
    return f"Level {approval.level} of {len(approval.levels)}: {' and '.join(now)}"
