"""What stands in the panel for one field of a draft, made from the table that validation reads.

A draft may be wrong in any way: what its control could not show is shown as JSON, so that looking loses nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from editor.steps import as_loose, as_typed, described, is_template
from orchestrator.definition import Issue
from orchestrator.definition.fields import Field, has_type
from orchestrator.definition.issues import ROOT, at

_KINDS: Final = {
    "string": "text",
    "expression": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "date": "text",
    "list": "json",
    "map": "json",
    "any": "json",
}
_YES_NO: Final = (("true", "Yes"), ("false", "No"))
_MOST_ROWS: Final = 12
_LONG_TEXT: Final = 60
_ID: Final = "inspect-"
_MONO: Final = ("lines", "names", "items", "pairs", "loose")

Step = str | int  # of a path: the name of a member of a map, or its place in a list


@dataclass(frozen=True, slots=True)
class Row:
    """One member of a control of kind `items` or `pairs`: an expression, with its name, or as it was written if that
    was in a map (`around`)."""

    text: str
    name: str = ""
    around: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One map of a control of kind `cards`; `before` is the whole of it as JSON, `is_open` that something in `more` is set."""

    name: str
    before: str
    controls: tuple[Control, ...]
    more: tuple[Control, ...] = ()
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """One field. `kind` says how what is typed becomes its value, `where` is its place as findings write it.

    `expression` is what its text is made of: "expression", "template" or "json" whose strings are templates.
    """

    path: tuple[Step, ...]
    where: str
    label: str
    kind: str
    value: str = ""
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    rows: int = 0
    members: tuple[Row, ...] = ()
    cards: tuple[Card, ...] = ()
    blank: Card | None = None
    json: str = ""
    or_template: bool = False
    expression: str = ""
    secrets: bool = False
    unit: str = ""
    placeholder: str = ""
    suggestions: tuple[str, ...] = ()
    required: bool = False
    scope: str = "task"
    op: str = ""
    advanced: bool = False
    problems: tuple[Issue, ...] = ()

    @property
    def id(self) -> str:
        return _ID + "-".join(map(str, self.path))

    @property
    def data_path(self) -> str:
        return json.dumps(list(self.path))

    @property
    def data_known(self) -> str:
        """Of other parameters: the names that have a control of their own."""
        return json.dumps([name for name, _ in self.choices])

    @property
    def reading(self) -> str:
        """A length of time in words, where seconds alone are hard to read."""
        text = self.value or self.placeholder
        return in_words(int(text)) if self.unit == "s" and text.isdecimal() and len(text) < 10 else ""

    @property
    def wrong(self) -> bool:
        return any(issue.severity == "error" for issue in self.problems)

    @property
    def mono(self) -> bool:
        return bool(self.expression or self.json or self.kind in _MONO)


def control(field: Field, value: Any, path: Sequence[Step], root: str, /, **given: Any) -> Control:
    """The control for this field of what stands at `root`. `given` replaces what its type says."""
    kind, text = _shown(field, value)
    more: dict[str, Any] = {"choices": _choices(field, text), "rows": 0}
    if kind == "json":
        or_template = field.templated or (isinstance(value, str) and is_template(value))
        more |= {"json": field.type if field.type in ("list", "map") else "any", "or_template": or_template}
        more |= {"expression": "json", "rows": _lines(text)} if field.type in _STRUCTURED else {}
    elif kind in ("number", "integer", "loose"):
        more |= {"or_template": field.templated}
    elif kind == "text":
        is_long = field.widget == "textarea" or "\n" in text or len(text) > _LONG_TEXT
        more["rows"] = max(2, _lines(text)) if is_long else 0
    elif kind == "lines":
        more["rows"] = max(2, _lines(text))
    if field.type == "expression":
        more["expression"] = "expression"
    usual = field.default if isinstance(field.default, str | int | float) and kind in _TYPED else None
    example = field.example if isinstance(field.example, str) else ""
    shown: dict[str, Any] = {
        "path": tuple(path),
        "where": place(root, path),
        "label": field.title,
        "kind": kind,
        "value": text,
        "hint": field.description if more["choices"] or usual is not None else described(field),
        "placeholder": example if usual is None else f"{usual:g}" if isinstance(usual, float) else str(usual),
        "advanced": field.advanced,
    }
    return Control(**shown | more | given)


