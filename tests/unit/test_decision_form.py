"""The form of a decision as the definition has it: what is refused where, and what values may be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.definition.decision_form import (
    edit_faults,
    editable_faults,
    editable_names,
    fields_of,
    filled_in,
    form_faults,
    value_faults,
)

AMOUNT = {"name": "amount", "type": "number"}


def places(issues: Any) -> list[tuple[str, str]]:
    return [(issue.path, issue.code) for issue in issues if issue.severity == "error"]


FORMS = [
    pytest.param([], [], id="empty"),
    pytest.param("{{ params.form }}", [], id="known later"),
    pytest.param([AMOUNT, {"name": "why", "type": "text", "on": "both"}], [], id="sound"),
    pytest.param(
        [{**AMOUNT, "default": "{{ params.sum }}", "min": "{{ params.least }}"}], [], id="templates"
    ),
    pytest.param({"amount": {}}, [("form", "wrong_type")], id="a map"),
    pytest.param([AMOUNT] * 51, [("form", "out_of_range")], id="too many"),
    pytest.param(["amount"], [("form[0]", "wrong_type")], id="a name alone"),
    pytest.param([{"type": "number"}], [("form[0].name", "missing_parameter")], id="no name"),
    pytest.param([{"name": "a b"}], [("form[0].name", "bad_name")], id="no such name"),
    pytest.param([{"name": "a-b"}], [("form[0].name", "bad_name")], id="a name that is a subtraction"),
    pytest.param([{"name": "__proto__"}], [("form[0].name", "bad_name")], id="a name that no browser takes"),
    pytest.param([{"name": "{{ params.n }}"}], [("form[0].name", "not_templated")], id="a name known later"),
    pytest.param([AMOUNT, AMOUNT], [("form[1].name", "duplicate")], id="twice"),
    pytest.param([{**AMOUNT, "typ": 1}], [("form[0].typ", "unknown_field")], id="unknown"),
    pytest.param([{"name": "a", "type": "float"}], [("form[0].type", "not_in_enum")], id="no such type"),
    pytest.param([{**AMOUNT, "on": "approved"}], [("form[0].on", "not_in_enum")], id="no such decision"),
    pytest.param([{**AMOUNT, "required": "yes"}], [("form[0].required", "wrong_type")], id="not required"),
    pytest.param([{**AMOUNT, "min": 5, "max": 1}], [("form[0].max", "out_of_range")], id="no number fits"),
    pytest.param([{"name": "a", "min": 1}], [("form[0].min", "not_a_number")], id="a least text"),
    pytest.param([{**AMOUNT, "max_length": 9}], [("form[0].max_length", "not_text")], id="a long number"),
    pytest.param([{"name": "a", "type": "enum"}], [("form[0].enum", "missing_parameter")], id="no choices"),
    pytest.param(
        [{"name": "a", "type": "enum", "enum": ["x", None]}],
        [("form[0].enum[1]", "wrong_type")],
        id="no choice",
    ),
    pytest.param(
        [{"name": "a", "type": "date", "enum": ["x"]}],
        [("form[0].enum", "no_choices")],
        id="chosen dates",
    ),
    pytest.param([{**AMOUNT, "default": "5"}], [("form[0].default", "wrong_type")], id="a default of text"),
    pytest.param(
        [{**AMOUNT, "max": 5, "default": 6}], [("form[0].default", "out_of_range")], id="a default beyond"
    ),
    pytest.param(
        [{"name": "a", "type": "date", "default": "2026-02-30"}],
        [("form[0].default", "wrong_type")],
        id="a day that is none",
    ),
]


@pytest.mark.parametrize(("form", "found"), FORMS)
def test_a_form_is_refused_in_its_places(form: Any, found: list[tuple[str, str]]) -> None:
    assert places(form_faults(form, "form")) == found


FORM = [
    {"name": "amount", "type": "number", "min": 0, "max": 10, "required": True},
    {"name": "count", "type": "integer"},
    {"name": "sure", "type": "boolean"},
    {"name": "day", "type": "date"},
    {"name": "of", "type": "enum", "enum": ["A", 1]},
    {"name": "who", "max_length": 3},
]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        pytest.param({"amount": 1}, [], id="what is required"),
        pytest.param(
            {"amount": 0.5, "count": 2, "sure": False, "day": "2026-12-24", "of": 1, "who": "ann"},
            [],
            id="all",
        ),
        pytest.param({"amount": 1, "count": None, "who": ""}, [], id="what is left empty"),
        pytest.param({}, [("f.amount", "missing_parameter")], id="nothing"),
        pytest.param({"amount": None}, [("f.amount", "missing_parameter")], id="null"),
        pytest.param({"amount": 11}, [("f.amount", "out_of_range")], id="too much"),
        pytest.param({"amount": True}, [("f.amount", "wrong_type")], id="true"),
        pytest.param({"amount": 1, "count": 2.5}, [("f.count", "wrong_type")], id="a part"),
        pytest.param({"amount": 1, "sure": 1}, [("f.sure", "wrong_type")], id="one for true"),
        pytest.param({"amount": 1, "day": "24.12.2026"}, [("f.day", "wrong_type")], id="a day otherwise"),
        pytest.param({"amount": 1, "day": "20261224"}, [("f.day", "wrong_type")], id="a day in short"),
        pytest.param({"amount": 1, "of": True}, [("f.of", "not_in_enum")], id="true is not one"),
        pytest.param({"amount": 1, "who": "anna"}, [("f.who", "too_long")], id="too long"),
        pytest.param({"amount": 1, "whom": "x"}, [("f.whom", "unknown_field")], id="unknown"),
    ],
)
def test_values_are_refused_in_their_places(values: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert places(value_faults(fields_of(FORM, "approve"), values, "f")) == found


def test_a_form_has_the_fields_of_its_decision() -> None:
    form = [AMOUNT, {"name": "why", "on": "reject"}, {"name": "note", "on": "both", "default": "-"}]
    assert [field.name for field in fields_of(form, "approve")] == ["amount", "note"]
    assert [field.name for field in fields_of(form, "reject")] == ["why", "note"]
    assert filled_in(fields_of(form, "approve"), {"note": None}) == {"amount": None, "note": "-"}


@pytest.mark.parametrize(
    ("editable", "data", "found"),
    [
        pytest.param(None, {}, [], id="nothing"),
        pytest.param(True, None, [], id="all"),
        pytest.param(["a"], {"a": 1}, [], id="one"),
        pytest.param(["a"], "{{ params.data }}", [], id="data known later"),
        pytest.param(["{{ params.a }}"], {"a": 1}, [], id="a name known later"),
        pytest.param("a", {"a": 1}, [("e", "wrong_type")], id="a name alone"),
        pytest.param(["b"], {"a": 1}, [("e[0]", "unknown_field")], id="not there"),
        pytest.param(["a"], None, [("e[0]", "unknown_field")], id="no data"),
    ],
)
def test_what_may_be_changed_is_there(editable: Any, data: Any, found: list[tuple[str, str]]) -> None:
    assert places(editable_faults(editable, data, "e")) == found


def test_facts_that_may_be_changed_stand_in_the_order_of_data() -> None:
    assert editable_names({"data": {"a": 1, "b": 2, "c": 3}, "editable": ["c", "a"]}) == ["a", "c"]
    assert editable_names({"data": {"a": 1}, "editable": True}) == ["a"]
    assert editable_names({"data": [1], "editable": True}) == []


KINDS = {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "map"}
VALUES = st.one_of(
    st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.just([]), st.just({})
)


@given(VALUES, VALUES)
def test_an_edit_is_of_the_kind_of_what_it_changes(before: Any, after: Any) -> None:
    found = edit_faults({"data": {"a": before}, "editable": True}, {"a": after}, "e")
    assert bool(found) == (KINDS[type(before)] != KINDS[type(after)])
