"""What an expression is worth: literals, operators, functions and paths, each kind on its own."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import pytest

from orchestrator.definition.expressions import ExpressionError, compile_expression, holds

CONTEXT: Final = {
    "params": {
        "region": "eu",
        "limit": 3,
        "ratio": 2.5,
        "strict": True,
        "note": None,
        "rows": [{"id": 7, "tags": ["a", "b"]}, {"id": 8, "tags": []}],
        "labels": {"a b": "x", "in": 1, "limit": 4},
        "key": "limit",
    },
    "tasks": {
        "load": {"status": "completed", "output": {"score": 80, "mean": 80.0}, "error": None, "attempts": 1}
    },
    "item": "ITEM",
    "index": 1,
    "now": "2026-01-01T00:00:00+00:00",
}
LARGEST, LEAST = 2**63 - 1, -(2**63)


def value_of(source: str, context: dict[str, Any] = CONTEXT) -> Any:
    return compile_expression(source).evaluate(context)


def assert_value(source: str, expected: Any) -> None:
    """Equal and of the same kind: in a test 1, 1.0 and true are three things."""
    found = value_of(source)
    assert (found, type(found)) == (expected, type(expected))


def code_of(source: str, context: dict[str, Any] = CONTEXT) -> str:
    """The code with which an expression fails, when it is compiled or evaluated."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source).evaluate(context)
    return caught.value.code


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("0", 0),
        ("007", 7),
        ("-5", -5),
        ("9223372036854775807", LARGEST),
        ("-9223372036854775808", LEAST),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
        ("-2.5", -2.5),
        ('"text"', "text"),
        ("'text'", "text"),
        ('""', ""),
        ('"it\'s"', "it's"),
        (r'"say \"hi\""', 'say "hi"'),
        (r"'it\'s'", "it's"),
        (r'"\a\b\f\n\r\t\v\\\?\`"', "\a\b\f\n\r\t\v\\?`"),
        (r'"\x41\u00e9\U0001F600\101"', "Aé😀A"),
        ('"é😀"', "é😀"),
        ('"{{ }} # //"', "{{ }} # //"),
        ("[]", []),
        ("[1, 'a', null, [2.5]]", [1, "a", None, [2.5]]),
        ("[1,]", [1]),
        ("{}", {}),
        ('{"a": 1, "b": {"c": [true]},}', {"a": 1, "b": {"c": [True]}}),
        ('{"a" + "b": 1}', {"ab": 1}),
        (" \t\r\n\f 1 \n", 1),
        ("((((1))))", 1),
    ],
)
def test_a_literal_is_its_value(source: str, expected: Any) -> None:
    assert_value(source, expected)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2", 3),
        ("1 + 2.0", 3.0),
        ("0.5 + 0.5", 1.0),
        ("5 - 7", -2),
        ("2 * 3", 6),
        ("2 * 1.5", 3.0),
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("7 / -2", -3),
        ("-7 / -2", 3),
        ("7 / 2.0", 3.5),
        ("7 % 3", 1),
        ("-7 % 3", -1),
        ("7 % -3", 1),
        ("-7 % -3", -1),
        ("9223372036854775807 / 10", 922337203685477580),
        ("-9223372036854775808 / 10", -922337203685477580),
        ("9007199254740993 / 1", 9007199254740993),
        ('"a" + "b"', "ab"),
        ("[1] + [2, 3]", [1, 2, 3]),
        ("-params.limit", -3),
        ("--1", 1),
        ("-params.ratio", -2.5),
        ("1 == 1.0", True),
        ("1 == true", False),
        ("0 == false", False),
        ('1 == "1"', False),
        ("null == false", False),
        ("null == null", True),
        ("null != null", False),
        ("[1, 2] == [1.0, 2]", True),
        ("[1] == [true]", False),
        ("[1, 2] == [2, 1]", False),
        ("[1] == [1, 2]", False),
        ('{"a": 1, "b": 2} == {"b": 2.0, "a": 1}', True),
        ('{"a": 1} == {"a": true}', False),
        ('{"a": 1} == {"b": 1}', False),
        ("[] == {}", False),
        ("9007199254740993 == 9007199254740992.0", False),
        ("2 < 2.5", True),
        ("3 <= 3.0", True),
        ("3 > 2.5", True),
        ("2 >= 2.5", False),
        ('"a" < "b"', True),
        ('"B" < "a"', True),
        ('"a" <= ""', False),
        ("false < true", True),
        ("1 in [1.0, 2]", True),
        ("true in [1]", False),
        ("null in [null]", True),
        ("[1] in [[1], 2]", True),
        ('"a" in []', False),
        ('"region" in params', True),
        ('"nothing" in params', False),
        ("1 in params", False),
        ("true in params", False),
        ("!true", False),
        ("!!true", True),
        ("!(1 > 2)", True),
        ("true && true", True),
        ("true && false", False),
        ("false || true", True),
        ("false || false || false", False),
        ("true ? 1 : 2", 1),
        ("false ? 1 : 2", 2),
    ],
)
def test_an_operator_has_one_meaning(source: str, expected: Any) -> None:
    assert_value(source, expected)


