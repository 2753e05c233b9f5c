"""The bare `{{name}}` of older definitions: each becomes `{{ params.name }}`, and a parameter that is declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from orchestrator.definition.expressions import ROOTS, ExpressionError, compile_expression
from orchestrator.definition.issues import Issue, at, warning
from orchestrator.definition.names import is_key

_BARE: Final = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_RESULT: Final = re.compile(r"(\{\{[^{}]*\btasks(?:\.\w+|\[[^\]]*\]))\.result\b")
_FILLED: Final = ("agent_id", "parameters", "compensation")


def declare(data: dict[str, Any]) -> tuple[dict[str, Any], list[Issue]]:
    """Fields that are filled in have their placeholders rewritten; what they and conditions name is declared."""
    tasks = data.get("tasks")
    declared = data.get("parameters", {})
    if not isinstance(tasks, dict) or not isinstance(declared, dict):
        return data, []
    kinds: dict[str, str] = {}
    rewritten = {key: _task(task, kinds) for key, task in tasks.items()}
    met = {name: _parameter(kind) for name, kind in kinds.items() if name not in declared}
    parameters = {**declared, **met}
    changed = {**data, "tasks": rewritten} | ({"parameters": parameters} if parameters else {})
    return changed, [_declared(name) for name in met]


def _task(task: Any, kinds: dict[str, str]) -> Any:
    if not isinstance(task, dict):
        return task
    changed = {name: _filled(value, kinds) if name in _FILLED else value for name, value in task.items()}
    for name in _BARE.findall(str(task.get("agent_id", ""))):
        kinds[name] = "string"
    for name in _named(task.get("conditions")):
        kinds[name] = "any"
    return changed


def _filled(value: Any, kinds: dict[str, str]) -> Any:
    """The value with each placeholder rewritten, at any depth: the depth was checked before."""
    match value:
        case str():
            return _text(value, kinds)
        case list():
            return [_filled(one, kinds) for one in value]
        case dict():
            return {key: _filled(one, kinds) for key, one in value.items()}
    return value


def _text(text: str, kinds: dict[str, str]) -> str:
    """A parameter that is all of a string may be of any type; one among other text is text."""
    if "{{" not in text:
        return text
    whole = _BARE.fullmatch(text.strip())

    def present(found: re.Match[str]) -> str:
        name = found[1]
        if name in ROOTS or not is_key(name):
            return found[0]
        kinds[name] = "any" if whole else kinds.get(name, "string")
        return f"{{{{ params.{name} }}}}"

    return _RESULT.sub(r"\1.output", _BARE.sub(present, text))


def _named(conditions: Any) -> Iterator[str]:
    """The parameters that rewritten conditions name."""
    for source in conditions if isinstance(conditions, list) else ():
        try:
            references = compile_expression(source).references
        except ExpressionError:
            continue
        yield from (
            one.path[0] for one in references if one.root == "params" and one.path and is_key(one.path[0])
        )


def _parameter(kind: str) -> dict[str, Any]:
    return {"type": kind, "required": True}


def _declared(name: str) -> Issue:
    text = "The older definition named this parameter without declaring it; a run now asks for it."
    return warning(at("parameters", name), "declared_parameter", text)