_STRUCTURED: Final = ("list", "map", "any")
# What holds when nothing is set stands in the empty input.
_TYPED: Final = ("text", "number", "integer", "loose")


def _shown(field: Field, value: Any) -> tuple[str, str]:
    """The kind of the control and the text in it."""
    kind = _KINDS[field.type]
    if field.enum and (value is None or isinstance(value, str)) and not is_template(value or ""):
        return "choice", value or ""
    if field.enum or kind == "boolean":
        plain = kind == "boolean" and (value is None or isinstance(value, bool))
        return ("boolean" if plain else "json"), as_typed(value) or ""
    if _is_text(field, value):
        return "text", value or ""
    if field.widget == "loose":
        return "loose", as_loose(value)
    if field.type == "list" and (field.items == "string" or field.widget == "lines") and _is_lines(value):
        return "lines", "\n".join(value or ())
    if kind == "text":
        return (
            (kind, value or "")
            if value is None or isinstance(value, str)
            else ("json", as_typed(value) or "")
        )
    is_read = value is None or has_type(value, field.type) or (isinstance(value, str) and is_template(value))
    return kind if is_read else "json", as_typed(value) or ""


def _is_text(field: Field, value: Any) -> bool:
    """A value of any type that is text as a rule: written as such, not as JSON."""
    return field.type == "any" and field.widget == "textarea" and (value is None or isinstance(value, str))


def _is_lines(value: Any) -> bool:
    return value is None or (
        isinstance(value, list) and all(isinstance(one, str) and "\n" not in one for one in value)
    )


def _choices(field: Field, text: str) -> tuple[tuple[str, str], ...]:
    """With what is set although it is none of them, lest it be lost by looking at it."""
    if not field.enum and field.type != "boolean":
        return ()
    known = _YES_NO if field.type == "boolean" else tuple((str(one), str(one)) for one in field.enum)
    default = (
        {True: "Yes", False: "No"}.get(field.default, field.default) if field.default is not None else "—"
    )
    odd = ((text, f"{text} (not known here)"),) if text and text not in dict(known) else ()
    return (("", f"{default} (when not set)" if default != "—" else "—"), *odd, *known)


def place(root: str, path: Sequence[Step]) -> str:
    """Where a field stands, as findings write it."""
    for key in path:
        root = at(root, key) if root != ROOT else str(key)
    return root


def within(path: str, place: str) -> bool:
    """Whether a finding is about this place or something in it."""
    return path == place or path.startswith((f"{place}.", f"{place}["))


def every(controls: Iterable[Control]) -> Iterator[Control]:
    """The controls and those on their cards."""
    for one in controls:
        yield one
        for card in one.cards:
            yield from every((*card.controls, *card.more))


def told(controls: Iterable[Control], issues: Sequence[Issue]) -> list[Control]:
    """The controls, each with the findings that are about it and about no control within it."""
    listed = list(controls)
    places = {one.where for one in every(listed)}
    found: dict[str, list[Issue]] = {}
    for issue in issues:
        around = [one for one in places if within(issue.path, one)]
        if around:
            found.setdefault(max(around, key=len), []).append(issue)
    return [_with_problems(one, found) for one in listed]


def _with_problems(one: Control, found: Mapping[str, Sequence[Issue]]) -> Control:
    cards = []
    for card in one.cards:
        inner = [tuple(_with_problems(each, found) for each in part) for part in (card.controls, card.more)]
        is_open = card.is_open or any(each.problems for each in inner[1])
        cards.append(replace(card, controls=inner[0], more=inner[1], is_open=is_open))
    return replace(one, problems=tuple(found.get(one.where, ())), cards=tuple(cards))


def in_words(seconds: int) -> str:
    """5400 as '1 h 30 min'; nothing for less than a minute."""
    left, words = seconds, []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        words += [f"{count} {unit}"] if count else []
    return " ".join(words) if seconds >= 60 else ""


def _lines(text: str) -> int:
    return min(text.count("\n") + 1, _MOST_ROWS)
