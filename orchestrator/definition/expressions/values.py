"""What the operators mean on JSON values. Only exact JSON kinds take part; nothing is ever looked up on a Python object.

A boolean is not a number here, an integer has 64 bits, and a result that is infinite or not a number is an error.
Integers and doubles may be mixed, which CEL does not allow: JSON written by others turns 2.0 into 2 freely.
Every function takes last the position to blame.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable
from typing import Any, Final

from .errors import ExpressionError
from .limits import MAX_COMPARED, MAX_INTEGER, MAX_LIST_ITEMS, MAX_STRING_BYTES, MIN_INTEGER, is_too_long

JSON = Any
"""None, bool, int, float, str, list or dict of these."""

_KINDS: Final[dict[type, str]] = {
    str: "string", bool: "boolean", int: "integer", float: "double", list: "list", dict: "map", type(None): "null",
}  # fmt: skip
_ORDERED: Final = frozenset((int, str, float, bool))
_NUMBERS: Final = frozenset((int, float))


def kind_of(value: object) -> str:
    """The kind of a value; a subclass (an enumeration of strings, say) counts as what it extends."""
    kind = _KINDS.get(type(value))
    if kind is not None:
        return kind
    for base, name in _KINDS.items():
        if isinstance(value, base):
            return name
    return "no JSON value"


def shown(value: object) -> str:
    """A kind with its article, for sentences."""
    kind = kind_of(value)
    if kind in ("null", "no JSON value"):
        return kind
    return f"{'an' if kind == 'integer' else 'a'} {kind}"


def boolean(value: JSON, position: int) -> bool:
    if value is True or value is False:
        return value
    raise ExpressionError(
        f"expected true or false, not {shown(value)}; compare it with something", position, "type"
    )


class _Allowance:
    """How many values one operator may still compare. Without a cap a short chain of == over large outputs takes seconds."""

    __slots__ = ("_left", "_position")

    def __init__(self, position: int) -> None:
        self._left = MAX_COMPARED
        self._position = position

    def spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ExpressionError(
                f"more than {MAX_COMPARED} values would be compared", self._position, "limit"
            )


def equal(left: JSON, right: JSON, allowance: _Allowance | None = None) -> bool:
    """Deep equality in which 1 equals 1.0, but never true."""
    if type(left) is type(right) and type(left) in _ORDERED:
        return bool(left == right)
    waiting: list[tuple[JSON, JSON]] = [(left, right)]
    while waiting:
        pairs = _members(*waiting.pop(), allowance)
        if pairs is None:
            return False
        for one, other in pairs:
            if type(one) is not type(other) or type(one) not in _ORDERED:
                waiting.append((one, other))
            elif one != other:
                return False
    return True


def _members(one: JSON, other: JSON, allowance: _Allowance | None) -> Iterable[tuple[JSON, JSON]] | None:
    """The pairs on which the equality of two values still depends; None if they differ already."""
    kinds = kind_of(one), kind_of(other)
    if kinds not in (("list", "list"), ("map", "map")):
        comparable = kinds[0] == kinds[1] or set(kinds) == {"integer", "double"}
        return () if comparable and one == other else None
    if len(one) != len(other) or (kinds[0] == "map" and one.keys() != other.keys()):
        return None
    if allowance:
        allowance.spend(len(one))
    return zip(one, other, strict=True) if kinds[0] == "list" else ((one[key], other[key]) for key in one)


def same(left: JSON, right: JSON, position: int) -> bool:
    """The operator `==`."""
    return equal(left, right, _Allowance(position))


def contains(item: JSON, container: JSON, position: int) -> bool:
    """The operator `in`."""
    if isinstance(container, list):
        allowance = _Allowance(position)
        allowance.spend(len(container))
        return any(equal(item, one, allowance) for one in container)
    if isinstance(container, dict):
        # As in CEL an integer or a boolean could be a key, though of no map here; nothing else could.
        if kind_of(item) not in ("string", "integer", "boolean"):
            raise ExpressionError(f"{shown(item)} cannot be a key of a map", position, "type")
        return isinstance(item, str) and item in container
    hint = "; use .contains() on strings" if isinstance(container, str) else ""
    raise ExpressionError(
        f"in needs a list or a map on its right, not {shown(container)}{hint}", position, "type"
    )


def _comparison(test: Callable[[Any, Any], bool]) -> Callable[[JSON, JSON, int], bool]:
    def compare(left: JSON, right: JSON, position: int) -> bool:
        kind, other = type(left), type(right)
        if (kind is other and kind in _ORDERED) or (kind in _NUMBERS and other in _NUMBERS):
            return test(left, right)
        if isinstance(left, str) and isinstance(right, str):
            return test(left, right)
        raise ExpressionError(f"cannot compare {shown(left)} with {shown(right)}", position, "type")

    return compare


COMPARISONS: Final = {
    "<": _comparison(operator.lt),
    "<=": _comparison(operator.le),
    ">": _comparison(operator.gt),
    ">=": _comparison(operator.ge),
}


def add(left: JSON, right: JSON, position: int) -> JSON:
    if isinstance(left, str) and isinstance(right, str):
        return checked_string(left + right, position)
    if isinstance(left, list) and isinstance(right, list):
        if len(left) + len(right) > MAX_LIST_ITEMS:
            raise ExpressionError(f"the list would have more than {MAX_LIST_ITEMS} items", position, "limit")
        return left + right
    _need_numbers("add", "to", right, left, position)
    return checked_number(left + right, position)


def subtract(left: JSON, right: JSON, position: int) -> JSON:
    _need_numbers("subtract", "from", right, left, position)
    return checked_number(left - right, position)


def multiply(left: JSON, right: JSON, position: int) -> JSON:
    _need_numbers("multiply", "by", left, right, position)
    return checked_number(left * right, position)


def divide(left: JSON, right: JSON, position: int) -> JSON:
    """Between integers the quotient is cut off toward zero."""
    _need_numbers("divide", "by", left, right, position)
    if right == 0:
        raise ExpressionError("division by zero", position, "division_by_zero")
    if type(left) is float or type(right) is float:
        return checked_number(left / right, position)
    quotient = abs(left) // abs(right)
    return checked_number(quotient if (left < 0) == (right < 0) else -quotient, position)


def remainder(left: JSON, right: JSON, position: int) -> JSON:
    """Between integers only; the sign is that of the dividend."""
    if kind_of(left) != "integer" or kind_of(right) != "integer":
        raise ExpressionError(f"% needs two integers, not {shown(left)} and {shown(right)}", position, "type")
    if right == 0:
        raise ExpressionError("division by zero", position, "division_by_zero")
    if left == MIN_INTEGER and right == -1:
        raise ExpressionError("the result does not fit in 64 bits", position, "overflow")
    return abs(left) % abs(right) * (-1 if left < 0 else 1)


ARITHMETIC: Final = {"+": add, "-": subtract, "*": multiply, "/": divide, "%": remainder}


def negate(value: JSON, position: int) -> JSON:
    if type(value) not in _NUMBERS:
        raise ExpressionError(f"- needs a number, not {shown(value)}", position, "type")
    return checked_number(-value, position)


def _need_numbers(verb: str, preposition: str, first: JSON, second: JSON, position: int) -> None:
    if type(first) not in _NUMBERS or type(second) not in _NUMBERS:
        raise ExpressionError(f"cannot {verb} {shown(first)} {preposition} {shown(second)}", position, "type")


def checked_number(value: int | float, position: int) -> int | float:
    if type(value) is int:
        if not MIN_INTEGER <= value <= MAX_INTEGER:
            raise ExpressionError("the result does not fit in 64 bits", position, "overflow")
    elif not math.isfinite(value):
        raise ExpressionError("the result is not a finite number", position, "overflow")
    return value


def checked_string(value: str, position: int) -> str:
    if is_too_long(value):
        raise ExpressionError(f"the string would be longer than {MAX_STRING_BYTES} bytes", position, "limit")
    return value
