"""Source text to tokens. One regular expression without nested repetition, so time is linear in the source."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Literal

from ..issues import show
from .errors import ExpressionError
from .limits import MAX_SOURCE, MAX_TOKENS

Kind = Literal["name", "integer", "double", "string", "sign", "end"]

STRING_PATTERN = "|".join((r'"(?:[^"\\\n\r]|\\.)*"', r"'(?:[^'\\\n\r]|\\.)*'"))
_TOKEN = re.compile(
    r"[ \t\r\n\f]*(?:"
    r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<double>[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)"
    r"|(?P<integer>[0-9]+)"
    rf"|(?P<string>{STRING_PATTERN})"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|[!<>+\-*/%?:.,()\[\]{}])"
    r"|(?P<end>\Z)"
    r")"
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))")
# PostgreSQL stores no null character, and a lone surrogate cannot be written as UTF-8.
_UNSTORABLE = re.compile(r"[\0\ud800-\udfff]")
_SIMPLE_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "`": "`", "?": "?",
}  # fmt: skip
_FOREIGN = {
    "=": "use == to compare",
    "&": "use && for and",
    "|": "use || for or",
    "`": 'write names that are not plain as ["name"]',
    "#": "an expression holds no comments",
}


@dataclass(slots=True)
class Token:
    kind: Kind
    text: str
    position: int
    value: Any = None


def tokens_of(source: str) -> list[Token]:
    """All tokens, the last of kind `end`."""
    if len(source) > MAX_SOURCE:
        raise ExpressionError(
            f"the expression has {len(source)} characters; at most {MAX_SOURCE} are allowed",
            MAX_SOURCE,
            "too_long",
        )
    tokens: list[Token] = []
    at = 0
    while True:
        token = _next_token(source, at)
        tokens.append(token)
        if token.kind == "end":
            return tokens
        if len(tokens) > MAX_TOKENS:
            raise ExpressionError(
                f"the expression has more than {MAX_TOKENS} parts", token.position, "too_long"
            )
        at = token.position + len(token.text)


def _next_token(source: str, at: int) -> Token:
    match = _TOKEN.match(source, at)
    if match is None:
        raise _foreign(source, at)
    kind: Kind = match.lastgroup  # type: ignore[assignment]
    text, position = match[kind], match.start(kind)
    if kind in ("integer", "double"):
        return Token(kind, text, position, _number(source, kind, text, position))
    if kind == "string":
        return Token(kind, text, position, _unescaped(text, position))
    return Token(kind, text, position)


def _number(source: str, kind: Kind, text: str, position: int) -> int | float:
    following = source[position + len(text) : position + len(text) + 1]
    if following.isalnum() or following == "_":
        raise ExpressionError(f"{show(text + following)} is not a number", position)
    if kind == "integer":
        # 20 digits cannot fit in 64 bits: decided by the parser, which knows the sign, but never converted here.
        return int(text) if len(text) <= 20 else 10**20
    value = float(text)
    if math.isinf(value):
        raise ExpressionError("the number is too large", position, "overflow")
    return value


def _unescaped(literal: str, position: int) -> str:
    body = literal[1:-1]
    if "\\" not in body:
        return _storable(body, position)
    return _storable(_ESCAPE.sub(lambda match: _character(match, position + 1), body), position)


def _character(match: re.Match[str], start: int) -> str:
    hexadecimal = match[1] or match[2] or match[3]
    if hexadecimal or match[4]:
        number = int(hexadecimal, 16) if hexadecimal else int(match[4], 8)
        if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
            raise ExpressionError(f"{match[0]} is not a character", start + match.start())
        return chr(number)
    if match[5] not in _SIMPLE_ESCAPES:
        raise ExpressionError(
            f"\\ before {_shown(match[5])} is no escape; write \\\\ for a backslash", start + match.start()
        )
    return _SIMPLE_ESCAPES[match[5]]


def _storable(text: str, position: int) -> str:
    if found := _UNSTORABLE.search(text):
        raise ExpressionError(f"a string cannot hold the character U+{ord(found[0]):04X}", position)
    return text


def _foreign(source: str, at: int) -> ExpressionError:
    while source[at] in " \t\r\n\f":
        at += 1
    character = source[at]
    if character in "\"'":
        return ExpressionError("the string is not closed", at)
    hint = _FOREIGN.get(character, "")
    return ExpressionError(f"{_shown(character)} is not expected here" + (f"; {hint}" if hint else ""), at)


def _shown(character: str) -> str:
    return character if character.isprintable() else f"character U+{ord(character):04X}"
