"""Fields describe parameters once: a value is judged by type, range and choices, before and after `{{ }}` is filled in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.definition.fields import Field, ParameterSchema, bare_expression, has_type, holds_template
from orchestrator.definition.issues import Issue
from tests.unit.definitions import VALUES, places

TYPES = ("string", "integer", "number", "boolean", "list", "map", "any", "expression")


@pytest.mark.parametrize(
    ("value", "kinds"),
    [
        (None, set()),
        (True, {"boolean"}),
        ("", {"string", "expression"}),
        (0, {"integer", "number"}),
        (2.0, {"integer", "number"}),
        (2.5, {"number"}),
        ([], {"list"}),
        ({}, {"map"}),
    ],
)
def test_a_value_has_only_the_types_that_fit_it(value: object, kinds: set[str]) -> None:
    assert {kind for kind in TYPES if has_type(value, kind)} == kinds | {"any"}


@pytest.mark.parametrize("value", [True, False, 2.5, "2", None, [2], float("inf"), float("nan")])
def test_a_whole_number_is_no_boolean_fraction_text_or_infinity(value: object) -> None:
    assert not has_type(value, "integer")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("{{ a }}", True), ("x {{ a", True), ("{ a }", False), ("", False), (["{{ a }}"], False), (None, False)],
)
def test_only_text_with_opening_braces_holds_a_template(value: object, expected: bool) -> None:
    assert holds_template(value) is expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ a == 1 }}", "a == 1"),
        ("  {{a}}\n", "a"),
        ("a == 1", "a == 1"),
        (" a ", " a "),
        ("{{ a", "{{ a"),
        ("{{}}", ""),
    ],
)
def test_braces_around_a_whole_expression_are_taken_off(source: str, expected: str) -> None:
    assert bare_expression(source) == expected


# One field ---------------------------------------------------------------------------------------------

WRONG = [
    (Field("n", "integer"), "1", "wrong_type", "p.n", "This must be a whole number; it is '1'."),
    (Field("n", "integer"), True, "wrong_type", "p.n", "it is true"),
    (Field("n", "integer"), 1.5, "wrong_type", "p.n", "it is 1.5"),
    (Field("n", "number"), "x", "wrong_type", "p.n", "a number"),
    (Field("n", "string"), 1, "wrong_type", "p.n", "text"),
    (Field("n", "boolean"), 0, "wrong_type", "p.n", "true or false"),
    (Field("n", "list"), {}, "wrong_type", "p.n", "a list; it is a map of 0"),
    (Field("n", "map"), [], "wrong_type", "p.n", "a map; it is a list of 0"),
    (Field("n", "expression"), 1, "wrong_type", "p.n", "an expression"),
    (Field("n", "string", required=True), None, "wrong_type", "p.n", "null"),
    (
        Field("n", "integer", minimum=1, maximum=9),
        0,
        "out_of_range",
        "p.n",
        "N must be from 1 to 9; it is 0.",
    ),
    (Field("n", "integer", minimum=1), 0, "out_of_range", "p.n", "at least 1"),
    (
        Field("n", "number", minimum=0.1, maximum=2_678_400),
        0,
        "out_of_range",
        "p.n",
        "from 0.1 to 2,678,400; it is 0",
    ),
    (Field("n", "number", maximum=1), 1.01, "out_of_range", "p.n", "at most 1"),
    (
        Field("n", "list", minimum=1, label="Names"),
        [],
        "out_of_range",
        "p.n",
        "Names must number at least 1; there are 0.",
    ),
    (Field("n", "map", maximum=1), {"a": 1, "b": 2}, "out_of_range", "p.n", "at most 1; there are 2"),
    (Field("n", "string", max_length=3), "four", "too_long", "p.n", "At most 3 characters; these are 4."),
    (Field("n", "string", enum=("read", "write")), "raed", "not_in_enum", "p.n", "Did you mean 'read'?"),
    (Field("n", "string", enum=("a", "b")), "z", "not_in_enum", "p.n", "none of the choices: a, b."),
    (Field("n", "any", enum=(1, 2)), 3, "not_in_enum", "p.n", "choices: 1, 2"),
    (Field("n", "list", items="string"), ["a", 1], "wrong_type", "p.n[1]", "text; it is 1"),
    (Field("n", "map", items="expression"), {"a b": 1}, "wrong_type", "p.n['a b']", "an expression"),
    (Field("n", "boolean", templated=False), "{{ a }}", "not_templated", "p.n", "N cannot hold {{ }}"),
]


@pytest.mark.parametrize(("field", "value", "code", "path", "words"), WRONG)
def test_a_wrong_value_is_reported_where_it_stands(
    field: Field, value: Any, code: str, path: str, words: str
) -> None:
    issues = field.check(value, "p.n")
    assert places(issues) == {(code, path)}
    assert words in issues[0].message


def test_the_nearest_choice_is_the_hint() -> None:
    field = Field("operation", "string", enum=("read", "write"))
    assert [issue.hint for issue in field.check("wirte", "p")] == ["write"]
    assert [issue.hint for issue in field.check("w" * 100, "p")] == [""]


def test_several_faults_of_one_value_are_all_reported() -> None:
    field = Field("n", "list", maximum=2, items="integer")
    assert places(field.check(["a", 1, "b"], "n")) == {
        ("out_of_range", "n"),
        ("wrong_type", "n[0]"),
        ("wrong_type", "n[2]"),
    }


def test_a_value_that_is_not_known_yet_is_judged_later() -> None:
    field = Field("n", "integer", maximum=5)
    assert field.check("{{ params.n }}", "n") == []
    assert places(field.check("{{ params.n }}", "n", resolved=True)) == {("wrong_type", "n")}
    listed = Field("n", "list", items="integer")
    assert listed.check(["{{ a }}"], "n") == []
    assert places(listed.check(["{{ a }}"], "n", resolved=True)) == {("wrong_type", "n[0]")}


def test_what_is_not_required_may_be_null() -> None:
    assert Field("n", "integer", minimum=1).check(None, "n") == []


def test_a_boolean_is_not_among_the_numbers_one_may_choose() -> None:
    assert places(Field("n", "any", enum=(1, 2)).check(True, "n")) == {("not_in_enum", "n")}


def test_a_label_is_made_of_the_name_where_there_is_none() -> None:
    assert Field("max_bytes", "integer").title == "Max bytes"
    assert Field("max_bytes", "integer", label="Size").title == "Size"


@given(st.sampled_from(TYPES), VALUES, st.booleans())
def test_whatever_the_value_a_field_has_an_answer(kind: Any, value: Any, resolved: bool) -> None:
    field = Field("n", kind, enum=("a", 1), minimum=0, maximum=3, max_length=4, items="integer")
    assert all(isinstance(issue, Issue) for issue in field.check(value, "n", resolved=resolved))


# Many fields -------------------------------------------------------------------------------------------

SCHEMA = ParameterSchema(
    (
        Field("path", "string", "Where.", required=True),
        Field("size", "integer", default=3),
        Field("when", "expression"),
        Field("checks", "map", items="expression"),
        Field("each", "list", items="expression"),
    )
)


def test_what_is_required_is_missed() -> None:
    assert [str(issue) for issue in SCHEMA.check({}, "p")] == ["p.path: 'path' is missing. Where."]
    assert places(SCHEMA.check({"path": None}, "p")) >= {("missing_parameter", "p.path")}


def test_an_unknown_parameter_is_a_warning_with_the_nearest_name() -> None:
    issues = SCHEMA.check({"path": "a", "siez": 1}, "p")
    assert [(issue.code, issue.severity, issue.hint) for issue in issues] == [
        ("unknown_parameter", "warning", "size")
    ]
    assert ParameterSchema(SCHEMA.fields, open=True).check({"path": "a", "siez": 1}, "p") == []


def test_rules_across_fields_wait_until_each_is_right() -> None:
    asked = []

    def rule(value: dict[str, Any], path: str) -> list[Issue]:
        asked.append(value)
        return [Issue(path, "odd", "Odd.")]

    schema = ParameterSchema((Field("n", "integer"),), rules=(rule,))
    assert places(schema.check({"n": "x"}, "p")) == {("wrong_type", "p.n")}
    assert asked == []
    assert places(schema.check({"n": 1, "other": 2}, "p")) == {("odd", "p"), ("unknown_parameter", "p.other")}
    assert asked == [{"n": 1, "other": 2}]


def test_defaults_stand_in_for_what_is_not_given() -> None:
    assert SCHEMA.with_defaults({"path": "a"}) == {"path": "a", "size": 3}
    assert SCHEMA.with_defaults({"size": None}) == {"size": 3}
    assert SCHEMA.with_defaults({"size": 0, "path": None}) == {"size": 0, "path": None}


def test_expressions_are_found_where_they_stand() -> None:
    given_values = {
        "path": "{{ no }}",
        "when": "{{ a }}",
        "checks": {"x y": "b", "n": 1},
        "each": ["c", 2, "{{d}}"],
    }
    assert list(SCHEMA.expressions(given_values, "p")) == [
        ("p.when", "a"),
        ("p.checks['x y']", "b"),
        ("p.each[0]", "c"),
        ("p.each[2]", "d"),
    ]
    assert list(SCHEMA.expressions({"when": 1, "checks": "b", "each": None}, "p")) == []


def test_a_field_is_found_by_its_name() -> None:
    assert SCHEMA.field("size") is SCHEMA.fields[1]
    assert SCHEMA.field("none") is None
