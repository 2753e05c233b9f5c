"""Each operation by example, and each way to be refused."""

from __future__ import annotations

from typing import Any

import pytest

from editor.operations import OperationError, carry_out
from editor.operations.fields import copied
from editor.operations.table import MAX_OPERATIONS

DRAFT: dict[str, Any] = {
    "id": "x",
    "name": "X",
    "version": "2.0.0",
    "tasks": {
        "load": {"action": "agent_task", "parameters": {"path": "in.csv"}},
        "clean": {
            "action": "agent_task",
            "dependencies": ["load"],
            "conditions": ["tasks.load.output.rows > 0 && tasks['load'].status == \"completed\""],
            "parameters": {"text": "{{ tasks.load.output.rows }} of tasks.load", "tasks": "load"},
        },
        "save": {"action": "agent_task", "dependencies": ["clean"], "for_each": "tasks.load.output.parts"},
    },
}


def after(*operations: dict[str, Any]) -> dict[str, Any]:
    return carry_out(DRAFT, operations)


def needs(draft: dict[str, Any]) -> dict[str, list[str]]:
    return {key: task.get("dependencies", []) for key, task in draft["tasks"].items()}


def test_a_task_is_added_last_or_before_another() -> None:
    task = {"action": "agent_task", "dependencies": ["load"]}
    assert list(after({"op": "add", "key": "new", "task": task})["tasks"]) == ["load", "clean", "save", "new"]
    found = after({"op": "add", "key": "new", "task": task, "before": "clean"})
    assert list(found["tasks"]) == ["load", "new", "clean", "save"]


def test_the_first_task_of_an_empty_draft() -> None:
    found = carry_out({"name": "X"}, [{"op": "add", "key": "a", "task": {"action": "agent_task"}}])
    assert found == {"name": "X", "tasks": {"a": {"action": "agent_task"}}}


def test_a_removed_task_takes_its_connections_along() -> None:
    assert needs(after({"op": "remove", "key": "clean"})) == {"load": [], "save": []}


def test_a_task_is_removed_and_its_neighbours_are_joined() -> None:
    assert needs(after({"op": "remove_joined", "key": "clean"})) == {"load": [], "save": ["load"]}


def test_connect_disconnect_and_splice() -> None:
    assert needs(after({"op": "connect", "from": "load", "to": "save"}))["save"] == ["clean", "load"]
    assert needs(after({"op": "disconnect", "from": "clean", "to": "save"}))["save"] == []
    new = {"op": "add", "key": "new", "task": {"action": "agent_task"}}
    found = after(new, {"op": "splice", "key": "new", "from": "load", "to": "clean"})
    assert needs(found) == {"load": [], "clean": ["new"], "save": ["clean"], "new": ["load"]}


def test_fields_of_tasks_and_of_the_whole_are_set_and_unset() -> None:
    found = after(
        {"op": "set", "key": "load", "field": ["parameters", "headers", "Accept"], "value": "text/csv"},
        {"op": "set", "field": ["settings", "max_parallel"], "value": 4},
        {"op": "unset", "key": "load", "field": ["parameters", "path"]},
        {"op": "unset", "key": "load", "field": ["parameters", "never", "there"]},
    )
    assert found["tasks"]["load"]["parameters"] == {"headers": {"Accept": "text/csv"}}
    assert found["settings"] == {"max_parallel": 4}


def test_a_rename_follows_wherever_the_task_is_named() -> None:
    found = after({"op": "rename", "key": "load", "to": "load-all"})
    assert list(found["tasks"]) == ["load-all", "clean", "save"]
    clean, save = found["tasks"]["clean"], found["tasks"]["save"]
    assert clean["dependencies"] == ["load-all"]
    assert clean["conditions"] == [
        'tasks["load-all"].output.rows > 0 && tasks["load-all"].status == "completed"'
    ]
    assert clean["parameters"] == {
        "text": '{{ tasks["load-all"].output.rows }} of tasks.load',
        "tasks": "load",
    }
    assert save["for_each"] == 'tasks["load-all"].output.parts'
    assert (
        after({"op": "rename", "key": "load", "to": "l"})["tasks"]["save"]["for_each"]
        == "tasks.l.output.parts"
    )


