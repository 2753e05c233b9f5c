"""What differs between two definitions, task by task, for people. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from editor.operations import Change, difference
from editor.operations.documents import ABSENT
from editor.operations.graph import order_of_work, renamed_in, tasks_of, with_names

How = Literal["added", "removed", "changed", "renamed", "moved"]
HOWS: tuple[How, ...] = ("added", "removed", "changed", "renamed", "moved")


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field, in words a path such as `parameters.url`; ABSENT stands for not set."""

    field: str
    was: Any
    now: Any


@dataclass(frozen=True, slots=True)
class TaskDifference:
    """One task; with the key '' the workflow itself. `moved`: it only stands elsewhere on the canvas. `renamed`: it has
    another key and is otherwise what `was` was, wherever it stands."""

    key: str
    name: str
    how: How
    fields: tuple[FieldDifference, ...]
    was: str = ""


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[TaskDifference]:
    """The workflow first, then the tasks in the order of the newer definition, then those that are gone."""
    names = renamings(before, after)
    before = with_names(dict(before), names) if names else before
    by_key: dict[str, list[Change]] = {new: [] for new in names.values()}
    for change in difference(before, after):
        by_key.setdefault(_task_of(change), []).append(change)
    order = ["", *tasks_of(dict(after)), *tasks_of(dict(before))]
    old_keys = {new: old for old, new in names.items()}
    return [
        _compared(key, by_key[key], before, after, old_keys.get(key, ""))
        for key in dict.fromkeys(order)
        if key in by_key
    ]


def counts(found: Sequence[TaskDifference]) -> dict[How, int]:
    """How many tasks of each kind, without the workflow itself; kinds of which there are none are left out."""
    numbers = {how: sum(one.how == how for one in found if one.key) for how in HOWS}
    return {how: number for how, number in numbers.items() if number}


def renamings(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """Old key → new key of the tasks that are gone under the one and there, to the letter, under the other.

    Where they stand on the canvas does not matter. What they say of each other follows: from the front, so that the
    tasks a task waits for have their new keys already. Of several that are alike the first is taken to be the first.
    """
    old, new = dict(before), dict(after)
    gone = [key for key in order_of_work(old) if key not in tasks_of(new)]
    there: dict[str, list[str]] = {}
    for key, task in tasks_of(new).items() if gone else ():
        if key not in tasks_of(old):
            there.setdefault(_content(key, task), []).append(key)
    names: dict[str, str] = {}
    for key in gone if there else ():
        alike = there.get(_content(key, renamed_in(tasks_of(old)[key], names)))
        if alike:
            names[key] = alike.pop(0)
    return names


def _content(key: str, task: Any) -> str:
    """What makes a task what it is. An id that only repeats the key says nothing."""
    if isinstance(task, dict):
        task = {name: value for name, value in task.items() if name != "position"}
        if task.get("id") == key:
            del task["id"]
    return json.dumps(task, sort_keys=True)


def _task_of(change: Change) -> str:
    return change.path[1] if change.path[0] == "tasks" and len(change.path) > 1 else ""


def _compared(
    key: str, changes: Sequence[Change], before: Mapping[str, Any], after: Mapping[str, Any], was: str
) -> TaskDifference:
    fields = tuple(found for change in changes for found in _fields(change, bool(key)))
    name = _name_of(key, after) or _name_of(key, before) or key or "The workflow"
    if was:
        return TaskDifference(key, name, "renamed", (FieldDifference("key", was, key), *fields), was)
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
