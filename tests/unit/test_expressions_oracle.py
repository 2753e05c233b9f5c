"""The evaluator agrees with CEL in Rust on twenty thousand expressions, but for differences that are named here.

A difference counts as explained only if it can be undone: each rule makes our evaluator read one thing as the oracle
does, and it explains a difference if with that reading ours gives exactly the oracle's answer. So a rule can hide
nothing but what it says. The oracle itself is trusted with what we have written, never with what a stranger has: it
can be crashed.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from random import Random
from typing import Any, Final

import cel
import pytest
from cel.stdlib import lower_ascii

from orchestrator.definition.expressions import ExpressionError, compiler, functions, nodes, parser, values
from orchestrator.definition.expressions.compiler import compiled
from orchestrator.definition.expressions.parser import parse
from orchestrator.definition.expressions.values import JSON
from tests.unit.expression_strategies import Case, case_of

EXPRESSIONS = int(os.environ.get("EXPRESSIONS", "20000"))
SEED = int(os.environ.get("EXPRESSIONS_SEED", "1"))
ERROR: Final = "an error"

Rule = Callable[[pytest.MonkeyPatch], None]
logger = logging.getLogger(__name__)


# Two answers ------------------------------------------------------------------------------------------------


def ours(case: Case) -> Any:
    """The value, or ERROR. Compiled anew, since a rule may have changed what compiling means."""
    try:
        return compiled(parse(case.source))(case.context)
    except ExpressionError:
        return ERROR


def theirs(case: Case) -> Any:
    """The value in Rust, or ERROR."""
    context = cel.Context(variables=case.context, functions={"lowerAscii": _lower_ascii})
    try:
        return cel.compile(case.source).execute(context)
    except Exception:  # noqa: BLE001 - it raises what it likes, and only that there is an error is compared
        return ERROR
    except BaseException as panic:
        # A panic in Rust is no Exception, so that nobody swallows it by accident.
        if type(panic).__name__ != "PanicException":
            raise
        return ERROR


def _lower_ascii(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError("a string is needed")
    return lower_ascii(text)


def same(left: Any, right: Any) -> bool:
    """Equal and of the same kind all the way down: 1 is neither 1.0 nor true."""
    if type(left) is not type(right):
        return False
    match left:
        case dict():
            return left.keys() == right.keys() and all(same(one, right[key]) for key, one in left.items())
        case list():
            return len(left) == len(right) and all(map(same, left, right))
        case float():
            return (math.isnan(left) and math.isnan(right)) or left == right
    return bool(left == right)


# The rules --------------------------------------------------------------------------------------------------


def integers_and_doubles_do_not_mix(patch: pytest.MonkeyPatch) -> None:
    """CEL has no arithmetic between an integer and a double. Ours has: JSON written by others turns 2.0 into 2."""

    def strictly(operation: Callable[..., JSON]) -> Callable[..., JSON]:
        def run(left: JSON, right: JSON, position: int) -> JSON:
            if {type(left), type(right)} == {int, float}:
                raise ExpressionError("mixed", position, "type")
            return operation(left, right, position)

        return run

    for sign, operation in values.ARITHMETIC.items():
        patch.setitem(values.ARITHMETIC, sign, strictly(operation))


def doubles_may_be_infinite(patch: pytest.MonkeyPatch) -> None:
    """CEL's doubles overflow to infinity and divide by zero as IEEE 754 says. Ours refuse: JSON has no such value."""
    finite, divide = values.checked_number, values.ARITHMETIC["/"]

    def any_double(value: float, position: int) -> float:
        return value if isinstance(value, float) else finite(value, position)

    def divided(left: JSON, right: JSON, position: int) -> JSON:
        if type(left) is float and type(right) is float and right == 0:
            return (
                math.nan
                if left == 0 or math.isnan(left)
                else math.copysign(math.inf, left) * math.copysign(1, right)
            )
        return divide(left, right, position)

    patch.setattr(values, "checked_number", any_double)
    patch.setitem(values.ARITHMETIC, "/", divided)
    _instead_of(
        patch, "string", lambda value: _NOT_FINITE.get(str(value)) if isinstance(value, float) else None
    )
    _instead_of(patch, "double", _not_finite)


_NOT_FINITE: Final = {"inf": "inf", "-inf": "-inf", "nan": "NaN"}


def _not_finite(value: JSON) -> float | None:
    number_like = isinstance(value, str) and (functions._DOUBLE.match(value) or value in _NOT_FINITE.values())
    if not isinstance(value, float) and not number_like:
        return None
    number = float(value)
    return None if math.isfinite(number) else number