def test_a_rename_follows_into_the_expressions_of_a_condition_check() -> None:
    checks = {"checks": {"many": "tasks.load.output.rows > 9"}}
    look = {"action": "condition_check", "dependencies": ["load"], "parameters": checks}
    plain = {"action": "agent_task", "parameters": {"checks": ["tasks.load.output"]}}
    adding = [{"op": "add", "key": "look", "task": look}, {"op": "add", "key": "plain", "task": plain}]
    tasks = after(*adding, {"op": "rename", "key": "load", "to": "l"})["tasks"]
    assert tasks["look"]["parameters"] == {"checks": {"many": "tasks.l.output.rows > 9"}}
    assert tasks["plain"] == plain


def test_another_action_keeps_the_connections_and_not_the_parameters() -> None:
    found = after(
        {"op": "action", "key": "clean", "action": "api_call", "parameters": {"url": "https://example.com"}}
    )
    assert found["tasks"]["clean"]["action"] == "api_call"
    assert found["tasks"]["clean"]["parameters"] == {"url": "https://example.com"}
    assert needs(found) == needs(DRAFT)
    assert "parameters" not in after({"op": "action", "key": "load", "action": "api_call"})["tasks"]["load"]


def test_a_task_is_moved_and_put_back_into_the_layout() -> None:
    moved = after({"op": "move", "positions": {"load": {"x": 16, "y": 32}}})
    assert moved["tasks"]["load"]["position"] == {"x": 16, "y": 32}
    assert carry_out(moved, [{"op": "move", "positions": {"load": None}}]) == DRAFT


def test_the_order_of_tasks() -> None:
    assert list(after({"op": "order", "key": "save", "before": "load"})["tasks"]) == ["save", "load", "clean"]
    assert list(after({"op": "order", "key": "load"})["tasks"]) == ["clean", "save", "load"]
    assert after({"op": "order", "key": "load", "before": "load"}) == DRAFT


def test_notes_and_groups_live_in_the_metadata() -> None:
    note, group = {"text": "mind the rows", "x": 0, "y": 0}, {"name": "In", "tasks": ["load", "clean"]}
    found = after({"op": "note", "id": "n1", "note": note}, {"op": "group", "id": "g1", "group": group})
    assert found["metadata"] == {"canvas": {"notes": {"n1": note}, "groups": {"g1": group}}}
    gone = carry_out(
        found, [{"op": "note", "id": "n1", "note": None}, {"op": "group", "id": "g1", "group": None}]
    )
    assert gone["metadata"] == {"canvas": {"notes": {}, "groups": {}}}


def test_a_group_follows_its_tasks() -> None:
    group = {"op": "group", "id": "g1", "group": {"name": "In", "tasks": ["load", "clean"]}}
    renamed = after(group, {"op": "rename", "key": "load", "to": "l"}, {"op": "remove", "key": "clean"})
    assert renamed["metadata"]["canvas"]["groups"]["g1"]["tasks"] == ["l"]


def test_what_is_pasted_gets_free_keys_and_keeps_its_own_connections() -> None:
    tasks = copied(DRAFT, ["clean", "save"])
    assert needs({"tasks": tasks}) == {"clean": [], "save": ["clean"]}
    tasks["save"]["conditions"] = ["tasks.clean.output.ok"]
    tasks["save"]["position"] = {"x": 10, "y": 10}
    found = after({"op": "paste", "tasks": tasks, "by": {"x": 6, "y": 6}}, {"op": "paste", "tasks": tasks})
    assert list(found["tasks"])[3:] == ["clean-2", "save-2", "clean-3", "save-3"]
    assert needs(found)["save-2"] == ["clean-2"]
    assert found["tasks"]["save-2"]["conditions"] == ['tasks["clean-2"].output.ok']
    assert found["tasks"]["save-2"]["position"] == {"x": 16, "y": 16}


def test_what_is_pasted_may_be_wrong_inside() -> None:
    odd = {"p": {"dependencies": [{}, "elsewhere", "q"]}, "q": {"dependencies": 3}}
    found = after({"op": "paste", "tasks": odd})["tasks"]
    assert (found["p"]["dependencies"], found["q"]["dependencies"]) == (["q"], [])


