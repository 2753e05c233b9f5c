"""The older dialect: placeholders, names of parameters, and the whole way to the current schema."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.definition import CURRENT, migrate
from orchestrator.definition.expressions import ROOTS
from orchestrator.definition.versions.steps import from_1_0_0, from_1_1_0, from_1_2_0
from tests.unit.definitions import a_definition, a_task, checked, places, within
from tests.unit.older_kit import declared_by, migrated, older, task_after

# Placeholders -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "types"),
    [
        ({"parameters": {"context": "{{all}}"}}, {"all": "any"}),
        ({"parameters": {"context": " {{ all }} "}}, {"all": "any"}),
        ({"parameters": {"title": "About {{topic}}, {{ topic }}"}}, {"topic": "string"}),
        ({"parameters": {"context": ["{{one}}", {"deep": "x{{two}}"}]}}, {"one": "any", "two": "string"}),
        ({"parameters": {"context": "{{x}}", "title": "x {{x}}"}}, {"x": "any"}),
        ({"agent_id": "{{who}}"}, {"who": "string"}),
        ({"agent_id": "pool:{{team}}"}, {"team": "string"}),
        ({"agent_id": "{{who}}", "parameters": {"context": "{{who}}"}}, {"who": "string"}),
        ({"parameters": {"context": "{{who}}"}, "conditions": ["{{who}} == 'ann'"]}, {"who": "any"}),
        ({"conditions": ["'{{level}}' == 'high'"]}, {"level": "any"}),
        ({"compensation": {"action": "agent_task", "agent_id": "{{who}}"}}, {"who": "string"}),
        ({"description": "{{not_filled_in}}", "name": "{{nor_this}}"}, {}),
        ({"parameters": {"title": "{{ now }} {{run}} {{ item }}"}, "agent_id": "{{workflow}}"}, {}),
        ({"parameters": {"title": "{{ a.b }} {{ 1 + 2 }} { {c} } {{}}"}}, {}),
        ({"parameters": {"title": "{{ __proto__ }} {{constructor}}"}}, {}),
    ],
)
def test_the_parameters_that_placeholders_name_are_declared(
    fields: dict[str, Any], types: dict[str, str]
) -> None:
    assert declared_by(**fields) == types


def test_placeholders_are_rewritten_where_they_stand() -> None:
    task = task_after(agent_id="{{who}}", parameters={"title": "For {{ who }}: {{now}}", "n": 3})
    assert task["agent_id"] == "{{ params.who }}"
    assert task["parameters"] == {"title": "For {{ params.who }}: {{now}}", "n": 3}


def test_the_approvers_of_a_gate_are_filled_in_like_its_agent() -> None:
    tasks = {
        "ask": a_task(action="approval_gate", agent_id="{{level1_approver}}"),
        "again": a_task("ask", action="approval_gate", agent_id="system", approvers=["{{level2_approver}}"]),
    }
    report = checked(older(tasks))
    assert report.definition is not None
    gates = report.definition.tasks
    assert gates["ask"].parameters["approvers"] == ["{{ params.level1_approver }}"]
    assert gates["again"].parameters["approvers"] == ["{{ params.level2_approver }}"]


@pytest.mark.parametrize("root", sorted(ROOTS))
def test_no_root_of_the_language_becomes_a_parameter(root: str) -> None:
    assert declared_by(agent_id=f"{{{{{root}}}}}", parameters={"title": f"{{{{ {root} }}}} x"}) == {}


def test_a_declared_parameter_is_not_declared_again() -> None:
    tasks = {"load": a_task(agent_id="{{who}}", parameters={"title": "{{what}}"})}
    given_parameters = {"who": {"type": "string", "default": "ann"}}
    found = migrate(older(tasks, parameters=given_parameters))
    assert found.data["parameters"] == {
        "who": {"type": "string", "default": "ann"},
        "what": {"type": "any", "required": True},
    }
    assert places(found.issues) == {("declared_parameter", "parameters.what")}
    assert all(issue.severity == "warning" for issue in found.issues)


def test_parameters_that_are_null_are_none() -> None:
    tasks = {"load": a_task(agent_id="{{who}}")}
    assert list(migrated(tasks, parameters=None)["parameters"]) == ["who"]


def test_an_older_result_in_a_template_is_the_output() -> None:
    text = "{{ tasks.a.result.rows }} of {{ tasks['b'].result }}, my result"
    assert task_after(parameters={"title": text})["parameters"]["title"] == (
        "{{ tasks.a.output.rows }} of {{ tasks['b'].output }}, my result"
    )


# Actions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        (
            "file_operation",
            {"operation_type": "copy", "source": "a", "target": "b"},
            {"operation": "copy", "path": "a", "destination": "b"},
        ),
        (
            "file_operation",
            {"operation": "cleanup", "files": ["tmp/*.log", "*.part"]},
            {"operation": "cleanup", "patterns": ["tmp/*.log", "*.part"]},
        ),
        (
            "file_operation",
            {"operation": "cleanup", "pattern": "tmp/*"},
            {"operation": "cleanup", "patterns": ["tmp/*"]},
        ),
        (
            "file_operation",
            {"operation": "cleanup", "path": "tmp/*"},
            {"operation": "cleanup", "patterns": ["tmp/*"]},
        ),
        (
            "file_operation",
            {"operation": "cleanup", "directory": "tmp", "glob": "*.log"},
            {"operation": "cleanup", "path": "tmp", "patterns": ["*.log"]},
        ),
        ("file_operation", {"path": "a", "file": "b"}, {"path": "a", "file": "b"}),
        (
            "workflow_trigger",
            {"workflow_template": "approval_chain", "params": {"a": 1}, "wait_for_completion": False},
            {"template": "approval_chain", "parameters": {"a": 1}, "wait": False},
        ),
        ("workflow_trigger", {"workflow": "nightly"}, {"workflow_id": "nightly"}),
        (
            "approval_gate",
            {"request_title": "Pay?", "description": "The bill."},
            {"title": "Pay?", "instructions": "The bill."},
        ),
        ("condition_check", {"condition": "1 < 2"}, {"expression": "1 < 2"}),
        ("condition_check", {"check_type": "x"}, {"check_type": "x"}),
        ("api_call", {"endpoint": "https://x.org", "payload": {}}, {"url": "https://x.org", "json": {}}),
        ("agent_task", {"file": "a", "pattern": "b"}, {"file": "a", "pattern": "b"}),
        ("sing", {"file": "a"}, {"file": "a"}),
        (["file_operation"], {"file": "a"}, {"file": "a"}),
    ],
)
def test_parameters_of_actions_are_found_under_their_present_names(
    action: Any, before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert task_after(action=action, parameters=before)["parameters"] == after


# The whole way ----------------------------------------------------------------------------------------


def test_the_chain_does_what_each_of_its_steps_does() -> None:
    tasks = [
        {"id": "a", "action": "agent_task", "agent_id": "{{who}}"},
        {"id": "b", "action": "agent_task", "dependencies": ["a"], "conditions": ["'{{x}}' == 'y' and True"]},
    ]
    data = {"name": "All of it", "version": "1.0.0", "tasks": tasks}
    step_by_step: dict[str, Any] = dict(data)
    for step in (from_1_0_0, from_1_1_0, from_1_2_0):
        step_by_step, _ = step(step_by_step)
    assert migrate(data).data == {**step_by_step, "version": CURRENT}
    assert checked(data).ok


def test_a_large_older_definition_is_brought_along_in_a_moment() -> None:
    condition = (
        "any(t.status == 'completed' for t in [workflow.tasks.get('t0'), workflow.tasks.get('x')] if t)"
    )
    tasks = {"t0": a_task()} | {
        f"t{n}": a_task("t0", agent_id="{{who}}", conditions=[condition], parameters={"title": "{{n}} x"})
        for n in range(1, 2_000)
    }
    with within(3):
        found = migrate(older(tasks))
    assert set(found.data["parameters"]) == {"who", "n"}


# What a current definition that was written the older way is told -------------------------------------


def current(**fields: Any) -> dict[str, Any]:
    return a_definition({"a": a_task(), "load": a_task("a", **fields)})


@pytest.mark.parametrize(
    ("code", "source", "present"),
    [
        ("expression_syntax", "tasks['a'].output.x == 1 and True", "tasks.a.output.x == 1"),
        ("expression_unknown_name", "not tasks.a.result['x'] == 1", "!(tasks.a.output.x == 1)"),
        ("unknown_member", "workflow.tasks['a'].result['x'] == 1", "tasks.a.output.x == 1"),
        (
            "expression_unknown_function",
            "workflow.tasks['a'].result.get('x', 0) > 1",
            "(has(tasks.a.output.x) ? tasks.a.output.x : 0) > 1",
        ),
        ("expression_unknown_name", "workflow.metadata.x == None", "workflow.metadata.x == null"),
    ],
)
def test_a_python_condition_is_told_how_it_is_written_now(code: str, source: str, present: str) -> None:
    (issue,) = checked(current(conditions=[source])).issues
    assert (issue.path, issue.code) == ("tasks.load.conditions[0]", code)
    assert issue.hint == f"in schema 2.0.0: {present}"
    assert f"In schema 2.0.0 this is written '{present}'." in issue.message


@pytest.mark.parametrize(
    "source",
    [
        "1 < ",
        "sing(1)",
        "tasks.b.status == 'completed'",
        "1 < 'a'",
        "open('x').read() == ''",
        "tasks.a.x == 1",
    ],
)
def test_what_is_no_python_condition_is_told_nothing_of_the_kind(source: str) -> None:
    for issue in checked(current(conditions=[source])).issues:
        assert "In schema" not in issue.message
        assert "in schema" not in issue.hint


def test_only_the_first_python_conditions_are_explained() -> None:
    tasks = {f"t{n}": a_task(conditions=["1 == 1 and True"]) for n in range(40)}
    explained = [issue for issue in checked(a_definition(tasks)).issues if issue.hint]
    assert len(explained) == 25


def test_explaining_thousands_of_conditions_takes_no_time() -> None:
    tasks = {f"t{n}": a_task(conditions=["+".join("1" * 900)]) for n in range(900)}
    with within(2):
        checked(a_definition(tasks))


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"parameters": {"title": "{{topic}}"}}, "tasks.load.parameters.title"),
        ({"agent_id": "{{ topic }}"}, "tasks.load.agent_id"),
        ({"conditions": ["topic == 1"]}, "tasks.load.conditions[0]"),
    ],
)
def test_a_bare_name_is_told_to_be_a_parameter(fields: dict[str, Any], path: str) -> None:
    (issue,) = checked(current(**fields)).issues
    assert (issue.path, issue.code, issue.hint) == (path, "expression_unknown_name", "params.topic")
    assert "If it is a parameter, write params.topic and declare it under parameters." in issue.message


def test_the_nearest_known_name_comes_before_that_advice() -> None:
    (issue,) = checked(current(parameters={"title": "{{ param.x }}"})).issues
    assert issue.hint == "params"