@pytest.mark.parametrize(
    ("source", "bracketed"),
    [
        ("1 + 2 * 3", "1 + (2 * 3)"),
        ("1 - 2 - 3", "(1 - 2) - 3"),
        ("100 / 5 / 2", "(100 / 5) / 2"),
        ("100 / 5 * 2", "(100 / 5) * 2"),
        ("7 % 4 * 2", "(7 % 4) * 2"),
        ("-2 * 3 + 1", "((-2) * 3) + 1"),
        ("-params.rows[0].id", "-(params.rows[0].id)"),
        ("1 + 1 == 2", "(1 + 1) == 2"),
        ("1 + 1 in [2]", "(1 + 1) in [2]"),
        ("[1] + [2] == [1, 2]", "([1] + [2]) == [1, 2]"),
        ("false == true || true", "(false == true) || true"),
        ("true || true && false", "true || (true && false)"),
        ("true && false || true", "(true && false) || true"),
        ("!false && false", "(!false) && false"),
        ("!true == false", "(!true) == false"),
        ('!"a".contains("b")', '!("a".contains("b"))'),
        ("false && true ? 1 : 2", "(false && true) ? 1 : 2"),
        ("true ? 1 : 2 + 3", "true ? 1 : (2 + 3)"),
        ("false ? 1 : true ? 2 : 3", "false ? 1 : (true ? 2 : 3)"),
        ("true ? 1 : false ? 2 : 3", "true ? 1 : (false ? 2 : 3)"),
    ],
)
def test_a_tighter_operator_goes_first(source: str, bracketed: str) -> None:
    assert_value(source, value_of(bracketed))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # What decides does so whether it comes first or last, as in CEL …
        ("true || 1 / 0 > 1", True),
        ("1 / 0 > 1 || true", True),
        ("params.nothing == 1 || true", True),
        ("false && params.nothing == 1", False),
        ("params.nothing == 1 && false", False),
        ("1 && false", False),
        ('"x" || true', True),
        ("1 / 0 > 1 || false || true", True),
        ("false || (params.nothing && false)", False),
        # … and what is not chosen is not asked.
        ("true ? 1 : 1 / 0", 1),
        ("false ? params.nothing : 2", 2),
        ("has(params.nothing) && params.nothing > 1", False),
        ("!has(params.nothing) || params.nothing > 1", True),
    ],
)
def test_an_operand_that_decides_absorbs_the_errors_of_the_others(source: str, expected: bool) -> None:
    assert_value(source, expected)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("params.nothing == 1 || false", "missing"),
        ("false || params.nothing == 1", "missing"),
        ("true && params.nothing == 1", "missing"),
        ("1 && true", "type"),
        ("true && 1", "type"),
        ('false || "x"', "type"),
        # The first error is the one reported.
        ("1 / 0 > 1 || params.nothing", "division_by_zero"),
        ("params.nothing || 1 / 0 > 1", "missing"),
        ("params.nothing ? 1 : 1", "missing"),
        ("[1 / 0] == [] || false", "division_by_zero"),
    ],
)
def test_an_error_that_nothing_decides_over_remains_one(source: str, code: str) -> None:
    assert code_of(source) == code


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("params.region", "eu"),
        ('params["region"]', "eu"),
        ("params['labels']['a b']", "x"),
        ('params.labels["in"]', 1),
        ("params.rows[1].id", 8),
        ("params.rows[0].tags[1]", "b"),
        ("params.rows[index].id", 8),
        ("params.rows[params.limit - 3].id", 7),
        ("params[params.key]", 3),
        ("params.labels[params.key]", 4),
        ("tasks.load.output.score", 80),
        ("tasks['load'].error", None),
        ("item", "ITEM"),
        ("now", "2026-01-01T00:00:00+00:00"),
        ("[10, 20][1]", 20),
        ('{"a": {"b": 2}}.a.b', 2),
        ('{"a": 1}["a"]', 1),
        ("([1] + [2])[1]", 2),
        ("(true ? params : params).limit", 3),
    ],
)
def test_a_path_leads_to_a_value(source: str, expected: Any) -> None:
    assert_value(source, expected)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("has(params.region)", True),
        ("has(params.note)", True),
        ("has(params.nothing)", False),
        ("has(params.labels.limit)", True),
        ('has(params.labels["a b"])', True),
        ("has(params.rows[0].id)", True),
        ("has(params.rows[0].nothing)", False),
        ('has({"a": 1}.a)', True),
    ],
)
def test_has_asks_whether_the_last_name_is_there(source: str, expected: bool) -> None:
    assert_value(source, expected)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("has(params.nothing.at)", "missing"),
        ("has(params.rows[9].id)", "missing"),
        ("has(params.region.at)", "type"),
        ("has(params.note.at)", "type"),
        ("has(params.rows.id)", "type"),
        ("has(params)", "syntax"),
        ("has(params.rows[0])", "syntax"),
        ("has(1)", "syntax"),
        ("has()", "syntax"),
        ("has(params.a, params.b)", "syntax"),
        ("params.has(region)", "unknown_name"),
        ("params.has(params.region)", "syntax"),
    ],
)
def test_has_forgives_nothing_further_up(source: str, code: str) -> None:
    assert code_of(source) == code


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('size("")', 0),
        ('size("naïve😀")', 6),
        ("size([1, 2])", 2),
        ("size({})", 0),
        ("params.rows.size()", 2),
        ('"abc".size()', 3),
        ('"abc".contains("b")', True),
        ('"abc".contains("")', True),
        ('"abc".contains("B")', False),
        ('"abc".contains("a.c")', False),
        ('"abc".startsWith("ab")', True),
        ('"abc".startsWith("bc")', False),
        ('"abc".endsWith("bc")', True),
        ('"abc".endsWith("ab")', False),
        ('"ÀBC-Z[".lowerAscii()', "Àbc-z["),
        ('"İKς".lowerAscii()', "İKς".replace("K", "k")),
        ("item.lowerAscii().size()", 4),
        ("int(3)", 3),
        ("int(2.9)", 2),
        ("int(-2.9)", -2),
        ("int(-0.0)", 0),
        ('int("12")', 12),
        ('int("-012")', -12),
        ('int("+3")', 3),
        ("double(3)", 3.0),
        ("double(2.5)", 2.5),
        ('double("1e3")', 1000.0),
        ('double("-.5")', -0.5),
        ('double("5.")', 5.0),
        ("string(12)", "12"),
        ("string(-0.0)", "-0"),
        ("string(3.0)", "3"),
        ("string(2.5)", "2.5"),
        ("string(1e15)", "1000000000000000"),
        ("string(1e20)", "1e+20"),
        ("string(1e-7)", "1e-07"),
        ("string(true)", "true"),
        ("string(false)", "false"),
        ('string("x")', "x"),
    ],
)
def test_a_function_gives_its_result(source: str, expected: Any) -> None:
    assert_value(source, expected)


