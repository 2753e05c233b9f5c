"""What holds for every text, every expression and every context."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from random import Random
from typing import Any

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from orchestrator.definition.expressions import ROOTS, ExpressionError, Reference, compile_expression
from orchestrator.definition.expressions.limits import MAX_INTEGER, MIN_INTEGER
from tests.unit.expression_strategies import Case, cases, literal, nonsense, randoms, values
from tests.unit.test_expressions_values import CONTEXT

often = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

Path = tuple[str | int, ...]


def _compiles(case: Case) -> bool:
    try:
        compile_expression(case.source)
    except ExpressionError:
        return False
    return True


compilable = cases.filter(_compiles)  # nearly all

# Nothing but ExpressionError ----------------------------------------------------------------------------------


@often
@given(source=nonsense | st.text(max_size=60) | st.text("()[]{}.,:?!-+'\"\\0ax ", max_size=80))
@example(source="\ud800")
@example(source="'\ud800'")
@example(source="\0")
def test_any_text_is_an_expression_or_an_expression_error(source: str) -> None:
    try:
        expression = compile_expression(source)
    except ExpressionError as error:
        assert 0 <= error.position <= len(source)
        assert str(error)
    else:
        assert expression.source == source


@often
@given(source=nonsense, context=st.dictionaries(st.sampled_from(ROOTS), values))
def test_any_text_with_any_context_has_a_value_or_an_expression_error(
    source: str, context: dict[str, Any]
) -> None:
    with suppress(ExpressionError):
        json.dumps(compile_expression(source).evaluate(context), allow_nan=False)


@often
@given(case=compilable, context=st.dictionaries(st.sampled_from(ROOTS), values))
def test_any_expression_with_any_json_has_a_value_or_an_expression_error(
    case: Case, context: dict[str, Any]
) -> None:
    for one in (case.context, context):
        try:
            value = compile_expression(case.source).evaluate(one)
        except ExpressionError as error:
            assert 0 <= error.position <= len(case.source)
        else:
            # A value that can be stored: JSON, in UTF-8.
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


@often
@given(case=compilable)
def test_an_expression_is_a_function_of_its_context(case: Case) -> None:
    expression = compile_expression(case.source)
    assert _outcome(expression.evaluate, case.context) == _outcome(
        expression.evaluate, deepcopy(case.context)
    )


@often
@given(case=compilable)
def test_evaluation_does_not_change_the_context(case: Case) -> None:
    before = json.dumps(case.context)
    with suppress(ExpressionError):
        compile_expression(case.source).evaluate(case.context)
    assert json.dumps(case.context) == before


def _outcome(action: Any, *arguments: Any) -> str:
    try:
        return repr(action(*arguments))
    except ExpressionError as error:
        return f"{error.code} {error}"


# References -----------------------------------------------------------------------------------------------------


class Watched(dict[str, Any]):
    """A map that notes the path of each of its members that is looked at, whether it is there or not."""

    def __init__(self, value: dict[str, Any], read: set[Path], path: Path = ()) -> None:
        super().__init__({key: _watched(one, read, (*path, key)) for key, one in value.items()})
        self._read = read
        self._path = path

    def __getitem__(self, key: str) -> Any:
        self._read.add((*self._path, key))
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        if isinstance(key, str):
            self._read.add((*self._path, key))
        return super().__contains__(key)


def _watched(value: Any, read: set[Path], path: Path) -> Any:
    if isinstance(value, dict):
        return Watched(value, read, path)
    if isinstance(value, list):
        return [_watched(one, read, (*path, index)) for index, one in enumerate(value)]
    return value


def _names(reference: Reference, path: Path) -> bool:
    """Whether the reference and the path lie on one line: one leads to the other."""
    named = (reference.root, *reference.path)
    shorter = min(len(named), len(path))
    return named[:shorter] == path[:shorter]


@often
@given(case=compilable)
@example(case=Case("params[params.region]", {"params": {"region": "limit", "limit": 1}}))
@example(case=Case("params.labels == {'a': 1}", {"params": {"labels": {"a": 1}}}))
def test_references_name_every_path_that_evaluation_reads(case: Case) -> None:
    read: set[Path] = set()
    expression = compile_expression(case.source)
    with suppress(ExpressionError):
        expression.evaluate(Watched(case.context, read))
    unnamed = {path for path in read if not any(_names(one, path) for one in expression.references)}
    assert not unnamed, f"{case.source} reads {unnamed}"


def test_the_watch_sees_what_is_read() -> None:
    read: set[Path] = set()
    source = (
        "params.region == 'eu' && params.rows[1].id == 8 && !has(tasks.load.nothing) && 'x' in tasks.load"
    )
    assert compile_expression(source).evaluate(Watched(CONTEXT, read)) is False
    assert {
        ("params", "region"),
        ("params", "rows", 1, "id"),
        ("tasks", "load", "nothing"),
        ("tasks", "load", "x"),
    } <= read


@often
@given(case=compilable, random=randoms)
def test_what_no_reference_names_does_not_matter(case: Case, random: Random) -> None:
    """The value stays the same when everything else in the context is taken away."""
    expression = compile_expression(case.source)
    named = {one.root for one in expression.references}
    fewer = {root: value for root, value in case.context.items() if root in named or random.random() < 0.2}
    assert _outcome(expression.evaluate, fewer) == _outcome(expression.evaluate, case.context)


@often
@given(case=compilable)
def test_a_reference_stands_where_it_says(case: Case) -> None:
    for one in compile_expression(case.source).references:
        assert case.source.startswith(one.root, one.position)


# Laws -----------------------------------------------------------------------------------------------------------


@often
@given(value=values)
def test_a_literal_reads_back(value: Any) -> None:
    source = literal(value)
    assume(len(source) < 1_500)
    assert _same(compile_expression(source).evaluate({}), value)


@often
@given(left=values, right=values)
def test_equality_is_that_of_json(left: Any, right: Any) -> None:
    context = {"item": left, "index": right}
    expected = _same(left, right)
    assert compile_expression("item == index").evaluate(context) is expected
    assert compile_expression("item != index").evaluate(context) is not expected
    assert compile_expression("item in [null, index]").evaluate(context) is (expected or left is None)
    assert compile_expression("item == item").evaluate(context) is True


def _same(left: Any, right: Any) -> bool:
    """Equality by way of the canonical text, where only numbers need care: 1.0 is 1, but true is not."""
    return json.dumps(_canonical(left), sort_keys=True) == json.dumps(_canonical(right), sort_keys=True)


def _canonical(value: Any) -> Any:
    match value:
        case dict():
            return {key: _canonical(one) for key, one in value.items()}
        case list():
            return [_canonical(one) for one in value]
        case float() if value.is_integer():
            return int(value)
    return value


integers = st.integers(MIN_INTEGER, MAX_INTEGER)


@often
@given(left=integers, right=integers)
@example(left=MIN_INTEGER, right=-1)
@example(left=MIN_INTEGER, right=0)
def test_a_quotient_and_its_remainder_give_back_the_dividend(left: int, right: int) -> None:
    context = {"params": {"a": left, "b": right}}
    try:
        quotient = compile_expression("params.a / params.b").evaluate(context)
        remainder = compile_expression("params.a % params.b").evaluate(context)
    except ExpressionError as error:
        assert (error.code, right) in (("division_by_zero", 0), ("overflow", -1))
    else:
        assert quotient * right + remainder == left
        assert abs(remainder) < abs(right)
        assert remainder == 0 or (remainder < 0) == (left < 0)


@often
@given(left=integers, right=integers)
def test_integer_arithmetic_is_exact_or_an_overflow(left: int, right: int) -> None:
    context = {"params": {"a": left, "b": right}}
    for sign, exact in (("+", left + right), ("-", left - right), ("*", left * right)):
        found = _outcome(compile_expression(f"params.a {sign} params.b").evaluate, context)
        assert found == repr(exact) if MIN_INTEGER <= exact <= MAX_INTEGER else found.startswith("overflow")


@often
@given(value=st.floats(allow_nan=False, allow_infinity=False) | integers)
def test_a_number_survives_as_text(value: float) -> None:
    kind = "int" if isinstance(value, int) else "double"
    assert compile_expression(f"{kind}(string(item)) == item").evaluate({"item": value}) is True


@often
@given(
    operands=st.lists(
        st.sampled_from(("true", "false", "1 / 0 > 1", "1", "params.x")), min_size=2, max_size=6
    )
)
def test_the_order_of_the_operands_of_and_and_or_does_not_matter(operands: list[str]) -> None:
    for sign in ("&&", "||"):
        verdicts = {
            _verdict(f" {sign} ".join(order)) for order in (operands, operands[::-1], sorted(operands))
        }
        assert len(verdicts) == 1


def _verdict(source: str) -> str:
    try:
        return str(compile_expression(source).evaluate({"params": {}}))
    except ExpressionError:
        return "an error"


@often
@given(case=compilable, blanks=st.text(" \t\r\n\f", max_size=3))
def test_blanks_and_brackets_around_an_expression_do_not_matter(case: Case, blanks: str) -> None:
    plain = _verdict_in(case.source, case.context)
    for source in (f"{blanks}{case.source}{blanks}", f"({case.source})", f"[{case.source}][0]"):
        assert _verdict_in(source, case.context) == plain


def _verdict_in(source: str, context: dict[str, Any]) -> str:
    try:
        return repr(compile_expression(source).evaluate(context))
    except ExpressionError as error:
        return error.code


def _paths(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value below a root, with the expression that reads it."""
    yield path, value
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _paths(one, f"{path}[{literal(key)}]")
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _paths(one, f"{path}[{index}]")


@often
@given(value=values)
def test_every_value_of_a_context_can_be_reached(value: Any) -> None:
    for source, expected in _paths(value, "item"):
        assert compile_expression(source).evaluate({"item": value}) is expected
