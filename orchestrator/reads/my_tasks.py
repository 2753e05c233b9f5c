"""What people are to do: the agent tasks that mean somebody, for that somebody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet

from orchestrator.definition.fields import Field
from orchestrator.engine.agent_work import waiting_for
from orchestrator.engine.agents import PEOPLE
from orchestrator.models import Agent, TaskRun
from orchestrator.reads.outline import outline_of

MOST_SHOWN = 200
_TYPES = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "array": "list",
    "object": "map",
}


@dataclass(frozen=True, slots=True)
class ToDo:
    """One task in a person's list."""

    task_run: TaskRun
    name: str
    agent: Agent


def agents_of(user: AbstractBaseUser) -> QuerySet[Agent]:
    """The agents that this person is."""
    return Agent.objects.filter(user=user.pk, kind__in=PEOPLE, state=Agent.State.ACTIVE)


def waiting(user: AbstractBaseUser) -> QuerySet[TaskRun]:
    """The tasks that this person may do now, the one that waits longest first."""
    addresses = {address for agent in agents_of(user) for address in agent.addresses}
    return waiting_for(sorted(addresses)) if addresses else TaskRun.objects.none()


def to_dos(user: AbstractBaseUser, among: Iterable[int] | None = None) -> list[ToDo]:
    """This person's list, or what of it is `among` these task runs."""
    agents = list(agents_of(user))
    rows = waiting(user).select_related("run__workflow").defer("run__workflow__draft")
    rows = (rows if among is None else rows.filter(pk__in=list(among)))[:MOST_SHOWN]
    return [ToDo(row, _name(row), _meant(agents, row)) for row in rows]


def to_do(user: AbstractBaseUser, task_run: TaskRun) -> ToDo:
    """The task as it stands in this person's list. It must be one of `waiting`."""
    return ToDo(task_run, _name(task_run), _meant(list(agents_of(user)), task_run))


def _meant(agents: list[Agent], row: TaskRun) -> Agent:
    return next(agent for agent in agents if row.agent_id in agent.addresses)


def _name(row: TaskRun) -> str:
    name = outline_of(row.run.version_id).name_of(row.key)
    return name if row.index < 0 else f"{name}, item {row.index + 1}"


def asked_for(schema: Any) -> list[Field] | None:
    """The inputs for an output that meets this schema; None when it is no map of named values."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not properties:
        return None
    required = schema.get("required") or []
    return [_input(name, of, name in required) for name, of in properties.items() if isinstance(of, dict)]


def _input(name: str, schema: dict[str, Any], required: bool) -> Field:
    kind = schema.get("type")
    return Field(
        name,
        _TYPES.get(kind, "any") if isinstance(kind, str) else "any",
        str(schema.get("description") or ""),
        label=str(schema.get("title") or ""),
        required=required,
        default=schema.get("default"),
        enum=tuple(schema.get("enum") or ()),
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
        max_length=schema.get("maxLength"),
    )
