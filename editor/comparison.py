"""What differs between two definitions, task by task, for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from editor.operations import Change, difference
from editor.operations.documents import ABSENT
from editor.operations.graph import tasks_of

How = Literal["added", "removed", "changed", "moved"]


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field, in words a path such as `parameters.url`; ABSENT stands for not set."""

    field: str
    was: Any
    now: Any


@dataclass(frozen=True, slots=True)
class TaskDifference:
    """One task; with the key '' the workflow itself. `moved`: it only stands elsewhere on the canvas."""

    key: str
    name: str
    how: How
    fields: tuple[FieldDifference, ...]


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[TaskDifference]:
    """The workflow first, then the tasks in the order of the newer definition, then those that are gone."""
    by_key: dict[str, list[Change]] = {}
    for change in difference(before, after):
        by_key.setdefault(_task_of(change), []).append(change)
    order = ["", *tasks_of(dict(after)), *tasks_of(dict(before))]
    return [_compared(key, by_key[key], before, after) for key in dict.fromkeys(order) if key in by_key]


def _task_of(change: Change) -> str:
    return change.path[1] if change.path[0] == "tasks" and len(change.path) > 1 else ""


def _compared(
    key: str, changes: Sequence[Change], before: Mapping[str, Any], after: Mapping[str, Any]
) -> TaskDifference:
    fields = tuple(found for change in changes for found in _fields(change, bool(key)))
    name = _name_of(key, after) or _name_of(key, before) or key or "The workflow"
    return TaskDifference(key, name, _how(key, changes, fields), fields)


def _how(key: str, changes: Sequence[Change], fields: Sequence[FieldDifference]) -> How:
    first = changes[0]
    if key and len(first.path) == 2 and not first.order:
        return "added" if first.was is ABSENT else "removed" if first.now is ABSENT else "changed"
    is_moved = key and all(one.field.split(".")[0] == "position" for one in fields)
    return "moved" if is_moved else "changed"


def _fields(change: Change, of_task: bool) -> list[FieldDifference]:
    if change.container:
        return []
    rest = change.path[2:] if of_task else change.path
    if change.order:
        return [
            FieldDifference(
                f"order of {'.'.join(rest) or 'tasks'}", ", ".join(change.was), ", ".join(change.now)
            )
        ]
    if of_task and not rest:
        was, now = _as_map(change.was), _as_map(change.now)
        names = dict.fromkeys([*was, *now])
        return [FieldDifference(name, was.get(name, ABSENT), now.get(name, ABSENT)) for name in names]
    if rest[:1] == ("dependencies",) and len(rest) == 2:
        return [
            FieldDifference(
                "runs after", *(rest[1] if side is True else ABSENT for side in (change.was, change.now))
            )
        ]
    return [FieldDifference(".".join(rest), change.was, change.now)]


def _as_map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _name_of(key: str, definition: Mapping[str, Any]) -> str:
    return str(_as_map(tasks_of(dict(definition)).get(key)).get("name") or "")
