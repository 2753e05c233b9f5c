"""Schema versions: which one it is, what holds for every migration, and each step alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.definition import CURRENT, Migration, migrate
from orchestrator.definition.versions import VERSIONS, version_of
from orchestrator.definition.versions.steps import from_1_0_0, from_1_1_0
from tests.unit.definitions import TEXT, VALUES, a_task, checked, places
from tests.unit.older_kit import older, task_after

# Which version it is ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1.0.0", "1.0.0"),
        ("1.0", "1.0.0"),
        ("1", "1.0.0"),
        (1, "1.0.0"),
        (1.0, "1.0.0"),
        (1.1, "1.1.0"),
        ("1.2", "1.2.0"),
        (" 1.2.0 ", "1.2.0"),
        ("v1.1.0", "1.1.0"),
        (2, CURRENT),
        (2.0, CURRENT),
        ("2.0", CURRENT),
        (None, CURRENT),
    ],
)
def test_a_version_may_be_spelt_in_several_ways(written: Any, meant: str) -> None:
    found = migrate(older({}, written))
    assert (found.from_version, found.understood, found.issues) == (meant, True, ())
    assert found.data["version"] == CURRENT


def test_a_definition_without_a_version_is_current() -> None:
    assert migrate({"name": "x", "tasks": {}}).from_version == CURRENT


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("1.3.0", "1.2.0"),
        ("2.0.0.", "2.0.0"),
        ("1.0.0-beta", "1.0.0"),
        ("2,0,0", "2.0.0"),
        ("1.2.x", "1.2.0"),
    ],
)
def test_an_unknown_version_is_refused_with_the_nearest(written: Any, hint: str) -> None:
    found = migrate(older({}, written))
    assert not found.understood
    (issue,) = found.issues
    assert (issue.path, issue.code, issue.severity, issue.hint) == (
        "version",
        "unknown_version",
        "error",
        hint,
    )
    assert "there are 1.0.0, 1.1.0, 1.2.0, 2.0.0" in issue.message
    assert f"Did you mean '{hint}'?" in issue.message


@pytest.mark.parametrize("written", ["3.0.0", "2.0.1", "2.1", 3, 2.1, "10"])
def test_a_newer_version_asks_for_an_upgrade(written: Any) -> None:
    (issue,) = migrate(older({}, written)).issues
    assert issue.code == "unknown_version"
    assert "newer than 2.0.0. Update Baton" in issue.message


@pytest.mark.parametrize(
    "written",
    [
        "",
        "zwei",
        True,
        [],
        {},
        -1,
        10**5000,
        -(10**5000),
        1e308,
        float("nan"),
        float("inf"),
        "9" * 10_000,
        "2.²",
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_version_at_all_is_refused_in_one_finding(written: Any) -> None:
    found = migrate(older({"a": {"no": "action"}}, written))
    assert (found.from_version, found.understood) == ("", False)
    assert [issue.code for issue in found.issues] == ["unknown_version"]


def test_of_an_unknown_version_the_rules_say_nothing_else() -> None:
    assert places(checked(older({"a": {"no": "action"}}, "1.7")).issues) == {("unknown_version", "version")}


# What holds for every migration -----------------------------------------------------------------------

CONDITIONS = st.sampled_from(
    ["{{x}}", "workflow.tasks['a'].status == 'completed'", "1 +", {"type": "dependency", "task": "a"}, ""]
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["a", "b"]) | VALUES,
        "action": st.sampled_from(["file_operation", "condition_check", "approval_gate"]) | VALUES,
        "agent_id": st.just("{{run}} {{w}}") | VALUES,
        "conditions": CONDITIONS | st.lists(CONDITIONS | VALUES, max_size=3) | VALUES,
        "parameters": st.dictionaries(
            st.sampled_from(["operation", "condition", "checks", "files"]), CONDITIONS | VALUES
        )
        | VALUES,
        "execution_mode": st.just("conditional") | VALUES,
        "retry_count": VALUES,
    },
)
TASKS = st.dictionaries(st.sampled_from(["a", "b"]) | TEXT, FIELDS | VALUES, max_size=4)
DEFINITIONS = st.fixed_dictionaries(
    {},
    optional={
        "version": st.sampled_from([*VERSIONS, 1, "1.1", None]) | VALUES,
        "tasks": TASKS | st.lists(FIELDS | VALUES, max_size=3) | VALUES,
        "parameters": st.dictionaries(TEXT, VALUES, max_size=3) | VALUES,
        "more": VALUES,
    },
)


@given(DEFINITIONS)
@settings(max_examples=500, deadline=None)
def test_a_migration_never_raises_and_leaves_what_it_was_given(data: dict[str, Any]) -> None:
    before = copy.deepcopy(data)
    found = migrate(data)
    assert data == before
    assert isinstance(found, Migration)
    assert found.understood == (found.from_version in VERSIONS)
    assert found.understood == (
        found.data.get("version") == CURRENT and version_of(data.get("version")) != ""
    )


@given(DEFINITIONS)
@settings(max_examples=200, deadline=None)
def test_what_was_migrated_is_not_changed_by_another_migration(data: dict[str, Any]) -> None:
    once = migrate(data)
    if once.understood:
        assert migrate(once.data) == Migration(once.data, CURRENT)


@given(DEFINITIONS)
@settings(max_examples=200, deadline=None)
def test_a_current_definition_stays_as_it_is(data: dict[str, Any]) -> None:
    current = {**data, "version": CURRENT}
    assert migrate(current) == Migration(current, CURRENT)


@given(DEFINITIONS)
@settings(max_examples=200, deadline=None)
def test_whatever_it_was_the_check_of_it_gives_findings(data: dict[str, Any]) -> None:
    assert all(issue.path and issue.code for issue in checked(data).issues)


# 1.0.0 → 1.1.0 ----------------------------------------------------------------------------------------


def test_from_1_0_0_tasks_in_a_list_become_a_map_in_their_order() -> None:
    listed = [{"id": "second", "action": "agent_task"}, {"id": "first", "action": "agent_task"}]
    data, issues = from_1_0_0({"tasks": listed})
    assert list(data["tasks"]) == ["second", "first"]
    assert data["tasks"]["first"]["id"] == "first"
    assert issues == []


@pytest.mark.parametrize(
    "tasks", [[{"id": "a"}, {"id": "a"}], [{"name": "no id"}], [{"id": 3}], ["a"], "a", None, 3]
)
def test_from_1_0_0_what_is_no_list_of_tasks_is_left_to_the_rules(tasks: Any) -> None:
    assert from_1_0_0({"tasks": tasks})[0]["tasks"] == tasks


def test_from_1_0_0_every_task_runs_in_its_turn_unless_it_says_otherwise() -> None:
    tasks = {"a": {}, "b": {"execution_mode": "parallel"}, "c": {"execution_mode": None}, "d": "no task"}
    data, _ = from_1_0_0({"tasks": tasks})
    assert data["tasks"] == {
        "a": {"execution_mode": "sequential"},
        "b": {"execution_mode": "parallel"},
        "c": {"execution_mode": "sequential"},
        "d": "no task",
    }


# 1.1.0 → 1.2.0 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_task", "mode"),
    [
        ({"execution_mode": "conditional"}, "sequential"),
        ({"execution_mode": "conditional", "conditions": []}, "sequential"),
        ({"execution_mode": "conditional", "conditions": ["True"]}, "conditional"),
        ({"execution_mode": "parallel"}, "parallel"),
    ],
)
def test_from_1_1_0_conditional_means_something_only_with_a_condition(
    given_task: dict[str, Any], mode: str
) -> None:
    data, issues = from_1_1_0({"tasks": {"a": given_task}})
    assert data["tasks"]["a"]["execution_mode"] == mode
    assert issues == []


# 1.2.0 → 2.0.0 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0", "1.2.0"])
def test_what_was_never_tried_twice_is_not_tried_twice_now(version: str) -> None:
    assert task_after(version)["retry_count"] == 0
    assert task_after(version, retry_count=None)["retry_count"] == 0
    assert task_after(version, retry_count=2)["retry_count"] == 2


def test_a_current_definition_keeps_the_retries_it_has_by_default() -> None:
    assert "retry_count" not in task_after(CURRENT)


@pytest.mark.parametrize(
    ("python", "expression"),
    [
        (
            "workflow.metadata.get('approval_level', 1) >= 1",
            "(has(workflow.metadata.approval_level) ? workflow.metadata.approval_level : 1) >= 1",
        ),
        (
            "workflow.tasks['assess'].result['priority'] == 'high'",
            'tasks.assess.output.priority == "high"',
        ),
        (
            "any(t.status == 'completed' for t in [workflow.tasks.get('assess'), workflow.tasks.get('gone')] if t)",
            'tasks.assess.status == "completed"',
        ),
        ("{{amount}} > 100 and not {{urgent}}", None),
        ({"type": "dependency", "expression": "assess"}, 'tasks.assess.status == "completed"'),
        ({"type": "custom", "expression": "workflow.tasks['assess'].status != 'failed'"}, None),
    ],
)
def test_a_python_condition_becomes_an_expression_that_is_accepted(
    python: Any, expression: str | None
) -> None:
    tasks = {"assess": a_task(), "load": a_task("assess", conditions=[python])}
    report = checked(older(tasks))
    assert report.definition is not None
    if expression is not None:
        assert report.definition.tasks["load"].conditions == (expression,)


def test_a_condition_that_was_left_out_of_a_list_is_still_one() -> None:
    assert task_after(conditions="1 < 2 and True")["conditions"] == ["1 < 2"]


def test_what_is_written_in_the_present_language_already_is_taken() -> None:
    assert task_after(conditions=["{{ params.x == 'a' && true }}"])["conditions"] == [
        "params.x == 'a' && true"
    ]


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0", "1.2.0"])
def test_what_cannot_be_translated_is_refused_where_it_stands(version: str) -> None:
    conditions = ["True", "open('/etc/passwd').read() == ''", "workflow.metadata.x > 1"]
    report = checked(older({"a": a_task(), "load": a_task("a", conditions=conditions)}, version))
    assert places(report.errors) == {("untranslatable_condition", "tasks.load.conditions[1]")}
    (issue,) = report.errors
    assert issue.message.startswith("At column 21: the method 'read' cannot be translated.")
    assert "2.0.0" in issue.hint


def test_a_task_of_a_list_is_reported_under_its_id() -> None:
    tasks = [{"id": "load", "action": "agent_task", "conditions": ["lambda: 1"]}]
    assert places(checked(older(tasks, "1.0.0")).errors) == {
        ("untranslatable_condition", "tasks.load.conditions[0]")
    }


def test_a_task_that_is_not_there_is_left_out_of_a_condition_with_a_warning() -> None:
    source = "any(t.status == 'completed' for t in [workflow.tasks.get('a'), workflow.tasks.get('b')] if t)"
    report = checked(older({"a": a_task(), "load": a_task("a", conditions=[source])}))
    assert ("changed_condition", "tasks.load.conditions[0]") in places(report.warnings)
    assert report.ok


@pytest.mark.parametrize("name", ["expression", "condition"])
def test_a_condition_check_is_translated_as_well(name: str) -> None:
    checks = a_task(
        "a",
        action="condition_check",
        parameters={name: "workflow.tasks['a'].result.get('score', 0) > {{limit}}"},
    )
    report = checked(older({"a": a_task(), "load": checks}))
    assert report.definition is not None
    assert report.definition.tasks["load"].parameters["expression"] == (
        "(has(tasks.a.output.score) ? tasks.a.output.score : 0) > params.limit"
    )
    assert list(report.definition.parameters) == ["limit"]


def test_the_named_checks_of_a_condition_check_are_translated_each() -> None:
    parameters = {"checks": {"small": "workflow.metadata.size < 3 and True", "bad": "f'{1}'", "no": 1}}
    report = checked(older({"load": a_task(action="condition_check", parameters=parameters)}))
    assert places(report.errors) == {
        ("untranslatable_condition", "tasks.load.parameters.checks.bad"),
        ("wrong_type", "tasks.load.parameters.checks.no"),
    }


def test_a_check_with_a_type_and_thresholds_passes_with_a_warning() -> None:
    parameters = {"check_type": "quality", "min_quality": 0.9}
    report = checked(older({"load": a_task(action="condition_check", parameters=parameters)}))
    assert report.ok
    assert ("decides_nothing", "tasks.load.parameters") in places(report.warnings)
