"""Pieces of expression source while a Python condition is rewritten: text with just as many parentheses as it needs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORDS = frozenset({"true", "false", "null", "in"})


class Level(IntEnum):
    """How tightly an operation binds; a piece stands without parentheses only where its level is high enough."""

    CHOICE = 0
    OR = 1
    AND = 2
    RELATION = 3
    SUM = 4
    PRODUCT = 5
    UNARY = 6
    PRIMARY = 7


@dataclass(frozen=True, slots=True)
class Lookup:
    """How `.get(key, default)` came to its text, so that a further `.get` can extend it instead of nesting it."""

    guards: tuple[Term, ...]
    found: Term
    default: Term


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of source.

    `boolean`: known to give true or false. `constant`: its value, where that is already decided.
    `status`: a task's status. `literal`: the string it is, if it is one. `negated`: what it is the opposite of.
    """

    text: str
    level: Level = Level.PRIMARY
    boolean: bool = False
    constant: bool | None = None
    status: bool = False
    literal: str | None = None
    lookup: Lookup | None = None
    negated: Term | None = None

    def at(self, level: Level) -> str:
        """The text for a place that needs `level`."""
        return self.text if self.level >= level else f"({self.text})"


TRUE = Term("true", boolean=True, constant=True)
FALSE = Term("false", boolean=True, constant=False)
NULL = Term("null")


def truth_value(value: bool) -> Term:
    return TRUE if value else FALSE


def string(value: str) -> Term:
    return Term(json.dumps(value, ensure_ascii=False), literal=value)


def binary(operator: str, left: Term, right: Term, level: Level) -> Term:
    # Comparisons do not chain, so neither side may be one bare; of the others the left may.
    left_level = Level.SUM if level is Level.RELATION else level
    text = f"{left.at(left_level)} {operator} {right.at(Level(level + 1))}"
    return Term(text, level, boolean=level is Level.RELATION)


def logic(terms: Iterable[Term], *, deciding: bool) -> Term:
    """`||` where true decides, `&&` where false does. Operands already decided are folded away."""
    terms = list(terms)
    if any(term.constant is deciding for term in terms):
        return truth_value(deciding)
    open_terms = [term for term in terms if term.constant is None]
    if len(open_terms) < 2:
        return open_terms[0] if open_terms else truth_value(not deciding)
    level = Level.OR if deciding else Level.AND
    sign = " || " if deciding else " && "
    return Term(sign.join(term.at(Level(level + 1)) for term in open_terms), level, boolean=True)


def total(parts: Iterator[Term]) -> Term:
    """The sum of the parts, or 0."""
    result = next(parts, Term("0"))
    for part in parts:
        result = binary("+", result, part, Level.SUM)
    return result


def negation(term: Term) -> Term:
    if term.constant is not None:
        return truth_value(not term.constant)
    return term.negated or Term(f"!{term.at(Level.UNARY)}", Level.UNARY, boolean=True, negated=term)


def choice(condition: Term, then: Term, otherwise: Term) -> Term:
    if condition.constant is not None:
        return then if condition.constant else otherwise
    text = f"{condition.at(Level.OR)} ? {then.at(Level.OR)} : {otherwise.at(Level.OR)}"
    return Term(text, Level.CHOICE, boolean=then.boolean and otherwise.boolean)


def truth(term: Term) -> Term:
    """Python's truthiness, spelt out: the language itself has none."""
    if term.boolean:
        return term
    if term.literal is not None:
        return truth_value(bool(term.literal))
    return negation(
        Term(f'{term.at(Level.SUM)} in [null, false, 0, "", [], {{}}]', Level.RELATION, boolean=True)
    )


def member(of: Term, key: str) -> Term:
    if _PLAIN.match(key) and key not in _WORDS:
        return Term(f"{of.at(Level.PRIMARY)}.{key}")
    return index(of, string(key))


def index(of: Term, key: Term) -> Term:
    return Term(f"{of.at(Level.PRIMARY)}[{key.text}]")


def presence(of: Term, key: str) -> Term:
    """Whether a map has a key."""
    found = member(of, key)
    if found.text.endswith("]"):
        return binary("in", string(key), of, Level.RELATION)
    return Term(f"has({found.text})", boolean=True)


def lookup(of: Term, key: str, default: Term) -> Term:
    """`of.get(key, default)`."""
    guards: tuple[Term, ...] = ()
    if of.lookup and of.lookup.default.text == "{}":
        # d.get("a", {}).get("b", x) is one choice: nested, each level would repeat the one before it.
        guards, of = of.lookup.guards, of.lookup.found
    guards = (*guards, presence(of, key))
    found = member(of, key)
    chosen = choice(logic(guards, deciding=False), found, default)
    return Term(chosen.text, chosen.level, lookup=Lookup(guards, found, default))


def call(function: str, *arguments: Term, boolean: bool = False) -> Term:
    return Term(f"{function}({', '.join(argument.text for argument in arguments)})", boolean=boolean)


def method(of: Term, name: str, *arguments: Term, boolean: bool = False) -> Term:
    return Term(call(f"{of.at(Level.PRIMARY)}.{name}", *arguments).text, boolean=boolean)


def list_of(terms: Iterable[Term]) -> Term:
    return Term(f"[{', '.join(term.text for term in terms)}]")