def strings_are_measured_in_bytes(patch: pytest.MonkeyPatch) -> None:
    """The oracle's size() of a string counts the bytes of its UTF-8. The specification, and ours, count characters."""
    _instead_of(patch, "size", lambda value: len(value.encode()) if isinstance(value, str) else None)


def doubles_are_written_without_exponent(patch: pytest.MonkeyPatch) -> None:
    """The oracle's string() writes every digit of 1e20 and 1e-7. Ours writes an exponent, as JSON would and CEL in Go."""

    def plain(value: JSON) -> str | None:
        return format(Decimal(repr(value)), "f") if isinstance(value, float) and "e" in repr(value) else None

    _instead_of(patch, "string", plain)


def halves_are_rounded_up(patch: pytest.MonkeyPatch) -> None:
    """Of two shortest decimals just as near to a double the oracle writes the larger, ours the even one."""

    def upward(value: JSON) -> str | None:
        if not isinstance(value, float) or "e" in (text := repr(value)) or not math.isfinite(value):
            return None
        short = Decimal(text)
        mirrored = short + (Decimal(value) - short) * 2
        other = mirrored.quantize(short)
        return str(other) if other == mirrored and abs(other) > abs(short) else None

    _instead_of(patch, "string", upward)


def booleans_have_no_string(patch: pytest.MonkeyPatch) -> None:
    """The oracle has no string(true). The specification, and ours, have."""

    def refuse(value: JSON) -> None:
        if isinstance(value, bool):
            raise ExpressionError("refused", 0, "type")

    _instead_of(patch, "string", refuse)


def the_least_integer_negates_to_itself(patch: pytest.MonkeyPatch) -> None:
    """The oracle wraps -(-9223372036854775808) round. The specification, and ours, make it an overflow."""
    _negating(patch, lambda value: value if type(value) is int and value == -(2**63) else None)


def booleans_can_be_negated(patch: pytest.MonkeyPatch) -> None:
    """The oracle reads -true as !true. The specification, and ours, refuse it."""
    _negating(patch, lambda value: not value if isinstance(value, bool) else None)


def signs_come_in_runs(patch: pytest.MonkeyPatch) -> None:
    """CEL takes a run of ! or a run of -, so !-x is no expression, and the oracle drops pairs of them unseen: !!3 is 3.

    Its --9223372036854775808 is too large, as the last sign is not the number's. Ours takes signs one by one.
    """

    def unary(self: Any) -> nodes.Node:
        first, count = self.token, 0
        while (
            self.token.text == first.text
            and first.text in ("!", "-")
            and not (count == 0 and _negative(self))
        ):
            self._advance()
            count += 1
        if _negative(self):
            operand = self._postfix(self._number(self._advance().position, negative=True))
        else:
            operand = self._postfix(self._primary())
        return nodes.Unary(first.text, operand, first.position) if count % 2 else operand

    patch.setattr(parser._Parser, "_unary", unary)


def lists_take_the_keys_of_maps(patch: pytest.MonkeyPatch) -> None:
    """The oracle adds a map to a list by adding its keys. The specification, and ours, refuse it."""
    add = values.ARITHMETIC["+"]

    def added(left: JSON, right: JSON, position: int) -> JSON:
        keys = isinstance(left, list) and isinstance(right, dict)
        return add(left, sorted(right) if keys else right, position)

    patch.setitem(values.ARITHMETIC, "+", added)


def comparisons_chain(patch: pytest.MonkeyPatch) -> None:
    """CEL reads 1 < 2 == true as (1 < 2) == true. Ours refuses it, since hardly anybody means that."""

    def relation(self: Any, left: nodes.Node) -> nodes.Node:
        operator = self._advance()
        right = self._operation(parser._RELATION + 1)
        return nodes.Binary(operator.text, left, right, operator.position)

    patch.setattr(parser._Parser, "_relation", relation)


RULES: Final[tuple[Rule, ...]] = (
    integers_and_doubles_do_not_mix,
    doubles_may_be_infinite,
    strings_are_measured_in_bytes,
    doubles_are_written_without_exponent,
    halves_are_rounded_up,
    booleans_have_no_string,
    the_least_integer_negates_to_itself,
    booleans_can_be_negated,
    signs_come_in_runs,
    lists_take_the_keys_of_maps,
    comparisons_chain,
)


def _negative(self: Any) -> bool:
    """Whether a parser stands before a sign that belongs to a number."""
    return self.token.text == "-" and self._tokens[self._at + 1].kind in ("integer", "double")


