"""All actions have the same parts, their examples work, and the engine's two decide or ask as they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from orchestrator import actions
from orchestrator.actions import ACTIONS, Action, ActionError, StartChild, base
from orchestrator.actions.approval_gate import ApprovalGate
from orchestrator.actions.condition_check import ConditionCheck
from orchestrator.actions.workflow_trigger import WorkflowTrigger
from orchestrator.definition.normal import approver_names
from tests.unit.actions_kit import execute

ALL = actions.all_actions()
SIX = {"agent_task", "file_operation", "api_call", "workflow_trigger", "approval_gate", "condition_check"}


def each_action(argument: str = "action") -> pytest.MarkDecorator:
    return pytest.mark.parametrize(argument, ALL, ids=lambda action: action.name)


def test_the_six_actions_of_the_language_are_there() -> None:
    assert set(ACTIONS) == set(actions.schemas()) == SIX
    assert [action.name for action in ALL] == list(ACTIONS)


@each_action()
def test_an_action_has_every_part(action: Action) -> None:
    assert ACTIONS[action.name].endswith(type(action).__name__)
    for part in ("label", "summary", "notes", "produces", "icon"):
        assert getattr(action, part).strip() == getattr(action, part) != ""
    assert action.kind in ("work", "person", "condition")
    assert action.parameters.fields
    assert action.examples


@each_action()
def test_the_icon_of_an_action_is_in_the_sprite(action: Action) -> None:
    sprite = Path(__file__).parents[2] / "static" / "icons.svg"
    assert f'id="{action.icon}"' in sprite.read_text()


@each_action()
def test_only_actions_that_workers_do_can_be_executed(action: Action) -> None:
    own = "execute" in vars(type(action))
    assert own == (action.kind == "work")


@each_action()
def test_every_parameter_is_described_and_its_default_and_example_are_valid(action: Action) -> None:
    for field in action.parameters.fields:
        assert re.fullmatch(r"[A-Za-z0-9{].*\.", field.description), field.name
        for value in (field.default, field.example):
            assert value is None or field.check(value, field.name) == []


@each_action()
def test_every_example_is_valid_as_it_stands(action: Action) -> None:
    for example in action.examples:
        assert action.parameters.check(example.parameters, "parameters") == [], example.title


@each_action()
def test_the_help_is_plain_text_that_names_every_parameter(action: Action) -> None:
    assert action.summary in action.help
    assert not re.search(r"`|__|^#|\]\(", action.help, re.MULTILINE)
    for field in action.parameters.fields:
        assert f"\n  {field.name} ({field.type}" in action.help


def test_the_help_of_a_parameter_tells_type_default_and_choices() -> None:
    lines = {line.split()[0]: line for line in base.describe(actions.get("api_call").parameters)}
    assert lines["url"] == "  url (string; required): The address, http or https."
    assert "default GET; one of GET, HEAD" in lines["method"]
    assert "default false" in lines["follow_redirects"]


@each_action()
def test_wrong_types_are_errors_and_unknown_names_at_most_warnings(action: Action) -> None:
    first = next(field for field in action.parameters.fields if field.type not in ("any", "list"))
    wrong = action.parameters.check({first.name: ["x"]}, "p")
    assert (f"p.{first.name}", "wrong_type") in {(issue.path, issue.code) for issue in wrong}
    example = action.examples[0].parameters
    assert all(issue.severity == "warning" for issue in action.parameters.check({**example, "odd": 1}, "p"))


def test_an_unknown_action_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        actions.get("shell")


@pytest.mark.parametrize("name", ["approval_gate", "condition_check"])
def test_a_worker_cannot_execute_what_the_engine_settles(name: str) -> None:
    action = actions.get(name)
    example = {"approvers": "a"} if name == "approval_gate" else {"expression": "true"}
    with pytest.raises(ActionError) as caught:
        execute(action, example)
    assert (caught.value.code, caught.value.retryable) == ("not_for_workers", False)


def test_every_file_with_an_action_has_a_test_that_names_it() -> None:
    texts = "".join(path.read_text() for path in Path(__file__).parent.glob("test_actions_*.py"))
    for path in ACTIONS.values():
        assert path.rpartition(".")[2] in texts


# workflow_trigger


@pytest.mark.parametrize(
    ("parameters", "decision"),
    [
        ({"workflow_id": "w"}, StartChild("w", None, {}, True)),
        ({"template": "t", "parameters": {"a": 1}, "wait": False}, StartChild(None, "t", {"a": 1}, False)),
        ({"workflow_id": "w", "template": ""}, StartChild("w", None, {}, True)),
    ],
    ids=str,
)
def test_a_trigger_decides_what_to_start(parameters: dict[str, Any], decision: StartChild) -> None:
    assert execute(WorkflowTrigger(), parameters) == decision


@pytest.mark.parametrize(
    "parameters", [{}, {"workflow_id": "w", "template": "t"}, {"workflow_id": ""}], ids=str
)
def test_a_trigger_names_exactly_one_workflow(parameters: dict[str, Any]) -> None:
    issues = WorkflowTrigger.parameters.check(parameters, "p")
    assert [(issue.code, issue.path) for issue in issues] == [("one_target", "p")]


# approval_gate


@pytest.mark.parametrize(
    ("approvers", "names"),
    [
        ("alice", ["alice"]),
        (" alice , bob,,alice ", ["alice", "bob"]),
        (["alice", " group:finance "], ["alice", "group:finance"]),
        ([], []),
        ("", []),
        (None, []),
        (5, []),
        (["a", 5], ["a"]),
    ],
    ids=repr,
)
def test_approvers_are_read_from_text_or_a_list(approvers: Any, names: list[str]) -> None:
    assert approver_names(approvers) == names


@pytest.mark.parametrize(
    ("parameters", "code", "path"),
    [
        ({}, "no_approver", "p.approvers"),
        ({"approvers": []}, "no_approver", "p.approvers"),
        ({"approvers": " , "}, "no_approver", "p.approvers"),
        ({"approvers": ["", " "]}, "no_approver", "p.approvers"),
        ({"approvers": "group:"}, "no_approver", "p.approvers"),
        ({"approvers": 5}, "wrong_type", "p.approvers"),
        ({"approvers": ["a", 5]}, "wrong_type", "p.approvers[1]"),
        ({"approvers": "a", "on_timeout": "escape"}, "not_in_enum", "p.on_timeout"),
        ({"approvers": "a", "timeout_seconds": 0}, "out_of_range", "p.timeout_seconds"),
    ],
    ids=str,
)
def test_a_gate_that_nobody_can_decide_is_refused(parameters: dict[str, Any], code: str, path: str) -> None:
    issues = ApprovalGate.parameters.check(parameters, "p")
    assert [(issue.code, issue.path) for issue in issues] == [(code, path)]


@pytest.mark.parametrize(
    "approvers", ["{{ params.level1_approver }}", ["{{ params.a }}"], ["alice"]], ids=repr
)
def test_approvers_may_come_from_a_template(approvers: Any) -> None:
    assert ApprovalGate.parameters.check({"approvers": approvers}, "p") == []


# condition_check


@pytest.mark.parametrize(
    ("parameters", "code", "severity"),
    [
        ({}, "no_checks", "error"),
        ({"fail_when_false": True}, "no_checks", "error"),
        ({"checks": {}}, "no_checks", "error"),
        ({"checks": {"a": "true"}, "expression": "true"}, "checks_or_expression", "error"),
        ({"check_type": "quality", "min_score": 0.8}, "decides_nothing", "warning"),
        ({"checks": {"a": 5}}, "wrong_type", "error"),
        ({"expression": True}, "wrong_type", "error"),
        ({"expression": "true", "fail_when_false": "{{ params.strict }}"}, "not_templated", "error"),
    ],
    ids=str,
)
def test_a_check_without_a_usable_expression_is_pointed_out(
    parameters: dict[str, Any], code: str, severity: str
) -> None:
    issues = ConditionCheck.parameters.check(parameters, "p")
    assert [(issue.code, issue.severity) for issue in issues] == [(code, severity)]


def test_the_expressions_of_a_check_are_found_with_their_place() -> None:
    found = ConditionCheck.parameters.expressions({"checks": {"a": "1 < 2", "b": "{{ true }}"}}, "p")
    assert list(found) == [("p.checks.a", "1 < 2"), ("p.checks.b", "true")]
