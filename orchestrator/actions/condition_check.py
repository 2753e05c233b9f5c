"""The condition_check action: named expressions as a task. The engine settles it within its turn, see
`orchestrator.planning.inline`."""

from __future__ import annotations

from typing import Any

from orchestrator.actions.base import Action, Example
from orchestrator.definition.fields import Field, ParameterSchema
from orchestrator.definition.issues import Issue, at, warning
from orchestrator.planning import inline


def _check_source(value: dict[str, Any], path: str) -> list[Issue]:
    checks, expression = value.get("checks"), value.get("expression")
    if checks is not None and expression is not None:
        return [Issue(path, "checks_or_expression", "Give either checks or expression, not both.")]
    if checks == {}:
        return [Issue(at(path, "checks"), "no_checks", "checks is empty; name at least one expression.")]
    if checks is not None or expression is not None:
        return []
    if not inline.settings_of(value):
        return [Issue(path, "no_checks", "Give checks, a map of named expressions, or one expression.")]
    text = "This check has settings but no expression: it passes with them as its output and decides nothing."
    return [warning(path, "decides_nothing", text)]


class ConditionCheck(Action):
    name = "condition_check"
    label = "Condition check"
    icon = "i-split"
    kind = "condition"
    summary = "Evaluates expressions and keeps their values for the tasks that follow."
    notes = (
        "An expression may look at the parameters, the run and the tasks upstream, and may stand in {{ }} or not. "
        "A task that follows uses tasks.<this task>.output.<name> in its conditions.\n"
        "A reference to something that is not there fails the task; it never counts as false.\n"
        "Older definitions name a check_type with thresholds and no expression: such a check passes and hands its "
        "settings on."
    )
    produces = "The value of each check under its name; for a single expression {result: its value}."
    parameters = ParameterSchema(
        fields=(
            Field(
                "checks",
                "map",
                "Names and their expressions.",
                items="expression",
                maximum=100,
                templated=False,
                example={"is_large": "tasks.extract.output.rows > 1000"},
            ),
            Field("expression", "expression", "One expression, where one is enough.", templated=False),
            Field(
                "fail_when_false",
                "boolean",
                "Fail the task when a value is false.",
                default=False,
                templated=False,
            ),
            Field("message", "string", "What the error says when it fails because of that.", max_length=1000),
        ),
        open=True,
        rules=(_check_source,),
    )
    examples = (
        Example(
            "Choose a path",
            {"checks": {"is_large": "tasks.extract.output.rows > 1000", "region": "params.region"}},
        ),
        Example(
            "Stop on bad quality",
            {
                "expression": "tasks.validate.output.quality_score >= 0.9",
                "fail_when_false": True,
                "message": "The quality is only {{ tasks.validate.output.quality_score }}.",
            },
        ),
    )
