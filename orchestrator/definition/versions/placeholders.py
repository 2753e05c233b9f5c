"""The bare `{{name}}` of older definitions: each becomes `{{ params.name }}`, and a parameter that is declared."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import Any, Final

from orchestrator.definition.expressions import ROOTS, ExpressionError, compile_expression
from orchestrator.definition.issues import Issue, at, warning
from orchestrator.definition.names import is_key
from orchestrator.definition.versions.conditions import expressions_of

_BARE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_RESULT: Final = re.compile(r"(\{\{[^{}]*\btasks(?:\.\w+|\[[^\]]*\]))\.result\b")


class Place(Enum):
    """Where a parameter is named, which says what it may be."""

    AGENT = auto()  # who does a task: a name, so text
    WHOLE = auto()  # all of a string, or part of a condition: any value
    TEXT = auto()  # among other text


_Met = defaultdict[str, set[Place]]
_FILLED: Final = ("agent_id", "parameters", "compensation", "approvers", "approver")


def declare(data: dict[str, Any]) -> tuple[dict[str, Any], list[Issue]]:
    """Fields that are filled in have their placeholders rewritten; what they and conditions name is declared."""
    tasks = data.get("tasks")
    declared = {} if data.get("parameters") is None else data["parameters"]
    if not isinstance(tasks, dict) or not isinstance(declared, dict):
        return data, []
    met: _Met = defaultdict(set)
    rewritten = {key: _task(task, met) for key, task in tasks.items()}
    new = {name: _parameter(places) for name, places in met.items() if name not in declared}
    parameters = {**declared, **new}
    changed = {**data, "tasks": rewritten} | ({"parameters": parameters} if parameters else {})
    return changed, [_declared(name) for name in new]


def _task(task: Any, met: _Met) -> Any:
    if not isinstance(task, dict):
        return task
    changed = dict(task)
    for name in _FILLED:
        if name in task:
            changed[name] = _filled(task[name], met, agent=name == "agent_id")
    for name in _named(expressions_of(task)):
        met[name].add(Place.WHOLE)
    return changed


def _filled(value: Any, met: _Met, *, agent: bool = False) -> Any:
    """The value with each placeholder rewritten, at any depth: the depth was checked before."""
    match value:
        case str():
            return _text(value, met, agent)
        case list():
            return [_filled(one, met) for one in value]
        case dict():
            return {key: _filled(one, met, agent=key == "agent_id") for key, one in value.items()}
    return value


def _text(text: str, met: _Met, agent: bool) -> str:
    if "{{" not in text:
        return text
    whole = Place.WHOLE if _BARE.fullmatch(text.strip()) else Place.TEXT

    def present(found: re.Match[str]) -> str:
        name = found[1]
        if name in ROOTS or not is_key(name):
            return found[0]
        met[name].add(Place.AGENT if agent else whole)
        return f"{{{{ params.{name} }}}}"

    return _RESULT.sub(r"\1.output", _BARE.sub(present, text))


def _named(expressions: Iterable[Any]) -> Iterator[str]:
    """The parameters that rewritten conditions name."""
    for source in expressions:
        try:
            references = compile_expression(source).references
        except ExpressionError:
            continue
        yield from (
            one.path[0] for one in references if one.root == "params" and one.path and is_key(one.path[0])
        )


def _parameter(places: set[Place]) -> dict[str, Any]:
    is_text = Place.AGENT in places or places == {Place.TEXT}
    return {"type": "string" if is_text else "any", "required": True}


def _declared(name: str) -> Issue:
    text = "The older definition named this parameter without declaring it; a run now asks for it."
    return warning(at("parameters", name), "declared_parameter", text)
