"""The file of an outbox agent: its fields, what is wrong with one, and how it is read and written.

An error makes the file unusable as a whole; a warning concerns one value, which then counts for nothing. Fields that
are not known here are never wrong and are kept as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from orchestrator.definition import strict_json
from orchestrator.definition.issues import ROOT, DefinitionError, Issue, at, show, warning

VERSION: Final = "1.0.0"
AGENT_TYPES: Final = ("ai", "human", "hybrid")
STATUSES: Final = ("pending", "in_progress", "completed", "failed", "blocked")
PRIORITIES: Final = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
CANCELLED: Final = "cancelled"  # what Baton writes into the history of a task that was taken back
PAST_STATUSES: Final = (*STATUSES, CANCELLED)

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_ENTRY_BYTES: Final = 2 * 1024 * 1024
MAX_ENTRY_DEPTH: Final = 60
MAX_DEPTH: Final = MAX_ENTRY_DEPTH + 4  # an entry lies two lists and maps deep

Outbox = dict[str, Any]
Entry = dict[str, Any]
Check = Callable[[Any], str]  # what a value should be, '' when it is


def parse(data: bytes) -> tuple[Outbox, list[Issue]]:
    """The content of a file, and what is wrong in it without spoiling the rest. Raises DefinitionError with every error."""
    if not data.strip():
        raise DefinitionError([Issue(ROOT, "empty", "The file is empty.")])
    content = strict_json.loads(data, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    issues = validate(content)
    errors = [issue for issue in issues if issue.severity == "error"]
    if errors:
        raise DefinitionError(errors)
    return content, issues


def dump(content: Outbox) -> bytes:
    """As it is written: readable, every letter as itself."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=2).encode() + b"\n"


def empty(agent_id: str, name: str, agent_type: str, expertise: list[str]) -> Outbox:
    """The file of an agent that has done nothing yet."""
    return {
        "agent_id": agent_id,
        "agent_name": name,
        "agent_type": agent_type if agent_type in AGENT_TYPES else "ai",
        "version": VERSION,
        "expertise": list(expertise),
        "tasks": [],
        "history": [],
        "metadata": {},
    }


def validate(content: Any) -> list[Issue]:
    """Everything that is wrong with the content of a file."""
    if not isinstance(content, dict):
        return [Issue(ROOT, "bad_type", f"An outbox is a map, not {show(content)}.")]
    issues = [
        *_missing(content, "", ("agent_id", "agent_name", "agent_type", "version", "expertise", "metadata")),
        *_wrong(content, "", _TOP),
    ]
    for name, required, checks in (("tasks", _OF_TASK, _TASK), ("history", _OF_PAST, _PAST)):
        issues += _faults_of_list(content, name, required, checks)
    return issues


def _faults_of_list(
    content: Outbox, name: str, required: tuple[str, ...], checks: Mapping[str, Check]
) -> Iterator[Issue]:
    entries = content.get(name)
    if not isinstance(entries, list):
        yield Issue(name, "bad_type", f"{name} must be a list, if need be an empty one: [].")
        return
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        path = at(name, number)
        if not isinstance(entry, dict):
            yield Issue(path, "bad_type", f"An entry of {name} is a map, not {show(entry)}.")
            continue
        task_id = entry.get("task_id")
        if not isinstance(task_id, str) or not task_id:
            yield Issue(at(path, "task_id"), "bad_type", "An entry needs a task_id, which is text.")
            continue
        if task_id in seen:
            text = f"{show(task_id)} stands in {name} more than once; only the first counts."
            yield warning(at(path, "task_id"), "duplicate_task_id", text)
        seen.add(task_id)
        yield from _missing(entry, path, required)
        yield from _wrong(entry, path, checks)


def _missing(values: Mapping[str, Any], path: str, names: tuple[str, ...]) -> Iterator[Issue]:
    for name in names:
        if name not in values:
            yield warning(at(path or ROOT, name), "required", f"{name} is missing.")


def _wrong(values: Mapping[str, Any], path: str, checks: Mapping[str, Check]) -> Iterator[Issue]:
    for name, check in checks.items():
        if name in values and (wanted := check(values[name])):
            place = at(path or ROOT, name)
            yield warning(place, "bad_value", f"{name} must be {wanted}, not {show(values[name])}.")


def _text(value: Any) -> str:
    return "" if isinstance(value, str) else "text"


def _text_or_null(value: Any) -> str:
    return "" if value is None or isinstance(value, str) else "text or null"


def _list(value: Any) -> str:
    return "" if isinstance(value, list) else "a list"


def _map(value: Any) -> str:
    return "" if isinstance(value, dict) else "a map"


def _hours(value: Any) -> str:
    sound = value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value >= 0)
    return "" if sound else "a number of hours, or null"


def _one_of(names: tuple[str, ...]) -> Check:
    def check(value: Any) -> str:
        return "" if isinstance(value, str) and value in names else f"one of {', '.join(names)}"

    return check


_TOP: Final[dict[str, Check]] = {
    "agent_id": _text,
    "agent_name": _text,
    "agent_type": _one_of(AGENT_TYPES),
    "version": _one_of((VERSION,)),
    "expertise": _list,
    "metadata": _map,
}
_TASK: Final[dict[str, Check]] = {
    "title": _text,
    "description": _text,
    "status": _one_of(STATUSES),
    "priority": _one_of(PRIORITIES),
    "created_at": _text,
    "estimated_hours": _hours,
    "context": _map,
    "deliverables": _list,
    "dependencies": _list,
    "completed_at": _text_or_null,
    "completion_message": _text_or_null,
}
_OF_TASK: Final = ("title", "description", "status", "priority", "created_at")
_PAST: Final[dict[str, Check]] = {
    "timestamp": _text,
    "status": _one_of(PAST_STATUSES),
    "summary": _text_or_null,
}
_OF_PAST: Final = ("timestamp", "status", "summary")
