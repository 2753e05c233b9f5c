"""The one description of an action's or a workflow's parameters, from which validation, forms and help are made.

A parameter is checked twice. When the definition is saved a string that holds `{{ }}` may stand for any type, for its
value is not known yet; before an attempt everything is resolved and is checked for what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from orchestrator.definition.expressions.values import equal
from orchestrator.definition.issues import Issue, at, show, warning
from orchestrator.definition.names import did_you_mean, nearest

FieldType = Literal["string", "integer", "number", "boolean", "date", "list", "map", "any", "expression"]
Rule = Callable[[dict[str, Any], str], list[Issue]]

_SAID = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date like 2026-12-24",
    "list": "a list",
    "map": "a map",
    "expression": "an expression",
}


def holds_template(value: object) -> bool:
    """Whether this is a string whose value is only known once its `{{ }}` are filled in."""
    return isinstance(value, str) and "{{" in value


def bare_expression(source: str) -> str:
    """The expression without the `{{ }}` somebody may have put around the whole of it."""
    text = source.strip()
    return text[2:-2].strip() if text.startswith("{{") and text.endswith("}}") else source


def has_type(value: object, kind: str) -> bool:
    """Whether a JSON value is of a field type. A boolean is never a number; 2.0 is a whole number, 2.5 is not."""
    match kind:
        case "any":
            return True
        case "string" | "expression":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, str) and _is_date(value)
        case "integer":
            return not isinstance(value, bool) and (
                isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            )
        case "number":
            return not isinstance(value, bool) and isinstance(value, int | float)
        case "list":
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)


def _is_date(text: str) -> bool:
    """A day of the calendar in the one way in which a browser sends it."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def is_among(value: object, choices: Iterable[object]) -> bool:
    """Whether it is one of the choices, true not being 1."""
    return any(equal(value, choice) for choice in choices)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the maps of a list are made of, for whoever makes a form of it; `name` is what one of them is called."""

    name: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter. `minimum` and `maximum` bound a number, or the length of a list; `items` is the type of each
    member of a list or a map; `templated` False: `{{ }}` is refused, its value must stand in the definition. `parts` checks
    nothing: a rule of the action does."""

    name: str
    type: FieldType
    description: str = ""
    label: str = ""
    required: bool = False
    default: Any = None
    enum: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    items: FieldType | None = None
    widget: str = ""
    example: Any = None
    advanced: bool = False
    templated: bool = True
    parts: Parts | None = None

    @property
    def title(self) -> str:
        return self.label or self.name.replace("_", " ").capitalize()

    def check(self, value: Any, path: str, *, resolved: bool = False) -> list[Issue]:
        """What is wrong with this value of the parameter."""
        if value is None and not self.required:
            return []
        if not resolved and self.type != "expression" and holds_template(value):
            return [] if self.templated else [_not_templated(self, path)]
        if not has_type(value, self.type):
            return [_wrong_type(path, self.type, value)]
        return [*self._bounds(value, path), *self._members(value, path, resolved)]

    def _bounds(self, value: Any, path: str) -> Iterator[Issue]:
        if self.enum and not is_among(value, self.enum):
            yield _not_in_enum(self, value, path)
        if self.max_length is not None and isinstance(value, str) and len(value) > self.max_length:
            yield Issue(path, "too_long", f"At most {self.max_length} characters; these are {len(value)}.")
        if isinstance(value, list | dict) and not _within(len(value), self.minimum, self.maximum):
            text = f"{self.title} must number {_range(self.minimum, self.maximum)}; there are {len(value)}."
            yield Issue(path, "out_of_range", text)
        if isinstance(value, int | float) and not _within(value, self.minimum, self.maximum):
            text = f"{self.title} must be {_range(self.minimum, self.maximum)}; it is {show(value)}."
            yield Issue(path, "out_of_range", text)

    def _members(self, value: Any, path: str, resolved: bool) -> Iterator[Issue]:
        if self.items is None or not isinstance(value, list | dict):
            return
        pairs = enumerate(value) if isinstance(value, list) else value.items()
        for key, member in pairs:
            waits = not resolved and self.items != "expression" and holds_template(member)
            if not waits and not has_type(member, self.items):
                yield _wrong_type(at(path, key), self.items, member)

    def expressions(self, value: Any, path: str) -> Iterator[tuple[str, str]]:
        """Where expressions stand in this value, and their source without `{{ }}` around it."""
        if self.type == "expression" and isinstance(value, str):
            yield path, bare_expression(value)
        if self.items == "expression" and isinstance(value, list | dict):
            pairs = enumerate(value) if isinstance(value, list) else value.items()
            yield from ((at(path, key), bare_expression(one)) for key, one in pairs if isinstance(one, str))


