"""The several ways to write one thing, brought to one way: the canonical form.

Nothing is judged here. What has an unexpected shape is left as it is, for the rules to report where it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.definition import language
from orchestrator.definition.fields import bare_expression
from orchestrator.definition.issues import at

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS_OF_THE_LANGUAGE = frozenset({"true", "false", "null", "in", "has"})
_CONDITION_TYPES = ("expression", "dependency", "custom")  # no set: what is looked up may be unhashable
_ORDER = {name: place for place, name in enumerate(field.name for field in language.TOP_FIELDS)}


def normalise(data: Mapping[str, Any]) -> dict[str, Any]:
    """The definition in canonical form; what was passed in is not changed."""
    known = sorted((name for name in data if name in _ORDER), key=_ORDER.__getitem__)
    result = {name: data[name] for name in known if data[name] is not None}
    result |= {name: value for name, value in data.items() if name not in _ORDER}
    if isinstance(result.get("tasks"), dict):
        result["tasks"] = {key: normal_task(task) for key, task in result["tasks"].items()}
    return result


def normal_task(task: Any) -> Any:
    """One task in canonical form: no nulls, conditions as a list of expressions, approvers among the parameters."""
    if not isinstance(task, dict):
        return task
    result = {name: value for name, value in task.items() if value is not None}
    for name, normal in _NORMAL.items():
        if name in result:
            result[name] = normal(result[name])
    return with_approvers(result) if result.get("action") == language.APPROVAL_GATE else result


def status_condition(task: str, status: str) -> str:
    """The expression that asks for a task's status."""
    return f"{task_reference(task)}.status == {json.dumps(status)}"


def task_reference(key: str) -> str:
    """How an expression names a task: keys may hold what a plain name may not."""
    return member_reference("tasks", key)


def member_reference(of: str, key: str) -> str:
    """How an expression names a member of a map."""
    plain = _PLAIN_NAME.fullmatch(key) and key not in _WORDS_OF_THE_LANGUAGE
    return f"{of}.{key}" if plain else f"{of}[{json.dumps(key, ensure_ascii=False)}]"


def with_approvers(task: dict[str, Any]) -> dict[str, Any]:
    """An approval gate's approvers stand in its parameters; older ones name theirs as the agent."""
    parameters = task.get("parameters", {})
    if not isinstance(parameters, dict) or parameters.get("approvers") is not None:
        return task
    if parameters.get("levels") is not None:
        return task
    named = (
        parameters.get("approver")
        or task.get("approvers")
        or task.get("approver")
        or _agent_as_approver(task)
    )
    if not named:
        return task
    approvers = named if isinstance(named, list) else [named]
    return {**task, "parameters": {**parameters, "approvers": approvers}}


def approver_names(approvers: Any) -> list[str]:
    """The approvers one by one: a list, or text with the names separated by commas. `group:name` is a group."""
    if isinstance(approvers, str):
        approvers = approvers.split(",")
    if not isinstance(approvers, list):
        return []
    names = [name.strip() for name in approvers if isinstance(name, str)]
    return list(dict.fromkeys(name for name in names if name))


def levels_of_gate(parameters: Mapping[str, Any], path: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Where the levels of an approval gate stand, and what each says; a gate without has one, which is the gate itself."""
    levels = parameters.get("levels")
    if levels is None:
        return [(path, parameters)]
    if not isinstance(levels, list):
        return []
    where = at(path, "levels")
    return [(at(where, place), one) for place, one in enumerate(levels) if isinstance(one, dict)]


def _agent_as_approver(task: Mapping[str, Any]) -> str:
    agent = task.get("agent_id")
    if not isinstance(agent, str) or agent.startswith(("pool:", "can:")) or agent == language.DEFAULT_AGENT:
        return ""
    return agent


def _conditions(value: Any) -> Any:
    if isinstance(value, str | dict | bool):
        value = [value]
    return [_condition(one) for one in value] if isinstance(value, list) else value


def _condition(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return bare_expression(value)
    if not isinstance(value, dict) or value.get("type", "expression") not in _CONDITION_TYPES:
        return value
    if isinstance(value.get("expression"), str):
        return bare_expression(value["expression"])
    task, status = value.get("task"), value.get("status", "completed")
    if value.get("type") == "dependency" and isinstance(task, str) and isinstance(status, str):
        return status_condition(task, status)
    return value


def _for_each(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return bare_expression(value) if isinstance(value, str) else value


_NORMAL: dict[str, Callable[[Any], Any]] = {"conditions": _conditions, "for_each": _for_each}
