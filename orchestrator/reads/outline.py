"""The shape of a version, as pages need it: names, kinds, edges. Kept per version, which never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from orchestrator import actions
from orchestrator.models import WorkflowVersion

_DEFAULT_RETRIES = 3


@dataclass(frozen=True, slots=True)
class TaskOutline:
    """One task of a definition. `agent` is who does it, empty where that is Baton itself."""

    key: str
    name: str
    description: str
    order: int
    action: str
    label: str
    kind: str
    icon: str
    agent: str
    retries: int
    retry_delay: float
    retry_backoff: float
    timeout_seconds: float | None
    dependencies: tuple[str, ...]
    conditions: tuple[str, ...]
    join: str
    checkpoint: str
    for_each: str
    position: Mapping[str, float] | None
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outline:
    """The tasks of a version by key, in definition order."""

    name: str
    tasks: Mapping[str, TaskOutline]

    def name_of(self, key: str) -> str:
        return self.tasks[key].name if key in self.tasks else key

    def followers(self, key: str) -> list[TaskOutline]:
        return [task for task in self.tasks.values() if key in task.dependencies]


@lru_cache(maxsize=128)
def outline_of(version_id: int) -> Outline:
    data = WorkflowVersion.everything.values_list("definition", flat=True).get(pk=version_id)
    return outline(data)


def outline(definition: Mapping[str, Any]) -> Outline:
    """The outline of a checked definition."""
    tasks = definition.get("tasks", {})
    return Outline(
        str(definition.get("name", "")),
        {key: _task(key, order, raw) for order, (key, raw) in enumerate(tasks.items())},
    )


def _task(key: str, order: int, raw: Mapping[str, Any]) -> TaskOutline:
    action = actions.get(raw["action"])
    return TaskOutline(
        key=key,
        name=str(raw.get("name") or key),
        description=str(raw.get("description") or ""),
        order=order,
        action=action.name,
        label=action.label,
        kind=action.kind,
        icon=action.icon,
        agent=_agent(raw),
        retries=int(raw.get("retry_count", _DEFAULT_RETRIES)),
        retry_delay=float(raw.get("retry_delay", 5)),
        retry_backoff=float(raw.get("retry_backoff", 2.0)),
        timeout_seconds=raw.get("timeout_seconds"),
        dependencies=tuple(raw.get("dependencies") or ()),
        conditions=tuple(_source(condition) for condition in raw.get("conditions") or ()),
        join=str(raw.get("join") or "any_succeeded"),
        checkpoint=_checkpoint(key, raw.get("checkpoint")),
        for_each=str(raw.get("for_each") or ""),
        position=raw.get("position"),
        parameters=raw.get("parameters") or {},
    )


def _agent(raw: Mapping[str, Any]) -> str:
    """The agent's name where the definition itself tells it: not `system`, not an expression."""
    agent = str(raw.get("agent_id") or "system")
    return "" if raw.get("action") != "agent_task" or agent == "system" or "{{" in agent else agent


def _source(condition: Any) -> str:
    return str(condition.get("expression", "")) if isinstance(condition, Mapping) else str(condition)


def _checkpoint(key: str, given: Any) -> str:
    return str(given) if isinstance(given, str) else (key if given else "")
