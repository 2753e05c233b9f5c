"""The one error of the expression language, its codes, and the search for the nearest name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Literal

Code = Literal[
    "syntax",
    "too_long",
    "too_deep",
    "unknown_name",
    "unknown_function",
    "missing",
    "type",
    "limit",
    "division_by_zero",
    "overflow",
]

# A context may hold thousands of keys; comparing with this many keeps an error as cheap as a result.
NAMES_COMPARED = 100
LONGEST_NAME_COMPARED = 64


class ExpressionError(Exception):
    """An expression cannot be compiled, or has no value in this context.

    `position` is the 0-based offset in the source; people are shown columns counted from 1.
    `names` are the names that would have been right where `wrong` stands.
    """

    def __init__(
        self,
        message: str,
        position: int = 0,
        code: Code = "syntax",
        *,
        wrong: str = "",
        names: Iterable[str] = (),
    ) -> None:
        super().__init__(message)
        self.position = position
        self.code: Code = code
        self._message = message
        self._wrong = wrong
        self._names = tuple(islice(names, NAMES_COMPARED))

    @property
    def suggestion(self) -> str:
        """The nearest right name, or nothing. Sought only when asked for: `||` may swallow many errors unseen."""
        return nearest(self._wrong, self._names)

    @property
    def message(self) -> str:
        suggestion = self.suggestion
        return f"{self._message}; did you mean {suggestion}?" if suggestion else self._message

    def moved(self, offset: int) -> ExpressionError:
        """The same error in a text in which the expression starts at `offset`."""
        return ExpressionError(
            self._message, self.position + offset, self.code, wrong=self._wrong, names=self._names
        )

    def __str__(self) -> str:
        return f"at column {self.position + 1}: {self.message}"


def nearest(wrong: str, names: Iterable[str]) -> str:
    """The name most like `wrong`, or an empty string if none is near."""
    if not wrong or len(wrong) > LONGEST_NAME_COMPARED:
        return ""
    candidates = [name for name in names if isinstance(name, str) and len(name) <= LONGEST_NAME_COMPARED]
    return next(iter(get_close_matches(wrong, candidates, n=1, cutoff=0.6)), "")
