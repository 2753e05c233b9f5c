"""The baton command, in process: what it prints, with which exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orchestrator import engine
from orchestrator.catalog import templates
from orchestrator.cli import main
from orchestrator.cli.exits import Exit
from orchestrator.engine.template_saving import Wish
from orchestrator.models import Run, Workflow
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

Baton = Callable[..., Result]
SIMPLE = {
    "name": "Simple Analysis",
    "version": "2.0.0",
    "tasks": {
        "analyze": {
            "name": "Analyze Data",
            "agent_id": "analyst",
            "action": "agent_task",
            "parameters": {"description": "Perform data analysis", "estimated_hours": 2},
        }
    },
}
COMMANDS = (
    *("list", "create", "validate", "import", "export", "templates"),
    *(
        "start",
        "status",
        "monitor",
        "debug",
        "stop",
        "resume",
        "cancel",
        "approve",
        "reject",
        "recall",
        "agents",
        "health",
        "schema",
    ),
    *("up", "web", "workers", "clock"),
)
OVER = ("--override", "--comment", "nobody else is there")
OLD = {
    "name": "Old one",
    "version": "1.0.0",
    "tasks": {"a": {"name": "A", "action": "agent_task", "agent_id": "x", "dependencies": []}},
}


@pytest.fixture
def baton(monkeypatch: pytest.MonkeyPatch) -> Baton:
    """Runs a command line; words as arguments."""
    monkeypatch.delenv("BATON_USER", raising=False)
    monkeypatch.setenv("COLUMNS", "160")

    def run(*words: object, code: int = 0, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(main, [str(word) for word in words], input=stdin)
        assert result.exit_code == code, f"{result.exit_code}: {result.output} {result.exception!r}"
        return result

    return run


def answer(result: Result) -> Any:
    return json.loads(result.stdout)


def test_help_names_every_command_under_its_heading(baton: Baton) -> None:
    text = baton("--help").stdout
    for heading in ("Workflows:", "Runs:", "Approvals:", "Agents:", "Upkeep:"):
        assert heading in text
    for command in COMMANDS:
        assert f"\n  {command} " in text


def test_every_command_takes_json() -> None:
    context = main.make_context("baton", ["list"], resilient_parsing=True)
    commands = {name: main.get_command(context, name) for name in main.list_commands(context)}
    for group in ("schema", "agents", "chats"):
        members = commands.pop(group).commands.items()  # type: ignore[union-attr]
        commands |= {f"{group} {name}": command for name, command in members}
    without = [
        name
        for name, command in commands.items()
        if not any("--json" in parameter.opts for parameter in command.params)  # type: ignore[union-attr]
    ]
    assert without == []


def test_an_empty_list_says_how_to_begin(baton: Baton) -> None:
    assert "No workflows yet" in baton("list").stdout
    assert answer(baton("list", "--json")) == {"workflows": []}


@pytest.mark.parametrize(
    ("template", "params"),
    [
        ("approval_chain", ["level1_approver=alice", "level2_approver=bob", "request_title=Budget Approval"]),
        ("parallel_processing", ["worker_agent_1=CA", "worker_agent_2=CB", "worker_agent_3=CC"]),
        ("sequential_pipeline", ["extraction_agent=data_agent", "transformation_agent=process_agent"]),
        ("conditional_workflow", ["assessment_agent=review_agent", "priority_agent=urgent_agent"]),
    ],
)
def test_create_makes_a_workflow_of_each_template_as_the_manual_says(
    baton: Baton, template: str, params: list[str]
) -> None:
    words = [word for pair in params for word in ("--param", pair)]
    made = answer(baton("create", template, *words, "--json"))
    assert made["id"] == template
    definition = Workflow.objects.get(key=template).draft
    assert {
        name: definition["parameters"][name]["default"] for name, _ in (p.split("=") for p in params)
    } == dict(p.split("=") for p in params)


def test_a_second_workflow_of_a_template_gets_an_id_of_its_own(baton: Baton) -> None:
    first, second = (answer(baton("create", "sequential_pipeline", "--json"))["id"] for _ in range(2))
    assert first != second


def test_create_refuses_an_unknown_template_and_an_unknown_parameter_with_the_nearest_name(
    baton: Baton,
) -> None:
    unknown = baton("create", "aproval_chain", code=Exit.NOT_FOUND)
    assert "Did you mean 'approval_chain'?" in unknown.stderr
    wrong = baton("create", "approval_chain", "--param", "level1_aprover=x", "--json", code=Exit.FAILED)
    assert answer(wrong)["error"]["issues"][0]["hint"] == "level1_approver"


def test_templates_are_listed_and_shown_with_their_parameters(baton: Baton) -> None:
    listed = answer(baton("templates", "--json"))["templates"]
    assert [one["key"] for one in listed] == [one.key for one in templates()]
    text = baton("templates", "approval_chain").stdout
    assert "level1_approver" in text
    assert "group:approver" in text


def test_the_teams_templates_are_listed_shown_and_made_in_any_version(baton: Baton) -> None:
    parameters = {"count": {"type": "integer", "required": True, "description": "How many."}}
    workflow = engine.save_workflow({**SIMPLE, "parameters": parameters})
    ann = person("ann", "designer")
    first = Wish(workflow, 1, workflow.draft, "Ours", "Does it.", "Read this.")
    head = engine.save_template("ours", first, user=ann).template
    second = replace(first, definition={**SIMPLE, "tasks": {"z": task()}}, documentation="Read that.")
    engine.add_template_version(head, second, user=ann)
    listed = answer(baton("templates", "--json"))["templates"][-1]
    assert (listed["key"], listed["version"], listed["team"], listed["owner"]) == ("ours", "2", True, "ann")
    assert "Read that." in baton("templates", "ours").stdout and "ann" in baton("templates").stdout
    assert baton("templates", "our", code=Exit.NOT_FOUND).stderr.count("Did you mean 'ours'?") == 1
    made = answer(baton("create", "ours", "--template-version", "1", "--param", "count=3", "--json"))
    assert (made["id"], made["template"]) == ("ours", "ours")
    assert Workflow.objects.get(key="ours").draft["parameters"]["count"]["default"] == 3
    assert "has no version 3" in baton("create", "ours", "--template-version", "3", code=Exit.FAILED).stderr
    engine.retire_template(head)
    assert "retired" in baton("create", "ours", code=Exit.CONFLICT).stderr


def test_validate_names_every_problem_and_fails(baton: Baton, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(SIMPLE))
    broken = {**SIMPLE, "tasks": {"a": task("b"), "b": task("a"), "c": task(action="sing")}}
    bad.write_text(json.dumps(broken))
    assert answer(baton("validate", good, "--json"))["ok"] is True
    found = answer(baton("validate", bad, "--json", code=Exit.FAILED))
    assert len([issue for issue in found["issues"] if issue["severity"] == "error"]) >= 2
    assert "tasks.c.action" in baton("validate", bad, code=Exit.FAILED).stdout
    assert baton("validate", tmp_path / "none.json", code=Exit.NOT_FOUND).stderr.startswith(
        "Error: There is no file"
    )


def test_validate_reads_stdin_and_says_where_json_is_broken(baton: Baton) -> None:
    found = answer(baton("validate", "-", "--json", stdin='{"a": 1, "a": 2}', code=Exit.FAILED))
    assert found["issues"][0]["code"] == "duplicate_key"


def test_what_is_imported_is_exported_and_imported_again(baton: Baton, tmp_path: Path) -> None:
    file = tmp_path / "simple.json"
    file.write_text(json.dumps(SIMPLE))
    key = answer(baton("import", file, "--json"))["id"]
    exported = tmp_path / "out.yaml"
    baton("export", key, "--format", "yaml", "--output", exported)
    baton("import", exported, "--into", key)
    assert Workflow.objects.get(key=key).versions.count() == 2
    first, second = (json.loads(baton("export", key, "--version", number).stdout) for number in (1, 2))
    assert first == second
    assert first["tasks"]["analyze"]["agent_id"] == "analyst"


def test_start_wait_carries_the_run_itself_when_no_worker_is_up(baton: Baton, tmp_path: Path) -> None:
    file = tmp_path / "simple.json"
    file.write_text(json.dumps(SIMPLE))
    key = answer(baton("import", file, "--json"))["id"]
    started = answer(baton("start", key, "--wait", "--json"))
    assert started["status"] == "completed"
    status = answer(baton("status", key, "--json"))
    assert (status["workflow"], status["run"], status["status"]) == (key, started["run"], "completed")
    assert status["tasks"]["analyze"]["status"] == "completed"
    assert status["tasks"]["analyze"]["attempts"] == 1
    assert status["tasks"]["analyze"]["output"]["agent"] == "analyst"


@pytest.mark.parametrize("template", ["sequential_pipeline", "parallel_processing"])
def test_a_template_runs_to_its_end_with_its_defaults(baton: Baton, template: str) -> None:
    baton("create", template)
    lines = baton("start", template, "--wait").stdout
    assert "The run completed" in lines
    tasks = answer(baton("status", template, "--json"))["tasks"]
    assert {one["status"] for one in tasks.values()} == {"completed"}


def test_a_parameter_given_at_start_wins_and_has_its_type(baton: Baton) -> None:
    baton("create", "sequential_pipeline", "--param", "sample_records=100")
    words = ("--param", "sample_records=500", "--param", "source=shop")
    assert answer(baton("start", "sequential_pipeline", *words, "--wait", "--json"))["status"] == "completed"
    status = answer(baton("status", "sequential_pipeline", "--json"))
    assert status["tasks"]["load"]["output"]["loaded"] == 490
    assert status["parameters"]["source"] == "shop"


def test_too_many_rejected_records_stop_the_pipeline_before_it_loads(baton: Baton) -> None:
    baton("create", "sequential_pipeline", "--param", "maximum_rejected_share=0.01")
    ended = baton("start", "sequential_pipeline", "--wait", "--json", code=Exit.FAILED)
    assert answer(ended)["error"]["message"] == "Nothing was loaded: 24 of 1200 records were turned down."
    assert answer(baton("status", "sequential_pipeline", "--json"))["tasks"]["load"]["status"] == "skipped"


def test_partitions_below_the_quality_are_left_out_when_that_is_allowed(baton: Baton) -> None:
    baton("create", "parallel_processing", "--param", "minimum_quality=0.9")
    baton("start", "parallel_processing", "--wait", code=Exit.FAILED)
    baton("start", "parallel_processing", "--param", "required_partitions=2", "--wait")
    assert (
        answer(baton("status", "parallel_processing", "--json"))["tasks"]["aggregate"]["output"]["records"]
        == 2000
    )


def test_start_refuses_an_unknown_parameter_with_the_nearest_name(baton: Baton) -> None:
    baton("create", "sequential_pipeline")
    refused = baton("start", "sequential_pipeline", "--param", "sorce=x", "--json", code=Exit.FAILED)
    assert "source" in answer(refused)["error"]["issues"][0]["message"]
    assert not Run.objects.exists()


def test_the_same_key_gives_the_same_run(baton: Baton) -> None:
    baton("create", "sequential_pipeline")
    runs = {answer(baton("start", "sequential_pipeline", "--key", "k1", "--json"))["run"] for _ in range(2)}
    assert len(runs) == 1


def test_start_without_a_worker_says_so_on_stderr_only(baton: Baton) -> None:
    baton("create", "sequential_pipeline")
    started = baton("start", "sequential_pipeline", "--json")
    assert set(answer(started)) >= {"run", "status"}
    assert "No worker is up" in started.stderr


def test_stop_resume_and_cancel_and_their_conflicts(baton: Baton) -> None:
    baton("create", "sequential_pipeline")
    run = answer(baton("start", "sequential_pipeline", "--json"))["run"]
    assert answer(baton("stop", run, "--json"))["status"] == "paused"
    assert "paused" in baton("stop", run, code=Exit.CONFLICT).stderr
    assert "baton resume" in baton("debug", run).stdout
    assert answer(baton("resume", f"#{run}", "--json"))["status"] == "running"
    assert (
        answer(baton("cancel", "sequential_pipeline", "--reason", "enough", "--json"))["status"]
        == "cancelled"
    )
    baton("cancel", run, code=Exit.CONFLICT)
    assert "enough" in baton("debug", run).stdout


@pytest.mark.parametrize(
    "command", ["status", "monitor", "debug", "stop", "resume", "cancel", "approve", "reject", "recall"]
)
def test_what_is_not_there_is_exit_code_3(baton: Baton, command: str) -> None:
    baton("create", "sequential_pipeline")
    assert "There is no run 99" in baton(command, 99, code=Exit.NOT_FOUND).stderr
    near = baton(command, "sequential_pipelin", code=Exit.NOT_FOUND).stderr
    assert "Did you mean 'sequential_pipeline'?" in near
    assert "has not been started yet" in baton(command, "sequential_pipeline", code=Exit.NOT_FOUND).stderr


def test_monitor_ends_with_the_run_or_when_the_time_is_over(baton: Baton) -> None:
    baton("create", "sequential_pipeline")
    baton("start", "sequential_pipeline")
    over = baton("monitor", "sequential_pipeline", "--duration", 0, code=Exit.TIMEOUT)
    assert "The run started" in over.stdout
    baton("cancel", "sequential_pipeline")
    last = baton("monitor", "sequential_pipeline", "--json", code=Exit.FAILED).stdout.splitlines()[-1]
    assert json.loads(last)["status"]["status"] == "cancelled"


def test_status_draws_every_task_with_a_word(baton: Baton) -> None:
    baton("create", "sequential_pipeline")
    baton("start", "sequential_pipeline", "--wait")
    drawn = baton("status", "sequential_pipeline").stdout
    for name in ("Extract", "Transform", "Validate", "Load", "Write the report"):
        assert f"✓ {name}" in drawn
    assert "5 of 5 tasks settled" in drawn


def test_debug_says_which_agent_a_task_waits_for(baton: Baton, settings: Any) -> None:
    settings.BATON = {**settings.BATON, "DEMO": False}
    baton("create", "sequential_pipeline", "--param", "extraction_agent=data_agent")
    baton("start", "sequential_pipeline")
    found = answer(baton("debug", "sequential_pipeline", "--json"))
    assert [(one["task"], one["reason"]) for one in found["why"]] == [("extract", "agent")]
    assert "data_agent, which nobody serves" in baton("debug", "sequential_pipeline").stdout


def test_a_failed_task_is_retried_by_hand(baton: Baton) -> None:
    definition = flow({"a": task(parameters={"fail_times": 1, "fail_with": "No disk"})})
    key = engine.save_workflow(definition).key
    assert "No disk" in baton("start", key, "--wait", code=Exit.FAILED).stdout
    advice = answer(baton("debug", key, "--json"))["why"][0]
    assert advice["reason"] == "failed"
    assert "baton task" in advice["fix"]
    told = answer(baton("task", key, "a", "retry", "--parameters", "{}", "--json"))
    assert told["status"] == "ready"
    assert answer(baton("status", key, "--json"))["status"] == "running"
    assert "Did you mean 'a'" in baton("task", key, "A", code=Exit.NOT_FOUND).stderr


def test_nobody_can_approve_while_there_is_no_account(baton: Baton) -> None:
    baton("create", "approval_chain")
    baton("start", "approval_chain", "--wait", "--timeout", 1, code=Exit.TIMEOUT)
    assert "Nobody has an account" in baton("approve", "approval_chain", code=Exit.FAILED).stderr


def test_an_approval_chain_is_approved_level_by_level(baton: Baton) -> None:
    person("alice", "approver", "operator")
    person("bob", "approver", "operator")
    baton("create", "approval_chain", "--param", "level1_approver=alice", "--param", "level2_approver=bob")
    baton("start", "approval_chain", "--wait", "--timeout", 1, code=Exit.TIMEOUT)
    asked = answer(baton("approvals", "--json"))["approvals"]
    assert [(one["task"], one["approvers"]) for one in asked] == [("level1", ["alice"])]
    assert "not one of those" in baton("approve", "approval_chain", "--as", "bob", code=Exit.FAILED).stderr
    decided = answer(baton("approve", "approval_chain", "--as", "alice", "--comment", "fine", "--json"))
    assert (decided["status"], decided["decided_by"], decided["comment"]) == ("approved", "alice", "fine")
    baton("approve", "approval_chain", "--task", "level2", "--as", "bob")
    assert answer(baton("status", "approval_chain", "--json"))["tasks"]["decision"]["status"] == "completed"
    baton("approve", "approval_chain", "--as", "bob", code=Exit.CONFLICT)


def test_a_rejection_fails_the_run_with_its_comment(baton: Baton) -> None:
    person("root-of-all", superuser=True)
    baton("create", "approval_chain")
    baton("start", "approval_chain", "--wait", "--timeout", 1, code=Exit.TIMEOUT)
    assert "override" in baton("reject", "approval_chain", code=Exit.FAILED).stderr
    baton("reject", "approval_chain", "--comment", "Too dear", "--override")
    status = answer(baton("status", "approval_chain", "--json"))
    assert status["status"] == "failed"
    assert "Too dear" in status["error"]["message"]
    assert status["tasks"]["level2"]["status"] == "skipped"


ASKS = {
    "name": "Asks",
    "id": "asks",
    "version": "2.0.0",
    "tasks": {
        "ask": {
            "action": "approval_gate",
            "parameters": {
                "approvers": ["alice"],
                "timeout_seconds": 60,
                "data": {"amount": 1200, "for": "desks"},
                "editable": ["amount"],
                "form": [
                    {"name": "centre", "type": "enum", "enum": ["A", 10], "required": True},
                    {"name": "sure", "type": "boolean"},
                ],
            },
        }
    },
}


def test_fields_are_filled_in_and_facts_changed(baton: Baton) -> None:
    person("alice", "approver", "operator")
    baton("import", "-", stdin=json.dumps(ASKS))
    baton("start", "asks", "--as", "alice")
    person("root-of-all", superuser=True)
    words = ("approve", "asks", *OVER)
    assert "centre" in baton(*words, code=Exit.FAILED).stderr
    wrong = baton(*words, "--field", "centre=10", "--set", "amount=much", code=Exit.FAILED)
    assert "amount must be a number" in wrong.stderr
    baton(*words, "--field", "centre=10", "--field", "sure=yes", "--set", "amount=900")
    output = answer(baton("status", "asks", "--json"))["tasks"]["ask"]["output"]
    assert (output["fields"], output["data"]["amount"]) == ({"centre": 10, "sure": True}, 900)


def test_who_started_a_run_recalls_what_it_asks(baton: Baton) -> None:
    person("alice", "approver", "operator")
    person("bob", "operator")
    baton("import", "-", stdin=json.dumps(ASKS))
    baton("start", "asks", "--as", "bob")
    assert "Only the person" in baton("recall", "asks", "--as", "alice", code=Exit.FAILED).stderr
    said = baton("recall", "asks", "--as", "bob", "--reason", "wrong sum").stdout
    assert "Recalled as bob" in said
    status = answer(baton("status", "asks", "--json"))
    assert status["error"]["message"] == "bob recalled the request: wrong sum"


def test_silence_at_the_first_level_is_escalated(baton: Baton) -> None:
    person("root-of-all", superuser=True)
    baton("create", "approval_chain", "--param", "level1_timeout_seconds=1")
    baton("start", "approval_chain", "--wait", "--timeout", 3, code=Exit.TIMEOUT)
    assert [one["task"] for one in answer(baton("approvals", "--json"))["approvals"]] == ["escalation"]
    baton("approve", "approval_chain", *OVER)
    baton("approve", "approval_chain", "--task", "level2", *OVER)
    status = answer(baton("status", "approval_chain", "--json"))
    assert status["tasks"]["level1"]["error"]["code"] == "expired"
    assert status["tasks"]["decision"]["status"] == "completed"


@pytest.mark.parametrize(
    ("priority", "cost", "ran"),
    [
        ("low", 10, {"assess", "low_priority", "review", "close"}),
        ("medium", 10, {"assess", "medium_priority", "review", "close"}),
        ("high", 10, {"assess", "high_priority", "review", "escalate", "close"}),
    ],
)
def test_the_conditional_workflow_takes_the_path_of_its_priority(
    baton: Baton, priority: str, cost: int, ran: set[str]
) -> None:
    baton("create", "conditional_workflow")
    words = ("--param", f"sample_priority={priority}", "--param", f"sample_cost={cost}")
    baton("start", "conditional_workflow", *words, "--wait")
    tasks = answer(baton("status", "conditional_workflow", "--json"))["tasks"]
    assert {key for key, one in tasks.items() if one["status"] == "completed"} == ran


def test_a_costly_request_asks_for_approval_in_a_run_of_its_own(baton: Baton) -> None:
    person("root-of-all", superuser=True)
    baton("create", "conditional_workflow")
    baton("start", "conditional_workflow", "--wait", "--timeout", 2, code=Exit.TIMEOUT)
    assert "waits for run" in baton("debug", "conditional_workflow").stdout
    baton("approve", "conditional_workflow", *OVER)
    baton("approve", "conditional_workflow", *OVER)
    drawn = baton("status", "conditional_workflow").stdout
    assert "Second approval" in drawn


def test_older_definitions_are_migrated_and_the_old_version_kept(baton: Baton) -> None:
    workflow = engine.save_workflow(OLD)
    workflow.versions.filter(number=2).delete()
    status = answer(baton("schema", "status", "--json"))
    assert [(one["id"], one["needs_migration"]) for one in status["workflows"]] == [(workflow.key, True)]
    done = answer(baton("schema", "migrate", "--workflow-id", workflow.key, "--json"))["workflows"][0]
    assert (done["result"], done["version"]) == ("migrated", 2)
    assert list(workflow.versions.order_by("number").values_list("schema_version", flat=True)) == [
        "1.0.0",
        "2.0.0",
    ]
    again = answer(baton("schema", "migrate-all", "--json"))["workflows"]
    assert [one["result"] for one in again] == ["current"]


def test_health_is_not_well_while_nothing_runs(baton: Baton) -> None:
    found = answer(baton("health", "--json", code=Exit.FAILED))
    assert found["ok"] is False
    assert found["parts"]["database"]["ok"] is True
    assert found["parts"]["workers"]["ok"] is False


def test_an_unknown_user_is_not_found(baton: Baton) -> None:
    assert "There is no user 'nobody'" in baton("create", "approval_chain", "--as", "nobody", code=3).stderr


def test_hostile_names_cannot_steer_the_terminal(baton: Baton) -> None:
    workflow = engine.save_workflow(SIMPLE)
    Workflow.objects.filter(pk=workflow.pk).update(name="\x1b[2J[bold red]x")
    listed = baton("list").stdout
    assert "\x1b" not in listed
    assert "[bold red]x" in listed
