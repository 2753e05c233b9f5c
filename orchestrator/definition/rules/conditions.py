"""What must be so for a condition to hold, read off its syntax tree.

A literal says that a part of it has a value: of `tasks.a.output.ok && params.kind != "x"` that the first is true, and
that `params.kind == "x"` is false. Two conditions of which the literals give one part two values never hold both, as long
as nothing changes between them. What cannot be taken apart is one literal as a whole, so that nothing is claimed falsely.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Final

from orchestrator.definition.expressions import ExpressionError, compile_expression, nodes
from orchestrator.definition.expressions.parser import parse
from orchestrator.definition.expressions.references import references_of

_LONGEST: Final = 300  # conditions that people write are shorter, and what is read of them is kept
_EXACT: Final = 2**53  # integers beyond may equal a double that equals their neighbour
_CHANGING: Final = frozenset({"now", "item", "index"})


@dataclass(frozen=True, slots=True)
class Literal:
    """`part` has `value`, given with its kind. `of_tasks`: it is of tasks, so it holds still only once they are settled;
    `status_of` names the task whose status it is."""

    part: str
    value: tuple[str, Any]
    of_tasks: bool
    status_of: str = ""


def is_false(source: Any) -> bool:
    """Whether this condition is false whatever happens."""
    try:
        expression = compile_expression(source)
        return not expression.references and expression.evaluate({}) is False
    except ExpressionError:
        return False


@lru_cache(maxsize=4_096)
def literals_of(source: str) -> tuple[Literal, ...]:
    """What holds whenever this condition does. None where it is long, cannot be read, or looks at what changes by itself."""
    if len(source) > _LONGEST:
        return ()
    try:
        tree = parse(source)
    except (ExpressionError, RecursionError):
        return ()
    roots = {reference.root for reference in references_of(tree)}
    if not roots or roots & _CHANGING:
        return ()
    return tuple(dict.fromkeys(_literals(tree, True)))


def _literals(node: nodes.Node, holds: bool) -> Iterator[Literal]:
    match node:
        case nodes.Unary(operator="!", operand=operand):
            yield from _literals(operand, not holds)
            return
        case nodes.Logic(operator=operator, operands=operands) if (operator == "&&") is holds:
            for operand in operands:
                yield from _literals(operand, holds)
        case nodes.Binary(operator="==" | "!=" as operator, left=left, right=right):
            yield from _equality(left, right, holds is (operator == "=="))
            return
        case nodes.Binary(operator="<" | ">" | "<=" | ">=" as operator, left=left, right=right):
            # a > b is b < a, and a >= b is that a < b is false; there is no number that is none.
            less, than = (left, right) if operator in ("<", ">=") else (right, left)
            part = f"({_text(less)} < {_text(than)})"
            yield _literal(part, holds is (operator in ("<", ">")), node)
            return
    yield _literal(_text(node), holds, node)


def _equality(left: nodes.Node, right: nodes.Node, holds: bool) -> Iterator[Literal]:
    if isinstance(left, nodes.Literal):
        left, right = right, left
    # Sorted, since either may stand on either side.
    yield _literal("({} == {})".format(*sorted((_text(left), _text(right)))), holds, left, right)
    if holds and isinstance(right, nodes.Literal) and _is_exact(right.value):
        value = (type(right.value).__name__, right.value)
        yield Literal(_text(left), value, _names_tasks(left), _status_of(left))


def _literal(part: str, holds: bool, *named: nodes.Node) -> Literal:
    return Literal(part, ("bool", holds), any(map(_names_tasks, named)))


def _is_exact(value: Any) -> bool:
    """Whether what equals it equals no other such value."""
    return value is None or isinstance(value, str) or (isinstance(value, int) and abs(value) < _EXACT)


def _names_tasks(node: nodes.Node) -> bool:
    return any(reference.root == "tasks" for reference in references_of(node))


def _status_of(node: nodes.Node) -> str:
    match node:
        case nodes.Member(of=nodes.Member(of=nodes.Name(name="tasks"), key=str() as key), key="status"):
            return key
    return ""


def _text(node: Any) -> str:
    """The same for what means the same wherever it stands, and only then."""
    match node:
        case nodes.Arithmetic(first=first, rest=rest):
            steps = (f" {sign} {_text(operand)}" for sign, operand, _ in rest)
            return f"({_text(first)}{''.join(steps)})"
        case tuple():
            return f"({','.join(map(_text, node))})"
        case str() | int() | float() | None:
            return json.dumps(node)
    members = (getattr(node, field.name) for field in fields(node) if field.name != "position")
    return f"{type(node).__name__}({','.join(map(_text, members))})"
