"""What people say of a request without deciding it, as values: what comes in, and what is to be stored of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.planning.signals import TaskSignal
from orchestrator.planning.state import TaskState


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file that is kept already; its row is made with what it was given with."""

    key: str
    name: str
    size: int
    sha256: str
    content_type: str

    def as_json(self) -> dict[str, Any]:
        """For the record: enough to prove later which file it was."""
        return {"file": self.key, "name": self.name, "size": self.size, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class Handed(TaskSignal):
    """Somebody says something of a request. `epoch` is that of the request, which the task may have left behind."""

    approval_id: int
    epoch: int
    uid: str
    actor: str
    user_id: int
    text: str
    files: tuple[FileFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Commented(Handed):
    """A comment; it changes nothing and may come after the end."""


@dataclass(frozen=True, slots=True)
class Asked(Handed):
    """One of those who decide asks back; the clock of the request stands until the answer."""

    username: str = ""
    of_id: int = 0
    of_username: str = ""


@dataclass(frozen=True, slots=True)
class Answered(Handed):
    """Whoever was asked answers the question with this `uid`."""


@dataclass(frozen=True, slots=True)
class Withdrew(Handed):
    """The question with this `uid` needs no answer any more."""


@dataclass(frozen=True, slots=True)
class NewComment:
    """Store this comment."""

    said: Commented


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """Store this question, which is open."""

    said: Asked


@dataclass(frozen=True, slots=True)
class EndQuestion:
    """The question is open no longer."""

    said: Answered | Withdrew


@dataclass(frozen=True, slots=True)
class CloseQuestion:
    """The open question of this task's request is closed without an answer."""

    task: TaskState


Talk = NewComment | NewQuestion | EndQuestion | CloseQuestion
