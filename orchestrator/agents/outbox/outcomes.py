"""What an agent says of its tasks, by the status of an entry or by moving it to the history."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.agents.outbox.shape import STATUSES, Entry, Outbox
from orchestrator.definition.issues import show

MAX_MESSAGE: Final = 4000
_SAYS: Final = ("completion_message", "summary", "message", "error", "reason")


@dataclass(frozen=True, slots=True)
class Saying:
    """How a task stands. `output` counts when it is completed, `message` and `retryable` when it is not."""

    status: str
    output: Any = None
    message: str = ""
    retryable: bool = False

    @property
    def is_final(self) -> bool:
        return self.status in ("completed", "failed")


def sayings(content: Outbox, held: Collection[str]) -> dict[str, Saying]:
    """What the file says of these tasks. One that stands in the history is finished, wherever else it stands."""
    tasks, past = first_of(content["tasks"]), first_of(content["history"])
    found = {}
    for task_id in held:
        if task_id in past:
            found[task_id] = _saying({**tasks.get(task_id, {}), **past[task_id]})
        elif task_id in tasks:
            found[task_id] = _saying(tasks[task_id])
    return found


def first_of(entries: list[Entry]) -> dict[str, Entry]:
    """The entries by their ids; of several with one id the first."""
    found: dict[str, Entry] = {}
    for entry in entries:
        found.setdefault(entry["task_id"], entry)
    return found


def strangers(content: Outbox, held: Collection[str]) -> list[str]:
    """The ids of entries in `tasks` that are none of these."""
    return [task_id for task_id in first_of(content["tasks"]) if task_id not in held]


def message_of(entry: Entry) -> str:
    """What the agent says in words, '' when it says nothing."""
    said = (entry.get(name) for name in _SAYS)
    return next((text.strip()[:MAX_MESSAGE] for text in said if isinstance(text, str) and text.strip()), "")


def _saying(entry: Entry) -> Saying:
    status = entry.get("status")
    if not isinstance(status, str) or status not in STATUSES:
        return Saying("unknown", message=f"The status {show(status)} is none of {', '.join(STATUSES)}.")
    if status == "completed":
        return Saying(status, _output_of(entry))
    message = message_of(entry) or ("The agent gives no reason." if status in ("failed", "blocked") else "")
    return Saying(status, message=message, retryable=entry.get("retryable") is True)


def _output_of(entry: Entry) -> Any:
    for name in ("output", "result"):
        if name in entry:
            return entry[name]
    names = ("completion_message", "summary", "completed_at", "timestamp")
    return {"status": "completed", **{name: entry[name] for name in names if name in entry}}
