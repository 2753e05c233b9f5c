"""Two definitions side by side."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from editor.comparison import FieldDifference, compare, counts, renamings
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


def test_a_task_with_another_key_is_renamed_and_whoever_names_it_is_the_same() -> None:
    assert told({"op": "rename", "key": "a", "to": "fetch"}) == [
        ("fetch", "renamed", [("key", "a", "fetch")])
    ]
    both = [
        {"op": "rename", "key": "a", "to": "fetch"},
        {"op": "rename", "key": "b", "to": "ask"},
        {"op": "move", "positions": {"ask": {"x": 1, "y": 2}}},
    ]
    assert [(key, how) for key, how, _ in told(*both)] == [("fetch", "renamed"), ("ask", "renamed")]
    assert told(*both)[1][2] == [
        ("key", "b", "ask"),
        ("position.x", ABSENT, 1),
        ("position.y", ABSENT, 2),
    ]


def test_a_task_that_also_does_something_else_is_another_task() -> None:
    both = [
        {"op": "rename", "key": "a", "to": "fetch"},
        {"op": "set", "key": "fetch", "field": ["name"], "value": "Fetch"},
    ]
    assert [(key, how) for key, how, _ in told(*both)] == [
        ("fetch", "added"), ("b", "changed"), ("a", "removed"),
    ]  # fmt: skip


def test_who_still_names_the_old_key_differs() -> None:
    after = carry_out(OLD, [{"op": "rename", "key": "a", "to": "fetch"}])
    after["tasks"]["b"] = OLD["tasks"]["b"]
    assert [(one.key, one.how) for one in compare(OLD, after)] == [("fetch", "renamed"), ("b", "changed")]


def test_an_id_that_repeats_the_key_goes_with_it_and_any_other_stays() -> None:
    def one(key: str, name: str) -> dict[str, Any]:
        return {"tasks": {key: {"id": name, "action": "agent_task"}}}

    assert renamings(one("a", "a"), one("z", "z")) == {"a": "z"}
    assert renamings(one("a", "x"), one("z", "x")) == {"a": "z"}
    assert renamings(one("a", "x"), one("z", "y")) == {}


def test_tasks_that_are_alike_are_told_apart_by_their_order() -> None:
    task = {"action": "agent_task"}
    old, new = {"tasks": {"a": task, "b": task}}, {"tasks": {"c": task, "d": task}}
    assert renamings(old, new) == {"a": "c", "b": "d"}
    assert renamings(old, {"tasks": {"c": task}}) == {"a": "c"}


def test_a_long_chain_that_was_renamed_throughout_is_found_at_once() -> None:
    def chain(letter: str) -> dict[str, Any]:
        names = [f"{letter}{n}" for n in range(2_000)]
        pairs = zip(names, ["", *names], strict=False)
        return {
            "tasks": {
                key: {"action": "agent_task", "name": key[1:], "dependencies": [before] if before else []}
                for key, before in pairs
            }
        }

    assert counts(compare(chain("a"), chain("b"))) == {"renamed": 2_000}


def test_they_are_counted_by_kind_without_the_workflow_itself() -> None:
    wishes = [
        {"op": "set", "field": ["name"], "value": "Y"},
        {"op": "remove", "key": "a"},
        {"op": "add", "key": "n", "task": {"action": "api_call"}},
        {"op": "move", "positions": {"c": {"x": 5, "y": 0}}},
    ]
    found = counts(compare(OLD, carry_out(OLD, wishes)))
    assert found == {"added": 1, "removed": 1, "changed": 1, "moved": 1}


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