def _instead_of(patch: pytest.MonkeyPatch, name: str, reading: Callable[[JSON], JSON]) -> None:
    """Let a function of one argument give what `reading` gives, where that is something."""
    function = functions.FUNCTIONS[name]

    def run(value: JSON, position: int) -> JSON:
        read = reading(value)
        return function.run(value, position) if read is None else read

    patch.setitem(functions.FUNCTIONS, name, replace(function, run=run))


def _negating(patch: pytest.MonkeyPatch, reading: Callable[[JSON], JSON]) -> None:
    negate = compiler.negate

    def negated(value: JSON, position: int) -> JSON:
        read = reading(value)
        return negate(value, position) if read is None else read

    patch.setattr(compiler, "negate", negated)


def explained(case: Case, found: Any, expected: Any) -> str | None:
    """Why ours and the oracle differ: the rules, as few as will do, under which ours would have said the same."""
    assert not same(found, expected)
    for count in range(1, 4):
        for rules in combinations(RULES, count):
            with pytest.MonkeyPatch.context() as patch:
                for rule in rules:
                    rule(patch)
                found = ours(case)
            if same(found, expected) or (
                lists_take_the_keys_of_maps in rules and _same_unordered(found, expected)
            ):
                return " and ".join(rule.__name__ for rule in rules)
    return None


def _same_unordered(left: Any, right: Any) -> bool:
    """The same but for the order of lists: the oracle's maps give up their keys in any."""
    return same(_sorted(left), _sorted(right))


def _sorted(value: Any) -> Any:
    match value:
        case dict():
            return {key: _sorted(one) for key, one in value.items()}
        case list():
            return sorted(map(_sorted, value), key=lambda one: json.dumps(one, sort_keys=True))
    return value


# The tests --------------------------------------------------------------------------------------------------


def cases(random: Random, count: int) -> Iterator[Case]:
    """So many cases, no expression twice."""
    met: set[str] = set()
    while len(met) < count:
        case = case_of(random)
        if case.source not in met:
            met.add(case.source)
            yield case


@pytest.mark.slow
def test_the_evaluator_agrees_with_cel_in_rust_or_a_named_rule_says_why_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR, logger="cel")
    caplog.set_level(logging.INFO, logger=__name__)
    agreed: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    unexplained: list[str] = []
    for case in cases(Random(SEED), EXPRESSIONS):
        found, expected = ours(case), theirs(case)
        if same(found, expected):
            agreed["errors" if found is ERROR else "values"] += 1
        elif reason := explained(case, found, expected):
            reasons[reason] += 1
        else:
            unexplained.append(f"{case}: ours says {found!r}, CEL in Rust {expected!r}")
    logger.info("of %d expressions agree: %s; explained: %s", EXPRESSIONS, dict(agreed), dict(reasons))
    assert not unexplained, "\n".join([f"{len(unexplained)} differences have no reason:", *unexplained[:10]])
    assert agreed.total() + reasons.total() == EXPRESSIONS
    assert agreed["values"] > 0.5 * EXPRESSIONS, "so many errors agree too easily"
    assert reasons.total() < 0.05 * EXPRESSIONS


CONTEXT: Final = {
    "params": {
        "n": 1,
        "d": 2.5,
        "s": "Añ",
        "l": [1, 2, 3],
        "m": {"k": 1, "z": None},
        "yes": True,
        "none": None,
    },
    "item": 2.0,
}


