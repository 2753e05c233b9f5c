"""How a status looks: the visual state, its word and glyph, and the figure beside it.

The ten visual states are those of the style sheets and the canvas. A colour is never alone: each has a word and a glyph.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from orchestrator.planning.machine import RunStatus, TaskStatus, WaitReason

State = Literal[
    "queued",
    "running",
    "success",
    "failed",
    "retrying",
    "waiting",
    "skipped",
    "cancelled",
    "paused",
    "rolledback",
]

WORDS: Final[dict[State, str]] = {
    "queued": "Queued",
    "running": "Running",
    "success": "Completed",
    "failed": "Failed",
    "retrying": "Retrying",
    "waiting": "Waiting",
    "skipped": "Skipped",
    "cancelled": "Cancelled",
    "paused": "Paused",
    "rolledback": "Rolled back",
}

# In the order of a legend: what is done, what is under way, what needs somebody, what has not begun.
LEGEND: Final[tuple[State, ...]] = (
    "success",
    "running",
    "retrying",
    "waiting",
    "failed",
    "skipped",
    "cancelled",
    "queued",
)

_TASK: Final[dict[str, State]] = {
    TaskStatus.PENDING: "queued",
    TaskStatus.READY: "queued",
    TaskStatus.RUNNING: "running",
    TaskStatus.WAITING: "waiting",
    TaskStatus.COMPLETED: "success",
    TaskStatus.FAILED: "failed",
    TaskStatus.SKIPPED: "skipped",
    TaskStatus.CANCELLED: "cancelled",
}
_RUN: Final[dict[str, State]] = {
    RunStatus.CREATED: "queued",
    RunStatus.RUNNING: "running",
    RunStatus.PAUSED: "paused",
    RunStatus.ROLLING_BACK: "rolledback",
    RunStatus.COMPLETED: "success",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "cancelled",
}
_APPROVAL: Final[dict[str, tuple[State, str]]] = {
    "open": ("waiting", "Open"),
    "approved": ("success", "Approved"),
    "rejected": ("failed", "Rejected"),
    "expired": ("failed", "Expired"),
    "cancelled": ("cancelled", "Withdrawn"),
    "sent_back": ("waiting", "Sent back"),
    "recalled": ("cancelled", "Recalled"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """How one thing is shown. `since` counts up from a moment, `until` down to one; both are ISO times in UTC.

    `glyph` is the id of a symbol in the sprite, `figure` stands right of the word, `progress` is from 0 to 1, `agent` is
    who does it, where that is known and not Baton itself.
    """

    state: State
    word: str
    glyph: str = ""
    figure: str | None = None
    since: str | None = None
    until: str | None = None
    progress: float | None = None
    agent: str | None = None

    @property
    def icon(self) -> str:
        return self.glyph or f"g-{self.state}"

    def as_dict(self) -> dict[str, Any]:
        """As the canvas takes it; an agent that is not known yet is left out, so that it replaces none."""
        shown = {**asdict(self), "glyph": self.icon}
        if self.agent is None:
            del shown["agent"]
        return shown


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What a task's look is made of. `items` is how many of its items have settled, and of how many."""

    status: str
    reason: str = ""
    attempt: int = 0
    retries: int = 0
    agent: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    due_at: datetime | None = None
    error: dict[str, Any] | None = None
    waits_on: str = ""
    items: tuple[int, int] = (0, 0)


def task_state(status: str, reason: str = "") -> State:
    if status == TaskStatus.WAITING and reason == WaitReason.RETRY:
        return "retrying"
    if status == TaskStatus.WAITING and reason == WaitReason.ITEMS:
        return "running"
    return _TASK[status]


def run_state(status: str) -> State:
    return _RUN[status]


def approval_look(status: str) -> Look:
    state, word = _APPROVAL[status]
    return Look(state, word, "g-timeout" if status == "expired" else "")


def run_look(status: str, waiting: str = "") -> Look:
    """`waiting` is the most telling reason why a running run stands still, or nothing when work goes on."""
    if status == RunStatus.RUNNING and waiting:
        state = task_state(TaskStatus.WAITING, waiting)
        return Look(state, WORDS[state])
    state = run_state(status)
    return Look(state, WORDS[state])


def task_look(facts: TaskFacts) -> Look:
    """The look of one task, as on its node."""
    named = facts.agent if facts.agent not in {"", "system"} else None
    return replace(_state_look(facts), agent=named)


def _state_look(facts: TaskFacts) -> Look:
    state = task_state(facts.status, facts.reason)
    match state:
        case "running":
            return _running(facts)
        case "retrying":
            word = f"Retrying {facts.attempt}/{max(facts.retries, facts.attempt)}"
            return Look(state, word, until=iso(facts.due_at))
        case "waiting":
            return _waiting(facts)
        case "failed":
            return _failed(facts)
        case "success":
            return Look(state, WORDS[state], figure=_took(facts))
    return Look(state, WORDS[state])


def _running(facts: TaskFacts) -> Look:
    done, total = facts.items
    if total:
        return Look("running", "Running", figure=f"{done} of {total}", progress=done / total)
    return Look("running", "Running", since=iso(facts.started_at))


def _waiting(facts: TaskFacts) -> Look:
    if facts.reason == WaitReason.PERSON:
        return Look("waiting", "Needs a person", "g-warn")
    if facts.reason == WaitReason.AGENT:
        return Look("waiting", "Waiting", "g-event", figure=facts.agent or None)
    if facts.reason == WaitReason.CHILD:
        return Look("waiting", "Waiting", "g-timer", figure=facts.waits_on or None)
    return Look("waiting", "Waiting", figure=facts.waits_on or None)


def _failed(facts: TaskFacts) -> Look:
    tries = facts.retries + 1
    word = f"Failed {facts.attempt}/{tries}" if facts.attempt > 1 and facts.attempt <= tries else "Failed"
    timed_out = (facts.error or {}).get("code") in {"timeout", "expired"}
    return Look("failed", word, "g-timeout" if timed_out else "", figure=_took(facts))


def _took(facts: TaskFacts) -> str | None:
    if facts.started_at is None or facts.finished_at is None:
        return None
    return clock((facts.finished_at - facts.started_at).total_seconds())


def clock(seconds: float) -> str:
    """Seconds as people read a stop watch: 0:07, 1:04, 3:04:41, 2 d 3 h."""
    whole = max(0, int(seconds))
    if whole >= 86_400:
        return f"{whole // 86_400} d {whole % 86_400 // 3600} h"
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
