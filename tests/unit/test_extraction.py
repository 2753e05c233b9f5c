"""Steps that become a workflow of their own: what goes where, what is rewritten, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from editor.operations import OperationError, carry_out
from editor.operations.extraction import Extraction, extraction
from tests.unit.definitions import a_definition, a_gate, a_task, checked

# load → clean → merge → save, and load → rate → merge.
TASKS: dict[str, Any] = {
    "load": a_task(position={"x": 0, "y": 0}),
    "clean": a_task("load", position={"x": 320, "y": 0}, execution_mode="parallel"),
    "rate": a_task("load", position={"x": 320, "y": 200}),
    "merge": a_task("clean", "rate", position={"x": 640, "y": 100}),
    "save": a_task("merge", position={"x": 960, "y": 100}),
}
MIDDLE = ("clean", "rate", "merge")


def draft(**changes: Any) -> dict[str, Any]:
    """The flow; fields of tasks by their key, `top` for those of the whole."""
    top = changes.pop("top", {})
    return a_definition({key: task | changes.get(key, {}) for key, task in TASKS.items()}, **top)


def extracted(data: dict[str, Any], *keys: str) -> tuple[Extraction, dict[str, Any]]:
    """What was found, and the draft after it; both workflows check."""
    found = extraction(data, keys or MIDDLE, "Middle", "middle")
    after = carry_out(data, found.operations("middle-id"))
    for one in (found.definition, after):
        assert checked(one).errors == ()
    return found, after


def given(**parameters: Any) -> dict[str, Any]:
    return {"parameters": parameters}


def needs(data: dict[str, Any]) -> dict[str, list[str]]:
    return {key: task.get("dependencies", []) for key, task in data["tasks"].items()}


def test_one_step_stands_in_their_place_and_waits() -> None:
    _, after = extracted(draft())
    assert needs(after) == {"load": [], "middle": ["load"], "save": ["middle"]}
    assert after["tasks"]["middle"] == {
        "name": "Middle",
        "action": "workflow_trigger",
        "parameters": {"workflow_id": "middle-id", "wait": True},
        "dependencies": ["load"],
        "execution_mode": "parallel",
        "position": {"x": 480, "y": 100},
    }


def test_the_new_workflow_has_the_steps_with_what_they_need_of_each_other() -> None:
    found, _ = extracted(draft())
    assert found.definition["name"] == "Middle"
    assert needs(found.definition) == {"clean": [], "rate": [], "merge": ["clean", "rate"]}
    assert found.definition["tasks"]["merge"] == TASKS["merge"]
    assert "parameters" not in found.definition
    assert found.notes == ()


def test_a_join_goes_with_what_is_joined() -> None:
    data = draft(clean={"join": "all_settled"}, rate={"join": "all_settled"}, merge={"join": "all_succeeded"})
    found, after = extracted(data)
    assert after["tasks"]["middle"]["join"] == "all_settled"
    assert ["join" in task for task in found.definition["tasks"].values()] == [False, False, True]


def test_the_key_of_the_step_gets_a_number_where_it_is_taken() -> None:
    assert extraction(draft(), MIDDLE, "Load", "load").step == "load-2"
    assert extraction(draft(), MIDDLE, "工作").step == "extracted"


def test_all_steps_can_be_taken_out() -> None:
    found, after = extracted(draft(), *TASKS)
    assert (list(after["tasks"]), list(found.definition["tasks"])) == (["middle"], list(TASKS))


INSIDE = [
    # what a step inside says, what it says then, what is passed, under which name
    ("{{ tasks.load.output.rows }}", "{{ params.load.rows }}", "{{ tasks.load.output }}", "load"),
    ("{{ tasks['load'].output }}!", "{{ params.load }}!", "{{ tasks.load.output }}", "load"),
    (
        "{{ tasks.load.status == 'completed' }}",
        "{{ params.load_status == 'completed' }}",
        "{{ tasks.load.status }}",
        "load_status",
    ),
    ("{{ tasks.load }}", "{{ params.load_task }}", "{{ tasks.load }}", "load_task"),
    ("{{ run.id }}", "{{ params.run_id }}", "{{ run.id }}", "run_id"),
    ("{{ workflow.name }}", "{{ params.workflow_name }}", "{{ workflow.name }}", "workflow_name"),
    (
        "{{ has(tasks.load.output.n) ? 'tasks.load.output' : 1 }}",
        "{{ has(params.load.n) ? 'tasks.load.output' : 1 }}",
        "{{ tasks.load.output }}",
        "load",
    ),
]


@pytest.mark.parametrize(("said", "then", "passed", "name"), INSIDE)
def test_what_steps_name_outside_becomes_a_parameter(said: str, then: str, passed: str, name: str) -> None:
    found, after = extracted(draft(rate=given(x=said)))
    assert found.definition["tasks"]["rate"]["parameters"] == {"x": then}
    assert list(found.definition["parameters"]) == [name]
    assert found.definition["parameters"][name]["type"] == "any"
    assert after["tasks"]["middle"]["parameters"]["parameters"] == {name: passed}


STAYS = [
    "{{ secrets.crm }}",
    "{{ now }}",
    "{{ tasks.clean.output }} of tasks.load.output",
    "{{ 'params.x' }}",
]


@pytest.mark.parametrize("said", STAYS)
def test_what_is_the_same_everywhere_stays(said: str) -> None:
    found, after = extracted(draft(merge=given(x=said)))
    assert found.definition["tasks"]["merge"]["parameters"] == {"x": said}
    assert "parameters" not in after["tasks"]["middle"]["parameters"]


def test_conditions_and_lists_to_go_over_are_rewritten_and_items_stay() -> None:
    data = draft(
        clean={
            "conditions": ["tasks.load.output.n > 1", {"type": "dependency", "task": "load"}],
            "for_each": "tasks.load.output.parts",
            "parameters": {"x": "{{ item.name }} {{ index }}"},
        }
    )
    task = extracted(data)[0].definition["tasks"]["clean"]
    assert task["conditions"] == ["params.load.n > 1", 'params.load_status == "completed"']
    assert (task["for_each"], task["parameters"]) == (
        "params.load.parts",
        {"x": "{{ item.name }} {{ index }}"},
    )


def test_expressions_of_a_condition_check_are_rewritten_and_the_same_words_elsewhere_stay() -> None:
    checks = {"checks": {"big": "tasks.load.output.n > 1", "mine": "{{ run.id }}"}}
    plain = {"checks": {"run": "run"}, "expression": "tasks.load.output"}
    data = draft(rate={"action": "condition_check", "parameters": checks}, clean={"parameters": plain})
    tasks = extracted(data)[0].definition["tasks"]
    assert tasks["rate"]["parameters"]["checks"] == {
        "big": "params.load.n > 1",
        "mine": "{{ params.run_id }}",
    }
    assert tasks["clean"]["parameters"] == plain


def test_parameters_of_the_old_workflow_keep_their_declaration() -> None:
    declared = {
        "region": {"type": "string", "enum": ["eu", "us"], "required": True},
        "key": {"type": "string", "secret": True},
        "unused": {"type": "integer"},
        "load": {"type": "integer", "default": 3},
    }
    said = given(
        x="{{ params.region }}", y="{{ params['key'] }}", z="{{ tasks.load.output }} {{ params.load }}"
    )
    found, after = extracted(draft(rate=said, top={"parameters": declared}))
    new = found.definition["parameters"]
    assert list(new) == ["region", "key", "load", "load-2"]
    assert {name: new[name] for name in ("region", "key", "load")} == {
        name: declared[name] for name in ("region", "key", "load")
    }
    assert after["tasks"]["middle"]["parameters"]["parameters"] == {
        "region": "{{ params.region }}",
        "key": "{{ has(params.key) ? params.key : null }}",
        "load": "{{ params.load }}",
        "load-2": "{{ tasks.load.output }}",
    }
    assert found.notes == ("In a run that is started without key, these steps find null there, not nothing.",)
    assert found.definition["tasks"]["rate"]["parameters"] == {
        "x": "{{ params.region }}",
        "y": "{{ params['key'] }}",
        "z": '{{ params["load-2"] }} {{ params.load }}',
    }


def test_who_looks_at_all_parameters_is_given_all() -> None:
    declared = {"a": {"type": "integer"}, "b": {"type": "integer"}}
    found, _ = extracted(draft(rate=given(x="{{ size(params) }}"), top={"parameters": declared}))
    assert found.definition["parameters"] == declared


def test_others_find_the_outputs_where_they_are_now() -> None:
    data = draft(save=given(x="{{ tasks.merge.output.rows }} {{ tasks.load.output }}"))
    data["tasks"]["save"]["conditions"] = ["has(tasks.merge.output)"]
    _, after = extracted(data)
    save = after["tasks"]["save"]
    assert save["parameters"] == {"x": "{{ tasks.middle.output.output.merge.rows }} {{ tasks.load.output }}"}
    assert save["conditions"] == ["has(tasks.middle.output.output.merge)"]


REFUSED: list[tuple[str, dict[str, Any], tuple[str, ...], str, str]] = [
    ("none", {}, (), "nothing_chosen", "Choose the steps"),
    ("a step that is not there", {}, ("nope",), "unknown_task", "There is no task 'nope'"),
    ("a way round", {}, ("load", "merge"), "not_convex", "'clean' runs after 'load' and before 'merge'"),
    (
        "an output that is not given back",
        {"save": given(x="{{ tasks.clean.output }}")},
        MIDDLE,
        "needed_outside",
        "'save' names tasks.clean.output",
    ),
    (
        "a status",
        {"save": {"conditions": ["tasks.merge.status == 'completed'"]}},
        MIDDLE,
        "needed_outside",
        "'save' names tasks.merge.status",
    ),
    (
        "a status in other words",
        {"save": {"conditions": [{"type": "dependency", "task": "merge"}]}},
        MIDDLE,
        "needed_outside",
        "'save' names tasks.merge.status",
    ),
    (
        "a checkpoint that stays",
        {
            "load": {"checkpoint": "start"},
            "merge": {"on_failure": {"action": "rollback", "checkpoint": "start"}},
        },
        MIDDLE,
        "checkpoint_apart",
        "'merge' is rolled back to the checkpoint 'start', which 'load' records",
    ),
    (
        "a checkpoint that goes",
        {
            "clean": {"checkpoint": True},
            "save": {"on_failure": {"action": "rollback", "checkpoint": "clean"}},
        },
        MIDDLE,
        "checkpoint_apart",
        "'save' is rolled back to the checkpoint 'clean'",
    ),
    (
        "a checkpoint of the whole",
        {
            "clean": {"checkpoint": True},
            "top": {"settings": {"on_failure": {"action": "rollback", "checkpoint": "clean"}}},
        },
        MIDDLE,
        "checkpoint_apart",
        "The workflow is rolled back to the checkpoint 'clean'",
    ),
]


@pytest.mark.parametrize(
    ("changes", "keys", "code", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_is_refused(changes: dict[str, Any], keys: tuple[str, ...], code: str, words: str) -> None:
    with pytest.raises(OperationError) as refusal:
        extraction(draft(**changes), keys, "Middle")
    assert refusal.value.code == code
    assert words in refusal.value.message


def test_settings_that_hold_for_each_step_go_along() -> None:
    settings = {"on_failure": "skip", "max_parallel": 2, "timeout_seconds": 60}
    found, _ = extracted(draft(top={"settings": settings}))
    assert found.definition["settings"] == {"max_parallel": 2, "on_failure": "skip"}
    apart = {"on_failure": {"action": "rollback", "checkpoint": "load"}}
    found, _ = extracted(draft(load={"checkpoint": True}, top={"settings": apart}))
    assert "settings" not in found.definition


def canvas(**groups: list[str]) -> dict[str, Any]:
    notes = {"n": {"text": "Look", "x": 1, "y": 2}}
    return {"metadata": {"canvas": {"notes": notes, "groups": {k: {"tasks": v} for k, v in groups.items()}}}}


GROUPS = [
    (["clean", "rate"], {"g": {"tasks": ["clean", "rate"]}}, {}),
    (["load", *MIDDLE], None, {"g": {"tasks": ["load", "middle"]}}),
    (["load", "clean"], None, {"g": {"tasks": ["load"]}}),
    (["load", "save"], None, {"g": {"tasks": ["load", "save"]}}),
]


@pytest.mark.parametrize(("keys", "new", "old"), GROUPS)
def test_groups_go_with_their_steps_and_notes_stay(keys: list[str], new: Any, old: Any) -> None:
    found, after = extracted(draft(top=canvas(g=keys)))
    assert found.definition.get("metadata") == (new and {"canvas": {"groups": new}})
    assert after["metadata"]["canvas"] == {"notes": canvas()["metadata"]["canvas"]["notes"], "groups": old}


def test_it_is_said_what_a_run_does_otherwise() -> None:
    data = draft(clean={"conditions": ["1 < 2"]})
    data["tasks"]["rate"]["dependencies"] = []
    found, _ = extracted(data)
    assert "none of them begins before load have ended" in found.notes[0]
    assert "save runs whenever the new workflow completes" in found.notes[1]


def test_a_gate_keeps_who_decides() -> None:
    data = draft(rate=a_gate("load"))
    assert extracted(data)[0].definition["tasks"]["rate"]["parameters"] == data["tasks"]["rate"]["parameters"]