@pytest.mark.parametrize(
    "source",
    [
        "1 + 2 * 3 - 4 / 2 % 3", "-7 / 2", "-7 % 3", "7 % -3", "2 * 3 % 4", "1 - 2 - 3", "-2 * 3", "1 / 0", "5 % 0",
        "9223372036854775807 + 1", "-9223372036854775808 / -1", "-9223372036854775808 % -1", "9223372036854775808",
        "7.5 % 2.0", '"a" * 2', '"a" + 1', "[1] + [2.5]", "1 == 1.0", "[1] == [1.0]", '{"a": 1} == {"a": 1.0}',
        "true == 1", "null == null", "null == 0", '1 == "1"', "1 < 1.5", '1 < "a"', "true < false", "null < null",
        "[1] < [2]", '"é" > "z"', "1 in [1.0]", "null in [null]", '"a" in "abc"', "1 in params", "true in params",
        "null in params", "[] in params", "1.0 in params", "{} in params", '"n" in params', "true || 1 / 0 > 1",
        "1 / 0 > 1 || true", "false && params.zz", "params.zz == 1 && false", "1 && false", "true || 1", "true && 1",
        "1 || false", '"x" && true', "true || false && false", "!true == false", '!"a".contains("b")', "!null",
        "1 ? 2 : 3", "true ? 1 / 0 : 2", "false ? 1 / 0 : 2", "true ? 1 : false ? 2 : 3", "true ? false ? 1 : 2 : 3",
        "params.m.k", "params.m.zz", "params.n.zz", "params.none.zz", 'params["m"]["z"]', "params.l[2]", "params.l[3]",
        "params.l[-1]", "params.l[1.0]", "params.l[true]", "params.l[params.n]", '"abc"[0]', "[1, 2][1]", "{}.a",
        '{"a": {"b": 2}}.a.b', "has(params.m)", "has(params.m.z)", "has(params.m.zz)", "has(params.zz.k)",
        "has(params.n.k)", "has(params.none.k)", "has(params)", "size(params.l)", "params.m.size()",
        '"abc".size()', "size(1)", "size()", "size(params.l, params.l)", "size(params.l,)", "[1,]", '{"a": 1,}',
        'params.s.startsWith("A")', 'params.s.endsWith("")', 'params.s.contains(1)', "params.l.contains(1)",
        'startsWith("a", "a")', 'int("12")', 'int("+12")', 'int("1.5")', 'int("")', 'int(" 1")', "int(2.9)", "int(-2.9)",
        "int(1e19)", "int(-9223372036854775808.0)", "int(true)", "int(null)", 'double("1e3")', 'double(".5")',
        'double("5.")', 'double("")', "double(3)", 'double("x")', "string(3.0)", "string(-0.0)", "string(1e15)",
        "string(0.1)", "string(null)", "string([1])", '"A".int()', '"ÀB".lowerAscii()', r'"\x41\u0041\101\n\"\\"',
        r'"a\qb"', "'it\\'s'", "1.", ".5", "1e400", "1.5e3", "-0.0 == 0.0", "a", "params.", "params..n", "params n",
        "(1", "1)", "[1", "", "1 +", "1 = 1", "not true", "true and true", '"unclosed',
    ],
)  # fmt: skip
def test_a_corner_of_the_language_is_as_in_cel(source: str) -> None:
    case = Case(source, CONTEXT)
    assert same(ours(case), theirs(case)), f"ours says {ours(case)!r}, CEL in Rust {theirs(case)!r}"


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (integers_and_doubles_do_not_mix, "1 + item"),
        (doubles_may_be_infinite, "1.0 / -0.0"),
        (doubles_may_be_infinite, "string(1e308 * 10.0)"),
        (doubles_may_be_infinite, 'double("inf")'),
        (strings_are_measured_in_bytes, "size(params.s)"),
        (doubles_are_written_without_exponent, "string(1e20)"),
        (doubles_are_written_without_exponent, "string(1e-7)"),
        (halves_are_rounded_up, "string(999999999999900.25)"),
        (booleans_have_no_string, "string(params.yes)"),
        (the_least_integer_negates_to_itself, "-(-9223372036854775808)"),
        (booleans_can_be_negated, "-params.yes"),
        (signs_come_in_runs, "!!3"),
        (signs_come_in_runs, "!-params.n || true"),
        (signs_come_in_runs, "--9223372036854775808 == 1 || true"),
        (lists_take_the_keys_of_maps, "params.l + params.m"),
        (comparisons_chain, "1 < 2 == true"),
    ],
)
def test_a_difference_has_its_rule(rule: Rule, source: str) -> None:
    case = Case(source, CONTEXT)
    assert explained(case, ours(case), theirs(case)) == rule.__name__
    assert rule.__doc__


@pytest.mark.parametrize(
    ("source", "found", "expected"),
    [
        ("1 + 1", 2, 3),
        ("1 + item", 3.0, 3),
        ("size(params.s)", 2, 4),
        ("string(1e20)", "1e+20", "1E20"),
        ("-params.yes", ERROR, True),
        ("params.l + params.m", ERROR, [1, 2, 3]),
        ("params.zz == 1", ERROR, False),
    ],
)
def test_no_rule_excuses_another_answer(source: str, found: Any, expected: Any) -> None:
    assert explained(Case(source, CONTEXT), found, expected) is None


def test_no_rule_excuses_a_broken_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(values.ARITHMETIC, "%", lambda left, right, position: left % right)
    case = Case("-7 % 3", CONTEXT)
    assert explained(case, ours(case), theirs(case)) is None