@pytest.mark.parametrize(
    "source",
    [
        "size(1)", "size(null)", "size(true)", "params.limit.size()", '"a".contains(1)', '[1].contains("a")',
        'params.note.startsWith("a")', '"a".startsWith(null)', '"a".endsWith(true)', "true.endsWith(true)",
        "1.lowerAscii()", "[].lowerAscii()", "int(true)", "int(null)", 'int("")', 'int(" 1")', 'int("1 ")', 'int("1.5")',
        'int("١")', 'int("1_0")', 'int("0x1")', "int([])", "double(true)", "double(null)", 'double("")', 'double(".")',
        'double("e3")', 'double("inf")', 'double("nan")', 'double("1_0")', 'double("１")', "string(null)", "string([1])",
        "string({})", '1 + "a"', '"a" + 1', '"a" + null', "[1] + 1", "{} + {}", "null + null", "true + true", '"a" - "a"',
        '"a" * 2', "[1] * 2", "true * 2", "1 / true", "null / 1", "1.5 % 2", "1 % 2.0", '"%s" % 1', '-"a"', "-true", "-null",
        "-[]", "!1", "!null", '!""', '1 < "a"', "null < null", "[1] < [2]", "{} < {}", "true < 1", '1 in "1"',
        '"a" in "abc"', "1 in 1", "1 in null", "null in params", "1.0 in params", "[] in params", "{} in params", "1 ? 2 : 3",
        "null ? 2 : 3", '"a"[0]', "params[1]", "params[1.0]", "params[null]", "params[true]", 'params.rows["0"]',
        "params.rows[0.0]", "params.rows[true]", "params.rows.id", "params.limit.x", "params.note.x", "item.x",
        "{1: 2}", "{true: 1}", "{null: 1}", "{params.limit: 1}", '{"a": 1, "a": 2}', '{"a": 1, "" + "a": 2}',
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_a_type_error(source: str) -> None:
    assert code_of(source) == "type"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("1 / 0", "division_by_zero"),
        ("1 % 0", "division_by_zero"),
        ("1.0 / 0", "division_by_zero"),
        ("1 / 0.0", "division_by_zero"),
        ("0.0 / -0.0", "division_by_zero"),
        ("9223372036854775807 + 1", "overflow"),
        ("-9223372036854775808 - 1", "overflow"),
        ("9223372036854775807 * 2", "overflow"),
        ("-9223372036854775808 / -1", "overflow"),
        ("-9223372036854775808 % -1", "overflow"),
        ("-(-9223372036854775808)", "overflow"),
        ("9223372036854775808", "overflow"),
        ("-9223372036854775809", "overflow"),
        ("1e308 * 10", "overflow"),
        ("1e308 + 1e308", "overflow"),
        ("-1e308 - 1e308", "overflow"),
        ("1e308 / 0.1", "overflow"),
        ("1e309", "overflow"),
        ("int(1e19)", "overflow"),
        ("int(9223372036854775808.0)", "overflow"),
        ("int(-9223372036854775808.0)", "overflow"),
        ('int("9223372036854775808")', "overflow"),
        ('double("1e309")', "overflow"),
    ],
)
def test_a_number_that_cannot_be_kept_is_an_error(source: str, code: str) -> None:
    assert code_of(source) == code


