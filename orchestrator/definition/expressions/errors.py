"""The one error of the expression language, with its codes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import islice
from keyword import iskeyword
from typing import Literal

from ..issues import Issue, show
from ..names import is_key, nearest

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
LONGEST_NAME_COMPARED = 64  # characters: comparing two names is quadratic in them


def brief(text: str) -> str:
    """A piece of the source as it may stand in a message: as it is, unless it is long or cannot be printed."""
    return text if len(text) <= LONGEST_NAME_COMPARED and text.isprintable() else show(text)


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
        self._names = tuple(name for name in islice(names, NAMES_COMPARED) if isinstance(name, str))

    @cached_property
    def suggestion(self) -> str:
        """The nearest right name, or nothing. Sought only when asked for: `||` may swallow many errors unseen."""
        if not self._wrong or len(self._wrong) > LONGEST_NAME_COMPARED or self._is_python:
            return ""
        return nearest(self._wrong, [name for name in self._names if len(name) <= LONGEST_NAME_COMPARED])

    @property
    def _is_python(self) -> bool:
        """`not` and `None` are no names mistyped, but words of the older dialect."""
        return self.code == "unknown_name" and iskeyword(self._wrong)

    @property
    def message(self) -> str:
        suggestion = self.suggestion
        return f"{self._message}; did you mean {suggestion}?" if suggestion else self._message

    def moved(self, offset: int) -> ExpressionError:
        """The same error in a text in which the expression starts at `offset`."""
        return ExpressionError(
            self._message, self.position + offset, self.code, wrong=self._wrong, names=self._names
        )

    def as_issue(self, path: str) -> Issue:
        """The finding of a validation: its code is this one's, marked as one of an expression."""
        message = f"At column {self.position + 1}: {self.message}"
        full_stop = "" if message.endswith("?") else "."
        advice, hint = self._advice()
        return Issue(path, f"expression_{self.code}", message + full_stop + advice, hint=hint)

    def _advice(self) -> tuple[str, str]:
        """What else to say, and the hint. A name that is like no other is most likely meant to be a parameter."""
        if self.suggestion or self.code != "unknown_name" or not is_key(self._wrong) or self._is_python:
            return "", self.suggestion
        name = f"params.{self._wrong}"
        return f" If it is a parameter, write {name} and declare it under parameters.", name

    def __str__(self) -> str:
        return f"at column {self.position + 1}: {self.message}"
