"""WfFormat, the JSON of wfcommons.org for runs of scientific workflows, as definitions.

Each task becomes an agent_task of the demo agent that works for as long as the task was measured to take, times the
workflow parameter `time_scale`. Versions 1.4 and 1.5 keep what was measured under workflow.execution, older ones with the
task itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from orchestrator.definition.issues import DefinitionError, Issue, at, show
from orchestrator.definition.language import DAY, NAME_LENGTH
from orchestrator.definition.names import RESERVED_KEYS

AGENT: Final = "demo"
_KEY_LENGTH: Final = 64
_DEFAULT_TIMEOUT: Final = 3600
_LONGEST_TIMEOUT: Final = 31 * DAY
_NOT_IN_KEYS: Final = re.compile(r"[^A-Za-z0-9_-]+")
_TOLD: Final = ("schemaVersion", "createdAt", "author", "runtimeSystem")
_TIME_SCALE: Final = {
    "type": "number",
    "default": 0,
    "description": "What the measured runtimes are multiplied by: 1 takes as long as the original run, 0 no time at all.",
}


def is_wfformat(data: object) -> bool:
    """Whether a document is of this kind, and no definition of our own."""
    return isinstance(data, dict) and "tasks" not in data and bool(_places(data.get("workflow")))


def definition_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """The definition. Raises DefinitionError with every task that has no id, or one that is taken."""
    workflow = data["workflow"]
    path, tasks = _places(workflow)[0]
    keys = _keys(tasks, path)
    runtimes = _runtimes(workflow, tasks)
    return {
        "name": str(data.get("name") or "Imported run")[:NAME_LENGTH],
        "version": "2.0.0",
        "description": str(data.get("description") or "Imported from WfFormat."),
        "metadata": {"format": "WfFormat", **{name: data[name] for name in _TOLD if name in data}},
        "parameters": {"time_scale": dict(_TIME_SCALE)},
        "tasks": {keys[_id(task)]: _task(task, keys, runtimes) for task in tasks},
    }


def _places(workflow: object) -> list[tuple[str, list[Any]]]:
    """Where the tasks stand: in the specification, or directly in the workflow."""
    if not isinstance(workflow, dict):
        return []
    inner = workflow.get("specification")
    found = [("workflow.specification.tasks", inner.get("tasks"))] if isinstance(inner, dict) else []
    found.append(("workflow.tasks", workflow.get("tasks")))
    return [(path, tasks) for path, tasks in found if isinstance(tasks, list)]


def _id(task: Any) -> str:
    """What other tasks call it; '' where it says nothing that can be used."""
    name = (task.get("id") or task.get("name")) if isinstance(task, dict) else None
    return name if isinstance(name, str) else ""


def _keys(tasks: list[Any], path: str) -> dict[str, str]:
    """A key of ours for each id, in the order of the tasks."""
    keys: dict[str, str] = {}
    taken: set[str] = set()
    issues: list[Issue] = []
    for place, name in enumerate(map(_id, tasks)):
        if not name:
            issues.append(
                Issue(at(path, place), "required", "A task is a map with an id; this one has none.")
            )
        elif name in keys:
            issues.append(
                Issue(at(at(path, place), "id"), "duplicate", f"The id {show(name)} is taken already.")
            )
        else:
            keys[name] = _free(name, taken)
    if issues:
        raise DefinitionError(issues)
    return keys


def _free(name: str, taken: set[str]) -> str:
    plain = _NOT_IN_KEYS.sub("_", name).strip("_") or "task"
    if not plain[0].isalpha() or plain in RESERVED_KEYS:
        plain = f"t_{plain}"
    key, number = plain[:_KEY_LENGTH], 1
    while key in taken:
        number += 1
        tail = f"_{number}"
        key = plain[: _KEY_LENGTH - len(tail)] + tail
    taken.add(key)
    return key


def _runtimes(workflow: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """The measured seconds of each task, by its id."""
    execution = workflow.get("execution")
    measured = execution.get("tasks") if isinstance(execution, dict) else None
    rows = [*tasks, *(measured if isinstance(measured, list) else [])]
    return {_id(row): seconds for row in rows if (seconds := _seconds(row)) is not None}


def _seconds(row: Any) -> float | None:
    given = (row.get("runtimeInSeconds", row.get("runtime"))) if isinstance(row, dict) else None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < math.inf:
        return None
    return float(given)


def _task(task: Mapping[str, Any], keys: Mapping[str, str], runtimes: Mapping[str, float]) -> dict[str, Any]:
    parents = task.get("parents")
    seconds = round(runtimes.get(_id(task), 0.0), 3)
    timeout = min(max(_DEFAULT_TIMEOUT, math.ceil(2 * seconds)), _LONGEST_TIMEOUT)
    return {
        "name": str(task.get("name") or _id(task))[:NAME_LENGTH],
        "action": "agent_task",
        "agent_id": AGENT,
        "parameters": {"seconds": f"{{{{ {seconds!r} * params.time_scale }}}}"},
        "dependencies": [_key_of(name, keys) for name in parents] if isinstance(parents, list) else [],
        "execution_mode": "parallel",
        "timeout_seconds": timeout,
    }


def _key_of(parent: Any, keys: Mapping[str, str]) -> Any:
    """A parent that is no task keeps its name, for the check to report."""
    return keys.get(parent, parent) if isinstance(parent, str) else parent
