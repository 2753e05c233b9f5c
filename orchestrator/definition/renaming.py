"""Other names in expressions: what is named otherwise is written anew, everything else stays letter for letter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.definition import language
from orchestrator.definition.expressions import ExpressionError
from orchestrator.definition.expressions.lexer import Token, tokens_of
from orchestrator.definition.normal import task_reference
from orchestrator.definition.templates import places

Names = Mapping[str, str]  # old key → new key
# Given a root and the names after it, such as ("tasks", "load", "output"): how many of them become what; None: they stay.
Rewrite = Callable[[tuple[str, ...]], tuple[int, str] | None]

# What holds expressions without braces: these fields of a task, and of a condition check these parameters.
_BARE = frozenset({"conditions", "for_each"})
_CHECKS = frozenset({"checks", "expression"})


def rename_in_task(task: Any, names: Names) -> Any:
    """The task with the new keys in its expressions; the very same object where it names none of the old ones.

    Dependencies are not expressions and stay as they are.
    """
    return _sent_back_to(rewrite_in_task(task, _renaming(names), ("tasks",)), names)


def _sent_back_to(task: Any, names: Names) -> Any:
    """An approval names the tasks that it may be sent back to by their keys."""
    given = task.get("parameters") if isinstance(task, dict) else None
    if not isinstance(given, dict):
        return task
    targets = given.get("send_back_to")
    if not isinstance(targets, list) or not any(isinstance(one, str) and one in names for one in targets):
        return task
    renamed = [names.get(one, one) if isinstance(one, str) else one for one in targets]
    return {**task, "parameters": {**given, "send_back_to": renamed}}


def rewrite_in_task(task: Any, rewrite: Rewrite, roots: Sequence[str]) -> Any:
    """The task with what `rewrite` makes of the references in its expressions, of which only those below these roots need
    be shown to it; the very same object where it leaves them all."""
    if not isinstance(task, dict):
        return task
    bare = _CHECKS if task.get("action") == language.CONDITION_CHECK else frozenset()

    def of_field(field: str, value: Any) -> Any:
        if field != "parameters" or not isinstance(value, dict):
            return _rewritten(value, rewrite, roots, field in _BARE)
        members = {name: _rewritten(one, rewrite, roots, name in bare) for name, one in value.items()}
        return _kept(value, members)

    return _kept(task, {field: of_field(field, value) for field, value in task.items()})


def _renaming(names: Names) -> Rewrite:
    def rewrite(chain: tuple[str, ...]) -> tuple[int, str] | None:
        match chain:
            case ("tasks", key, *_) if key in names:
                return 2, task_reference(names[key])
        return None

    return rewrite


def _in_expression(source: str, rewrite: Rewrite) -> str:
    """What cannot be read is left as it is: it names nothing for certain."""
    try:
        tokens = tokens_of(source)
    except ExpressionError:
        return source
    return _spliced(source, _reference_places(tokens, rewrite))


def _in_template(text: str, rewrite: Rewrite) -> str:
    found = (
        (start + 2, stop - 2, _in_expression(text[start + 2 : stop - 2], rewrite))
        for start, stop in places(text)
    )
    return _spliced(text, found)


def _rewritten(value: Any, rewrite: Rewrite, roots: Sequence[str], bare: bool) -> Any:
    match value:
        case str() if "{{" in value:
            return _in_template(value, rewrite)
        case str() if bare and any(root in value for root in roots):
            return _in_expression(value, rewrite)
        case list():
            return _kept(value, [_rewritten(one, rewrite, roots, bare) for one in value])
        case dict():
            return _kept(value, {key: _rewritten(one, rewrite, roots, bare) for key, one in value.items()})
    return value


def _kept(old: Any, new: Any) -> Any:
    """The old one where nothing in it has changed, so that it can be told by identity."""
    pairs = (old.values(), new.values()) if isinstance(old, dict) else (old, new)
    return old if all(_is_same(*pair) for pair in zip(*pairs, strict=True)) else new


def _is_same(before: Any, after: Any) -> bool:
    return before is after or (isinstance(before, str) and before == after)


def _reference_places(tokens: list[Token], rewrite: Rewrite) -> Iterator[tuple[int, int, str]]:
    """Where something is named otherwise: from its root to the end of the last name that is replaced."""
    for place, token in enumerate(tokens):
        if token.kind != "name" or (place and tokens[place - 1].text == "."):
            continue
        chain = _chain_from(tokens, place)
        found = rewrite(tuple(name for name, _ in chain))
        if found is not None:
            length, text = found
            last = chain[length - 1][1]
            yield token.position, last.position + len(last.text), text


def _chain_from(tokens: list[Token], place: int) -> list[tuple[str, Token]]:
    """The root and the names after it, as `.name` or `["name"]`, each with its last token."""
    chain = [(tokens[place].text, tokens[place])]
    at = place + 1
    while True:
        match tokens[at : at + 3]:
            case [Token(text="."), Token(kind="name") as name, *_]:
                chain.append((name.text, name))
                at += 2
            case [Token(text="["), Token(kind="string") as name, Token(text="]") as end]:
                chain.append((str(name.value), end))
                at += 3
            case _:
                return chain


def _spliced(text: str, replacements: Iterable[tuple[int, int, str]]) -> str:
    parts: list[str] = []
    end = 0
    for start, stop, new in replacements:
        parts += [text[end:start], new]
        end = stop
    return "".join([*parts, text[end:]])
