"""What the engine decides by itself within a turn: the condition_check action, as a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from orchestrator.definition.expressions import ExpressionError, Reference, compile_expression
from orchestrator.definition.fields import bare_expression
from orchestrator.definition.issues import DefinitionError
from orchestrator.definition.templates import compile_template

# Everything else in the parameters is a setting of an older definition.
OWN_PARAMETERS = frozenset({"checks", "expression", "fail_when_false", "message"})
SINGLE = "result"  # the name under which the value of `expression` is found


class Failure(TypedDict):
    code: str
    message: str


class CheckOutcome(TypedDict):
    """`output` is kept in either case; `failed` is None when the task completed."""

    output: dict[str, Any]
    failed: Failure | None


class _CheckError(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def evaluate_check(parameters: Mapping[str, Any], context: Mapping[str, Any]) -> CheckOutcome:
    """The outcome of a condition_check with the parameters as they stand in the definition, nothing resolved."""
    output: dict[str, Any] = {}
    try:
        for name, source in sources(parameters).items():
            output[name] = _value(name, source, context)
        if not output:
            return CheckOutcome(output=_resolved(settings_of(parameters), context), failed=None)
        failed = _when_false(parameters, output, context)
    except _CheckError as error:
        return CheckOutcome(output=output, failed=Failure(code="condition_error", message=error.message))
    return CheckOutcome(output=output, failed=failed)


def sources(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Name → expression, without the `{{ }}` that may stand around it."""
    expression = parameters.get("expression")
    checks = {SINGLE: expression} if isinstance(expression, str) else parameters.get("checks") or {}
    return {name: bare_expression(source) for name, source in checks.items()}


def settings_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What an older definition gave beside the expressions: a check_type and thresholds."""
    return {name: value for name, value in parameters.items() if name not in OWN_PARAMETERS}


def references(parameters: Mapping[str, Any]) -> frozenset[Reference]:
    """Everything the expressions and the texts name. Raises ExpressionError or DefinitionError when one is faulty."""
    compiled = (compile_expression(source) for source in sources(parameters).values())
    texts = {name: value for name, value in parameters.items() if name not in ("checks", "expression")}
    return compile_template(texts).references.union(*(expression.references for expression in compiled))


def _value(name: str, source: str, context: Mapping[str, Any]) -> Any:
    try:
        return compile_expression(source).evaluate(context)
    except ExpressionError as error:
        raise _CheckError(f"{name}: {error}") from None


def _when_false(
    parameters: Mapping[str, Any], output: Mapping[str, Any], context: Mapping[str, Any]
) -> Failure | None:
    untrue = [name for name, value in output.items() if value is False]
    if not untrue or not parameters.get("fail_when_false"):
        return None
    message = parameters.get("message")
    text = str(_resolved(message, context)) if message else f"Not true: {', '.join(untrue)}."
    return Failure(code="check_failed", message=text)


def _resolved(value: Any, context: Mapping[str, Any]) -> Any:
    try:
        return compile_template(value).resolve(context)
    except (ExpressionError, DefinitionError) as error:
        raise _CheckError(str(error)) from None
