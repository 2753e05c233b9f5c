"""A task gets another key: every expression that names it is written anew, everything else stays letter for letter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orchestrator.definition.expressions import ExpressionError
from orchestrator.definition.expressions.lexer import Token, tokens_of
from orchestrator.definition.normal import task_reference
from orchestrator.definition.templates import places

Names = Mapping[str, str]  # old key → new key

# What holds an expression without braces, wherever it stands.
_BARE = frozenset({"conditions", "for_each", "expression", "checks"})


def rename_in_task(task: Any, names: Names) -> Any:
    """The task with the new keys in its expressions; the very same object where it names none of the old ones.

    Dependencies are not expressions and stay as they are.
    """
    if not isinstance(task, dict):
        return task
    return _kept(task, {field: _renamed(value, names, field in _BARE) for field, value in task.items()})


def rename_in_expression(source: str, names: Names) -> str:
    """What cannot be read is left as it is: it names nothing for certain."""
    try:
        tokens = tokens_of(source)
    except ExpressionError:
        return source
    return _spliced(source, _reference_places(tokens, names))


def rename_in_template(text: str, names: Names) -> str:
    found = (
        (start + 2, stop - 2, rename_in_expression(text[start + 2 : stop - 2], names))
        for start, stop in places(text)
    )
    return _spliced(text, found)


def _renamed(value: Any, names: Names, bare: bool) -> Any:
    match value:
        case str() if "{{" in value:
            return rename_in_template(value, names)
        case str() if bare and "tasks" in value:
            return rename_in_expression(value, names)
        case list():
            return _kept(value, [_renamed(one, names, bare) for one in value])
        case dict():
            return _kept(value, {key: _renamed(one, names, key in _BARE) for key, one in value.items()})
    return value


def _kept(old: Any, new: Any) -> Any:
    """The old one where nothing in it has changed, so that it can be told by identity."""
    pairs = (old.values(), new.values()) if isinstance(old, dict) else (old, new)
    return old if all(_is_same(*pair) for pair in zip(*pairs, strict=True)) else new


def _is_same(before: Any, after: Any) -> bool:
    return before is after or (isinstance(before, str) and before == after)


def _reference_places(tokens: list[Token], names: Names) -> Iterator[tuple[int, int, str]]:
    """Where a task is named: from the word `tasks` to the end of its key."""
    for place, token in enumerate(tokens):
        if token.text != "tasks" or token.kind != "name" or (place and tokens[place - 1].text == "."):
            continue
        key, last = _key_after(tokens, place)
        if key in names:
            yield token.position, last.position + len(last.text), task_reference(names[key])


def _key_after(tokens: list[Token], place: int) -> tuple[str, Token]:
    """`tasks.key` or `tasks["key"]`: the key and its last token; '' for anything else."""
    after = [token for token in tokens[place + 1 : place + 4] if token.kind != "end"]
    match [token.text for token in after]:
        case [".", _, *_] if after[1].kind == "name":
            return after[1].text, after[1]
        case ["[", _, "]"] if after[1].kind == "string":
            return str(after[1].value), after[2]
    return "", tokens[place]


def _spliced(text: str, replacements: Iterable[tuple[int, int, str]]) -> str:
    parts: list[str] = []
    end = 0
    for start, stop, new in replacements:
        parts += [text[end:start], new]
        end = stop
    return "".join([*parts, text[end:]])
