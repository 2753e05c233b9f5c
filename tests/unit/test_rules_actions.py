"""What tasks do: unknown actions, their parameters, what may undo a task, and schemas of outputs."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.definition.check import check
from orchestrator.definition.fields import Field, ParameterSchema
from tests.unit.definitions import (
    Row,
    a_definition,
    a_file_task,
    a_gate,
    a_task,
    assert_found,
    checked,
    each_of,
    of_task,
    places,
    warned,
    within,
)


def doing(action: str, code: str, path: str, words: str, /, **parameters: Any) -> Row:
    return of_task(code, path, words, action=action, parameters=parameters)


def undoing(code: str, path: str, words: str, /, **compensation: Any) -> Row:
    return of_task(code, f"compensation.{path}", words, compensation=compensation)


def with_schema(code: str, path: str, words: str, schema: Any) -> Row:
    return of_task(code, f"output_schema{path}", words, output_schema=schema)


ACTIONS = [
    of_task("unknown_action", "action", "Did you mean 'agent_task'?", action="agnet_task"),
    of_task("unknown_action", "action", "There are agent_task, ", action="shell"),
    of_task("unknown_action", "action", "There is no action", action="x" * 100_000),
    of_task("unknown_action", "action", "'__class__'", action="__class__"),
    Row(a_definition({"a": a_task(action="")}), "unknown_action", "tasks.a.action", "There is no action ''"),
    doing("file_operation", "missing_parameter", "parameters.operation", "'operation' is missing", path="a"),
    doing(
        "file_operation",
        "not_in_enum",
        "parameters.operation",
        "Did you mean 'read'?",
        operation="raed",
        path="a",
    ),
    doing(
        "file_operation",
        "not_templated",
        "parameters.operation",
        "cannot hold {{ }}",
        operation="{{ run.id }}",
        path="a",
    ),
    doing("file_operation", "wrong_type", "parameters.path", "must be text", operation="read", path=["a"]),
    doing("file_operation", "missing_parameter", "parameters.path", "needs path", operation="read"),
    warned(
        doing(
            "file_operation",
            "unknown_parameter",
            "parameters.pth",
            "Did you mean 'path'?",
            operation="list",
            pth="a",
        )
    ),
    doing("api_call", "missing_parameter", "parameters.url", "'url' is missing", method="GET"),
    doing(
        "approval_gate",
        "no_approver",
        "parameters.approvers",
        "name at least one approver",
        approvers=[],
        timeout_seconds=60,
    ),
    doing(
        "approval_gate",
        "too_long",
        "parameters.title",
        "At most 200",
        approvers=["a", "b"],
        title="x" * 201,
        timeout_seconds=60,
    ),
    doing("condition_check", "no_checks", "parameters", "Give checks", fail_when_false=True),
    doing(
        "condition_check",
        "out_of_range",
        "parameters.checks",
        "there are 101",
        checks={f"c{n}": "true" for n in range(101)},
    ),
    doing("condition_check", "wrong_type", "parameters.checks.a", "an expression; it is 1", checks={"a": 1}),
    warned(
        doing(
            "condition_check",
            "decides_nothing",
            "parameters",
            "decides nothing",
            check_type="quality",
            threshold=3,
        )
    ),
    doing("agent_task", "out_of_range", "parameters.seconds", "it is -1", seconds=-1),
]

TRIGGERS = [
    Row(
        a_definition({"a": a_task(action="workflow_trigger", parameters={"workflow_id": "me"})}, id="me"),
        "self_trigger",
        "tasks.a.parameters.workflow_id",
        "would start itself, without end",
    ),
]

COMPENSATIONS = [
    *(
        undoing(
            "cannot_compensate",
            "action",
            f"{action} cannot undo a task",
            action=action,
            parameters=parameters,
        )
        for action, parameters in [
            ("approval_gate", {"approvers": ["ada"]}),
            ("condition_check", {"expression": "true"}),
            ("workflow_trigger", {"workflow_id": "other"}),
        ]
    ),
    undoing("unknown_action", "action", "Did you mean 'api_call'?", action="api_cal"),
    undoing("missing_parameter", "parameters.url", "missing", action="api_call"),
    undoing("wrong_type", "parameters", "must be a map", action="agent_task", parameters=["a"]),
]

SCHEMAS = [
    with_schema("wrong_type", "", "is a JSON Schema, a map; this is 'object'", "object"),
    with_schema("wrong_type", "", "this is a list of 0", []),
    with_schema("bad_schema", "", "no usable JSON Schema", {"type": "objekt"}),
    with_schema("bad_schema", "", "nothing is fetched", {"$ref": "https://example.org/a.json"}),
    with_schema("bad_schema", "", "leads back to itself", {"$ref": "#"}),
    with_schema("bad_schema", ".properties.a", "nothing at #/no", {"properties": {"a": {"$ref": "#/no"}}}),
    with_schema(
        "bad_schema",
        "['$defs'].a",
        "$anchor is not supported",
        {"$ref": "#/$defs/a", "$defs": {"a": {"$anchor": "x"}}},
    ),
]

ROWS = [*ACTIONS, *TRIGGERS, *COMPENSATIONS, *SCHEMAS]


@each_of(ROWS)
def test_a_fault_of_what_a_task_does_is_found_where_it_stands(row: Row) -> None:
    assert_found(row)


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(a_file_task(), id="a file operation"),
        pytest.param(a_gate(), id="an approval"),
        pytest.param(a_gate(approvers="ada, bob"), id="approvers as text"),
        pytest.param(a_gate(approvers="{{ run.id }}"), id="approvers that are found out later"),
        pytest.param(
            a_task(compensation={"action": "file_operation", "parameters": {"operation": "list"}}),
            id="undone",
        ),
        pytest.param(a_task(output_schema=False), id="no output will do"),
        pytest.param(
            a_task(output_schema={"$defs": {"a": True}, "items": {"$ref": "#/$defs/a"}}), id="a reference"
        ),
        pytest.param(a_task(parameters={"anything": {"more": [1]}}), id="agents take any parameter"),
        pytest.param(
            a_task(action="workflow_trigger", parameters={"workflow_id": "other"}), id="another workflow"
        ),
    ],
)
def test_what_can_be_done_is_accepted(task: dict[str, Any]) -> None:
    assert checked(a_definition({"load": task}, id="me")).issues == ()


@pytest.mark.parametrize(
    ("task", "approvers"),
    [
        pytest.param({"agent_id": "bob"}, ["bob"], id="the agent"),
        pytest.param({"agent_id": "bob", "parameters": {"approver": "eve"}}, ["eve"], id="the parameter"),
        pytest.param({"approvers": ["eve", "mallory"]}, ["eve", "mallory"], id="the task's own field"),
        pytest.param({"approver": "eve"}, ["eve"], id="its singular"),
        pytest.param(
            {"agent_id": "bob", "parameters": {"approvers": ["eve"]}},
            ["eve"],
            id="what is named as it should be",
        ),
    ],
)
def test_an_approver_may_stand_where_older_definitions_had_them(
    task: dict[str, Any], approvers: list[str]
) -> None:
    definition = checked(a_definition({"ask": {"action": "approval_gate"} | task})).definition
    assert definition is not None
    assert definition.tasks["ask"].parameters["approvers"] == approvers


@pytest.mark.parametrize("agent", ["pool:people", "can:sign", "system"])
def test_who_is_no_person_approves_nothing(agent: str) -> None:
    gate = {"action": "approval_gate", "agent_id": agent, "timeout_seconds": 60}
    report = checked(a_definition({"ask": gate}))
    assert places(report.issues) == {("no_approver", "tasks.ask.parameters.approvers")}


def test_the_actions_there_are_are_handed_in() -> None:
    own = {"shout": ParameterSchema((Field("loudness", "integer", required=True, maximum=11),))}
    data = a_definition(
        {"a": {"action": "shout", "parameters": {"loudness": 12}}, "b": {"action": "agent_task"}}
    )
    assert places(check(data, actions=own).issues) == {
        ("out_of_range", "tasks.a.parameters.loudness"),
        ("unknown_action", "tasks.b.action"),
    }


def test_thousands_of_unknown_parameters_cost_little() -> None:
    parameters = {"url": "https://example.org"} | {f"contnt{n}": 1 for n in range(80_000)}
    with within(4):
        report = checked(a_definition({"a": a_task(action="api_call", parameters=parameters)}))
    assert report.ok
    assert len(report.issues) == 1_001
