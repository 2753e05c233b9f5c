"""What comes with a decision: fields of a form, facts that are changed, an override with its reason, a recall."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from orchestrator import engine
from orchestrator.definition import DefinitionError
from orchestrator.engine import Beside, points
from orchestrator.exceptions import ConflictError, InvalidError, NotAllowedError
from orchestrator.models import Approval, Event, Notice, Run
from orchestrator.notices.people import recipients
from orchestrator.permissions import approvals_waiting
from orchestrator.planning.asking import seal_of
from tests.engine.flows import Crank, event_types, flow, states, task
from tests.invariants import assert_invariants
from tests.people import person

pytestmark = pytest.mark.django_db

AMOUNT = {"name": "amount", "type": "number", "required": True, "min": 0, "max": 5000}
WHY = {"name": "why", "type": "enum", "enum": ["too dear", "too late"], "on": "reject", "required": True}
NOTE = {"name": "note", "type": "text", "on": "both"}
FACTS = {"amount": 1200, "for": "desks", "urgent": False, "parts": [1, 2]}


@pytest.fixture
def bob() -> User:
    return person("bob", "approver")


@pytest.fixture
def cid() -> User:
    """Started the run."""
    return person("cid", "operator")


def asked(after: dict[str, Any] | None = None, *, by: User | None = None, **given: Any) -> Run:
    gate = task(
        action="approval_gate",
        parameters={"title": "Pay?", "approvers": ["ann", "bob"], "timeout_seconds": 60, **given},
    )
    tasks = {"ask": gate, **(after or {})}
    return engine.start(engine.save_workflow(flow(tasks)), user=by)


def decide(
    run: Run, decision: str, user: User, comment: str = "", override: bool = False, **beside: Any
) -> Approval:
    approval = run.approvals.latest("pk")
    given = Beside(**beside)
    found = engine.decide(approval.pk, decision, user=user, comment=comment, beside=given, override=override)
    assert_invariants([run])
    return found


def output(run: Run) -> Any:
    return run.tasks.get(key="ask").output


def event(run: Run, type_: str) -> Event:
    return run.events.filter(type=type_).latest("seq")


def paths(error: InvalidError | DefinitionError) -> list[tuple[str, str]]:
    return [(issue.path, issue.code) for issue in error.issues if issue.severity == "error"]


# Fields


def test_what_is_filled_in_is_kept_and_seen_by_the_tasks_after_it(ann: User) -> None:
    expression = "tasks.ask.output.fields.amount > 100 && tasks.ask.output.fields.note == null"
    check = task("ask", action="condition_check", parameters={"expression": expression})
    run = asked({"check": check}, form=[AMOUNT, WHY, NOTE])
    decide(run, "approve", ann, fields={"amount": 900})
    assert output(run) == {
        "decision": "approved",
        "by": ["ann"],
        "comment": "",
        "fields": {"amount": 900, "note": None},
    }
    vote = run.approvals.get().votes.get()
    assert vote.fields == {"amount": 900, "note": None}
    assert event(run, "approval.approved").data["fields"] == {"amount": 900, "note": None}
    assert run.tasks.get(key="check").output == {"result": True}


def test_a_rejection_has_a_form_of_its_own(ann: User) -> None:
    run = asked(form=[AMOUNT, WHY, NOTE])
    with pytest.raises(InvalidError) as refused:
        decide(run, "reject", ann, fields={"amount": 3})
    assert paths(refused.value) == [("fields.amount", "unknown_field"), ("fields.why", "missing_parameter")]
    decide(run, "reject", ann, fields={"why": "too dear", "note": "twice the price"})
    assert output(run)["fields"] == {"why": "too dear", "note": "twice the price"}


def test_what_is_refused_changes_nothing(ann: User) -> None:
    run = asked(form=[AMOUNT])
    for fields in ({}, {"amount": "900"}, {"amount": 5001}, {"amount": 1, "amuont": 2}, {"amount": True}):
        with pytest.raises(InvalidError):
            decide(run, "approve", ann, fields=fields)
    assert run.approvals.get().status == "open"
    assert event_types(run) == ["workflow.started", "approval.required"]


def test_of_several_each_value_is_the_last_that_was_given(ann: User, bob: User) -> None:
    run = asked(form=[AMOUNT, NOTE], quorum="all")
    decide(run, "approve", ann, fields={"amount": 900, "note": "as agreed"})
    assert event(run, "approval.voted").data["fields"] == {"amount": 900, "note": "as agreed"}
    decide(run, "approve", bob, fields={"amount": 950})
    assert output(run)["fields"] == {"amount": 950, "note": "as agreed"}
    assert output(run)["fields_by"] == {
        "ann": {"amount": 900, "note": "as agreed"},
        "bob": {"amount": 950, "note": None},
    }


def test_what_those_filled_in_who_did_not_agree_is_not_among_it(ann: User, bob: User) -> None:
    run = asked(form=[AMOUNT, WHY], quorum=1, veto=False)
    decide(run, "reject", ann, fields={"why": "too late"})
    decide(run, "approve", bob, fields={"amount": 1})
    assert output(run)["fields"] == {"amount": 1}


def test_a_default_may_come_from_the_run_and_holds_if_nobody_decides(ann: User, bob: User) -> None:
    crank = Crank()
    form = [{"name": "amount", "type": "number", "default": "{{ params.sum }}"}, NOTE]
    gate = task(
        action="approval_gate",
        parameters={"approvers": ["ann"], "form": form, "timeout_seconds": 60, "on_timeout": "approve"},
    )
    definition = flow({"ask": gate}, parameters={"sum": {"type": "number", "default": 12.5}})
    run = crank.start(definition)
    assert run.approvals.get().form[0]["default"] == 12.5
    crank.later(61)
    assert output(run)["fields"] == {"amount": 12.5, "note": None}
    assert_invariants([run])


def test_a_default_that_a_parameter_made_wrong_fails_the_gate_with_the_place(ann: User) -> None:
    gate = task(
        action="approval_gate",
        parameters={"approvers": ["ann"], "form": [{**AMOUNT, "default": "{{ params.sum }}"}]},
    )
    definition = flow({"ask": gate}, parameters={"sum": {"type": "any", "default": "much"}})
    run = engine.start(engine.save_workflow(definition))
    assert states(run) == {"ask": "failed"}
    assert "parameters.form[0].default" in run.tasks.get().error["message"]


# Edits


def test_what_is_changed_is_on_record_before_and_after(ann: User) -> None:
    run = asked(data=FACTS, editable=["amount", "urgent"])
    shown = run.approvals.get().content_hash
    found = decide(run, "approve", ann, edits={"amount": 900, "urgent": False}, seal=shown)
    edits = [{"name": "amount", "before": 1200, "after": 900}]
    assert found.data == {**FACTS, "amount": 900}
    assert list(found.data) == list(FACTS)
    assert output(run)["data"] == found.data
    vote = found.votes.get()
    assert (vote.edits, vote.seal_shown, vote.seal) == (edits, shown, found.content_hash)
    assert found.content_hash != shown
    told = event(run, "approval.edited").data
    assert (told["edits"], told["seal_shown"], told["seal"]) == (edits, shown, found.content_hash)
    assert found.content_hash == seal_of(run.tasks.get().input)


def test_the_facts_come_out_unchanged_too(ann: User) -> None:
    run = asked(data=FACTS, editable=True)
    decide(run, "approve", ann, edits={"amount": 1200.0})
    assert output(run)["data"] == FACTS
    assert "approval.edited" not in event_types(run)
    assert run.approvals.get().votes.get().seal_shown == ""


def test_who_is_concerned_is_told(ann: User, bob: User, cid: User) -> None:
    run = asked(by=cid, data=FACTS, editable=True, quorum="all")
    decide(run, "approve", ann)
    decide(run, "approve", bob, edits={"amount": 900})
    told = Notice.objects.latest("pk")
    assert (told.kind, {one.user_id for one in recipients(told, timezone.now())}) == ("asked", {ann.pk})
    engine.recall(run.approvals.get().pk, user=cid)
    told = Notice.objects.latest("pk")
    assert (told.kind, {one.user_id for one in recipients(told, timezone.now())}) == (
        "recalled",
        {ann.pk, bob.pk},
    )


@pytest.mark.parametrize(
    ("edits", "code"),
    [
        pytest.param({"amount": "900"}, "wrong_type", id="text for a number"),
        pytest.param({"amount": None}, "wrong_type", id="nothing for a number"),
        pytest.param({"amount": True}, "wrong_type", id="true for a number"),
        pytest.param({"urgent": 1}, "wrong_type", id="a number for true or false"),
        pytest.param({"parts": {}}, "wrong_type", id="a map for a list"),
        pytest.param({"for": "lamps"}, "not_editable", id="a fact that may not be changed"),
        pytest.param({"new": 1}, "not_editable", id="a fact that is not there"),
    ],
)
def test_an_edit_keeps_to_what_may_be_changed_and_to_its_type(
    ann: User, edits: dict[str, Any], code: str
) -> None:
    run = asked(data=FACTS, editable=["amount", "urgent", "parts"])
    with pytest.raises(InvalidError) as refused:
        decide(run, "approve", ann, edits=edits)
    assert paths(refused.value) == [(f"edits.{next(iter(edits))}", code)]
    assert run.approvals.get().data == FACTS


def test_only_an_approval_changes_facts(ann: User) -> None:
    run = asked(data=FACTS, editable=True)
    with pytest.raises(InvalidError) as refused:
        decide(run, "reject", ann, edits={"amount": 1})
    assert paths(refused.value) == [("edits", "not_editable")]


def test_who_agreed_to_something_else_is_asked_again(ann: User, bob: User) -> None:
    run = asked(data=FACTS, editable=["amount"], quorum="all", form=[NOTE])
    decide(run, "approve", ann, fields={"note": "for 1200"})
    decide(run, "approve", bob, edits={"amount": 900})
    assert run.approvals.get().status == "open"
    assert event(run, "approval.edited").data["void"] == ["ann"]
    assert (approvals_waiting(ann).count(), approvals_waiting(bob).count()) == (1, 0)
    decide(run, "approve", ann, fields={"note": "for 900"})
    assert output(run)["by"] == ["bob", "ann"]
    assert (output(run)["data"]["amount"], output(run)["fields"]) == (900, {"note": "for 900"})
    votes = run.approvals.get().votes.order_by("at")
    assert [(vote.person.username, vote.voided_at is None) for vote in votes] == [
        ("ann", False),
        ("bob", True),
        ("ann", True),
    ]


def test_a_rejection_of_what_was_asked_before_is_void_too(ann: User, bob: User) -> None:
    run = asked(data=FACTS, editable=True, quorum=1, veto=False)
    decide(run, "reject", ann)
    assert decide(run, "approve", bob, edits={"amount": 1}).status == "approved"
    assert run.approvals.get().votes.get(person=ann).voided_at is not None


def test_who_was_shown_something_else_is_told_so(ann: User, bob: User) -> None:
    run = asked(data=FACTS, editable=True, quorum="all")
    shown = run.approvals.get().content_hash
    decide(run, "approve", bob, edits={"amount": 900})
    with pytest.raises(ConflictError) as refused:
        decide(run, "approve", ann, seal=shown)
    assert refused.value.code == "content_changed"
    decide(run, "approve", ann, seal=run.approvals.get().content_hash)
    assert run.approvals.get().status == "approved"


def test_it_may_change_between_the_look_and_the_lock(ann: User, bob: User) -> None:
    """Bob's edit is stored after ann's decision was checked, and before her turn."""
    run = asked(data=FACTS, editable=True, quorum="all")

    def edit() -> None:
        points.disarm()
        decide(run, "approve", bob, edits={"amount": 900})

    points.arm("decide before turn", edit)
    with pytest.raises(ConflictError) as refused:
        decide(run, "approve", ann)
    assert refused.value.code == "content_changed"
    assert run.approvals.get().votes.get().person == bob


def levelled(**given: Any) -> Run:
    """Ann and dan decide first, bob and eve after them."""
    levels = [{"approvers": ["ann", "dan"]}, {"approvers": ["bob", "eve"]}]
    gate = {"title": "Pay?", "timeout_seconds": 60, "levels": levels, "data": FACTS, "editable": True}
    ask = task(action="approval_gate", parameters={**gate, **given})
    return engine.start(engine.save_workflow(flow({"ask": ask})))


def test_an_edit_on_a_later_level_asks_the_first_again(ann: User, bob: User) -> None:
    run, dan = levelled(form=[NOTE]), person("dan", "approver")
    decide(run, "approve", ann, fields={"note": "for 1200"})
    assert decide(run, "approve", bob, edits={"amount": 900}).status == "open"
    approval = run.approvals.get()
    assert (approval.level, [one["status"] for one in approval.levels]) == (1, ["open", "waiting"])
    assert [approvals_waiting(one).count() for one in (ann, dan, bob)] == [1, 1, 0]
    assert approval.votes.filter(voided_at=None).count() == 0
    decide(run, "approve", dan)
    assert [approvals_waiting(one).count() for one in (ann, dan, bob)] == [0, 0, 1]
    decide(run, "approve", bob, fields={"note": "for 900"})
    out = output(run)
    assert (out["decision"], out["by"], out["data"]["amount"]) == ("approved", ["dan", "bob"], 900)
    assert [one["by"] for one in out["levels"]] == [["dan"], ["bob"]]
    assert out["fields"] == {"note": "for 900"}
    assert_invariants()


def test_an_edit_on_one_of_levels_together_asks_those_that_were_decided_again(ann: User, bob: User) -> None:
    run = levelled(order="together")
    decide(run, "approve", ann)
    assert decide(run, "approve", bob, edits={"amount": 900}).status == "open"
    approval = run.approvals.get()
    assert [one["status"] for one in approval.levels] == ["open", "approved"]
    assert (approvals_waiting(ann).count(), approvals_waiting(bob).count()) == (1, 0)
    assert decide(run, "approve", ann).status == "approved"
    assert output(run)["by"] == ["bob", "ann"]
    assert_invariants()


def test_an_edit_on_the_first_level_is_what_the_second_is_asked(ann: User, bob: User) -> None:
    run = levelled()
    decide(run, "approve", ann, edits={"amount": 900})
    assert run.approvals.get().level == 2
    assert decide(run, "approve", bob).status == "approved"
    assert output(run)["data"]["amount"] == 900


def test_who_overrides_may_change_facts_and_asks_nobody_again(ann: User, bob: User) -> None:
    run, root = levelled(), person("root", superuser=True)
    decide(run, "approve", ann)
    found = decide(run, "approve", root, "now", override=True, edits={"amount": 1})
    assert (found.status, output(run)["by"]) == ("approved", ["root"])
    assert event(run, "approval.overridden").data["asked"] == ["ann", "dan", "bob", "eve"]


def test_a_fact_that_is_not_there_fails_the_gate(ann: User) -> None:
    gate = task(
        action="approval_gate",
        parameters={"approvers": ["ann"], "data": "{{ params.facts }}", "editable": ["amuont"]},
    )
    definition = flow({"ask": gate}, parameters={"facts": {"type": "map", "default": FACTS}})
    run = engine.start(engine.save_workflow(definition))
    assert states(run) == {"ask": "failed"}
    assert "Did you mean 'amount'?" in run.tasks.get().error["message"]


# Overriding


def test_an_override_is_said_and_says_why(ann: User) -> None:
    run, root = asked(), person("root", superuser=True)
    with pytest.raises(NotAllowedError) as silent:
        decide(run, "approve", root, "in a hurry")
    assert silent.value.code == "override_needed"
    with pytest.raises(InvalidError) as unexplained:
        decide(run, "approve", root, " ", override=True)
    assert paths(unexplained.value) == [("comment", "reason_required")]
    with pytest.raises(NotAllowedError):
        decide(run, "approve", ann, "I may not", override=True)
    decide(run, "approve", root, "in a hurry", override=True)
    told = event(run, "approval.overridden").data
    assert (told["decision"], told["reason"], told["asked"]) == ("approved", "in a hurry", ["ann", "bob"])
    assert event(run, "approval.approved").data["override"] is True
    assert run.approvals.get().votes.get().override


def test_who_is_asked_may_still_override_the_others(bob: User) -> None:
    run, ann = asked(quorum="all"), person("ann", "admin")
    assert decide(run, "approve", ann).status == "open"
    assert decide(run, "reject", ann, "bob is ill", override=True).status == "rejected"


# Recalling


def test_the_requester_takes_it_back_and_the_gate_fails(ann: User, cid: User) -> None:
    run = asked({"after": task("ask")}, by=cid)
    asked_ = run.approvals.get()
    engine.recall(asked_.pk, user=cid, reason="wrong sum")
    asked_.refresh_from_db()
    assert (asked_.status, asked_.decided_by, asked_.comment) == ("recalled", cid, "wrong sum")
    assert not asked_.votes.exists()
    row = run.tasks.get(key="ask")
    assert (row.status, row.error["code"]) == ("failed", "recalled")
    assert row.error["message"] == "cid recalled the request: wrong sum"
    assert event(run, "approval.recalled").actor == "user:cid"
    assert_invariants()
    with pytest.raises(ConflictError, match="cid recalled it"):
        decide(run, "approve", ann)
    with pytest.raises(ConflictError, match="cid recalled it"):
        engine.recall(asked_.pk, user=cid)


def test_on_failure_holds_for_a_recall(cid: User) -> None:
    gate = task(action="approval_gate", parameters={"approvers": ["ann"]}, on_failure="skip")
    run = engine.start(engine.save_workflow(flow({"ask": gate, "after": task("ask")})), user=cid)
    engine.recall(run.approvals.get().pk, user=cid)
    assert states(run) == {"ask": "skipped", "after": "ready"}
    assert_invariants()


def test_a_recall_may_end_the_run(cid: User) -> None:
    tasks = {"beside": task(), "after": task("ask")}
    run = asked(tasks, by=cid, on_recall="cancel")
    engine.recall(run.approvals.get().pk, user=cid, reason="not needed")
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert states(run) == dict.fromkeys(("ask", "beside", "after"), "cancelled")
    assert run.approvals.get().status == "recalled"
    assert run.error["message"] == "cid recalled the request: not needed"
    assert_invariants()


def test_only_the_requester_takes_it_back(ann: User, cid: User) -> None:
    run = asked(by=cid)
    for other in (ann, person("root", superuser=True)):
        with pytest.raises(NotAllowedError) as refused:
            engine.recall(run.approvals.get().pk, user=other)
        assert refused.value.code == "not_requester"
    assert run.approvals.get().status == "open"


def test_what_was_decided_is_not_taken_back(ann: User, cid: User) -> None:
    run = asked(by=cid)
    decide(run, "approve", ann)
    with pytest.raises(ConflictError, match="ann approved it"):
        engine.recall(run.approvals.get().pk, user=cid)


def test_after_a_retry_it_is_asked_anew_with_the_facts_as_they_were(ann: User, cid: User) -> None:
    run = asked(by=cid, data=FACTS, editable=True, quorum="all")
    decide(run, "approve", ann, edits={"amount": 1})
    engine.recall(run.approvals.get().pk, user=cid)
    engine.retry_task(run.tasks.get().pk, user=cid)
    again = run.approvals.latest("pk")
    assert (again.status, again.data) == ("open", FACTS)
    assert_invariants()
