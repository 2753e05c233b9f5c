"""Which parts of the context an expression names, read off its tree without evaluating it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from . import nodes
from .nodes import Node

# Of these roots the first name must stand in the source, so that a definition can be checked and secrets be known.
NAMED_ROOTS = frozenset({"tasks", "secrets"})


@dataclass(frozen=True, slots=True)
class Reference:
    """`tasks.extract.output.rows[0]` is root `tasks`, path `("extract", "output", "rows")`: the names up to the
    first key that is not one.

    `code` is `dynamic_reference` where a root that must be followed by a name is not (`tasks[params.x]`, `size(tasks)`).
    `guarded`: the last name is only asked about by `has()`, so it may well be missing.
    """

    root: str
    path: tuple[str, ...]
    position: int
    code: str = ""
    guarded: bool = False

    def moved(self, offset: int) -> Reference:
        """The same reference in a text in which the expression starts at `offset`."""
        return replace(self, position=self.position + offset)


def references_of(node: Node) -> frozenset[Reference]:
    return frozenset(_walk(node))


def _walk(node: Node) -> Iterator[Reference]:
    if isinstance(node, nodes.Has):
        yield from _chain(node.member, guarded=True)
    elif isinstance(node, nodes.Name | nodes.Member):
        yield from _chain(node)
    else:
        for child in _children(node):
            yield from _walk(child)


def _chain(node: nodes.Name | nodes.Member, *, guarded: bool = False) -> Iterator[Reference]:
    keys: list[str | int] = []
    base: Node = node
    while isinstance(base, nodes.Member):
        keys.append(base.key)
        base = base.of
    if not isinstance(base, nodes.Name):
        yield from _walk(base)
        return
    path = _names(reversed(keys))
    unnamed = base.name in NAMED_ROOTS and not path
    yield Reference(
        base.name,
        path,
        base.position,
        "dynamic_reference" if unnamed else "",
        guarded and len(path) == len(keys),
    )


def _names(keys: Iterator[str | int]) -> tuple[str, ...]:
    names: list[str] = []
    for key in keys:
        if not isinstance(key, str):
            break
        names.append(key)
    return tuple(names)


def _children(node: Node) -> Iterator[Node]:
    match node:
        case nodes.Index(of=of, key=key):
            yield from (of, key)
        case nodes.ListOf(items=several) | nodes.Logic(operands=several) | nodes.Call(arguments=several):
            yield from several
        case nodes.MapOf(entries=entries):
            for entry in entries:
                yield from entry
        case nodes.Unary(operand=operand):
            yield operand
        case nodes.Binary(left=left, right=right):
            yield from (left, right)
        case nodes.Arithmetic(first=first, rest=rest):
            yield first
            yield from (operand for _, operand, _ in rest)
        case nodes.Choice(condition=condition, then=then, otherwise=otherwise):
            yield from (condition, then, otherwise)
