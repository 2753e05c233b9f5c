"""Two versions in one drawing, and drafts that are wrong in any way."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from editor.comparison import compare
from editor.drawing import drawn, union
from editor.operations import OperationError, carry_out
from tests.unit.operation_strategies import drafts, operations


def task(*after: str, at: tuple[float, float] | None = None, **given: Any) -> dict[str, Any]:
    found = {"action": "agent_task", "dependencies": list(after), **given}
    return found | ({"position": {"x": at[0], "y": at[1]}} if at else {})


def both(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    before, after = {"tasks": old}, {"tasks": new}
    return union(before, after, compare(before, after))


def marks(drawing: dict[str, Any]) -> dict[str, Any]:
    return {node["key"]: (node.get("mark"), node["note"]) for node in drawing["nodes"]}


def test_each_task_says_what_became_of_it() -> None:
    old = {
        "same": task(),
        "gone": task(),
        "other": task(name="A", timeout_seconds=5),
        "one": task(timeout_seconds=5),
        "load": task(name="Load"),
        "here": task(at=(0, 0)),
    }
    new = {
        "same": task(),
        "came": task(agent_id="x"),
        "other": task(name="B", timeout_seconds=6),
        "one": task(timeout_seconds=6),
        "fetch": task(name="Load"),
        "here": task(at=(9, 9)),
    }
    assert marks(both(old, new)) == {
        "same": (None, "Agent task"),
        "came": ("added", "Added"),
        "other": ("changed", "Changed: 2 fields"),
        "one": ("changed", "Changed: timeout_seconds"),
        "fetch": ("renamed", "Renamed, was load"),
        "here": ("moved", "Only moved"),
        "gone": ("removed", "Removed"),
    }


def test_edges_that_came_or_went_between_tasks_that_stay_say_so() -> None:
    old = {"a": task(), "b": task("a"), "c": task("a"), "d": task()}
    new = {"a": task(), "b": task(), "c": task("a", "b"), "n": task("a")}
    assert both(old, new)["edges"] == [
        {"from": "a", "to": "c"},
        {"from": "b", "to": "c", "mark": "added", "label": "+ added"},
        {"from": "a", "to": "n", "mark": "added"},
        {"from": "a", "to": "b", "mark": "removed", "label": "− removed"},
    ]


def test_an_edge_that_came_keeps_its_condition() -> None:
    old = {"a": task(), "b": task(conditions=["params.x"])}
    new = {"a": task(), "b": task("a", conditions=["params.x"])}
    assert both(old, new)["edges"] == [
        {"from": "a", "to": "b", "label": "+ x", "kind": "condition", "mark": "added"}
    ]


def test_the_edges_of_a_renamed_task_are_the_same() -> None:
    drawing = both({"a": task(), "b": task("a", name="B")}, {"z": task(), "b": task("z", name="B")})
    assert drawing["edges"] == [{"from": "z", "to": "b"}]


def test_what_is_gone_stands_where_it_stood_or_clear_of_what_came_there() -> None:
    old = {
        "a": task(at=(0, 0)),
        "b": task("a", name="B", at=(300, 0)),
        "c": task("a", name="C", at=(300, 200)),
    }
    new = {"a": task(at=(0, 0)), "n": task("a", at=(310, 10))}
    places = {node["key"]: node["position"] for node in both(old, new)["nodes"]}
    assert places["c"] == {"x": 300, "y": 200}
    assert places["b"] == {"x": 300, "y": 94}


def test_what_is_gone_and_stood_nowhere_is_put_beside_what_it_ran_after() -> None:
    old = {"a": task(), "b": task("a", name="B"), "c": task("a", name="C"), "d": task(name="D")}
    new = {"a": task(at=(0, 0))}
    places = {node["key"]: (node["position"]["x"], node["position"]["y"]) for node in both(old, new)["nodes"]}
    assert places == {"a": (0, 0), "b": (280, 0), "c": (280, 94), "d": (0, 94)}


def test_thousands_that_went_from_one_place_are_stacked_at_once() -> None:
    old = {f"t{n}": task(name=str(n), at=(0, 0)) for n in range(5_000)}
    nodes = both(old, {"a": task(at=(0, 0))})["nodes"]
    assert len({(node["position"]["x"], node["position"]["y"]) for node in nodes}) == 5_001


def test_a_task_of_an_unknown_action_is_drawn_and_says_which() -> None:
    drawing = drawn({"tasks": {"a": {"action": "sing"}, "b": {}, "c": 5, "d": {"action": ["x"]}}})
    assert [(node["note"], node["icon"]) for node in drawing["nodes"]] == [
        ("sing", "i-triangle-alert"),
        ("No action", "i-triangle-alert"),
        ("No action", "i-triangle-alert"),
        ("['x']", "i-triangle-alert"),
    ]


@given(drafts(), st.lists(operations, max_size=4))
def test_anything_can_be_drawn_and_every_task_of_either_is_there(
    draft: dict[str, Any], wishes: list[Any]
) -> None:
    after = draft
    for wish in wishes:
        try:
            after = carry_out(after, [wish])
        except OperationError:
            continue
    found = compare(draft, after)
    drawing = union(draft, after, found)
    keys = [node["key"] for node in drawing["nodes"]]
    assert len(keys) == len(set(keys))
    assert {one.key for one in found if one.key} == {n["key"] for n in drawing["nodes"] if "mark" in n}
    assert {edge[end] for edge in drawing["edges"] for end in ("from", "to")} <= set(keys)
