"""A task as an entry of an outbox."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from orchestrator.agents.outbox.shape import MAX_ENTRY_BYTES, MAX_ENTRY_DEPTH, Entry, dump
from orchestrator.definition import strict_json

_PRIORITIES: Final = {
    **dict.fromkeys(("low", "lowest", "minor", "routine"), "LOW"),
    **dict.fromkeys(("medium", "normal", "moderate", ""), "MEDIUM"),
    **dict.fromkeys(("high", "highest", "important", "urgent", "major"), "HIGH"),
    **dict.fromkeys(("critical", "blocker", "emergency"), "CRITICAL"),
}
_TASK_ID: Final = re.compile(r"run-\d+-.+-(\d{1,18})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Work:
    """A task that an agent holds under a lease. `index` is -1 outside of for_each."""

    lease: int
    run: int
    workflow: str
    task: str
    index: int
    attempt: int
    parameters: Mapping[str, Any]
    idempotency_key: str
    created_at: datetime
    due_at: datetime | None

    @property
    def task_id(self) -> str:
        return task_id_of(self.run, self.task, self.index, self.lease)


def task_id_of(run: int, task: str, index: int, lease: int) -> str:
    """The name of a task in the file: another one for each lease, so that a late answer cannot be taken for a new one."""
    return f"run-{run}-{task}-{lease}" if index < 0 else f"run-{run}-{task}-{index}-{lease}"


def lease_in(task_id: str) -> int | None:
    """The lease of which the id speaks, None when it is none that Baton would give."""
    found = _TASK_ID.fullmatch(task_id)
    return int(found[1]) if found else None


def entry_of(work: Work) -> Entry:
    """The entry as the agent finds it first."""
    given = work.parameters
    return {
        "task_id": work.task_id,
        "title": _text(given.get("title")) or work.task,
        "description": _text(given.get("description")),
        "status": "pending",
        "priority": priority_of(given.get("priority")),
        "created_at": work.created_at.isoformat(),
        "estimated_hours": _hours(given.get("estimated_hours")),
        "context": {
            "workflow": work.workflow,
            "run": work.run,
            "task": work.task,
            "index": work.index if work.index >= 0 else None,
            "attempt": work.attempt,
            "idempotency_key": work.idempotency_key,
            "due_at": work.due_at.isoformat() if work.due_at else None,
            "parameters": dict(given),
        },
        "deliverables": _list(given.get("deliverables")),
        "dependencies": [],
    }


def fault_of(entry: Entry) -> str:
    """Why this entry cannot be put into a file, '' when it can."""
    issues = strict_json.check_value(entry, "task", max_depth=MAX_ENTRY_DEPTH)
    if issues:
        return str(issues[0])
    size = len(dump(entry))
    return f"It is {size:,} bytes long; at most {MAX_ENTRY_BYTES:,} are." if size > MAX_ENTRY_BYTES else ""


def priority_of(given: Any) -> str:
    """The priority as the file knows it; what it does not know is MEDIUM."""
    return _PRIORITIES.get(given.strip().lower(), "MEDIUM") if isinstance(given, str) else "MEDIUM"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _hours(value: Any) -> float | None:
    sound = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return value if sound else None


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
