"""The controls of an action's parameters, those of a list of maps among them: there each map is a card of controls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from editor.inspector.controls import Card, Control, Row, Step, control, place
from editor.steps import as_map, schema_of
from orchestrator.definition.fields import Field, Parts
from orchestrator.definition.rules.expressions import SHOWN_ACTIONS
from orchestrator.web.forms import as_json

Suggestions = Mapping[str, Sequence[str]]
NEW: Final = "new"  # the place of a card that the draft does not hold yet
_OF_NAMES: Final = ("people", "names")
_SECONDS: Final = "_seconds"


def parameters_of(
    given: Mapping[str, Any], path: Sequence[Step], root: str, suggestions: Suggestions
) -> Iterator[Control]:
    """Those of the action of a task or of its compensation, which stand at `path` within `root`."""
    schema, values = schema_of(given.get("action")), as_map(given.get("parameters"))
    secrets = given.get("action") not in SHOWN_ACTIONS
    for field in schema.fields:
        made = _parameter(field, values.get(field.name), (*path, field.name), root, suggestions)
        yield replace(made, secrets=secrets and made.expression in ("template", "json"))
    known = [field.name for field in schema.fields]
    others = {name: value for name, value in values.items() if name not in known}
    if schema.open or others:
        yield _others(others, known, path, root, secrets)


def _others(
    others: Mapping[str, Any], known: Sequence[str], path: Sequence[Step], root: str, secrets: bool
) -> Control:
    return Control(
        (*path, "*"),
        place(root, path),
        "Other parameters",
        "others",
        as_json(others) if others else "",
        "A JSON map. Strings may hold {{ expression }}.",
        rows=min(12, as_json(others).count("\n") + 1),
        json="map",
        expression="json",
        secrets=secrets,
        advanced=not others,
        choices=tuple((name, name) for name in known),
    )


def _parameter(
    field: Field, value: Any, path: Sequence[Step], root: str, suggestions: Suggestions
) -> Control:
    if field.items == "expression" and (rows := _named(value)) is not None:
        return control(field, None, path, root, kind="pairs", members=rows, expression="expression")
    if field.parts and _are_maps(value):
        return _in_cards(field, field.parts, value or [], path, root, suggestions)
    if field.widget in _OF_NAMES and (value is None or _is_names(value)):
        return _names(field, value, path, root, suggestions)
    found = control(field, value, path, root, required=_is_required(field))
    if field.widget in suggestions:
        found = replace(found, suggestions=tuple(suggestions[field.widget]))
    if field.name.endswith(_SECONDS) and found.kind == "number":
        found = replace(found, unit="s")
    takes_template = found.kind == "text" or found.or_template
    return (
        replace(found, expression="template")
        if field.templated and takes_template and not found.expression
        else found
    )


def _is_required(field: Field) -> bool:
    return field.required and field.default is None


def _names(field: Field, value: Any, path: Sequence[Step], root: str, suggestions: Suggestions) -> Control:
    """As it was written: names as text stay text, a list a list."""
    kind, text = ("text", value) if isinstance(value, str) else ("names", ", ".join(value or ()))
    more = {"kind": kind, "value": text, "json": "", "rows": 0, "expression": "template"}
    more |= {"suggestions": tuple(suggestions.get(field.widget, ())), "required": _is_required(field)}
    return control(field, None, path, root, **more)


def _named(value: Any) -> tuple[Row, ...] | None:
    if value is None:
        return ()
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        return None
    return tuple(Row(source, name) for name, source in value.items())


def _is_names(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(one, str) and "," not in one for one in value)
    )


# Cards


def _are_maps(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(one, dict) for one in value))


def _in_cards(
    field: Field,
    parts: Parts,
    value: Sequence[dict[str, Any]],
    path: Sequence[Step],
    root: str,
    suggestions: Suggestions,
) -> Control:
    cards = [_card(parts, one, (*path, number), root, suggestions) for number, one in enumerate(value)]
    more = {"kind": "cards", "value": "", "json": "", "rows": 0, "expression": "", "or_template": False}
    blank = _card(parts, {}, (*path, NEW), root, suggestions)
    return control(field, None, path, root, **more, cards=tuple(cards), blank=blank)


def _card(
    parts: Parts, value: dict[str, Any], path: Sequence[Step], root: str, suggestions: Suggestions
) -> Card:
    found = [
        _parameter(one, value.get(one.name), (*path, one.name), root, suggestions) for one in parts.fields
    ]
    more = [one for one in found if one.advanced]
    number = path[-1]
    return Card(
        name=f"{parts.name} {number + 1}" if isinstance(number, int) else f"{NEW} {parts.name}",
        before=json.dumps(value, ensure_ascii=False),
        controls=tuple(one for one in found if not one.advanced),
        more=tuple(more),
        is_open=any(value.get(str(one.path[-1])) is not None for one in more),
    )
