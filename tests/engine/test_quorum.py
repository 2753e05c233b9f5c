"""A gate that several must approve: it stays open until enough have, whoever votes counts once, and all is on record."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from orchestrator import engine
from orchestrator.definition import DefinitionError
from orchestrator.exceptions import ConflictError
from orchestrator.models import Approval, Run
from orchestrator.permissions import approvals_waiting
from orchestrator.reads.inbox import request_of
from orchestrator.reads.why import why
from tests.engine.flows import event_types, flow, task
from tests.invariants import assert_invariants
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob() -> User:
    return person("bob", "approver")


def asked(**parameters: Any) -> Run:
    gate = task(
        action="approval_gate", parameters={"title": "Pay?", "approvers": ["ann", "bob"], **parameters}
    )
    return engine.start(engine.save_workflow(flow({"ask": gate})))


def decide(run: Run, decision: str, user: User, comment: str = "") -> Approval:
    found = engine.decide(run.approvals.get().pk, decision, user=user, comment=comment)
    run.refresh_from_db()
    return found


def test_all_of_them(ann: User, bob: User) -> None:
    run = asked(quorum="all")
    assert decide(run, "approve", ann, "fine").status == "open"
    assert run.status == "running"
    with pytest.raises(ConflictError, match="already"):
        decide(run, "approve", ann)
    assert decide(run, "approve", bob).status == "approved"
    assert run.tasks.get().output == {"decision": "approved", "by": ["ann", "bob"], "comment": ""}
    votes = run.approvals.get().votes.order_by("at").values_list("person__username", "decision", "comment")
    assert list(votes) == [("ann", "approved", "fine"), ("bob", "approved", "")]
    assert "approval.voted" in event_types(run)
    assert_invariants()


def test_one_rejection_is_enough(ann: User, bob: User) -> None:
    run = asked(quorum="all")
    decide(run, "approve", ann)
    assert decide(run, "reject", bob).status == "rejected"
    assert run.tasks.get().output["by"] == ["bob"]


def test_without_a_veto_it_is_open_until_it_cannot_be_reached(ann: User, bob: User) -> None:
    run = asked(quorum=1, veto=False)
    assert decide(run, "reject", ann).status == "open"
    assert decide(run, "approve", bob).status == "approved"
    run = asked(quorum=1, veto=False)
    decide(run, "reject", ann)
    assert decide(run, "reject", bob).status == "rejected"


def test_two_of_a_group(ann: User, bob: User) -> None:
    group = Group.objects.create(name="finance")
    group.user_set.add(ann, bob)
    run = asked(approvers=["group:finance"], quorum=2)
    decide(run, "approve", ann)
    assert decide(run, "approve", bob).status == "approved"


def test_who_overrides_decides_alone(ann: User, bob: User) -> None:
    run = asked(quorum="all")
    decide(run, "approve", ann)
    root = person("root", superuser=True)
    found = engine.decide(run.approvals.get().pk, "approve", user=root, comment="urgent", override=True)
    assert found.status == "approved"


def test_what_nobody_can_reach_is_refused_when_it_is_saved(ann: User) -> None:
    with pytest.raises(DefinitionError) as refused:
        asked(quorum=3)
    assert [issue.code for issue in refused.value.issues][:1] == ["no_quorum"]


def test_what_a_parameter_made_unreachable_fails_with_the_reason(ann: User) -> None:
    gate = task(action="approval_gate", parameters={"approvers": "{{ params.who }}", "quorum": 2})
    declared = {"who": {"type": "list", "default": ["ann"]}}
    run = engine.start(engine.save_workflow({**flow({"ask": gate}), "parameters": declared}))
    run.refresh_from_db()
    assert run.status == "failed"
    assert "It takes 2 approvals" in run.tasks.get().error["message"]


def test_who_has_voted_is_asked_no_more(ann: User, bob: User) -> None:
    run = asked(quorum="all")
    assert approvals_waiting(ann).count() == approvals_waiting(bob).count() == 1
    decide(run, "approve", ann)
    assert (approvals_waiting(ann).count(), approvals_waiting(bob).count()) == (0, 1)


def test_why_it_waits_says_how_many_it_takes_whoever_joined_on_a_rung(ann: User, bob: User) -> None:
    run = asked(quorum="all")
    decide(run, "approve", ann)
    run.approvals.get().approvers.create(name="boss")
    (answer,) = why(run)
    assert "It takes all of them; 1 so far." in answer.sentence
    assert request_of(run.approvals.get()).so_far == "1 of 2 approvals"
