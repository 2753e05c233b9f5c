"""A definition as frozen values. Only `check` makes them, from data it found nothing wrong with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.definition.fields import Field, FieldType, ParameterSchema
from orchestrator.definition.graph import Edges


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input of the workflow. `enum` is None where any value of the type will do."""

    name: str
    type: FieldType = "string"
    required: bool = False
    default: Any = None
    secret: bool = False
    description: str = ""
    enum: tuple[Any, ...] | None = None

    def as_field(self) -> Field:
        return Field(
            self.name,
            self.type,
            self.description,
            required=self.required,
            default=self.default,
            enum=self.enum or (),
            widget="secret" if self.secret else "",
            templated=False,
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for the whole workflow; None: no limit, or not known."""

    max_parallel: int | None = None
    on_failure: str = "fail"
    timeout_seconds: float | None = None
    expected_seconds: float | None = None
    rollback_limit: int = 3
    review_required: bool = False


@dataclass(frozen=True, slots=True)
class Compensation:
    action: str
    agent_id: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resources:
    """What is reserved while a task runs: processors and megabytes."""

    cpu: float = 0
    memory_mb: float = 0


@dataclass(frozen=True, slots=True)
class Cache:
    """`key` is a template; '' stands for the resolved parameters."""

    ttl_seconds: float
    key: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `agent_id` and the strings in `parameters` are templates; `conditions` and `for_each` are expressions
    without `{{ }}`. `rollback_to` names a checkpoint, '' being the latest; `rollback_then` is 'fail' or 'continue'.
    `checkpoint` is a name, true (the key is the name) or false. `raw` is the task as the canonical data has it."""

    key: str
    id: str
    name: str
    description: str
    action: str
    agent_id: str
    parameters: Mapping[str, Any]
    dependencies: tuple[str, ...]
    join: str
    conditions: tuple[str, ...]
    execution_mode: str
    timeout_seconds: float
    retry_count: int
    retry_delay: float
    retry_backoff: float
    retry_max_delay: float
    on_failure: str
    rollback_to: str
    rollback_then: str
    compensation: Compensation | None
    for_each: str
    resources: Resources | None
    cache: Cache | None
    output_schema: Any
    checkpoint: bool | str
    position: Mapping[str, float] | None
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Definition:
    """A workflow that was checked. `version` is that of the schema; `data` is the canonical JSON, which gives the same
    definition again. The order of `tasks` has a meaning: sequential tasks run in it."""

    id: str
    name: str
    version: str
    description: str
    metadata: Mapping[str, Any]
    parameters: Mapping[str, Parameter]
    settings: Settings
    tasks: Mapping[str, Task]
    data: dict[str, Any] = field(repr=False)

    @property
    def edges(self) -> Edges:
        return {key: task.dependencies for key, task in self.tasks.items()}

    @property
    def parameter_schema(self) -> ParameterSchema:
        """What the values given at a start are checked against, and the start form is made of."""
        return ParameterSchema(tuple(parameter.as_field() for parameter in self.parameters.values()))