@pytest.mark.parametrize(
    "source",
    [
        "params.nothing",
        "params.nothing == null",
        "params.nothing != 1",
        "params.nothing < 1",
        "params.nothing in [1]",
        "1 in params.nothing",
        "!params.nothing",
        "params.nothing.at",
        'params["nothing"]',
        "params[params.region]",
        "params.rows[2]",
        "params.rows[-1]",
        "params.rows[9223372036854775807]",
        "params.rows[0].nothing",
        "tasks.nothing.status",
        "tasks.load.output.nothing > 1",
        "size(params.nothing)",
        "string(params.nothing)",
        'params.nothing.contains("a")',
        "[params.nothing]",
        '{"a": params.nothing}',
        "run.id",
        "secrets.token",
        "{}.a",
        "[][0]",
    ],
)
def test_what_is_missing_is_an_error_and_never_false(source: str) -> None:
    assert code_of(source) == "missing"


@pytest.mark.parametrize(("source", "expected"), [("params.limit > 2", True), ("params.limit > 3", False)])
def test_a_condition_holds_or_not(source: str, expected: bool) -> None:
    assert holds(compile_expression(source), CONTEXT) is expected


@pytest.mark.parametrize("source", ["1", "0", '""', "null", "[]", "params.rows", '"true"'])
def test_a_condition_knows_no_truthiness(source: str) -> None:
    with pytest.raises(ExpressionError, match="expected true or false"):
        holds(compile_expression(source), CONTEXT)


class Status(StrEnum):
    COMPLETED = "completed"


@pytest.mark.parametrize(
    "source",
    ['item == "completed"', 'item in ["completed"]', 'item.startsWith("comp")', 'item + "" == "completed"'],
)
def test_an_enumeration_of_strings_is_a_string(source: str) -> None:
    assert value_of(source, {"item": Status.COMPLETED}) is True


@pytest.mark.parametrize(
    ("item", "source", "code"),
    [
        (float("nan"), "item", "overflow"),
        (float("inf"), "item + 1", "overflow"),
        (float("inf"), "int(item)", "overflow"),
        (float("nan"), "int(item)", "overflow"),
        (float("nan"), "string(item)", "overflow"),
        (float("inf"), "double(item)", "overflow"),
        (10**400, "item + 1.0", "overflow"),
        (10**400, "double(item)", "overflow"),
        (10**5000, "string(item)", "overflow"),
        (10**5000, "int(item)", "overflow"),
        (object(), "item", "type"),
        (object(), "item.__class__", "type"),
        ({1, 2}, "item", "type"),
        ((1, 2), "size(item)", "type"),
        (b"bytes", "item.size()", "type"),
        (lambda: 1, "item == 1 ? 1 : item", "type"),
    ],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
def test_what_json_cannot_hold_is_refused(item: Any, source: str, code: str) -> None:
    assert code_of(source, {"item": item}) == code
