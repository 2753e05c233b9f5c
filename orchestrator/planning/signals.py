"""What can happen to a run, as values: the only way in to the planner.

Those of an attempt carry its fence (`claim`): what comes late, twice or from a worker presumed dead changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Signal:
    run_id: int


@dataclass(frozen=True, slots=True)
class TaskSignal(Signal):
    task_id: int


@dataclass(frozen=True, slots=True)
class AttemptSignal(TaskSignal):
    """An outcome: counts only while the task runs under the same claim."""

    claim: int
    actor: str = "engine"
    input: Any = None


@dataclass(frozen=True, slots=True)
class Succeeded(AttemptSignal):
    output: Any = None


@dataclass(frozen=True, slots=True)
class Failed(AttemptSignal):
    """`error` holds code and message; `retry_after` is in seconds."""

    error: dict[str, Any] | None = None
    retryable: bool = True
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class ChildStarted(AttemptSignal):
    """The attempt started a run and waits for its end."""

    child_id: int = 0


@dataclass(frozen=True, slots=True)
class Released(AttemptSignal):
    """The worker gives the task back without having finished it: it is stopping."""


@dataclass(frozen=True, slots=True)
class Lost(AttemptSignal):
    """The process in which the action was carried out died of it."""


@dataclass(frozen=True, slots=True)
class Due(TaskSignal):
    """The clock found `due_at` in the past: a retry, a timeout, a deadline or a lost lease."""


@dataclass(frozen=True, slots=True)
class AgentAppeared(TaskSignal):
    """Somebody serves the agent this task waits for."""


@dataclass(frozen=True, slots=True)
class Taken(TaskSignal):
    """An agent that fetches its work takes up a task that waits for it."""

    agent: str


@dataclass(frozen=True, slots=True)
class ChildEnded(TaskSignal):
    child_id: int
    status: str
    output: Any = None
    error: dict[str, Any] | None = None
    is_too_large: bool = False


@dataclass(frozen=True, slots=True)
class Decided(TaskSignal):
    """A person approved, rejected or sent back, for themselves or, by delegation, for another."""

    decision: Literal["approve", "reject", "send_back"]
    actor: str
    user_id: int
    username: str
    comment: str = ""
    override: bool = False
    names: tuple[str, ...] = ()  # the approvers of the gate for whom this person may speak
    for_id: int | None = None
    for_username: str = ""
    seal: str = ""  # of what the person was shown; '' for whatever is asked
    fields: Mapping[str, Any] = field(default_factory=dict)
    edits: Mapping[str, Any] = field(default_factory=dict)
    to: str = ""  # the task that it is sent back to


@dataclass(frozen=True, slots=True)
class Recalled(TaskSignal):
    """Who started the run takes the request back."""

    actor: str
    user_id: int
    username: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Told(TaskSignal):
    """A person says how a failed task goes on."""

    verb: Literal["retry", "skip", "fail", "complete"]
    actor: str
    parameters: dict[str, Any] | None = None
    output: Any = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Begin(Signal):
    """The first turn of a run."""

    actor: str = "engine"


@dataclass(frozen=True, slots=True)
class Pause(Signal):
    actor: str = "engine"


@dataclass(frozen=True, slots=True)
class Resume(Signal):
    actor: str = "engine"


@dataclass(frozen=True, slots=True)
class Cancel(Signal):
    actor: str = "engine"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunDue(Signal):
    """The deadline of the whole run has passed."""


# These touch every unsettled task of the run, so the engine loads them all beforehand.
WHOLE_RUN = (Cancel, RunDue)


def takes_back(signal: Signal) -> bool:
    """Whether it may touch any task of the run."""
    return isinstance(signal, (*WHOLE_RUN, Told, Recalled)) or (
        isinstance(signal, Decided) and signal.decision == "send_back"
    )
