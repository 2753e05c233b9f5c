"""What every action is made of, and what passes between an action and the worker that runs it."""

from __future__ import annotations

import json
from abc import ABC
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from orchestrator.definition.fields import ParameterSchema

JSON = Any  # a value made of dict, list, str, int, float, bool and None


class ActionError(Exception):
    """An attempt did not succeed.

    `code` is stable and lower-case; `message` is a sentence for a person. `retry_after` is the shortest wait, in
    seconds, that the other side asked for.
    """

    def __init__(
        self, code: str, message: str, *, retryable: bool = True, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after


@dataclass(slots=True)
class Call:
    """One attempt at one task: what an action is given.

    `parameters` are resolved (no `{{ }}` is left), checked against the action's schema, and have its defaults.
    `seconds_left` counts down to the task's timeout. `log` takes a level
    (debug, info, warning, error) and a line. An action that takes long calls `heartbeat` and looks at `cancelled`.
    """

    task_key: str
    index: int
    attempt: int  # counted from 1
    agent_id: str
    parameters: dict[str, Any]
    idempotency_key: str
    seconds_left: Callable[[], float]
    cancelled: Callable[[], bool]
    log: Callable[[str, str], None]
    heartbeat: Callable[[], None]
    run: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StartChild:
    """The decision to start another workflow. The engine carries it out. Exactly one of the first two is given."""

    workflow: str | None
    template: str | None
    parameters: Mapping[str, Any]
    wait: bool


@dataclass(frozen=True, slots=True)
class Example:
    """Parameters that work as they stand, for the help and the editor."""

    title: str
    parameters: dict[str, Any]


class Action(ABC):
    """One kind of task. All actions have the same parts; a test holds them to it.

    `kind` says who does it: a worker ("work"), a person ("person"), or the engine within its turn ("condition").
    `notes` go between the summary and the generated list of parameters in `help`; `produces` says what the output is.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    icon: ClassVar[str]
    kind: ClassVar[Literal["work", "person", "condition"]]
    summary: ClassVar[str]
    notes: ClassVar[str]
    produces: ClassVar[str]
    parameters: ClassVar[ParameterSchema]
    examples: ClassVar[tuple[Example, ...]]

    @property
    def help(self) -> str:
        from_schema = "\n".join(describe(self.parameters))
        return f"{self.summary}\n\n{self.notes}\n\nParameters:\n{from_schema}\n\nOutput: {self.produces}\n"

    def execute(self, call: Call) -> JSON | StartChild:
        """Do the work. Only actions of kind "work" have it.

        Raises ActionError; any other exception is a fault of the action.
        """
        raise ActionError(
            "not_for_workers",
            f"{self.name} of task {call.task_key} is never done by a worker.",
            retryable=False,
        )


def describe(schema: ParameterSchema) -> list[str]:
    """One plain line for each parameter, made from its field."""
    lines = []
    for parameter in schema.fields:
        facts = [parameter.type, "required" if parameter.required else _default(parameter.default)]
        if parameter.enum:
            facts.append("one of " + ", ".join(str(choice) for choice in parameter.enum))
        lines.append(
            f"  {parameter.name} ({'; '.join(fact for fact in facts if fact)}): {parameter.description}"
        )
    return lines


def _default(value: Any) -> str:
    if value is None:
        return ""
    return f"default {value if isinstance(value, str) else json.dumps(value)}"
