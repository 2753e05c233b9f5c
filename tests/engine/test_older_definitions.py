"""Definitions of schema 1.0.0 to 1.2.0, as they are found in the wild: migrated, run to their end, or refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from orchestrator import clock, engine, worker
from orchestrator.cli import main
from orchestrator.definition import CURRENT
from orchestrator.models import Approval, Run, Workflow
from orchestrator.planning.machine import RUN_ENDED
from tests.api.caller import Caller, codes_of
from tests.engine.flows import states
from tests.invariants import assert_invariants
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

OLDER = Path(__file__).resolve().parents[1] / "older"
FILES = sorted(path.stem for path in OLDER.glob("*.json"))
TRIAGE = {"assessment_agent": "assessor", "priority_agent": "first", "request_title": "Disk full"}
BUDGET = {"request_title": "Desk", "requester": "carl", "amount": 90, "level3_approver": "cleo"}
BUDGET |= {"level1_approver": "ann", "level2_approver": "bob"}
LOAD = {"day": "Monday", "load_agent": "loader"}
WORKERS = {"coordinator": "c", "worker_agent_1": "one", "worker_agent_2": "two", "dataset": "orders"}
PIPELINE = {"extraction_agent": "extractor"}

# File, parameters of the run, and the tasks that are skipped; all the others complete.
RUNS: list[tuple[str, dict[str, Any], set[str]]] = [
    ("nightly_load", LOAD, set()),
    ("workspace_cleanup", {}, set()),
    ("parallel_analysis", WORKERS, set()),
    ("document_review", {"document": "the manual"}, set()),
    ("budget_approval", BUDGET, {"level3"}),
    ("support_triage", {**TRIAGE, "priority": "high"}, {"medium_path", "low_path"}),
    ("support_triage", {**TRIAGE, "priority": "medium"}, {"high_path", "low_path", "escalate"}),
    ("support_triage", {**TRIAGE, "priority": "low"}, {"high_path", "medium_path", "escalate"}),
    ("release_train", {**PIPELINE, "announce": "yes"}, set()),
    ("release_train", {**PIPELINE, "announce": "no"}, {"announce"}),
    ("quality_gate", {}, {"rework"}),
    ("incident", {"host": "db1", "on_call": "ops", "environment": "production", "load": 0.9}, {"wait"}),
    ("incident", {"host": "db1", "on_call": "ops", "environment": "test", "load": 0.9}, {"page", "wait", "close"}),
    ("incident", {"host": "db1", "on_call": "ops", "environment": "production", "load": 0.2}, {"page"}),
]  # fmt: skip

# Condition, and the column of what cannot be translated.
REFUSED = [
    ("__import__('os').system('true')", 18),
    ("workflow.metadata.get('level') >= limit", 35),
    ("any(t.status == 'completed' for t in workflow.tasks.values())", 38),
    ("workflow.tasks['first'].started_at is None", 25),
    ("workflow.tasks['frist'].status == 'completed'", 16),
    ("(lambda: True)()", 1),
    ("workflow.tasks['first'].result.pop('x') == 1", 32),
    ("workflow.metadata.get('a') ==", 30),
]


def older(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((OLDER / f"{name}.json").read_text())
    return found


def broken(condition: str) -> dict[str, Any]:
    """An older definition whose second task has a good condition, and then this one."""
    conditions = [
        "workflow.tasks['first'].status == 'completed'",
        {"type": "custom", "expression": condition},
    ]
    first = {"action": "agent_task", "agent_id": "a", "execution_mode": "sequential"}
    second = {**first, "dependencies": ["first"], "conditions": conditions}
    return {"name": "Broken", "version": "1.2.0", "tasks": {"first": first, "second": second}}


def carry_to_end(run: Run) -> None:
    """Carry it and what it starts; everything it asks for is approved by the one who is asked."""
    for _ in range(20):
        worker.Worker("here").run_until(lambda _idle: True)
        clock.tick()
        for asked in Approval.objects.filter(status="open"):
            name = run.version.definition["tasks"][asked.task_run.key]["agent_id"]
            engine.decide(asked.pk, "approve", user=person(run.params.get(_placeholder(name), name)))
        run.refresh_from_db()
        if run.status in RUN_ENDED:
            return


def _placeholder(name: str) -> str:
    return name.strip("{} ").removeprefix("params.")


def commanded(*words: str, code: int = 0) -> Any:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


@pytest.fixture(autouse=True)
def _no_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BATON_USER", raising=False)


def errors(issues: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    for issue in issues:
        if issue["severity"] == "error":
            yield issue["path"], issue["code"], issue["message"]


def test_every_file_is_run() -> None:
    assert {name for name, _, _ in RUNS} == set(FILES)


@pytest.mark.parametrize(
    ("name", "params", "skipped"), RUNS, ids=[f"{name}-{n}" for n, (name, _, _) in enumerate(RUNS)]
)
def test_an_older_definition_takes_the_branch_that_its_conditions_meant(
    name: str, params: dict[str, Any], skipped: set[str]
) -> None:
    workflow = engine.save_workflow(older(name))
    assert set(workflow.draft.get("parameters", {})) == set(params)
    run = engine.start(workflow, params)
    carry_to_end(run)
    assert run.status == "completed", run.error
    keys = set(workflow.draft["tasks"])
    assert states(run) == {key: "skipped" if key in skipped else "completed" for key in keys}
    assert_invariants()


@pytest.mark.parametrize(("condition", "column"), REFUSED)
def test_what_cannot_be_translated_is_refused_by_the_command_at_its_place(
    condition: str, column: int, tmp_path: Path
) -> None:
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(broken(condition)))
    found = commanded("validate", str(file), "--json", code=1)
    assert found["ok"] is False
    [(path, code, message)] = errors(found["issues"])
    assert (path, code) == ("tasks.second.conditions[1]", "untranslatable_condition")
    assert message.startswith(f"At column {column}: "), message


@pytest.mark.parametrize(("condition", "column"), REFUSED)
def test_what_cannot_be_translated_is_refused_by_the_api_and_not_kept(condition: str, column: int) -> None:
    api = Caller(person("olga", "designer"))
    report = api.post("/api/workflows/validate", broken(condition)).json()
    [(path, _, message)] = errors(report["issues"])
    assert (report["ok"], path) == (False, "tasks.second.conditions[1]")
    assert message.startswith(f"At column {column}: "), message
    refused = api.post("/api/workflows", broken(condition))
    assert refused.status_code == 400
    assert ("tasks.second.conditions[1]", "untranslatable_condition") in codes_of(refused)
    assert not Workflow.objects.exists()


def test_the_schema_commands_keep_the_old_version_and_add_a_new_one() -> None:
    workflows = {name: engine.save_workflow(older(name)) for name in FILES}
    for workflow in workflows.values():
        workflow.versions.filter(number=2).delete()  # as they lay there before this release
    listed = commanded("schema", "status", "--json")["workflows"]
    assert [one["needs_migration"] for one in listed] == [True] * len(FILES)
    first = workflows["incident"]
    [done] = commanded("schema", "migrate", "--workflow-id", first.key, "--json")["workflows"]
    assert (done["result"], done["version"]) == ("migrated", 2)
    results = [one["result"] for one in commanded("schema", "migrate-all", "--json")["workflows"]]
    assert sorted(results) == ["current"] + ["migrated"] * (len(FILES) - 1)
    for name, workflow in workflows.items():
        old, new = workflow.versions.order_by("number")
        assert (old.definition, old.schema_version) == (older(name), older(name)["version"])
        assert (new.definition["version"], new.schema_version) == (CURRENT, CURRENT)


def test_what_cannot_be_migrated_is_named_and_left_as_it_is_and_the_others_are_migrated() -> None:
    good, bad = (engine.save_workflow(older(name)) for name in ("incident", "quality_gate"))
    for workflow in (good, bad):
        workflow.versions.filter(number=2).delete()
    stored = broken("open('x').read() == ''")
    bad.versions.update(definition=stored)
    found = commanded("schema", "migrate-all", "--json", code=1)["workflows"]
    results = {one["id"]: one for one in found}
    assert results[good.key]["result"] == "migrated"
    assert results[bad.key]["result"] == "failed"
    [(path, code, _)] = errors(results[bad.key]["issues"])
    assert (path, code) == ("tasks.second.conditions[1]", "untranslatable_condition")
    assert [version.definition for version in bad.versions.all()] == [stored]
    refused = commanded("start", bad.key, "--json", code=1)
    assert "tasks.second.conditions[1]" in refused["error"]["message"]
    assert not Run.objects.exists()
