"""`--param key=value`: text from a command line, read as the type that was declared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from orchestrator.cli.base import Function
from orchestrator.definition import strict_json
from orchestrator.definition.fields import FieldType
from orchestrator.definition.issues import DefinitionError, Issue
from orchestrator.exceptions import InvalidError

_BOOLEANS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
_WANTED = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a JSON list such as [1, 2]",
    "map": 'a JSON map such as {"a": 1}',
}


def param_option(function: Function) -> Function:
    option = click.option(
        "--param",
        "params",
        metavar="KEY=VALUE",
        multiple=True,
        callback=pairs,
        help="A parameter; lists and maps as JSON. Can be given several times.",
    )
    return option(function)


def pairs(_ctx: click.Context, _option: click.Parameter, given: Iterable[str]) -> dict[str, str]:
    """`key=value`, several times, as a map of texts."""
    found: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{pair!r} is not of the form key=value.")
        if name.strip() in found:
            raise click.BadParameter(f"{name.strip()} is given twice.")
        found[name.strip()] = value
    return found


def typed(
    texts: Mapping[str, str], types: Mapping[str, FieldType], path: str = "parameters"
) -> dict[str, Any]:
    """The values. A name that was not declared stays text: whoever takes the parameters says it is unknown."""
    values: dict[str, Any] = {}
    issues: list[Issue] = []
    for name, text in texts.items():
        kind = types.get(name, "string")
        try:
            values[name] = _READERS.get(kind, str)(text)
        except (ValueError, DefinitionError):
            message = f"{name} must be {_WANTED[kind]}; it is {text[:60]!r}."
            issues.append(Issue(f"{path}.{name}", "wrong_type", message))
    if issues:
        raise InvalidError(issues[0].message, issues, code=f"invalid_{path}")
    return values


def _boolean(text: str) -> bool:
    value = _BOOLEANS.get(text.strip().lower())
    if value is None:
        raise ValueError(text)
    return value


def _number(text: str) -> int | float:
    value = strict_json.loads(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(text)
    return value


def _json(kind: type) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = strict_json.loads(text)
        if not isinstance(value, kind):
            raise ValueError(text)
        return value

    return read


def _anything(text: str) -> Any:
    """JSON if it is JSON, else the text as it stands."""
    try:
        return strict_json.loads(text)
    except DefinitionError:
        return text


_READERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "number": _number,
    "boolean": _boolean,
    "list": _json(list),
    "map": _json(dict),
    "any": _anything,
}
