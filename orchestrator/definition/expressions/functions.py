"""The functions of the language. To add one: write it here and add its row to the table; nothing else knows them.

`has` is not among them: it asks about its argument without evaluating it, so the parser makes it a node of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .errors import ExpressionError
from .limits import MAX_INTEGER, MAX_NUMERAL, MIN_INTEGER
from .values import JSON, checked_number, checked_string, kind_of, shown

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}\Z")
# The digits of a run can be read in one way only: with two, a long run that ends badly would take quadratic time.
_DOUBLE = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class Function:
    """`run` is given the arguments, of a method call the receiver first, and the position to blame."""

    name: str
    usage: str
    arity: int
    run: Callable[..., JSON]
    as_method: bool = False
    as_function: bool = False


def _size(value: JSON, position: int) -> int:
    if isinstance(value, str | list | dict):
        return len(value)
    raise ExpressionError(f"size() needs a string, a list or a map, not {shown(value)}", position, "type")


def _contains(text: JSON, part: JSON, position: int) -> bool:
    hint = "; use `in` on lists and maps" if isinstance(text, list | dict) else ""
    whole = _string(text, "contains", position, hint)
    return _string(part, "contains", position) in whole


def _starts_with(text: JSON, part: JSON, position: int) -> bool:
    return _string(text, "startsWith", position).startswith(_string(part, "startsWith", position))


def _ends_with(text: JSON, part: JSON, position: int) -> bool:
    return _string(text, "endsWith", position).endswith(_string(part, "endsWith", position))


def _lower_ascii(text: JSON, position: int) -> str:
    return checked_string(_string(text, "lowerAscii", position), position).translate(_LOWER)


def _string(value: JSON, function: str, position: int, hint: str = "") -> str:
    if isinstance(value, str):
        return value
    raise ExpressionError(f"{function}() needs a string, not {shown(value)}{hint}", position, "type")


def _to_integer(value: JSON, position: int) -> int:
    match kind_of(value):
        case "integer":
            return int(checked_number(int(value), position))
        case "double":
            # As in CEL the least integer is out of reach too: many doubles beyond it have been rounded to its value.
            if not MIN_INTEGER < value < MAX_INTEGER:
                raise ExpressionError("the result does not fit in 64 bits", position, "overflow")
            return int(value)
        case "string":
            if not _INTEGER.match(value):
                raise ExpressionError(
                    "int() needs a string of decimal digits that fits in 64 bits", position, "type"
                )
            return int(checked_number(int(value), position))
    raise ExpressionError(f"int() needs a number or a string, not {shown(value)}", position, "type")


def _to_double(value: JSON, position: int) -> float:
    match kind_of(value):
        case "integer" | "double":
            return float(checked_number(value, position))
        case "string":
            if len(value) > MAX_NUMERAL or not _DOUBLE.match(value):
                raise ExpressionError("double() needs a string that holds a number", position, "type")
            return float(checked_number(float(value), position))
    raise ExpressionError(f"double() needs a number or a string, not {shown(value)}", position, "type")


def _to_string(value: JSON, position: int) -> str:
    """A double without a fraction shows none: 3.0 gives "3", as in CEL."""
    match kind_of(value):
        case "string":
            return str(value)
        case "boolean":
            return "true" if value else "false"
        case "integer":
            return str(checked_number(int(value), position))
        case "double":
            return repr(float(checked_number(value, position))).removesuffix(".0")
    raise ExpressionError(
        f"string() needs a number, a boolean or a string, not {shown(value)}", position, "type"
    )


FUNCTIONS: Final[dict[str, Function]] = {
    function.name: function
    for function in (
        Function("size", "size(list) or list.size()", 1, _size, as_method=True, as_function=True),
        Function("contains", "text.contains(part)", 2, _contains, as_method=True),
        Function("startsWith", "text.startsWith(part)", 2, _starts_with, as_method=True),
        Function("endsWith", "text.endsWith(part)", 2, _ends_with, as_method=True),
        Function("lowerAscii", "text.lowerAscii()", 1, _lower_ascii, as_method=True),
        Function("int", "int(value)", 1, _to_integer, as_function=True),
        Function("double", "double(value)", 1, _to_double, as_function=True),
        Function("string", "string(value)", 1, _to_string, as_function=True),
    )
}
