"""The conditions and checks of older definitions, rewritten from Python to expressions where they stand."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from orchestrator.definition import language
from orchestrator.definition.expressions import ExpressionError, compile_expression
from orchestrator.definition.fields import bare_expression
from orchestrator.definition.issues import Issue, at, warning
from orchestrator.definition.normal import status_condition
from orchestrator.definition.versions.python_conditions import Untranslatable, translate


def rewrite_conditions(data: dict[str, Any]) -> tuple[dict[str, Any], list[Issue]]:
    """Every condition as an expression; what cannot be translated stays as it is, and is reported with its place."""
    tasks = data.get("tasks")
    if not isinstance(tasks, dict):
        return data, []
    issues: list[Issue] = []
    rewritten = {key: _task(task, at("tasks", key), tasks, issues) for key, task in tasks.items()}
    return {**data, "tasks": rewritten}, issues


def expressions_of(task: dict[str, Any]) -> Iterator[Any]:
    """What stands where a task has expressions: its conditions, and what a condition check evaluates."""
    conditions = task.get("conditions")
    yield from conditions if isinstance(conditions, list) else ()
    parameters = task.get("parameters")
    if task.get("action") == language.CONDITION_CHECK and isinstance(parameters, dict):
        checks = parameters.get("checks")
        yield parameters.get("expression")
        yield from checks.values() if isinstance(checks, dict) else ()


def _task(task: Any, path: str, known: Collection[str], issues: list[Issue]) -> Any:
    if not isinstance(task, dict):
        return task
    changed = dict(task)
    if task.get("conditions") is not None:
        given = task["conditions"]
        several = given if isinstance(given, list) else [given]
        where = at(path, "conditions")
        changed["conditions"] = [
            _condition(one, at(where, place), known, issues) for place, one in enumerate(several)
        ]
    if task.get("action") == language.CONDITION_CHECK and isinstance(task.get("parameters"), dict):
        changed["parameters"] = _checks(task["parameters"], at(path, "parameters"), known, issues)
    return changed


def _checks(
    parameters: dict[str, Any], path: str, known: Collection[str], issues: list[Issue]
) -> dict[str, Any]:
    """What a condition check evaluates is written like a condition."""
    changed = dict(parameters)
    if isinstance(parameters.get("expression"), str):
        changed["expression"] = _condition(parameters["expression"], at(path, "expression"), known, issues)
    if isinstance(parameters.get("checks"), dict):
        where = at(path, "checks")
        changed["checks"] = {
            name: _condition(one, at(where, name), known, issues) if isinstance(one, str) else one
            for name, one in parameters["checks"].items()
        }
    return changed


def _condition(given: Any, path: str, known: Collection[str], issues: list[Issue]) -> Any:
    source = _source(given)
    if source is None:
        return given
    if _is_dependency(given) and source in known:
        return status_condition(source, "completed")
    try:
        translation = translate(source, known)
    except Untranslatable as error:
        if _is_expression(source):
            return bare_expression(source)
        end = "" if error.message.endswith((".", "?")) else "."
        text = f"At column {error.position + 1}: {error.message}{end}"
        issues.append(
            Issue(path, "untranslatable_condition", text, hint="write it as an expression of schema 2.0.0")
        )
        return given
    issues += [warning(path, "changed_condition", text) for text in translation.warnings]
    return translation.source


def _source(given: Any) -> str | None:
    """The Python text of a condition; an empty one says nothing and is left to the rules."""
    text = given.get("expression") if isinstance(given, dict) else given
    return text if isinstance(text, str) and text.strip() else None


def _is_dependency(given: Any) -> bool:
    return isinstance(given, dict) and given.get("type") == "dependency"


def _is_expression(source: str) -> bool:
    """Whether somebody wrote it in the present language already."""
    try:
        references = compile_expression(bare_expression(source)).references
    except ExpressionError:
        return False
    # `workflow.tasks` is of the older dialect alone, though the text may be of both.
    return not any(one.root == "workflow" and one.path[:1] == ("tasks",) for one in references)
