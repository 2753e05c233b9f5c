"""Expressions of the language, and contexts to evaluate them in, drawn at random.

One grammar serves two kinds of test: a seeded `random.Random` makes the same thousands of cases every time, and
Hypothesis, whose random numbers are a strategy too, shrinks what fails. Most operands have the kind their operator
needs, so most expressions have a value; some have not, so that errors are compared as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

from hypothesis import strategies as st

JSON = Any
Kind = str

KINDS: Final = ("boolean", "integer", "double", "string", "list", "map", "null")
_WRONG_KIND = 0.04  # how often an operand is of any kind at all
_LEAF = 0.25  # how often an operand that could be an operation is none
_MISSING = (
    "params.nothing",
    "tasks.extract.output.nothing",
    'params["no such"]',
    "params.rows[99]",
    "run.nothing.at",
)
_WORDS = (
    "",
    "a",
    "eu",
    "eu-west",
    "Über",
    "naïve",
    "😀x",
    "it's",
    'say "hi"',
    "back\\slash",
    "12",
    "-7",
    "2.5",
    "x" * 40,
)
_NUMERALS = ("12", "-7", "+3", "2.5", ".5", "1e3", "", " 1", "eu", "1.7e400", "9223372036854775808")
_KEYS = ("k", "id", "name", "a b", "über")
_INTEGERS = (0, 1, 2, 3, -1, -7, 10, 80, 2**31, 2**53, 2**63 - 1, -(2**63))
_DOUBLES = (0.0, 0.5, 1.0, -1.5, 2.0, 3.25, -7.0, 80.5, 1e-7, 1e15, 1e20, 123456.789, 1e308)

# JSON ------------------------------------------------------------------------------------------------------

_characters = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
text = st.text(_characters, max_size=8)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    text,
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@dataclass(frozen=True)
class Case:
    """An expression with a context it may find its names in."""

    source: str
    context: dict[str, JSON]

    def __str__(self) -> str:
        return f"{self.source}   in   {json.dumps(self.context, ensure_ascii=False)}"


def contexts(random: Random) -> dict[str, JSON]:
    """A context as a run has it: always of the same shape, its values drawn."""
    rows = [{"id": number, "name": random.choice(_WORDS)} for number in range(random.randrange(2, 5))]
    return {
        "params": {
            "region": random.choice(_WORDS),
            "limit": random.choice(_INTEGERS),
            "ratio": random.choice(_DOUBLES),
            "strict": random.random() < 0.5,
            "note": None,
            "rows": rows,
            "labels": {key: random.choice(_WORDS) for key in random.sample(_KEYS, 3)},
            "counts": [random.choice(_INTEGERS) for _ in range(random.randrange(5))],
        },
        "tasks": {
            "extract": {
                "status": random.choice(("completed", "failed", "skipped")),
                "attempts": random.randrange(1, 4),
                "output": {
                    "count": random.randrange(100),
                    "mean": random.random() * 100,
                    "tags": ["a", "eu"],
                },
                "error": None,
            }
        },
        "run": {"id": "run_1", "trigger": "manual"},
        "item": random.choice((1, 2.0, "x", None, True)),
        "index": random.randrange(3),
    }


_PATHS: Final[dict[Kind, tuple[str, ...]]] = {
    "boolean": ("params.strict", 'params["strict"]'),
    "integer": (
        "params.limit",
        "tasks.extract.attempts",
        "tasks.extract.output.count",
        "index",
        "params.rows[0].id",
    ),
    "double": ("params.ratio", "tasks.extract.output.mean", 'tasks["extract"].output["mean"]'),
    "string": ("params.region", "tasks.extract.status", "run.id", 'params.labels["a b"]', "params.labels.k"),
    "list": ("params.rows", "params.counts", "tasks.extract.output.tags"),
    "map": ("params", "params.labels", "tasks.extract.output", "params.rows[1]"),
    "null": ("params.note", "tasks.extract.error"),
}

# The grammar -----------------------------------------------------------------------------------------------


def quoted(value: str, mark: str = '"') -> str:
    """A string as a literal."""
    for plain, escaped in (("\\", "\\\\"), (mark, "\\" + mark), ("\n", "\\n"), ("\r", "\\r")):
        value = value.replace(plain, escaped)
    return mark + value + mark


def literal(value: JSON) -> str:
    match value:
        case str():
            return quoted(value)
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{quoted(key)}: {literal(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)


@dataclass
class Grammar:
    """Writes expressions of a wanted kind, operators bracketed at random so that precedence is compared as well."""

    random: Random
    rules: dict[Kind, tuple[Callable[[int], str], ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.rules = {
            "boolean": (self._logic, self._logic, self._equality, self._order, self._membership, self._test,
                        self._has, self._not),
            "integer": (*self._numeric("integer"), self._remainder, self._size, self._to_integer),
            "double": (*self._numeric("double"), self._to_double),
            "string": (self._joined, self._lower, self._to_string),
            "list": (self._list, self._list, self._joined_lists),
            "map": (self._map,),
            "null": (),
        }  # fmt: skip

    def _numeric(self, kind: Kind) -> tuple[Callable[[int], str], ...]:
        rules = (self._sum, self._sum, self._product, self._minus)
        return tuple(partial(rule, kind) for rule in rules)

    def expression(self, kind: Kind, depth: int) -> str:
        if self.random.random() < _WRONG_KIND:
            kind = self.random.choice(KINDS)
        if depth <= 0 or not self.rules[kind] or self.random.random() < _LEAF:
            return self._leaf(kind)
        return self.operation(kind, depth - 1)

    def operation(self, kind: Kind, depth: int) -> str:
        """An operator or a function, its operands at most `depth` deep."""
        if self.random.random() < 0.06:
            return self._choice(kind, depth)
        return self.random.choice(self.rules[kind])(depth)

    def _leaf(self, kind: Kind) -> str:
        chance = self.random.random()
        if chance < 0.02:
            return self.random.choice(_MISSING)
        if chance < 0.04:
            return "item"
        if chance < 0.5:
            return self.random.choice(_PATHS[kind])
        return self._literal(kind)

    def _literal(self, kind: Kind) -> str:
        match kind:
            case "boolean":
                return self.random.choice(("true", "false"))
            case "integer":
                return str(self.random.choice(_INTEGERS))
            case "double":
                return repr(self.random.choice(_DOUBLES)).replace("+", "")
            case "string":
                return quoted(self.random.choice(_WORDS), self.random.choice("\"'"))
            case "list":
                return literal([self.random.choice(_INTEGERS[:6]) for _ in range(self.random.randrange(3))])
            case "map":
                return literal({self.random.choice(_KEYS): self.random.choice(_WORDS)})
        return "null"

    def _operand(self, kind: Kind, depth: int) -> str:
        text = self.expression(kind, depth)
        return f"({text})" if self.random.random() < 0.4 else text

    def _tight(self, kind: Kind, depth: int) -> str:
        """An operand that a postfix may follow."""
        return f"({self.expression(kind, depth)})"

    def _infix(self, kind: Kind, operators: tuple[str, ...], depth: int) -> str:
        sign = self.random.choice(operators)
        return f"{self._operand(kind, depth)} {sign} {self._operand(kind, depth)}"

    def _choice(self, kind: Kind, depth: int) -> str:
        condition, then = self._tight("boolean", depth), self._tight(kind, depth)
        return f"{condition} ? {then} : {self._operand(kind, depth)}"

    def _sum(self, kind: Kind, depth: int) -> str:
        return self._infix(kind, ("+", "-"), depth)

    def _product(self, kind: Kind, depth: int) -> str:
        return self._infix(kind, ("*", "/"), depth)

    def _remainder(self, depth: int) -> str:
        return self._infix("integer", ("%",), depth)

    def _minus(self, kind: Kind, depth: int) -> str:
        return "-" + self._operand(kind, depth)

    def _not(self, depth: int) -> str:
        return "!" + self._operand("boolean", depth)

    def _logic(self, depth: int) -> str:
        sign = self.random.choice((" && ", " || "))
        return sign.join(self._operand("boolean", depth) for _ in range(self.random.randrange(2, 5)))

    def _equality(self, depth: int) -> str:
        kind = self.random.choice(KINDS)
        return self._infix(kind, ("==", "!="), depth)

    def _order(self, depth: int) -> str:
        sign = self.random.choice(("<", "<=", ">", ">="))
        left, right = self.random.choice(
            (("integer", "double"), ("integer", "integer"), ("double", "double"), ("string", "string"))
        )
        return f"{self._operand(left, depth)} {sign} {self._operand(right, depth)}"

    def _membership(self, depth: int) -> str:
        container = self.random.choice(("list", "map"))
        item = "string" if container == "map" else self.random.choice(("integer", "string", "double"))
        return f"{self._operand(item, depth)} in {self._operand(container, 0)}"

    def _test(self, depth: int) -> str:
        name = self.random.choice(("contains", "startsWith", "endsWith"))
        return f"{self._tight('string', depth)}.{name}({self.expression('string', depth)})"

    def _has(self, depth: int) -> str:
        return f"has({self.random.choice(_PATHS['map'])}.{self.random.choice(('k', 'id', 'count', 'region', 'zz'))})"

    def _size(self, depth: int) -> str:
        kind = self.random.choice(("string", "list", "map"))
        return f"size({self.expression(kind, depth)})" if depth % 2 else f"{self._tight(kind, depth)}.size()"

    def _convertible(self, depth: int) -> str:
        if self.random.random() < 0.2:
            return quoted(self.random.choice(_NUMERALS))
        return self.expression(self.random.choice(("integer", "double")), depth)

    def _to_integer(self, depth: int) -> str:
        return f"int({self._convertible(depth)})"

    def _to_double(self, depth: int) -> str:
        return f"double({self._convertible(depth)})"

    def _to_string(self, depth: int) -> str:
        return f"string({self.expression(self.random.choice(('integer', 'double', 'string')), depth)})"

    def _joined(self, depth: int) -> str:
        return f"{self._operand('string', depth)} + {self._operand('string', depth)}"

    def _lower(self, depth: int) -> str:
        return f"{self._tight('string', depth)}.lowerAscii()"

    def _list(self, depth: int) -> str:
        kinds = [self.random.choice(KINDS) for _ in range(self.random.randrange(4))]
        return "[" + ", ".join(self.expression(kind, min(depth, 1)) for kind in kinds) + "]"

    def _joined_lists(self, depth: int) -> str:
        return f"{self._operand('list', depth)} + {self._operand('list', depth)}"

    def _map(self, depth: int) -> str:
        keys = self.random.sample(_KEYS, self.random.randrange(3))
        entries = (f"{quoted(key)}: {self.expression(self.random.choice(KINDS), depth)}" for key in keys)
        return "{" + ", ".join(entries) + "}"


def case_of(random: Random, depth: int = 3) -> Case:
    """An expression of any kind, half of them conditions, with a context."""
    kind = (
        "boolean" if random.random() < 0.5 else random.choice(("integer", "double", "string", "list", "map"))
    )
    return Case(Grammar(random).operation(kind, depth), contexts(random))


randoms = st.randoms(use_true_random=False)
cases = randoms.map(case_of)
"""What the grammar writes: most of it has a value."""

_PIECES = (
    "params", "tasks", "secrets", "run", "item", "now", "extract", "region", "has", "size", "contains", "int",
    "double", "string", "lowerAscii", "true", "false", "null", "in", "0", "1", "-9223372036854775808", "1.5", "1e308",
    '"a"', "'b'", '"', "'", "\\", "(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "&&", "||", "!", "==", "!=", "<",
    "<=", "+", "-", "*", "/", "%", " ", "\n", "\0", "\ud800", "é", "１", "__class__", "{{", "}}",
)  # fmt: skip
nonsense = st.lists(st.sampled_from(_PIECES) | st.text(max_size=3), max_size=40).map("".join)
"""Text that looks like expressions, and mostly is none; a lone surrogate may stand anywhere in it."""
