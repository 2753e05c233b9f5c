"""condition_check as the engine settles it: values, failures, and nothing false by accident."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.definition.expressions import ExpressionError
from orchestrator.planning.inline import evaluate_check, references

CONTEXT = {
    "params": {"region": "eu", "strict": True},
    "tasks": {
        "load": {"status": "completed", "output": {"rows": 5, "tags": ["a"]}, "error": None, "attempts": 1}
    },
}


@pytest.mark.parametrize(
    ("parameters", "output"),
    [
        (
            {"checks": {"large": "tasks.load.output.rows > 3", "where": "params.region"}},
            {"large": True, "where": "eu"},
        ),
        ({"checks": {"large": "{{ tasks.load.output.rows > 3 }}"}}, {"large": True}),
        ({"checks": {"tags": "tasks.load.output.tags"}}, {"tags": ["a"]}),
        ({"expression": "tasks.load.output.rows * 2"}, {"result": 10}),
        ({"expression": " {{ params.strict }} "}, {"result": True}),
        ({"expression": "false"}, {"result": False}),
        (
            {"checks": {"a": "0", "b": "''", "c": "null", "d": "[]"}, "fail_when_false": True},
            {"a": 0, "b": "", "c": None, "d": []},
        ),
        ({"check_type": "quality", "min_score": 0.8}, {"check_type": "quality", "min_score": 0.8}),
        ({"check_type": "size", "limit": "{{ tasks.load.output.rows }}"}, {"check_type": "size", "limit": 5}),
        ({"check_type": "x", "fail_when_false": True}, {"check_type": "x"}),
    ],
    ids=str,
)
def test_a_check_completes_with_its_values(parameters: dict[str, Any], output: dict[str, Any]) -> None:
    assert evaluate_check(parameters, CONTEXT) == {"output": output, "failed": None}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"checks": {"a": "true", "b": "false", "c": "1 > 2"}}, "Not true: b, c."),
        ({"expression": "false"}, "Not true: result."),
        ({"expression": "false", "message": "Only {{ tasks.load.output.rows }} rows."}, "Only 5 rows."),
        ({"expression": "false", "message": "{{ tasks.load.output.rows }}"}, "5"),
    ],
    ids=str,
)
def test_a_check_may_fail_when_a_value_is_false(parameters: dict[str, Any], message: str) -> None:
    outcome = evaluate_check({"fail_when_false": True, **parameters}, CONTEXT)
    assert outcome["failed"] == {"code": "check_failed", "message": message}
    assert outcome["output"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"expression": "tasks.lod.output.rows > 3"},
        {"expression": "tasks.load.output.size > 3"},
        {"expression": "tasks.load.output.rows > 'x'"},
        {"expression": "1 / 0 > 1"},
        {"expression": "1 +"},
        {"checks": {"fine": "true", "broken": "params.nothing"}},
        {"check_type": "size", "limit": "{{ params.nothing }}"},
        {"check_type": "size", "limit": "{{ params."},
        {"expression": "false", "fail_when_false": True, "message": "{{ params.nothing }}"},
    ],
    ids=str,
)
def test_what_cannot_be_evaluated_fails_and_is_never_false(parameters: dict[str, Any]) -> None:
    failed = evaluate_check(parameters, CONTEXT)["failed"]
    assert failed is not None
    assert failed["code"] == "condition_error"


def test_the_error_names_the_check_and_what_was_found_before_is_kept() -> None:
    outcome = evaluate_check({"checks": {"fine": "true", "broken": "params.nothing"}}, CONTEXT)
    assert outcome["output"] == {"fine": True}
    assert outcome["failed"] is not None
    assert outcome["failed"]["message"].startswith("broken: ")


def test_the_tasks_that_a_check_names_are_known_beforehand() -> None:
    found = references({"checks": {"a": "tasks.load.output.rows > 3", "b": "{{ params.region == 'eu' }}"}})
    assert {(reference.root, *reference.path[:1]) for reference in found} == {
        ("tasks", "load"),
        ("params", "region"),
    }
    assert references({"check_type": "x"}) == frozenset()


def test_so_are_the_tasks_that_its_texts_name() -> None:
    found = references(
        {"expression": "true", "message": "{{ tasks.a.output }}", "limit": "{{ tasks.b.output }}"}
    )
    assert {reference.path[0] for reference in found} == {"a", "b"}


def test_references_of_a_broken_expression_are_an_error() -> None:
    with pytest.raises(ExpressionError):
        references({"expression": "1 +"})
