"""Definitions of older schemas, as people have written them, run to their end along the branches they meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from orchestrator import clock, engine, worker
from orchestrator.definition import CURRENT
from orchestrator.models import Approval, Run
from orchestrator.planning.machine import RUN_ENDED
from tests.engine.flows import states
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)

OLDER = Path(__file__).parents[1] / "older"
NAMES = sorted(path.stem for path in OLDER.glob("*.json"))
VALUES: dict[str, Any] = {"load": 0.9, "environment": "production", "amount": 900, "priority": "high"}


@pytest.fixture(autouse=True)
def _invariants():
    yield
    assert_invariants()


def read(name: str) -> dict[str, Any]:
    return json.loads((OLDER / f"{name}.json").read_text())


def run_to_end(name: str, **values: Any) -> Run:
    """Everybody who is asked approves."""
    people = get_user_model().objects
    workflow = engine.save_workflow(read(name))
    plan = engine.check_definition(read(name)).definition
    assert plan is not None
    given = {
        key: {**VALUES, **values}.get(key, "somebody") for key, one in plan.parameters.items() if one.required
    }
    run = engine.start(workflow, given)
    for _ in range(20):
        worker.Worker("here").run_until(lambda _idle: True)
        clock.tick()
        for approval in Approval.objects.filter(status=Approval.Status.OPEN):
            admin = people.filter(is_superuser=True).first() or people.create_superuser("root")
            engine.decide(approval.pk, "approve", user=admin, comment="Yes")
        run.refresh_from_db()
        if run.status in RUN_ENDED:
            return run
    raise AssertionError(f"{name} does not end: {states(run)}")


@pytest.mark.parametrize("name", NAMES)
def test_it_migrates_beside_its_original_and_runs_to_completed(name: str) -> None:
    run = run_to_end(name)
    assert (run.status, run.error) == ("completed", None)
    versions = list(run.workflow.versions.order_by("number").values_list("schema_version", flat=True))
    assert versions == [read(name)["version"], CURRENT]
    assert run.workflow.versions.get(number=1).definition == read(name)


@pytest.mark.parametrize(
    ("priority", "taken"), [("high", "high_path"), ("medium", "medium_path"), ("whenever", "low_path")]
)
def test_the_branch_is_the_one_that_the_python_condition_meant(priority: str, taken: str) -> None:
    found = states(run_to_end("support_triage", priority=priority))
    paths = {"high_path", "medium_path", "low_path"}
    assert {key for key in paths if found[key] == "completed"} == {taken}
    assert found["close"] == "completed"
    assert found["escalate"] == ("completed" if taken == "high_path" else "skipped")


@pytest.mark.parametrize(
    ("values", "paged", "idle"),
    [
        ({"load": 0.9, "environment": "production"}, True, False),
        ({"load": 0.9, "environment": "test"}, False, False),
        ({"load": 0.5, "environment": "production"}, False, True),
    ],
)
def test_conditions_of_several_terms_mean_what_they_meant(
    values: dict[str, Any], paged: bool, idle: bool
) -> None:
    found = states(run_to_end("incident", **values))
    assert (found["page"] == "completed", found["wait"] == "completed") == (paged, idle)
    assert found["ticket"] == "completed"
