"""Values for a workflow's parameters: checked, completed with defaults, secrets sealed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from orchestrator.definition import strict_json
from orchestrator.definition.fields import Field, ParameterSchema
from orchestrator.definition.issues import Issue
from orchestrator.definition.schema import Parameter
from orchestrator.engine.limits import PARAMETER_BYTES
from orchestrator.exceptions import InvalidError
from orchestrator.planning.plan import Plan
from orchestrator.secrets import SEALED, is_sealed, seal, unseal


def parameter_schema(parameters: Mapping[str, Parameter]) -> ParameterSchema:
    """The declared parameters as the fields that forms and validation are made of."""
    return ParameterSchema(tuple(_field(parameter) for parameter in parameters.values()))


def _field(parameter: Parameter) -> Field:
    return Field(
        name=parameter.name,
        type=parameter.type,
        required=parameter.required,
        default=parameter.default,
        description=parameter.description,
        enum=tuple(parameter.enum or ()),
        widget="secret" if parameter.secret else "",
        templated=False,
    )


def check_parameters(plan: Plan, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values a run is started with. Raises InvalidError with every problem located."""
    values = dict(given)
    sound = strict_json.check_value(values, "parameters", max_bytes=PARAMETER_BYTES)
    issues = [*sound, *_unknown(plan, values)]
    schema = parameter_schema(plan.parameters)
    known = {name: value for name, value in values.items() if name in plan.parameters}
    issues += [i for i in schema.check(known, "parameters", resolved=True) if i.severity == "error"]
    if issues:
        raise InvalidError(issues[0].message, issues, code="invalid_parameters")
    return _sealed(plan, schema.with_defaults(known))


def _unknown(plan: Plan, values: Mapping[str, Any]) -> Iterator[Issue]:
    for name in values:
        if name not in plan.parameters:
            near = get_close_matches(name, plan.parameters, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            message = f"This workflow has no parameter {name}.{hint}"
            yield Issue(f"parameters.{name}", "unknown_parameter", message)


def _sealed(plan: Plan, values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {SEALED: seal(value, f"parameter:{name}")} if plan.parameters[name].secret else value
        for name, value in values.items()
    }


def unsealed(params: Mapping[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """Parameters in clear, for the moment of use, and the secret values among them."""
    clear: dict[str, Any] = {}
    secret: list[Any] = []
    for name, value in params.items():
        clear[name] = unseal(value[SEALED], f"parameter:{name}") if is_sealed(value) else value
        if is_sealed(value):
            secret.append(clear[name])
    return clear, secret
