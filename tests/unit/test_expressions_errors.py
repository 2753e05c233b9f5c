"""An expression that is wrong says what, where and how to mend it, and at once what it refers to if it is right."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.definition.expressions import ROOTS, ExpressionError, Reference, compile_expression
from orchestrator.definition.expressions.errors import LONGEST_NAME_COMPARED
from orchestrator.definition.expressions.limits import (
    MAX_DEPTH,
    MAX_LIST_ITEMS,
    MAX_SOURCE,
    MAX_STRING_BYTES,
    MAX_TOKENS,
)
from tests.unit.test_expressions_values import CONTEXT, code_of, value_of


def error_of(source: str, context: dict[str, Any] = CONTEXT) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source).evaluate(context)
    return caught.value


# In these sources `^` stands just before the column the error must name.


@pytest.mark.parametrize(
    ("marked", "code"),
    [
        ("^", "syntax"),
        ("  ^", "syntax"),
        ("1 + ^", "syntax"),
        ("1 +^) 2", "syntax"),
        ("(1 + 2^", "syntax"),
        ("1 + 2^)", "syntax"),
        ("[1, 2^", "syntax"),
        ("[1 ^2]", "syntax"),
        ("[^,]", "syntax"),
        ('{"a"^, 1}', "syntax"),
        ('{"a": ^}', "syntax"),
        ("true ? 1^", "syntax"),
        ("true ? true ^? 1 : 2 : 3", "syntax"),
        ("1 < 2 ^< 3", "syntax"),
        ("1 == 1 ^!= 1", "syntax"),
        ("params.limit ^params.limit", "syntax"),
        ("params.^", "syntax"),
        ("params.^.limit", "syntax"),
        ("params^.1", "syntax"),
        ("params.^in", "syntax"),
        ("params.^true", "syntax"),
        ("params[^]", "syntax"),
        ("params[0^", "syntax"),
        ("size(params.rows,^)", "syntax"),
        ("size(^,)", "syntax"),
        ("^size()", "syntax"),
        ("^contains('a', 'b')", "syntax"),
        ("'12'.^int()", "syntax"),
        ("params.region.^contains()", "syntax"),
        ("params.limit ^= 3", "syntax"),
        ("true ^& false", "syntax"),
        ("true ^| false", "syntax"),
        ("params.^`a b`", "syntax"),
        ("1 ^# one", "syntax"),
        ("1 ^; 2", "syntax"),
        ("1 /^/ 2", "syntax"),
        ("^$region", "syntax"),
        ("1 + ^\\n", "syntax"),
        ("1 ^\u00a0+ 2", "syntax"),
        ("1 + ^é", "syntax"),
        ("p^\u0430rams", "syntax"),
        ("params.r^\u0435gion", "syntax"),
        ("1 ^\u2212 2", "syntax"),
        ("^\u201ca\u201d", "syntax"),
        ("1 ^\u2026", "syntax"),
        ('1 + ^"a', "syntax"),
        ("1 + ^'a\"", "syntax"),
        ('^"a\nb"', "syntax"),
        ('^"a\\', "syntax"),
        ('"a^\\q"', "syntax"),
        ('"ab^\\xZZ"', "syntax"),
        ('"^\\ud800"', "syntax"),
        ('"^\\U00110000"', "syntax"),
        ('1 == "a^\\0b"', "syntax"),
        ('1 == ^"a\\x00b"', "syntax"),
        ('1 == ^"a\0b"', "syntax"),
        ('1 == ^"a\ud800b"', "syntax"),
        ("1 + ^\0", "syntax"),
        ("1 + ^\ud800", "syntax"),
        ("1 + ^12ab", "syntax"),
        ("1 + ^0x1F", "syntax"),
        ("1 + ^1u", "syntax"),
        ("1 + ^1_000", "syntax"),
        ("1 + ^1.5f", "syntax"),
        ("1.^", "syntax"),
        ("1.5^.5", "syntax"),
        ("1 + ^9223372036854775808", "overflow"),
        ("1 + ^-9223372036854775809", "overflow"),
        ("1 + ^1e999", "overflow"),
        ("1 + ^parms.limit", "unknown_name"),
        ("^True", "unknown_name"),
        ("1 + ^in", "unknown_name"),
        ("^__import__", "unknown_name"),
        ("1 + ^len(params.rows)", "unknown_function"),
        ("params.region.^matches('.*')", "unknown_function"),
        ("params.rows.^all(x, x.id > 1)", "unknown_function"),
        ("true && {^1: 2} == {}", "type"),
        # Where an evaluation failed.
        ("1 + params.^limt", "missing"),
        ("params.rows[0].^nothing.at", "missing"),
        ("params.rows[^9].id", "missing"),
        ("params.rows^[1 + 1]", "missing"),
        ('params[^"nothing"]', "missing"),
        ("true && ^secrets.token == 'x'", "missing"),
        ("has(params.region.^at)", "type"),
        ("params.region.^at", "type"),
        ("params.rows^[params.region]", "type"),
        ("params^[params.ratio]", "type"),
        ("1 + 2 ^+ 'a'", "type"),
        ("1 ^+ 'a' + 2", "type"),
        ("true && 1 ^< 'a'", "type"),
        ("1 + (^-'a')", "type"),
        ("true && ^!1", "type"),
        ("true && (2 ^in 3)", "type"),
        ("1 + ^int('x')", "type"),
        ("params.limit.^contains('x')", "type"),
        ("{'a': 1, '' ^+ 'a': 2}", "type"),
        ("1 + 6 * 2 ^/ 0", "division_by_zero"),
        ("1 + 7 ^% 0", "division_by_zero"),
        ("1 + 9223372036854775807 ^* 2", "overflow"),
    ],
)  # fmt: skip
def test_an_error_names_its_column(marked: str, code: str) -> None:
    position = marked.index("^")
    error = error_of(marked.replace("^", ""))
    assert (error.code, error.position) == (code, position), error
    assert str(error).startswith(f"at column {position + 1}: ")


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("params.limit = 3", "use =="),
        ("params.strict & params.strict", "use &&"),
        ("params.strict | params.strict", "use ||"),
        ("params.`a b`", '["name"]'),
        ("1 # one", "no comments"),
        ("params.in", '["in"]'),
        ("1 < 2 < 3", "&&"),
        ("true ? true ? 1 : 2 : 3", "parentheses"),
        ('"a\\q"', "backslash"),
        ('"ab" in "abc"', ".contains()"),
        ("params.rows.contains(1)", "use `in`"),
        ("params.limit && true", "compare it"),
        ("size()", "size(list) or list.size()"),
        ("contains('a')", "text.contains(part)"),
        ("has(params)", "has(params.region)"),
        ("parms.limit", "did you mean params?"),
        ("params.limt", "did you mean limit?"),
        ("params.region.startswith('a')", "did you mean startsWith?"),
        ("length(params.rows)", "length() is not a function"),
    ],
)
def test_an_error_says_how_to_mend_it(source: str, advice: str) -> None:
    assert advice in str(error_of(source))


def test_the_nearest_name_is_sought_among_those_that_are_there() -> None:
    error = error_of("params.regoin")
    assert error.suggestion == "region"
    assert "params.regoin is not there" in error.message


def test_a_very_long_name_is_not_compared() -> None:
    name = "region" + "n" * LONGEST_NAME_COMPARED
    assert error_of(f"params.{name}").suggestion == ""


def test_an_error_moves_with_the_text_around_its_expression() -> None:
    error = error_of("params.limt")
    moved = error.moved(10)
    assert (moved.position, moved.code, moved.message) == (error.position + 10, error.code, error.message)


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("params.limt", "At column 8: params.limt is not there; did you mean limit?", "limit"),
        ("1 / 0", "At column 3: division by zero.", ""),
    ],
)
def test_an_error_is_a_finding_of_a_check(source: str, message: str, hint: str) -> None:
    error = error_of(source)
    issue = error.as_issue("tasks.a.condition")
    assert (issue.path, issue.code) == ("tasks.a.condition", f"expression_{error.code}")
    assert (issue.message, issue.hint) == (message, hint)


@pytest.mark.parametrize("source", [None, 1, True, b"1", ["1"], {}, object()])
def test_an_expression_is_a_string(source: Any) -> None:
    with pytest.raises(ExpressionError, match="an expression is a string"):
        compile_expression(source)


# The caps, each just met and just passed.


def test_a_source_may_be_as_long_as_the_cap_and_no_longer() -> None:
    assert compile_expression("1" + " " * (MAX_SOURCE - 1)).evaluate({}) == 1
    error = error_of("1" + " " * MAX_SOURCE)
    assert (error.code, error.position) == ("too_long", MAX_SOURCE)


def test_an_expression_may_have_as_many_parts_as_the_cap_and_no_more() -> None:
    assert compile_expression("- 1" + " + 1" * (MAX_TOKENS // 2 - 1)).evaluate({}) == MAX_TOKENS // 2 - 2
    assert error_of("1" + "+1" * (MAX_TOKENS // 2)).code == "too_long"


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("(", ")"),
        ("[", "]"),
        ('{"a":', "}"),
        ("-(", ")"),
        ("size(", ")"),
        ("params[", "]"),
        ("true?1:(", ")"),
    ],
)
def test_an_expression_may_be_as_deep_as_the_cap_and_no_deeper(opening: str, closing: str) -> None:
    def nested(depth: int) -> str:
        return opening * depth + "1" + closing * depth

    assert compile_expression(nested(MAX_DEPTH // 4))
    assert error_of(nested(MAX_DEPTH)).code == "too_deep"


@pytest.mark.parametrize("source", ["(" * 39 + "1" + ")" * 39, "!" * 39 + "true", "[1]" + "[0 + 0]" * 39])
def test_what_is_as_deep_as_the_cap_is_compiled(source: str) -> None:
    assert compile_expression(source)


@pytest.mark.parametrize("source", ["(" * 40 + "1" + ")" * 40, "!" * 40 + "true", "[1]" + "[0 + 0]" * 40])
def test_one_level_more_is_too_deep(source: str) -> None:
    assert error_of(source).code == "too_deep"


def test_a_string_may_be_as_long_as_the_cap_and_no_longer() -> None:
    half = "é" * (MAX_STRING_BYTES // 4)
    joined = compile_expression("params.a + params.b")
    assert joined.evaluate({"params": {"a": half, "b": half}}) == half + half
    assert code_of("params.a + params.b", {"params": {"a": half, "b": half + "x"}}) == "limit"
    assert code_of("params.a", {"params": {"a": half + half + "x"}}) == "limit"
    assert code_of("params.a.lowerAscii()", {"params": {"a": half + half + "x"}}) == "limit"


def test_a_list_may_be_as_long_as_the_cap_and_no_longer() -> None:
    half = [0] * (MAX_LIST_ITEMS // 2)
    assert len(value_of("params.a + params.a", {"params": {"a": half}})) == MAX_LIST_ITEMS
    assert code_of("params.a + params.a + [1]", {"params": {"a": half}}) == "limit"


# References: what an expression names, read off its source.


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2", []),
        ("params", [("params", (), 0)]),
        ("now", [("now", (), 0)]),
        ("params.region", [("params", ("region",), 0)]),
        ('params["a b"].c', [("params", ("a b", "c"), 0)]),
        ("params.rows[0].id", [("params", ("rows",), 0)]),
        ("params.rows[index].id", [("params", ("rows",), 0), ("index", (), 12)]),
        ("params[params.key]", [("params", (), 0), ("params", ("key",), 7)]),
        ("tasks.a.output.x > tasks.b.output.x", [("tasks", ("a", "output", "x"), 0), ("tasks", ("b", "output", "x"), 19)]),
        ("false && params.a", [("params", ("a",), 9)]),
        ("true ? params.a : params.b", [("params", ("a",), 7), ("params", ("b",), 18)]),
        ("[params.a, {params.b: params.c}]", [("params", ("a",), 1), ("params", ("b",), 12), ("params", ("c",), 22)]),
        ("!(-params.a == size(params.b))", [("params", ("a",), 3), ("params", ("b",), 20)]),
        ("params.a.contains(params.b)", [("params", ("a",), 0), ("params", ("b",), 18)]),
        ('("params.a").size()', []),
        ("{'x': params.a}.x", [("params", ("a",), 6)]),
        ("([params.a])[0].b", [("params", ("a",), 2)]),
        ("params.a + params.a", [("params", ("a",), 0), ("params", ("a",), 11)]),
    ],
)  # fmt: skip
def test_references_name_what_an_expression_reads(source: str, expected: list[tuple[Any, ...]]) -> None:
    found = compile_expression(source).references
    assert {(one.root, one.path, one.position) for one in found} == set(expected)
    assert not any(one.code or one.guarded for one in found)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("has(params.a)", Reference("params", ("a",), 4, guarded=True)),
        ("has(tasks.a.output.b)", Reference("tasks", ("a", "output", "b"), 4, guarded=True)),
        ("has(params.rows[0].a)", Reference("params", ("rows",), 4)),
        ("tasks", Reference("tasks", (), 0, "dynamic_reference")),
        ("size(tasks)", Reference("tasks", (), 5, "dynamic_reference")),
        ("tasks[0]", Reference("tasks", (), 0, "dynamic_reference")),
        ("secrets", Reference("secrets", (), 0, "dynamic_reference")),
        ("secrets.token", Reference("secrets", ("token",), 0)),
        ('secrets["token"]', Reference("secrets", ("token",), 0)),
    ],
)
def test_a_reference_knows_when_it_is_guarded_or_cannot_be_followed(source: str, expected: Reference) -> None:
    assert compile_expression(source).references == {expected}


@pytest.mark.parametrize(
    "source",
    ["tasks[params.a].status", "secrets[params.a]", "(tasks)[params.a]", "secrets['to' + 'ken']", "(true ? tasks : tasks).a",
     "[secrets][0].token"],
)  # fmt: skip
def test_a_computed_name_below_tasks_or_secrets_is_marked(source: str) -> None:
    assert "dynamic_reference" in {one.code for one in compile_expression(source).references}


@given(root=st.sampled_from(ROOTS), offset=st.integers(0, 100))
def test_a_reference_moves_with_the_text_around_it(root: str, offset: int) -> None:
    assert Reference(root, ("a",), 3).moved(offset) == Reference(root, ("a",), 3 + offset)
