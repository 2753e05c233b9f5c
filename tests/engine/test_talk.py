"""What is said of a request: comments, and the record in which everything stands in the order of time."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from orchestrator import engine, vault
from orchestrator.engine.limits import COMMENT_LENGTH
from orchestrator.events import verify_chain
from orchestrator.exceptions import InvalidError, NotFoundError
from orchestrator.models import Approval, Run
from orchestrator.reads.record import record_of
from tests.engine.flows import Crank, flow, task
from tests.invariants import assert_invariants
from tests.people import person

pytestmark = pytest.mark.django_db


def asked(crank: Crank, olga: User, **parameters: Any) -> Run:
    given = {"approvers": ["ann", "bob"], "timeout_seconds": 1000, **parameters}
    gate = flow({"ask": task(action="approval_gate", parameters=given)})
    secret = {"key": {"type": "string", "secret": True}}
    return crank.start({**gate, "parameters": secret}, user=olga, params={"key": "hunter2hunter2"})


def record(run: Run) -> list[tuple[str, str, str]]:
    approval = run.approvals.select_related("run__started_by", "task_run").get()
    return [(line.who, line.sentence, line.text) for line in record_of(approval).lines]


def test_the_record_has_everything_in_the_order_of_time(crank: Crank, ann: User, olga: User) -> None:
    bob = person("bob", "approver")
    ladder = [{"after_seconds": 10}, {"after_seconds": 20, "to": ["group:managers", "boss"]}]
    run = asked(crank, olga, quorum="all", escalation=ladder)
    approval = run.approvals.get()
    engine.comment(approval.pk, "Which quarter?", user=ann)
    crank.later(11)
    engine.comment(approval.pk, " The third.\n", user=olga)
    crank.later(10)
    engine.decide(approval.pk, "approve", user=ann, comment="fine")
    engine.decide(approval.pk, "reject", user=bob, comment="too much")
    engine.comment(approval.pk, "A pity.", user=olga)
    assert record(run) == [
        ("olga", "asked for a decision", ""),
        ("ann", "commented", "Which quarter?"),
        ("Baton", "reminded those who are asked", ""),
        ("olga", "commented", "The third."),
        ("Baton", "asked managers, boss, too", ""),
        ("ann", "approved", "fine"),
        ("bob", "rejected it", "too much"),
        ("olga", "commented", "A pity."),
    ]
    assert [one.text for one in approval.comments.all()] == ["Which quarter?", "The third.", "A pity."]
    run.refresh_from_db()
    assert verify_chain(run.pk, run.digest) is None
    assert_invariants()


def test_a_request_that_is_withdrawn_says_so_at_its_end(crank: Crank, ann: User, olga: User) -> None:
    run = asked(crank, olga)
    engine.cancel(run.pk, user=olga)
    assert record(run)[-1] == ("Baton", "withdrew it: the run ended or took another way", "")


def test_another_request_of_the_same_task_has_a_record_of_its_own(
    crank: Crank, ann: User, olga: User
) -> None:
    run = asked(crank, olga)
    first = run.approvals.get()
    engine.comment(first.pk, "The first time", user=ann)
    engine.decide(first.pk, "reject", user=ann)
    engine.retry_task(first.task_run_id)
    second = run.approvals.exclude(pk=first.pk).get()
    engine.comment(first.pk, "Of the first", user=ann)
    engine.comment(second.pk, "Of the second", user=ann)

    def said(pk: int) -> list[str]:
        approval = Approval.objects.select_related("run__started_by", "task_run").get(pk=pk)
        return [line.text for line in record_of(approval).lines if line.type == "approval.commented"]

    assert (said(first.pk), said(second.pk)) == (["The first time", "Of the first"], ["Of the second"])


def test_whoever_may_see_a_request_comments_and_nobody_else(crank: Crank, ann: User, olga: User) -> None:
    approval = asked(crank, olga).approvals.get()
    engine.comment(approval.pk, "I only look.", user=person("vera", "viewer"))
    with pytest.raises(NotFoundError):
        engine.comment(approval.pk, "Let me in.", user=person("carl"))
    assert approval.comments.count() == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("x" * (COMMENT_LENGTH + 1), "invalid"),
        ("a\0b", "invalid"),
        ("\ud800", "invalid"),
    ],
    ids=["empty", "blank", "long", "NUL", "surrogate"],
)
def test_what_cannot_be_kept_is_refused(crank: Crank, ann: User, olga: User, text: str, code: str) -> None:
    approval = asked(crank, olga).approvals.get()
    with pytest.raises(InvalidError) as refused:
        engine.comment(approval.pk, text, user=ann)
    assert refused.value.code == code
    assert not approval.comments.exists()


def test_secrets_are_taken_out(crank: Crank, ann: User, olga: User) -> None:
    vault.put("crm", "tok-123456")
    run = asked(crank, olga)
    said = engine.comment(run.approvals.get().pk, "Is it hunter2hunter2 or tok-123456?", user=ann)
    assert said.text == "Is it •••••••• or ••••••••?"
    told = str(list(run.events.values_list("data", flat=True)))
    assert "hunter2" not in told and "tok-123456" not in told


def test_a_comment_goes_on_though_a_secret_cannot_be_read(crank: Crank, ann: User, olga: User) -> None:
    secret = vault.put("crm", "tok-123456")
    type(secret).objects.update(ciphertext="gAAAAAbroken")
    assert engine.comment(asked(crank, olga).approvals.get().pk, "Hello", user=ann).text == "Hello"


def test_levels_and_a_way_back_stand_in_the_record(crank: Crank, ann: User, olga: User) -> None:
    levels = [{"name": "First", "approvers": ["ann"]}, {"name": "Second", "approvers": ["bob"]}]
    gate = {"levels": levels, "send_back_to": ["write"]}
    steps = {"write": task(), "ask": task("write", action="approval_gate", parameters=gate)}
    bob = person("bob", "approver")
    run = crank.start(flow(steps), user=olga)
    crank.claim()
    crank.succeed("write", {})
    approval = run.approvals.get()
    engine.decide(approval.pk, "approve", user=ann)
    engine.send_back(approval.pk, "write", user=bob, comment="Shorter")
    shown = Approval.objects.select_related("run__started_by", "task_run").get(pk=approval.pk)
    assert [(line.who, line.sentence, line.text) for line in record_of(shown).lines] == [
        ("olga", "asked for a decision", ""),
        ("ann", "approved level 1, First", ""),
        ("Baton", "asked level 2, Second", ""),
        ("bob", "sent it back to write", "Shorter"),
    ]
