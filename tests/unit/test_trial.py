"""What a test run of a draft is made of, without running it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from editor.trial import KINDS, MAX_OUTPUT, Scope, acts, assembled, divided, missing, stand_in_of
from orchestrator import actions
from orchestrator.definition import Definition, DefinitionError, check
from orchestrator.planning.plan import compile_plan
from orchestrator.planning.stand_ins import NOTHING, STAND_IN, StandIn
from tests.engine.flows import flow, task

#  a → b → d → e    c → d    x by itself
DRAFT = flow({"a": task(), "b": task("a"), "c": task(), "d": task("b", "c"), "e": task("d"), "x": task()})


def definition(data: dict[str, Any]) -> Definition:
    report = check(data, actions=actions.schemas_of_trials())
    assert report.definition is not None, report.errors
    return report.definition


def trial(draft: dict[str, Any], scope: Scope, **stand_ins: StandIn) -> tuple[Definition, dict[str, StandIn]]:
    data, used = assembled(draft, divided(draft, scope), stand_ins)
    return definition(data), used


def unread(draft: dict[str, Any], scope: Scope, **stand_ins: StandIn) -> list[str]:
    found, used = trial(draft, scope, **stand_ins)
    return [issue.message for issue in missing(compile_plan(found), used)]


# Which tasks


@pytest.mark.parametrize(
    ("kind", "key", "scope", "before", "left_out"),
    [
        ("all", "", "abcdex", "", ""),
        ("from", "b", "bde", "ac", "x"),
        ("from", "a", "abde", "c", "x"),
        ("from", "x", "x", "", "abcde"),
        ("to", "d", "abcd", "", "ex"),
        ("to", "a", "a", "", "bcdex"),
        ("only", "d", "d", "abc", "ex"),
        ("only", "x", "x", "", "abcde"),
        ("only", "nobody", "", "", "abcdex"),
    ],
)
def test_a_scope_divides_the_tasks(kind: Any, key: str, scope: str, before: str, left_out: str) -> None:
    found = divided(DRAFT, Scope(kind, key))
    assert ("".join(found.scope), "".join(found.before), "".join(found.left_out)) == (scope, before, left_out)


@st.composite
def drafts(draw: st.DrawFn) -> dict[str, Any]:
    """Any dependencies whatever, loops and unknown tasks among them."""
    keys = [f"t{number}" for number in range(draw(st.integers(1, 7)))]
    some = st.lists(st.sampled_from([*keys, "nobody"]), unique=True, max_size=3)
    return flow({key: task(*draw(some)) for key in keys})


@given(drafts(), st.sampled_from(KINDS), st.integers(0, 6))
def test_every_task_is_in_one_part_and_what_is_before_is_all_that_is_waited_for(
    draft: dict[str, Any], kind: Any, place: int
) -> None:
    keys = list(draft["tasks"])
    found = divided(draft, Scope(kind, keys[place % len(keys)]))
    assert sorted((*found.scope, *found.before, *found.left_out)) == sorted(keys)
    kept = {*found.scope, *found.before}
    for key in kept:
        assert {one for one in draft["tasks"][key]["dependencies"] if one in keys} <= kept


# The definition


def test_before_stand_outcomes_and_in_the_scope_the_tasks_themselves() -> None:
    found, used = trial(DRAFT, Scope("from", "d"), a=StandIn("pin", output=1), e=StandIn("mock"))
    assert {key: one.action for key, one in found.tasks.items()} == {
        "a": STAND_IN,
        "b": STAND_IN,
        "c": STAND_IN,
        "d": "agent_task",
        "e": STAND_IN,
    }
    assert used == {"a": StandIn("pin", output=1), "b": NOTHING, "c": NOTHING, "e": StandIn("mock")}
    assert [found.tasks[key].join for key in "abcde"] == ["all_settled"] * 3 + ["any_succeeded"] * 2


def test_a_whole_draft_is_run_as_it_is() -> None:
    found, used = trial(DRAFT, Scope())
    assert (found.data["tasks"], used) == (DRAFT["tasks"], {})


def test_what_is_wrong_outside_of_the_scope_does_not_keep_it_from_running() -> None:
    draft = flow({"a": {"action": "nope", "conditions": ["("]}, "b": task("a"), "c": {"action": "api_call"}})
    assert [*trial(draft, Scope("only", "b"))[0].tasks] == ["a", "b"]


def test_a_task_in_the_scope_keeps_what_decides_on_it_and_on_its_failure() -> None:
    more = {"conditions": ["params.go", "item > 1"], "for_each": "[1, 2]", "on_failure": "skip"}
    draft = {
        **flow({"a": task("b", join="all_settled", mode="conditional", **more), "b": task()}),
        "parameters": {"go": {"type": "boolean", "default": True}},
    }
    found = trial(draft, Scope(), a=StandIn("pin"))[0].tasks["a"]
    assert (found.conditions, found.for_each, found.on_failure) == (("params.go",), "", "skip")
    assert (found.join, found.execution_mode) == ("all_settled", "conditional")
    draft["tasks"]["a"]["conditions"] = ["item > 1"]
    assert trial(draft, Scope(), a=StandIn("pin"))[0].tasks["a"].execution_mode == "sequential"


def test_a_way_back_to_a_checkpoint_that_is_left_out_leads_to_the_latest() -> None:
    back = {"action": "rollback", "checkpoint": "mark", "then": "continue"}
    draft = flow({"m": task(checkpoint="mark"), "a": task(on_failure=back)}, settings={"on_failure": back})
    alone = trial(draft, Scope("only", "a"))[0].data
    assert alone["tasks"]["a"]["on_failure"] == {"action": "rollback", "then": "continue"}
    assert "checkpoint" not in alone["settings"]["on_failure"]
    assert trial(draft, Scope())[0].data["tasks"]["a"]["on_failure"] == back


def test_an_ordinary_definition_cannot_hold_what_stands_in() -> None:
    report = check(flow({"a": task(action=STAND_IN)}), actions=actions.schemas())
    assert [issue.code for issue in report.errors] == ["unknown_action"]


# What is read and not known

READERS: dict[str, dict[str, Any]] = {
    "a condition": task("extract", conditions=["tasks.extract.output.rows > 1"]),
    "a parameter": task("extract", parameters={"rows": "{{ tasks.extract.output.rows }}"}),
    "the whole task": task("extract", parameters={"all": "{{ tasks.extract }}"}),
    "an agent": task("extract", agent_id="{{ tasks.extract.output.agent }}"),
    "a loop": task("extract", for_each="tasks.extract.output.rows"),
    "a check": task(
        "extract", action="condition_check", parameters={"expression": "tasks.extract.output == 1"}
    ),
    "a gate": task(
        "extract",
        action="approval_gate",
        parameters={"approvers": ["ann"], "title": "{{ tasks.extract.output }}"},
    ),
    "a deadline": task(
        "extract",
        action="approval_gate",
        parameters={"approvers": ["ann"], "timeout_seconds": "{{ tasks.extract.output }}"},
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_what_is_read_and_not_known_is_told_in_words(reader: str) -> None:
    extract = task(name="Extract")
    draft = flow({"extract": extract, "load": {**READERS[reader], "name": "Load"}})
    text = "Load reads tasks.extract.output; pin its output, take that of a past run, or run from Extract."
    assert unread(draft, Scope("only", "load")) == [text]
    assert unread(draft, Scope("only", "load"), extract=StandIn("pin", output=1)) == []
    assert unread(draft, Scope("from", "extract")) == []


def test_only_outputs_are_missed() -> None:
    load = task("extract", conditions=["tasks.extract.status == 'completed'", "tasks.extract.attempts < 2"])
    assert unread(flow({"extract": task(), "load": load}), Scope("only", "load")) == []


def test_of_what_stands_in_only_the_conditions_read() -> None:
    load = task("extract", parameters={"rows": "{{ tasks.extract.output }}"})
    draft = flow({"extract": task(), "load": load})
    assert unread(draft, Scope("only", "load"), load=StandIn("mock")) == []
    draft["tasks"]["load"]["conditions"] = ["tasks.extract.output == 1"]
    assert len(unread(draft, Scope("only", "load"), load=StandIn("mock"))) == 1


# What people give in place of work


@pytest.mark.parametrize(
    ("given", "outcome", "output", "error"),
    [
        ({}, "completed", None, None),
        ({"output": {"rows": 3}}, "completed", {"rows": 3}, None),
        ({"status": "skipped"}, "skipped", None, None),
        ({"status": "failed"}, "failed", None, "It was made to fail in this test run."),
        ({"status": "failed", "error": "Full."}, "failed", None, "Full."),
        ({"status": "failed", "error": {"code": "x", "message": "No."}}, "failed", None, "No."),
        (
            {"decision": "approved", "by": "ann"},
            "completed",
            {"decision": "approved", "by": ["ann"], "comment": ""},
            None,
        ),
        (
            {"decision": "rejected", "by": "ann", "comment": "Too dear."},
            "failed",
            {"decision": "rejected", "by": ["ann"], "comment": "Too dear."},
            "ann rejected it: Too dear.",
        ),
    ],
)
def test_what_is_given_in_place_of_work(given: Any, outcome: str, output: Any, error: str | None) -> None:
    found = stand_in_of(given, "mock", "mocks.a", "approval_gate")
    assert (found.source, found.outcome, found.output) == ("mock", outcome, output)
    assert (found.error or {}).get("message") == error


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        (3, "wrong_type", "mocks.a"),
        ({"result": 1}, "unknown_field", "mocks.a.result"),
        ({"status": "done"}, "not_in_enum", "mocks.a.status"),
        ({"status": ["failed"]}, "not_in_enum", "mocks.a.status"),
        ({"decision": "maybe"}, "not_in_enum", "mocks.a.decision"),
        ({"decision": "approved", "by": 3}, "wrong_type", "mocks.a.by"),
        ({"decision": "approved", "fields": []}, "wrong_type", "mocks.a.fields"),
        ({"status": "failed", "error": 3}, "wrong_type", "mocks.a.error"),
        ({"status": "failed", "error": {"message": 3}}, "wrong_type", "mocks.a.error"),
        ({"status": "failed", "error": "x" * 2001}, "out_of_range", "mocks.a.error"),
        ({"output": "x" * MAX_OUTPUT}, "too_large", "mocks.a"),
        ({"output": float("nan")}, "bad_number", "mocks.a.output"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(given: Any, code: str, path: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        stand_in_of(given, "mock", "mocks.a", "approval_gate")
    assert (caught.value.issues[0].code, caught.value.issues[0].path) == (code, path)


def test_only_approvals_are_decided() -> None:
    with pytest.raises(DefinitionError, match="Only an approval is decided"):
        stand_in_of({"decision": "approved"}, "mock", "mocks.a", "agent_task")


# What acts


@pytest.mark.parametrize(
    ("action", "parameters", "said"),
    [
        ("api_call", {"url": "https://a.example"}, ""),
        ("api_call", {"url": "https://a.example", "method": "HEAD"}, ""),
        ("api_call", {"url": "https://a.example", "method": "POST"}, "sends POST to https://a.example"),
        ("api_call", {"url": "u", "method": "{{ params.m }}"}, "sends {{ PARAMS.M }} to u"),
        ("file_operation", {"operation": "read", "path": "a"}, ""),
        ("file_operation", {"operation": "delete", "path": "a"}, "changes files (delete)"),
        ("workflow_trigger", {"workflow_id": "nightly"}, "starts a run of nightly"),
        ("approval_gate", {"approvers": ["ann", "bob"]}, "asks ann, bob"),
        ("condition_check", {"expression": "true"}, ""),
    ],
)
def test_what_a_task_does_beyond_baton(action: str, parameters: dict[str, Any], said: str) -> None:
    assert acts({"action": action, "parameters": parameters}) == said


def test_work_for_an_agent_acts_but_for_those_of_baton_itself() -> None:
    assert acts({"action": "agent_task", "agent_id": "crm"}) == "gives work to crm"
    assert acts(task()) == acts({"action": "agent_task"}) == ""


@pytest.mark.parametrize("odd", [None, 3, {}, {"action": "api_call", "parameters": 3}, {"action": ["x"]}])
def test_a_task_of_any_shape_may_be_asked(odd: Any) -> None:
    acts(odd)
    divided({"tasks": {"a": odd}}, Scope("from", "a"))
    assembled({"tasks": {"a": odd}}, divided({"tasks": {"a": odd}}, Scope()), {})
