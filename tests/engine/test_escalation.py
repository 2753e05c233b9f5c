"""A request that nobody decides: its rungs on a moving clock, and who may decide then."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from orchestrator import engine
from orchestrator.definition import DefinitionError
from orchestrator.exceptions import NotAllowedError
from orchestrator.models import Run
from tests.engine.flows import Crank, event_types, flow, task
from tests.invariants import assert_invariants
from tests.people import person

pytestmark = pytest.mark.django_db

LADDER = [{"after_seconds": 10}, {"after_seconds": 100, "to": "boss"}]


@pytest.fixture
def boss() -> User:
    return person("boss", "approver")


def asked(crank: Crank, **parameters: Any) -> Run:
    given = {"approvers": ["ann", "bob"], "escalation": LADDER, "timeout_seconds": 1000, **parameters}
    return crank.start(flow({"ask": task(action="approval_gate", parameters=given)}))


def climbed(run: Run) -> list[str]:
    return [kind for kind in event_types(run) if kind.startswith("approval.")]


def test_rung_by_rung_to_the_deadline(crank: Crank, boss: User) -> None:
    run = asked(crank)
    approval = run.approvals.get()
    crank.later(9)
    assert climbed(run) == ["approval.required"]
    crank.later(2)
    assert climbed(run)[1:] == ["approval.reminded"]
    with pytest.raises(NotAllowedError):
        engine.decide(approval.pk, "approve", user=boss)
    crank.later(90)
    assert climbed(run)[2:] == ["approval.escalated"]
    assert sorted(approval.approvers.values_list("name", flat=True)) == ["ann", "bob", "boss"]
    crank.later(800)
    assert run.approvals.get().status == "open"
    crank.later(100)
    assert run.approvals.get().status == "expired"
    assert climbed(run)[3:] == ["approval.expired"]
    assert_invariants()


def test_who_was_asked_on_a_rung_decides_for_all(crank: Crank, boss: User) -> None:
    ann = person("ann", "approver")
    run = asked(crank, quorum="all")
    engine.decide(run.approvals.get().pk, "approve", user=ann)
    crank.later(10)
    crank.later(91)
    assert engine.decide(run.approvals.get().pk, "approve", user=boss).status == "approved"
    assert run.tasks.get().output["by"] == ["ann", "boss"]


def test_a_clock_that_comes_late_climbs_one_rung_at_a_time(crank: Crank, boss: User) -> None:
    run = asked(crank)
    crank.later(500)
    crank.later(0)
    assert climbed(run)[1:] == ["approval.reminded", "approval.escalated"]


def test_without_a_deadline_it_waits_on_after_the_last_rung(crank: Crank) -> None:
    run = asked(crank, timeout_seconds=None)
    crank.later(10)
    crank.later(91)
    assert run.tasks.get().due_at is None
    assert run.approvals.get().status == "open"


def test_a_deadline_before_the_first_rung_comes_first(crank: Crank) -> None:
    run = asked(crank, timeout_seconds=5)
    crank.later(6)
    assert climbed(run)[1:] == ["approval.expired"]


def test_what_is_no_ladder_is_refused_when_it_is_saved(crank: Crank) -> None:
    with pytest.raises(DefinitionError) as refused:
        asked(crank, escalation=[{"after_seconds": 0}])
    assert refused.value.issues[0].path == "tasks.ask.parameters.escalation[0].after_seconds"
