"""WfFormat, the JSON of wfcommons.org for runs of scientific workflows, as definitions.

Each task becomes an agent_task of the demo agent that works for as long as the task was measured to take, times the
workflow parameter `time_scale`. Since version 1.5 tasks name each other by id and what was measured stands under
workflow.execution; before, they named each other by name, and stood in workflow.tasks (workflow.jobs until 1.2) with
their runtime.
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
_NOT_IN_KEYS: Final = re.compile(r"[^A-Za-z0-9_-]+")
_TOLD: Final = ("schemaVersion", "createdAt", "author", "runtimeSystem", "wms")
_SPECIFICATION: Final = "workflow.specification.tasks"
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
    by_id = path == _SPECIFICATION
    parents = _parents(tasks, keys, by_id)
    return {
        "name": str(data.get("name") or "Imported run")[:NAME_LENGTH],
        "version": "2.0.0",
        "description": str(data.get("description") or "Imported from WfFormat."),
        "metadata": {"format": "WfFormat", **{name: data[name] for name in _TOLD if name in data}},
        "parameters": {"time_scale": dict(_TIME_SCALE)},
        "tasks": {
            key: _task(_called(task, by_id), parents[key], runtimes.get(_id(task), 0.0))
            for task in tasks
            for key in [keys[_id(task)]]
        },
    }


def _places(workflow: object) -> list[tuple[str, list[Any]]]:
    """Where the tasks stand: in the specification, or directly in the workflow."""
    if not isinstance(workflow, dict):
        return []
    inner = workflow.get("specification")
    found = [(_SPECIFICATION, inner.get("tasks"))] if isinstance(inner, dict) else []
    found += [("workflow.tasks", workflow.get("tasks")), ("workflow.jobs", workflow.get("jobs"))]
    return [(path, tasks) for path, tasks in found if isinstance(tasks, list)]


def _id(task: Any) -> str:
    """What tells it from the others; '' where it says nothing that can be used."""
    return _named(task, "id") or _named(task, "name")


def _called(task: Any, by_id: bool) -> str:
    """What other tasks call it."""
    return _id(task) if by_id else _named(task, "name") or _id(task)


def _named(task: Any, field: str) -> str:
    name = task.get(field) if isinstance(task, dict) else None
    return name if isinstance(name, str) else ""


def _keys(tasks: list[Any], path: str) -> dict[str, str]:
    """A key of ours for each id, in the order of the tasks."""
    keys: dict[str, str] = {}
    taken: dict[str, int] = {}
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


def _free(name: str, taken: dict[str, int]) -> str:
    """A key like the name; `taken` counts how often each was wanted, so that many alike cost no more than a few."""
    plain = _NOT_IN_KEYS.sub("_", name).strip("_") or "task"
    if not plain[0].isalpha() or plain in RESERVED_KEYS:
        plain = f"t_{plain}"
    key = wish = plain[:_KEY_LENGTH]
    while key in taken:
        taken[wish] += 1
        tail = f"_{taken[wish]}"
        key = wish[: _KEY_LENGTH - len(tail)] + tail
    taken[key] = 1
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
    # An integer may be larger than any float; no task works longer than a day anyway.
    return float(min(given, DAY))


def _parents(tasks: list[Any], keys: Mapping[str, str], by_id: bool) -> dict[str, list[Any]]:
    """The dependencies of each task by its key, each once. Many files tell of one end of an edge only.

    A parent that is no task keeps its name, for the check to report; a child that is none has nothing to wait for it.
    """
    names = {_named(task, "name"): keys[_id(task)] for task in tasks}
    known = {**names, **keys} if by_id else {**keys, **names}
    found: dict[str, list[Any]] = {key: [] for key in keys.values()}
    for task in tasks:
        key = keys[_id(task)]
        found[key] += [_key_of(name, known) for name in _listed(task, "parents")]
    for task in tasks:
        for child in _listed(task, "children"):
            if isinstance(child, str) and child in known:
                found[known[child]].append(keys[_id(task)])
    return {key: _each_once(parents) for key, parents in found.items()}


def _listed(task: Mapping[str, Any], field: str) -> list[Any]:
    value = task.get(field)
    return value if isinstance(value, list) else []


def _key_of(parent: Any, known: Mapping[str, str]) -> Any:
    return known.get(parent, parent) if isinstance(parent, str) else parent


def _each_once(parents: list[Any]) -> list[Any]:
    named = dict.fromkeys(parent for parent in parents if isinstance(parent, str))
    return [*named, *(parent for parent in parents if not isinstance(parent, str))]


def _task(name: str, parents: list[Any], seconds: float) -> dict[str, Any]:
    seconds = round(seconds, 3)
    timeout = max(_DEFAULT_TIMEOUT, math.ceil(2 * seconds))
    return {
        "name": name[:NAME_LENGTH],
        "action": "agent_task",
        "agent_id": AGENT,
        "parameters": {"seconds": f"{{{{ {seconds!r} * params.time_scale }}}}"},
        "dependencies": parents,
        "execution_mode": "parallel",
        "timeout_seconds": timeout,
    }