@dataclass(frozen=True, slots=True)
class ParameterSchema:
    """The parameters of one action. `open`: others may be given as plain data. `rules` are checks across fields, each
    given the parameters and their path; they run only on parameters whose single fields are right. `internal`: the
    action is not named to people who look for one."""

    fields: tuple[Field, ...] = ()
    open: bool = False
    rules: tuple[Rule, ...] = ()
    internal: bool = False

    def field(self, name: str) -> Field | None:
        return next((field for field in self.fields if field.name == name), None)

    def check(self, value: dict[str, Any], path: str, *, resolved: bool = False) -> list[Issue]:
        """Every finding about these parameters, which stand at `path`."""
        issues = [*self._missing(value, path), *self._unknown(value, path)]
        for field in self.fields:
            if field.name in value:
                issues += field.check(value[field.name], at(path, field.name), resolved=resolved)
        if not any(issue.severity == "error" for issue in issues):
            for rule in self.rules:
                issues += rule(value, path)
        return issues

    def with_defaults(self, value: dict[str, Any]) -> dict[str, Any]:
        """The parameters, with the default of each that was not given and has one."""
        defaults = {field.name: field.default for field in self.fields if field.default is not None}
        return defaults | {
            name: given for name, given in value.items() if given is not None or name not in defaults
        }

    def expressions(self, value: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
        """Where expressions stand in these parameters, and their source."""
        for field in self.fields:
            if field.name in value:
                yield from field.expressions(value[field.name], at(path, field.name))

    def _missing(self, value: dict[str, Any], path: str) -> Iterator[Issue]:
        for field in self.fields:
            if field.required and field.default is None and value.get(field.name) is None:
                text = f"'{field.name}' is missing. {field.description}".rstrip()
                yield Issue(at(path, field.name), "missing_parameter", text)

    def _unknown(self, value: dict[str, Any], path: str) -> Iterator[Issue]:
        if self.open:
            return
        known = [field.name for field in self.fields]
        for name in value:
            if name not in known:
                hint = nearest(name, known) if len(name) <= 100 else ""
                text = f"This action knows no parameter {show(name)}; it is kept, and ignored.{did_you_mean(hint)}"
                yield warning(at(path, name), "unknown_parameter", text, hint)


def _wrong_type(path: str, kind: str, value: object) -> Issue:
    return Issue(path, "wrong_type", f"This must be {_SAID[kind]}; it is {show(value)}.")


def _not_templated(field: Field, path: str) -> Issue:
    text = f"{field.title} cannot hold {{{{ }}}}: its value must stand in the definition itself."
    return Issue(path, "not_templated", text)


def _not_in_enum(field: Field, value: object, path: str) -> Issue:
    choices = ", ".join(str(choice) for choice in field.enum)
    hint = (
        nearest(value, [str(choice) for choice in field.enum])
        if isinstance(value, str) and len(value) < 100
        else ""
    )
    text = f"{show(value)} is none of the choices: {choices}.{did_you_mean(hint)}"
    return Issue(path, "not_in_enum", text, hint=hint)


def _within(size: float, minimum: float | None, maximum: float | None) -> bool:
    return (minimum is None or size >= minimum) and (maximum is None or size <= maximum)


def _range(minimum: float | None, maximum: float | None) -> str:
    if minimum is None:
        return f"at most {maximum:,}"
    if maximum is None:
        return f"at least {minimum:,}"
    return f"from {minimum:,} to {maximum:,}"
