"""The syntax tree: small frozen values, each with the column it starts at (of an operation: of its operator)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | float | bool | None
    position: int


@dataclass(frozen=True, slots=True)
class Name:
    """A root of the context."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Member:
    """`of.name`, and `of["name"]` or `of[2]`, which mean the same with a literal."""

    of: Node
    key: str | int
    position: int


@dataclass(frozen=True, slots=True)
class Index:
    """`of[key]` where the key is computed."""

    of: Node
    key: Node
    position: int


@dataclass(frozen=True, slots=True)
class ListOf:
    items: tuple[Node, ...]
    position: int


@dataclass(frozen=True, slots=True)
class MapOf:
    entries: tuple[tuple[Node, Node], ...]
    position: int


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    operand: Node
    position: int


@dataclass(frozen=True, slots=True)
class Binary:
    """A comparison or `in`."""

    operator: str
    left: Node
    right: Node
    position: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`first op operand op operand…` of one precedence, flat, so that a long sum is not a deep tree."""

    first: Node
    rest: tuple[tuple[str, Node, int], ...]
    position: int


@dataclass(frozen=True, slots=True)
class Logic:
    """`a && b && …` or `a || b || …`, flat for the same reason."""

    operator: str
    operands: tuple[Node, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Choice:
    condition: Node
    then: Node
    otherwise: Node
    position: int


@dataclass(frozen=True, slots=True)
class Has:
    member: Member
    position: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments; of `s.contains(x)` the receiver is the first."""

    function: str
    arguments: tuple[Node, ...]
    position: int


Node = (
    Literal
    | Name
    | Member
    | Index
    | ListOf
    | MapOf
    | Unary
    | Binary
    | Arithmetic
    | Logic
    | Choice
    | Has
    | Call
)
