"""The caps that keep every expression cheap to compile and to evaluate."""

from __future__ import annotations

MAX_SOURCE = 2_000  # characters
MAX_TOKENS = 400
MAX_DEPTH = 40  # nested parentheses, lists, maps, calls, indexes, signs and choices
MAX_STRING_BYTES = 64 * 1024  # of a string an expression makes, in UTF-8
MAX_LIST_ITEMS = 10_000  # of a list an expression makes by `+`
MAX_COMPARED = 10_000  # values, by one `==`, `!=` or `in`
MAX_NUMERAL = 1_000  # characters of a string that double() reads
MAX_INTEGER = 2**63 - 1
MIN_INTEGER = -(2**63)

_BYTES_PER_CHARACTER = 4  # at most, in UTF-8


def is_too_long(text: str) -> bool:
    """Whether a string exceeds the cap; encodes it only when its length leaves a doubt."""
    if len(text) > MAX_STRING_BYTES:
        return True
    if len(text) * _BYTES_PER_CHARACTER <= MAX_STRING_BYTES:
        return False
    return len(text.encode("utf-8", "surrogatepass")) > MAX_STRING_BYTES
