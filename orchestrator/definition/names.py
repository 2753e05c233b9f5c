"""What a name may be, and which known name somebody probably meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import SequenceMatcher

KEY_RULE = "a letter, then at most 63 letters, digits, '_' or '-'"
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")

# A browser that keeps keys in a plain object would have its prototype changed by these.
RESERVED_KEYS = frozenset({"__proto__", "constructor", "prototype"})

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Blank on the screen although Unicode calls them letters or marks; the other invisible ones are of category Cf.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_CATEGORY_FAULTS = {
    "Cc": "a control character",
    "Cs": "half of a character",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}


def is_key(text: str) -> bool:
    """Whether the text may be a key or an id."""
    return bool(_KEY.fullmatch(text)) and text not in RESERVED_KEYS


def text_fault(text: str, *, lines: bool = False) -> str:
    """Why this text may not be shown as a name ('' when it may). `lines` allows line breaks and tabs, as in a
    description."""
    if text.isascii() and text.isprintable():
        return ""
    for character in text:
        fault = _character_fault(character, lines)
        if fault:
            return f"{fault} (U+{ord(character):04X})"
    return "" if unicodedata.is_normalized("NFC", text) else "letters that are not in composed form (NFC)"


def _character_fault(character: str, lines: bool) -> str:
    if lines and character in "\n\r\t":
        return ""
    if character in _BIDI:
        return "a character that turns the direction of text"
    category = unicodedata.category(character)
    if category == "Cf" or character in _BLANK:
        return "an invisible character"
    return _CATEGORY_FAULTS.get(category, "")


class Suggester:
    """Finds the nearest known name, a bounded number of times.

    Comparing is quadratic, and a large broken definition has thousands of wrong names: after `budget` questions
    there is no more advice, but there is still an answer.
    """

    def __init__(self, known: Iterable[str], budget: int = 25) -> None:
        self._known = list(known)
        self._budget = budget

    def nearest(self, name: str) -> str:
        """The known name most like this one, or ''."""
        if self._budget <= 0 or len(name) > 100:
            return ""
        self._budget -= 1
        return nearest(name, self._known)


_answers_left: ContextVar[list[int] | None] = ContextVar("answers_left", default=None)


@contextmanager
def limited_advice(answers: int) -> Iterator[None]:
    """In here `nearest` looks for so many names, and then says '': what is asked for may be anything, and endless."""
    token = _answers_left.set([answers])
    try:
        yield
    finally:
        _answers_left.reset(token)


def _may_answer() -> bool:
    left = _answers_left.get()
    if left is None:
        return True
    left[0] -= 1
    return left[0] >= 0


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name most like this one, or '' when none is near."""
    if not _may_answer():
        return ""
    folded = name.casefold()
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(folded)
    best, best_ratio = "", 0.6
    for candidate in known:
        matcher.set_seq1(candidate.casefold())
        if matcher.real_quick_ratio() > best_ratio and matcher.quick_ratio() > best_ratio:
            ratio = matcher.ratio()
            if ratio > best_ratio:
                best, best_ratio = candidate, ratio
    return best


def did_you_mean(name: str) -> str:
    """The tail of a sentence for a nearest name, '' when there is none."""
    return f" Did you mean '{name}'?" if name else ""
