"""Two definitions side by side."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from editor.comparison import FieldDifference, compare
from editor.operations import OperationError, carry_out
from editor.operations.documents import ABSENT
from tests.unit.operation_strategies import drafts, operations

OLD: dict[str, Any] = {
    "name": "X",
    "tasks": {
        "a": {"name": "Load", "action": "agent_task"},
        "b": {"action": "api_call", "dependencies": ["a"], "parameters": {"url": "x"}},
        "c": {"action": "agent_task", "position": {"x": 0, "y": 0}},
    },
}


def told(*wishes: dict[str, Any]) -> list[tuple[str, str, list[tuple[str, Any, Any]]]]:
    found = compare(OLD, carry_out(OLD, wishes))
    return [(one.key, one.how, [(f.field, f.was, f.now) for f in one.fields]) for one in found]


def test_what_came_went_changed_and_only_moved() -> None:
    assert told({"op": "add", "key": "n", "task": {"action": "agent_task"}}) == [
        ("n", "added", [("action", ABSENT, "agent_task")])
    ]
    assert told({"op": "remove", "key": "a"}) == [
        ("b", "changed", [("runs after", "a", ABSENT)]),
        ("a", "removed", [("name", "Load", ABSENT), ("action", "agent_task", ABSENT)]),
    ]
    assert told({"op": "set", "key": "b", "field": ["parameters", "url"], "value": "y"}) == [
        ("b", "changed", [("parameters.url", "x", "y")])
    ]
    assert told({"op": "move", "positions": {"c": {"x": 5, "y": 0}}}) == [
        ("c", "moved", [("position.x", 0, 5)])
    ]
    assert told({"op": "move", "positions": {"c": None}}) == [
        ("c", "moved", [("position", {"x": 0, "y": 0}, ABSENT)])
    ]


def test_the_workflow_itself_comes_first() -> None:
    both = [
        {"op": "order", "key": "c", "before": "a"},
        {"op": "set", "field": ["name"], "value": "Y"},
        {"op": "set", "key": "a", "field": ["name"], "value": "Fetch"},
    ]
    assert told(*both) == [
        ("", "changed", [("order of tasks", "a, b, c", "c, a, b"), ("name", "X", "Y")]),
        ("a", "changed", [("name", "Load", "Fetch")]),
    ]
    assert compare(OLD, carry_out(OLD, both))[1].name == "Fetch"


@given(drafts(), st.lists(operations, max_size=4))
def test_anything_can_be_compared_and_nothing_with_itself(draft: dict[str, Any], wishes: list[Any]) -> None:
    after = draft
    for wish in wishes:
        try:
            after = carry_out(after, [wish])
        except OperationError:
            continue
    assert bool(compare(draft, after)) == (str(draft) != str(after))
    assert all(isinstance(field, FieldDifference) for one in compare(draft, after) for field in one.fields)
    assert compare(after, after) == []