REFUSED = [
    ("x", "missing_field", "op"),
    ({"op": "conect"}, "unknown_operation", "connect"),
    ({"op": "connect", "from": "load"}, "missing_field", "needs to"),
    ({"op": "connect", "from": "load", "to": "save", "form": 1}, "unknown_field", "'form'"),
    ({"op": "connect", "from": 1, "to": "save"}, "wrong_type", "text"),
    ({"op": "connect", "from": "laod", "to": "save"}, "unknown_task", "load"),
    ({"op": "connect", "from": "load", "to": "clean"}, "already_connected", "already"),
    ({"op": "connect", "from": "save", "to": "load"}, "cycle", "load → clean → save → load"),
    ({"op": "connect", "from": "load", "to": "load"}, "cycle", "load → load"),
    ({"op": "disconnect", "from": "load", "to": "save"}, "not_connected", "does not run after"),
    ({"op": "add", "key": "load", "task": {}}, "task_exists", "another key"),
    ({"op": "add", "key": "9", "task": {}}, "bad_key", "a letter"),
    ({"op": "add", "key": "__proto__", "task": {}}, "bad_key", "a letter"),
    ({"op": "add", "key": "n", "task": {"dependencies": ["nobody"]}}, "unknown_task", "nobody"),
    ({"op": "remove", "key": "nobody"}, "unknown_task", "nobody"),
    ({"op": "rename", "key": "load", "to": "save"}, "task_exists", "save"),
    ({"op": "set", "key": "load", "field": [], "value": 1}, "missing_field", "field"),
    ({"op": "set", "key": "load", "field": ["dependencies"], "value": []}, "wrong_operation", "connect"),
    ({"op": "set", "key": "load", "field": ["action", "x"], "value": []}, "wrong_operation", "action"),
    (
        {"op": "set", "key": "load", "field": ["parameters", "path", "x"], "value": 1},
        "not_a_map",
        "parameters.path",
    ),
    ({"op": "set", "field": ["tasks"], "value": {}}, "unknown_field", "tasks"),
    ({"op": "set", "field": ["nmae"], "value": "Y"}, "unknown_field", "name"),
    ({"op": "move", "positions": {"load": {"x": True, "y": 0}}}, "wrong_type", "numbers"),
    ({"op": "move", "positions": {"load": 3}}, "wrong_type", "numbers"),
    ({"op": "note", "id": "n1", "note": None}, "unknown_note", "n1"),
    ({"op": "note", "id": "n1", "note": {"txet": "x"}}, "unknown_field", "text"),
    ({"op": "group", "id": "g", "group": {"tasks": ["nobody"]}}, "unknown_task", "nobody"),
    (
        {"op": "paste", "tasks": {"p": {"dependencies": ["q"]}, "q": {"dependencies": ["p"]}}},
        "cycle",
        "each other",
    ),
    ({"op": "paste", "tasks": {"p": 3}}, "wrong_type", "a map"),
    ({"op": "paste", "tasks": {"p": {}}, "by": {"x": "far"}}, "wrong_type", "numbers"),
    ({"op": "group", "id": "g", "group": {"tasks": 3}}, "wrong_type", "a list of keys"),
]


@pytest.mark.parametrize(("operation", "code", "said"), REFUSED, ids=lambda part: str(part)[:60])
def test_what_cannot_be_done_is_refused_in_words(operation: Any, code: str, said: str) -> None:
    with pytest.raises(OperationError) as refused:
        carry_out(DRAFT, [operation])
    assert refused.value.code == code
    assert said in refused.value.message


def test_a_batch_is_carried_out_whole_or_not_at_all_and_says_where_it_failed() -> None:
    with pytest.raises(OperationError) as refused:
        after({"op": "remove", "key": "save"}, {"op": "remove", "key": "save"})
    assert refused.value.index == 1
    with pytest.raises(OperationError) as refused:
        after(*[{"op": "order", "key": "load"}] * (MAX_OPERATIONS + 1))
    assert refused.value.code == "too_many"
