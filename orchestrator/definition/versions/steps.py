"""One step for each older version: from it to the next. Pure; each gives the new data and what there is to say of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from orchestrator.definition.issues import Issue
from orchestrator.definition.versions import actions, conditions, placeholders

Data = dict[str, Any]
Step = Callable[[Data], tuple[Data, list[Issue]]]


def from_1_0_0(data: Data) -> tuple[Data, list[Issue]]:
    """To 1.1.0: each task has an execution mode; there was only one way to run."""
    return _with_tasks(data, _sequential), []


def from_1_1_0(data: Data) -> tuple[Data, list[Issue]]:
    """To 1.2.0: the conditional mode means something only with a condition; without one a task just ran in its turn."""
    return _with_tasks(data, _unconditional), []


def from_1_2_0(data: Data) -> tuple[Data, list[Issue]]:
    """To 2.0.0: conditions become expressions, placeholders declared parameters; there were no retries before."""
    renamed = _with_tasks(data, lambda task: actions.modern(_without_retries(task)))
    rewritten, issues = conditions.rewrite_conditions(renamed)
    declared, more = placeholders.declare(rewritten)
    return declared, [*issues, *more]


STEPS: Final[dict[str, Step]] = {"1.0.0": from_1_0_0, "1.1.0": from_1_1_0, "1.2.0": from_1_2_0}


def _as_map(tasks: Any) -> Any:
    """A list of tasks with ids, as a map from id to task; a list that cannot be one stays, to be reported."""
    if not isinstance(tasks, list):
        return tasks
    ids = [task.get("id") if isinstance(task, dict) else None for task in tasks]
    if not all(isinstance(one, str) for one in ids) or len(set(ids)) < len(ids):
        return tasks
    return dict(zip(ids, tasks, strict=True))


def _with_tasks(data: Data, change: Callable[[Data], Data]) -> Data:
    tasks = _as_map(data.get("tasks"))
    if not isinstance(tasks, dict):
        return data
    changed = {key: change(task) if isinstance(task, dict) else task for key, task in tasks.items()}
    return {**data, "tasks": changed}


def _sequential(task: Data) -> Data:
    return task if task.get("execution_mode") is not None else {**task, "execution_mode": "sequential"}


def _unconditional(task: Data) -> Data:
    if task.get("execution_mode") != "conditional" or task.get("conditions"):
        return task
    return {**task, "execution_mode": "sequential"}


def _without_retries(task: Data) -> Data:
    """A task that was never tried twice may not bear it."""
    return task if task.get("retry_count") is not None else {**task, "retry_count": 0}
