"""What the rules look at: a definition in canonical form that may still be wrong in any way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from orchestrator.definition.fields import ParameterSchema
from orchestrator.definition.graph import Ancestry, components
from orchestrator.definition.issues import Issue, at
from orchestrator.definition.names import Suggester
from orchestrator.definition.rules.conditions import is_false

Rule = Callable[["Draft"], Iterable[Issue]]


class Draft:
    """The data, and what several rules ask of it. Everything here leaves out what has the wrong shape, so that a rule
    meets only what it can judge; the rules of structure report the rest."""

    def __init__(self, data: Mapping[str, Any], actions: Mapping[str, ParameterSchema]) -> None:
        self.data = data
        self.actions = actions

    @cached_property
    def tasks(self) -> dict[str, dict[str, Any]]:
        tasks = self.data.get("tasks")
        return {key: task for key, task in mapping(tasks).items() if isinstance(task, dict)}

    @cached_property
    def paths(self) -> dict[str, str]:
        """Where each task stands."""
        return {key: at("tasks", key) for key in self.tasks}

    @cached_property
    def parameters(self) -> dict[str, Any]:
        return mapping(self.data.get("parameters"))

    @cached_property
    def secret_parameters(self) -> frozenset[str]:
        return frozenset(
            name
            for name, spec in self.parameters.items()
            if isinstance(spec, dict) and spec.get("secret") is True
        )

    @cached_property
    def edges(self) -> dict[str, list[str]]:
        """The dependencies that name another task, each once."""
        return {key: self._known_dependencies(key, task) for key, task in self.tasks.items()}

    def _known_dependencies(self, key: str, task: Mapping[str, Any]) -> list[str]:
        names = (name for name in sequence(task.get("dependencies")) if isinstance(name, str))
        return [name for name in dict.fromkeys(names) if name in self.tasks and name != key]

    @cached_property
    def components(self) -> list[list[str]]:
        """Tasks that wait for each other in a loop, and each other task alone, after those it waits for."""
        return components(self.edges)

    @cached_property
    def order(self) -> list[str]:
        """Every task after those it waits for, as far as they do not wait for each other."""
        return [key for members in self.components for key in members]

    @cached_property
    def switched_off(self) -> frozenset[str]:
        """The tasks that are always skipped, since a condition of theirs is false whatever happens."""
        return frozenset(
            key for key, task in self.tasks.items() if any(map(is_false, sequence(task.get("conditions"))))
        )

    @cached_property
    def ancestry(self) -> Ancestry:
        return Ancestry(self.edges, self.components)

    def on_failure(self, task: Mapping[str, Any]) -> tuple[str, str]:
        """What follows when this task has failed for good, and the checkpoint that is named with it, '' if none is."""
        value = task.get("on_failure")
        if value is None:
            value = mapping(self.data.get("settings")).get("on_failure")
        if isinstance(value, str):
            return value, ""
        action, checkpoint = mapping(value).get("action", "fail"), mapping(value).get("checkpoint")
        return action if isinstance(action, str) else "", checkpoint if isinstance(checkpoint, str) else ""

    @cached_property
    def task_names(self) -> Suggester:
        return Suggester(self.tasks)

    @cached_property
    def parameter_names(self) -> Suggester:
        return Suggester(self.parameters)


def mapping(value: object) -> dict[str, Any]:
    """The value if it is a map, otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """The value if it is a list, otherwise an empty one."""
    return value if isinstance(value, list) else []
