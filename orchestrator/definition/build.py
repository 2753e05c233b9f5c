"""From data in which nothing is wrong to the frozen values of `schema`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.definition import language
from orchestrator.definition.fields import Field
from orchestrator.definition.schema import (
    Cache,
    Compensation,
    Definition,
    Parameter,
    Resources,
    Settings,
    Task,
)

_TASK_DEFAULTS = {field.name: field.default for field in language.TASK_FIELDS}
_SETTINGS_DEFAULTS = {field.name: field.default for field in language.SETTINGS_FIELDS}


def build(data: dict[str, Any]) -> Definition:
    """The definition that canonical data without errors describes."""
    settings = data.get("settings", {})
    failure = settings.get("on_failure")
    return Definition(
        id=data.get("id", ""),
        name=data["name"],
        version=data["version"],
        description=data.get("description", ""),
        metadata=data.get("metadata", {}),
        parameters={name: _parameter(name, spec) for name, spec in data.get("parameters", {}).items()},
        settings=_settings(settings),
        tasks={key: _task(key, task, failure) for key, task in data["tasks"].items()},
        data=data,
    )


def _given(value: Mapping[str, Any], fields: tuple[Field, ...]) -> dict[str, Any]:
    """The known fields that have a value; whole numbers as integers however they were written."""
    kinds = {field.name: field.type for field in fields}
    return {
        name: int(member) if kinds[name] == "integer" else member
        for name, member in value.items()
        if name in kinds and member is not None
    }


def _parameter(name: str, spec: Mapping[str, Any]) -> Parameter:
    given = _given(spec, language.PARAMETER_FIELDS)
    if "enum" in given:
        given["enum"] = tuple(given["enum"])
    return Parameter(name, **given)


def _settings(value: Mapping[str, Any]) -> Settings:
    given = _given(value, language.SETTINGS_FIELDS)
    return Settings(
        **{**_SETTINGS_DEFAULTS, **given, "on_failure": _failure(given.get("on_failure"))["action"]}
    )


def _failure(value: Any) -> dict[str, str]:
    """What happens after the last retry, written as a word or as a map."""
    given = dict(value) if isinstance(value, dict) else {"action": value or "fail"}
    return {"checkpoint": "", "then": "fail"} | {
        name: word for name, word in given.items() if word is not None
    }


def _task(key: str, raw: dict[str, Any], on_failure: Any) -> Task:
    """`on_failure` is what holds for the whole workflow, as it stands in the settings."""
    given = _given(raw, language.TASK_FIELDS)
    merged = _TASK_DEFAULTS | given
    failure = _failure(given.get("on_failure", on_failure))
    return Task(
        key=key,
        raw=raw,
        id=given.get("id", key),
        name=given.get("name") or key,
        description=given.get("description", ""),
        on_failure=failure["action"],
        rollback_to=failure["checkpoint"],
        rollback_then=failure["then"],
        dependencies=tuple(merged["dependencies"]),
        conditions=tuple(merged["conditions"]),
        compensation=_compensation(given),
        for_each=given.get("for_each", ""),
        resources=Resources(**_given(given["resources"], language.RESOURCE_FIELDS))
        if "resources" in given
        else None,
        cache=Cache(**_given(given["cache"], language.CACHE_FIELDS)) if "cache" in given else None,
        **{name: merged[name] for name in _AS_THEY_ARE},
    )


_AS_THEY_ARE = (
    "action",
    "agent_id",
    "parameters",
    "join",
    "execution_mode",
    "timeout_seconds",
    "retry_count",
    "retry_delay",
    "retry_backoff",
    "retry_max_delay",
    "output_schema",
    "checkpoint",
    "position",
)


def _compensation(task: Mapping[str, Any]) -> Compensation | None:
    given = task.get("compensation")
    if given is None:
        return None
    agent = given.get("agent_id") or task.get("agent_id") or language.DEFAULT_AGENT
    return Compensation(given["action"], agent, given.get("parameters") or {})
