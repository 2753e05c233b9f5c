"""Tasks pasted into a definition, under keys that are free there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from editor.operations.errors import OperationError
from editor.operations.graph import Definition, point, tasks_of
from orchestrator.definition.graph import find_cycle
from orchestrator.definition.issues import show
from orchestrator.definition.names import is_key
from orchestrator.definition.renaming import rename_in_task

_NUMBERED = re.compile(r"(.*?)-?(\d+)")
_KEY_LENGTH = 64


def paste(
    definition: Definition, tasks: Mapping[str, Any], by: Mapping[str, float] | None = None
) -> Definition:
    """Add these tasks, moved by so much on the canvas.

    A key that is taken gets a number, and what they say of each other follows. Connections to tasks that are not among
    them are left out.
    """
    for key, task in tasks.items():
        if not isinstance(task, dict):
            raise OperationError("wrong_type", f"The task {show(key)} must be a map.", "tasks")
    names, step = fresh_keys(tasks, tasks_of(definition)), point(by, "by") if by else {}
    _refuse_loops(tasks)
    # Among themselves they make no loop, and nothing that is there already waits for them.
    pasted = {names[key]: _prepared(task, names, step) for key, task in tasks.items()}
    return {**definition, "tasks": {**tasks_of(definition), **pasted}}


def fresh_keys(wanted: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """For each wanted key itself, or where that is taken the next that is free: load, load-2, load-3."""
    used = set(taken)
    names: dict[str, str] = {}
    for key in wanted:
        names[key] = _free(key if is_key(key) else "task", used)
        used.add(names[key])
    return names


def _free(key: str, used: set[str]) -> str:
    if key not in used:
        return key
    match = _NUMBERED.fullmatch(key)
    stem, number = (match[1], int(match[2])) if match and match[1] else (key, 1)
    while True:
        number += 1
        tail = f"-{number}"
        name = f"{stem[: _KEY_LENGTH - len(tail)]}{tail}"
        if name not in used:
            return name


def _prepared(task: Any, names: Mapping[str, str], by: Mapping[str, float]) -> dict[str, Any]:
    found = dict(rename_in_task(task, names))
    if "dependencies" in found:
        found["dependencies"] = [names[one] for one in _inner(found, names)]
    position = found.get("position")
    if position is not None and by:
        start = point(position, "tasks")
        found["position"] = {axis: start[axis] + by[axis] for axis in ("x", "y")}
    return found


def _inner(task: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    needs = task.get("dependencies")
    return [one for one in needs if isinstance(one, str) and one in names] if isinstance(needs, list) else []


def _refuse_loops(tasks: Mapping[str, Any]) -> None:
    loop = find_cycle({key: _inner(task, tasks) for key, task in tasks.items()})
    if loop:
        text = f"The pasted tasks wait for each other ({' → '.join(loop)})."
        raise OperationError("cycle", text, "tasks")
