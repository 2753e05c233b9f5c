"""Expressions in which one name is written otherwise, and everything else stays letter for letter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

from orchestrator.definition import DefinitionError
from orchestrator.definition.expressions import ExpressionError, Reference, compile_expression
from orchestrator.definition.expressions.lexer import Token, tokens_of
from orchestrator.definition.templates import compile_template, places

Edits = Iterator[tuple[int, int, str]]  # from, to, what stands there instead
Change = Callable[[list[Token]], Edits]


def references_in(text: str) -> frozenset[Reference]:
    """What it names, nothing where it cannot be read. Text without `{{ }}` is taken for an expression."""
    try:
        return compile_template(text).references if "{{" in text else compile_expression(text).references
    except (ExpressionError, DefinitionError):
        return frozenset()


def respelled(text: str, change: Change) -> str:
    """The text with these changes made in each of its expressions."""
    if "{{" not in text:
        return _changed(text, change)
    parts: list[str] = []
    end = 0
    for start, stop in places(text):
        parts += [text[end : start + 2], _changed(text[start + 2 : stop - 2], change)]
        end = stop - 2
    return "".join([*parts, text[end:]])


def _changed(source: str, change: Change) -> str:
    try:
        edits = [*change(tokens_of(source))]
    except ExpressionError:
        return source
    for start, stop, new in reversed(edits):
        source = source[:start] + new + source[stop:]
    return source


def member_changed(root: str, names: Mapping[str, str], depth: int = 1) -> Change:
    """The `depth`-th name behind this root: of `tasks.a.result` the first is `a`, the second `result`."""

    def change(tokens: list[Token]) -> Edits:
        for place, token in enumerate(tokens):
            if token.kind == "name" and token.text == root and not (place and tokens[place - 1].text == "."):
                found = _member(tokens, place, depth)
                if found and found[0] in names:
                    yield found[1], found[2], _written(names[found[0]])

    return change


def text_changed(meant: Callable[[str], str]) -> Change:
    """Texts that stand in the expression, in the quotes they have; '' leaves one as it is."""

    def change(tokens: list[Token]) -> Edits:
        for token in tokens:
            if token.kind == "string" and (new := meant(str(token.value))):
                yield token.position, _end(token), f"{token.text[0]}{new}{token.text[0]}"

    return change


def _member(tokens: list[Token], place: int, depth: int) -> tuple[str, int, int] | None:
    """The name so far behind a root, and where the step to it starts and ends."""
    start, end, name = 0, 0, ""
    place += 1
    for _ in range(depth):
        match (
            [token.text for token in tokens[place : place + 3]],
            [token.kind for token in tokens[place : place + 3]],
        ):
            case ([".", text, *_], [_, "name", *_]):
                start, end, name = tokens[place].position, _end(tokens[place + 1]), text
                place += 2
            case (["[", _, "]"], [_, "string", _]):
                start, end, name = (
                    tokens[place].position,
                    _end(tokens[place + 2]),
                    str(tokens[place + 1].value),
                )
                place += 3
            case _:
                return None
    return name, start, end


def _end(token: Token) -> int:
    return token.position + len(token.text)


def _written(name: str) -> str:
    plain = name.isidentifier() and name.isascii() and name not in ("true", "false", "null", "in", "has")
    return f".{name}" if plain else f"[{json.dumps(name)}]"
