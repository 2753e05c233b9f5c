"""A request is sent back: an earlier task and all behind it are done again, and what was decided on the same stands."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import User
from django.test import Client

from orchestrator import engine
from orchestrator.cli import main
from orchestrator.definition import DefinitionError
from orchestrator.definition.renaming import rename_in_task
from orchestrator.exceptions import BatonError, ConflictError, InvalidError, NotAllowedError
from orchestrator.models import Approval, Run
from orchestrator.permissions import approvals_waiting
from tests.engine.flows import Crank, event_types, flow, states, succeeded, task
from tests.invariants import assert_invariants
from tests.people import bearer, person

pytestmark = pytest.mark.django_db

ASK = {
    "approvers": ["ann", "bob"],
    "title": "Pay?",
    "data": {"amount": "{{ tasks.draft.output.amount }}"},
    "send_back_to": ["draft"],
}


@pytest.fixture(autouse=True)
def people() -> dict[str, User]:
    return {name: person(name, "approver") for name in ("ann", "bob", "cas", "eve")}


def at_the_gate(crank: Crank, others: dict[str, Any] | None = None, **parameters: Any) -> Run:
    """A run whose draft is done and which waits at its gate."""
    gate = task("draft", action="approval_gate", parameters={**ASK, **parameters})
    run = crank.start(flow({"draft": task(), "ask": gate, "pay": task("ask"), **(others or {})}))
    crank.claim()
    crank.succeed("draft", {"amount": 5})
    return run


def asked(run: Run) -> Approval:
    return run.approvals.get(status="open", task_run__key="ask")


def back(run: Run, name: str = "ann", to: str = "draft", comment: str = "Too much") -> Approval:
    found = engine.send_back(asked(run).pk, to, user=User.objects.get(username=name), comment=comment)
    run.refresh_from_db()
    assert_invariants()
    return found


def approve(run: Run, name: str) -> Approval:
    found = engine.decide(asked(run).pk, "approve", user=User.objects.get(username=name))
    run.refresh_from_db()
    assert_invariants()
    return found


def redo(crank: Crank, amount: int) -> None:
    crank.claim()
    crank.succeed("draft", {"amount": amount})
    assert_invariants()


def test_it_is_done_again_and_asked_again(crank: Crank) -> None:
    run = at_the_gate(crank)
    closed = back(run)
    assert (closed.status, closed.comment, closed.decided_by.username) == ("sent_back", "Too much", "ann")
    assert states(run) == {"draft": "ready", "ask": "pending", "pay": "pending"}
    redo(crank, 4)
    assert asked(run).data == {"amount": 4}
    assert asked(run).epoch == 2
    assert approve(run, "ann").status == "approved"
    crank.play(run)
    assert run.status == "completed"
    assert "approval.sent_back" in event_types(run)
    event = run.events.get(type="approval.sent_back")
    assert (event.actor, event.data["to"], event.data["comment"]) == ("user:ann", "draft", "Too much")
    assert_invariants()


@pytest.mark.parametrize(
    ("name", "to", "comment", "error", "code"),
    [
        ("ann", "draft", " ", InvalidError, "comment_required"),
        ("ann", "pay", "x", ConflictError, "conflict"),
        ("ann", "nowhere", "x", ConflictError, "conflict"),
        ("eve", "draft", "x", NotAllowedError, "not_allowed"),
    ],
    ids=["no comment", "a later task", "an unknown task", "somebody else"],
)
def test_what_is_refused_changes_nothing(
    crank: Crank, name: str, to: str, comment: str, error: type[BatonError], code: str
) -> None:
    run = at_the_gate(crank)
    with pytest.raises(error) as refused:
        back(run, name, to, comment)
    assert refused.value.code == code
    assert asked(run).votes.count() == 0


def test_a_gate_that_allows_none_is_not_sent_back(crank: Crank) -> None:
    run = at_the_gate(crank, send_back_to=[])
    with pytest.raises(ConflictError, match="its gate allows none"):
        back(run)


def test_who_comes_second_is_told_who_was_first(crank: Crank) -> None:
    run = at_the_gate(crank)
    pk = asked(run).pk
    back(run)
    with pytest.raises(ConflictError, match="ann sent it back"):
        engine.decide(pk, "approve", user=User.objects.get(username="bob"))


def test_what_runs_behind_it_is_fenced(crank: Crank) -> None:
    run = at_the_gate(crank, {"beside": task("draft"), "after": task("beside")})
    crank.claim()
    late = crank.holds("beside")
    back(run)
    assert states(run)["beside"] == "pending"
    assert crank.turn(succeeded(late, "late")).conflicts
    assert states(run)["beside"] == "pending"
    redo(crank, 4)
    approve(run, "bob")
    crank.play(run)
    assert run.status == "completed"
    assert run.tasks.get(key="beside").output is None
    assert_invariants()


def test_items_that_run_and_others_who_are_asked_are_taken_back(crank: Crank) -> None:
    others = {
        "each": task("draft", for_each="[1, 2, 3]"),
        "other": task("draft", action="approval_gate", parameters={"approvers": ["cas"]}),
        "end": task("each", "other", "pay"),
    }
    run = at_the_gate(crank, others)
    crank.claim(2)
    back(run)
    assert not run.tasks.filter(index__gte=0).exists()
    assert run.approvals.get(task_run__key="other").status == "cancelled"
    redo(crank, 4)
    assert run.tasks.filter(index__gte=0).count() == 3
    for name, key in (("bob", "ask"), ("cas", "other")):
        pk = run.approvals.get(status="open", task_run__key=key).pk
        engine.decide(pk, "approve", user=User.objects.get(username=name))
    crank.play(run)
    assert run.status == "completed"
    assert_invariants()


def test_what_had_failed_behind_it_is_tried_again(crank: Crank) -> None:
    run = at_the_gate(crank, {"beside": task("draft")})
    crank.claim()
    crank.fail("beside")
    back(run)
    assert run.error is None
    redo(crank, 4)
    approve(run, "bob")
    crank.play(run)
    assert run.status == "completed"
    assert_invariants()


def test_what_it_provided_for_is_provided_for_again(crank: Crank) -> None:
    tasks = {
        "broken": task(),
        "draft": task("broken", join="all_settled", conditions=["tasks.broken.status == 'failed'"]),
        "ask": task("draft", action="approval_gate", parameters=ASK),
    }
    run = crank.start(flow(tasks))
    crank.claim()
    crank.fail("broken")
    crank.claim()
    crank.succeed("draft", {"amount": 5})
    run.refresh_from_db()
    assert run.unhandled == 0
    back(run)
    assert run.unhandled == 1
    redo(crank, 4)
    approve(run, "bob")
    assert run.status == "completed"


def test_a_paused_run_waits_to_be_resumed(crank: Crank) -> None:
    run = at_the_gate(crank)
    engine.pause(run.pk)
    back(run)
    assert crank.claim() == []
    engine.resume(run.pk)
    assert crank.claim() == ["draft"]


def test_a_task_that_was_not_done_is_not_done_again(crank: Crank) -> None:
    tasks = {
        "draft": task(conditions=["1 > 2"]),
        "ask": task("draft", join="all_settled", action="approval_gate", parameters={**ASK, "data": {}}),
    }
    run = crank.start(flow(tasks))
    with pytest.raises(ConflictError, match="draft is skipped"):
        back(run)


def test_it_ends_some_day(crank: Crank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.planning.sending_back.MOST_ROUNDS", 3)
    run = at_the_gate(crank)
    for amount in (1, 2):
        back(run)
        redo(crank, amount)
    with pytest.raises(ConflictError, match="sent back 2 times already"):
        back(run)
    assert approve(run, "bob").status == "approved"


# What stands

LEVELS: dict[str, Any] = {
    "approvers": None,
    "levels": [
        {"name": "Lead", "approvers": ["ann", "bob"]},
        {"name": "Board", "approvers": ["cas", "eve"]},
    ],
}


def waiting(run: Run) -> list[str]:
    people = User.objects.filter(username__in=["ann", "bob", "cas", "eve"]).order_by("username")
    return [one.username for one in people if approvals_waiting(one).filter(run=run).exists()]


def test_what_a_level_approved_stands_for_the_same(crank: Crank) -> None:
    run = at_the_gate(crank, **LEVELS)
    approve(run, "ann")
    back(run, "cas")
    redo(crank, 5)
    assert waiting(run) == ["cas", "eve"]
    assert (asked(run).level, asked(run).votes.get().person.username) == (2, "ann")
    assert approve(run, "eve").status == "approved"
    assert run.tasks.get(key="ask").output["by"] == ["ann", "eve"]


def test_something_else_is_asked_of_all(crank: Crank) -> None:
    run = at_the_gate(crank, **LEVELS)
    approve(run, "ann")
    back(run, "cas")
    redo(crank, 4)
    assert waiting(run) == ["ann", "bob"]
    approve(run, "bob")
    assert approve(run, "eve").status == "approved"


def test_of_levels_together_only_what_was_approved_stands(crank: Crank) -> None:
    run = at_the_gate(crank, **LEVELS, order="together")
    approve(run, "eve")
    back(run, "bob")
    redo(crank, 5)
    assert waiting(run) == ["ann", "bob"]
    assert approve(run, "ann").status == "approved"


# Over REST, on the page, from the command line


def test_over_rest(crank: Crank, client: Client) -> None:
    run = at_the_gate(crank)
    url, given = f"/api/approvals/{asked(run).pk}", {"to": "draft", "comment": "Too much"}
    headers = bearer(User.objects.get(username="ann"))
    assert client.get(url, headers=headers).json()["send_back_to"] == ["draft"]
    bare = client.post(f"{url}/send-back", {"to": "draft"}, content_type="application/json", headers=headers)
    assert bare.status_code == 400
    answer = client.post(f"{url}/send-back", given, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (200, "sent_back")
    again = client.post(f"{url}/send-back", given, content_type="application/json", headers=headers)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "already_decided")


def test_on_the_page(crank: Crank, client: Client) -> None:
    run = at_the_gate(crank)
    client.force_login(User.objects.get(username="ann"))
    page = f"/approvals/{asked(run).pk}/"
    assert "Send back…" in client.get(page).content.decode()
    refused = client.post(f"{page}send-back/", {"to": "pay", "comment": "x"})
    assert refused.status_code == 422
    assert client.post(f"{page}send-back/", {"to": "draft", "comment": "Too much"}).status_code == 303
    assert "Sent back by ann" in client.get(page).content.decode()


def test_from_the_command_line(crank: Crank) -> None:
    run = at_the_gate(crank)
    given = ["send-back", str(run.pk), "--to", "draft", "--comment", "Too much", "--as", "ann"]
    result = CliRunner().invoke(main, given)
    assert (result.exit_code, "Sent back as ann: Pay?" in result.output) == (0, True)
    assert states(run)["draft"] == "ready"


def test_a_task_that_is_renamed_keeps_being_sent_back_to() -> None:
    gate = task("draft", action="approval_gate", parameters=ASK)
    assert rename_in_task(gate, {"draft": "write"})["parameters"]["send_back_to"] == ["write"]
    assert rename_in_task(gate, {"other": "write"}) is gate


# What is refused when it is published


@pytest.mark.parametrize(
    ("given", "place", "code"),
    [
        ({"send_back_to": ["pay"]}, "[0]", "not_upstream"),
        ({"send_back_to": ["draft", "ask"]}, "[1]", "not_upstream"),
        ({"send_back_to": ["nowhere"]}, "[0]", "not_upstream"),
        ({"send_back_to": "draft"}, "", "wrong_type"),
        ({"send_back_to": [5]}, "[0]", "wrong_type"),
    ],
    ids=["a later task", "itself", "an unknown task", "no list", "no name"],
)
def test_only_what_lies_before_it_is_named(given: dict[str, Any], place: str, code: str) -> None:
    gate = task("draft", action="approval_gate", parameters={**ASK, **given})
    with pytest.raises(DefinitionError) as refused:
        engine.save_workflow(flow({"draft": task(), "ask": gate, "pay": task("ask")}))
    errors = [(one.path, one.code) for one in refused.value.issues if one.severity == "error"]
    assert errors == [(f"tasks.ask.parameters.send_back_to{place}", code)]


def test_one_of_many_items_is_not_sent_back() -> None:
    gate = task("draft", action="approval_gate", for_each="[1, 2]", parameters=ASK)
    with pytest.raises(DefinitionError) as refused:
        engine.save_workflow(flow({"draft": task(), "ask": gate}))
    assert [one.code for one in refused.value.issues if one.severity == "error"] == ["cannot_send_back"]
