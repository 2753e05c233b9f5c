"""A compiled expression: its source, what it refers to, and its value in a context."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

from .compiler import Context, Run, compiled
from .errors import ExpressionError
from .parser import parse
from .references import Reference, references_of
from .values import JSON, boolean, checked_string, kind_of

# About 10 KB each; more distinct expressions than this are rarely in use at once.
COMPILED_KEPT = 2_048


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    source: str
    references: frozenset[Reference]
    _run: Run = field(repr=False)

    def evaluate(self, context: Context) -> JSON:
        """The value. It may share lists and maps with the context, so neither may be changed afterwards.

        Raises ExpressionError where there is none: missing, type, limit, division_by_zero or overflow.
        """
        try:
            value = self._run(context)
        except RecursionError:
            # The expression is capped itself; only data nested far beyond what is ever stored can be compared so deep.
            raise ExpressionError("the data is nested too deep to be compared", 0, "too_deep") from None
        except OverflowError:
            # An integer of the context beyond 64 bits, which strict JSON would have refused, met a double.
            raise ExpressionError("an integer does not fit in 64 bits", 0, "overflow") from None
        return _checked(value)


def _checked(value: JSON) -> JSON:
    match kind_of(value):
        case "string":
            return checked_string(value, 0)
        case "double" if not math.isfinite(value):
            raise ExpressionError("the result is not a finite number", 0, "overflow")
        case "no JSON value":
            raise ExpressionError("the result is not a JSON value", 0, "type")
    return value


def compile_expression(source: str) -> Expression:
    """Raises ExpressionError if the source is not an expression of the language."""
    # Checked before the cache, which needs a hashable key: definitions are written by strangers.
    if not isinstance(source, str):
        raise ExpressionError("an expression is a string", 0, "type")
    return _compile(source)


@lru_cache(maxsize=COMPILED_KEPT)
def _compile(source: str) -> Expression:
    try:
        tree = parse(source)
        return Expression(source, references_of(tree), compiled(tree))
    except RecursionError:
        # What the caps allow needs some 600 frames: enough are left unless the caller stands deep itself.
        raise ExpressionError("the expression is nested too deep to be read here", 0, "too_deep") from None


def holds(expression: Expression, context: Context) -> bool:
    """Whether a condition is met. Anything but true or false is an error, since there is no truthiness."""
    return boolean(expression.evaluate(context), 0)
