"""JSON values as people read them on a page: short ones in a table, long ones as indented text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.secrets import MASK, mask

LONGEST_TEXT: Final = 20_000
_LONGEST_VALUE: Final = 400
_LONGEST_COLOURED: Final = 6000
_TOKEN: Final = re.compile(
    r'(?P<s>"(?:[^"\\]|\\.)*"?)|(?P<n>-?\d[\d.eE+-]*|true|false|null)|(?P<k>[{}\[\],:]+)|[^"\d{}\[\],:tfn-]+|.',
    re.S,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a table of values. `block` says that the text keeps its line breaks, `hidden` that it is a secret."""

    name: str
    text: str
    block: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A value as indented JSON, cut where it gets too long to read."""

    text: str
    cut: bool = False

    @property
    def tokens(self) -> list[tuple[str, str]]:
        """Stretches of the text, each with the class it is coloured by: k punctuation, s text, n numbers and words."""
        if len(self.text) > _LONGEST_COLOURED:
            return [("", self.text)]
        return [(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(self.text)]


def entries(values: Any) -> list[Entry]:
    """The members of a map, in its order; anything else as a single entry."""
    shown = mask(values)
    if not isinstance(shown, Mapping):
        return [] if shown is None else [_entry("value", shown)]
    return [_entry(str(name), value) for name, value in shown.items()]


def _entry(name: str, value: Any) -> Entry:
    if value == MASK:
        return Entry(name, MASK, hidden=True)
    if isinstance(value, str):
        return Entry(name, _short(value), block="\n" in value)
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict | list) and len(text) > 60:
        return Entry(name, _short(json.dumps(value, ensure_ascii=False, indent=2)), block=True)
    return Entry(name, _short(text))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


def as_text(value: Any) -> Text:
    text = json.dumps(mask(value), ensure_ascii=False, indent=2)
    return Text(text[:LONGEST_TEXT], cut=len(text) > LONGEST_TEXT)
