"""What becomes of a file when Baton changes it: every edit of the agent and every field that nobody here knows stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.agents.outbox.outcomes import first_of, message_of
from orchestrator.agents.outbox.shape import Entry, Outbox

_LISTS: Final = ("tasks", "history")
_HOW_IT_ENDED: Final = ("timestamp", "status", "summary")
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Closing:
    """How a task ended for Baton, and in words why, if the agent has said nothing better."""

    status: str
    summary: str
    prevails: bool = False  # over what the agent says: the task had been taken back before


def revised(content: Outbox, wanted: Sequence[Entry], closed: Mapping[str, Closing], at: str) -> Outbox:
    """The content with these entries in it, and these tasks moved to its history; what is so already stays."""
    tasks, past = first_of(content["tasks"]), first_of(content["history"])
    moved = [task_id for task_id in tasks if task_id in closed]
    stay = [
        entry
        for entry in content["tasks"]
        if entry["task_id"] not in closed or entry is not tasks[entry["task_id"]]
    ]
    new = [entry for entry in wanted if entry["task_id"] not in tasks and entry["task_id"] not in past]
    history = [
        _ended(entry, tasks, closed) if entry is past[entry["task_id"]] else entry
        for entry in content["history"]
    ]
    left = [_closed(tasks[task_id], closed[task_id], at) for task_id in moved if task_id not in past]
    return {**content, "tasks": [*stay, *new], "history": [*history, *left]}


def _ended(past: Entry, tasks: Mapping[str, Entry], closed: Mapping[str, Closing]) -> Entry:
    """An entry of the history, with what stands in `tasks` of the same task: the history says how it ended, `tasks` all
    else."""
    task_id = past["task_id"]
    closing = closed.get(task_id)
    if closing is None:
        return past
    ended: Entry = {name: past[name] for name in _HOW_IT_ENDED if name in past}
    refused = {"refused": closing.summary} if closing.prevails and "refused" not in past else {}
    return {**past, **tasks.get(task_id, {}), **ended, **refused}


def _closed(entry: Entry, closing: Closing, at: str) -> Entry:
    said = "" if closing.prevails else message_of(entry)
    summary = said or closing.summary
    return {**entry, "timestamp": at, "status": closing.status, "summary": summary}


def merged(base: Outbox, theirs: Outbox, ours: Outbox) -> Outbox:
    """What two writers made of the same content. Where both changed one value, that of the agent stays."""
    content = _merged_maps(*({**side, **dict.fromkeys(_LISTS)} for side in (base, theirs, ours)))
    for name in _LISTS:
        content[name] = _merged_lists(base[name], theirs[name], ours[name])
    return content


def _merged_maps(
    base: Mapping[Any, Any], theirs: Mapping[Any, Any], ours: Mapping[Any, Any]
) -> dict[Any, Any]:
    found = {}
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        value = _merged_values(base.get(key, _ABSENT), theirs.get(key, _ABSENT), ours.get(key, _ABSENT))
        if value is not _ABSENT:
            found[key] = value
    return found


def _merged_values(base: Any, theirs: Any, ours: Any) -> Any:
    if _same(theirs, base):
        return ours
    if _same(ours, base) or _same(ours, theirs):
        return theirs
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return _merged_maps(base if isinstance(base, dict) else {}, theirs, ours)
    return ours if theirs is _ABSENT else theirs


def _same(one: Any, other: Any) -> bool:
    """Equal, and told apart where Python would not: true from 1, 1 from 1.0."""
    if one is _ABSENT or other is _ABSENT:
        return one is other
    return one == other and repr(one) == repr(other)


def _merged_lists(base: list[Entry], theirs: list[Entry], ours: list[Entry]) -> list[Entry]:
    sides = [_numbered(side) for side in (base, theirs, ours)]
    return list(_merged_maps(*sides).values())


def _numbered(entries: list[Entry]) -> dict[tuple[str, int], Entry]:
    """The entries by their ids, of several with one id by their number, too."""
    seen: Counter[str] = Counter()
    found = {}
    for entry in entries:
        task_id = entry["task_id"]
        found[task_id, seen[task_id]] = entry
        seen[task_id] += 1
    return found
