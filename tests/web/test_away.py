"""The page for absences, and the inbox of somebody who decides in another's place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orchestrator import engine
from orchestrator.models import Approval, Delegation, Vote, Workflow
from tests.api.conftest import gate
from tests.people import person

pytestmark = pytest.mark.django_db

PAGE = "/profile/away/"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ann(db: None) -> User:
    user = person("ann", "approver")
    user.first_name, user.last_name = "Ann", "Archer"
    user.save()
    return user


@pytest.fixture
def bob(db: None) -> User:
    return person("bob", "approver")


@pytest.fixture
def workflow(ann: User) -> Workflow:
    return engine.save_workflow(gate("ann"))


@pytest.fixture
def approval(workflow: Workflow) -> Approval:
    return engine.start(workflow, {"key": "x"}).approvals.get()


def form(to: str = "bob", first: int = 0, last: int = 2, reason: str = "") -> dict[str, str]:
    today = timezone.localdate()
    days = [(today + timedelta(days=days)).isoformat() for days in (first, last)]
    return {"to": to, "first_day": days[0], "last_day": days[1], "reason": reason}


def delegated(ann: User, days: int = 2) -> Delegation:
    return engine.delegate(ann, "bob", ends_at=timezone.now() + timedelta(days=days))


def test_one_is_made_listed_for_both_and_revoked(ann: User, bob: User) -> None:
    away, delegate = client_of(ann), client_of(bob)
    assert away.post(PAGE, form(reason="On leave")).status_code == 302
    made = Delegation.objects.get()
    assert (made.person, made.to, made.created_by, made.reason) == (ann, bob, ann, "On leave")
    assert made.ends_at - timezone.now() > timedelta(days=2)  # the last day is part of it
    page = away.get(PAGE).text
    assert "bob decides for you while you are away" in page
    assert "On leave" in page and "Whom you decide for" not in page
    assert "Whom you decide for" in (given := delegate.get(PAGE).text) and "Ann Archer" in given
    assert away.post(reverse("delegation-revoke", args=[made.pk])).status_code == 302
    assert "Nobody decides for you." in away.get(PAGE).text


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        (form(to=""), "to", "required"),
        (form(to="ann"), "to", "Name somebody else"),
        (form(to="nobody"), "to", "nobody called"),
        (form(first=3, last=1), "last_day", "ends before it begins"),
        (form(first=-3, last=-2), "last_day", "ends before it begins"),
        (form(last=999), "last_day", "at most 366 days"),
        (form() | {"last_day": "9999-12-31"}, "last_day", "at most 366 days"),
        (form() | {"last_day": "soon"}, "last_day", "valid date"),
        (form(reason="x" * 301), "reason", "at most 300"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    given: dict[str, str], field: str, words: str, ann: User, bob: User
) -> None:
    answer = client_of(ann).post(PAGE, given)
    assert answer.status_code == 422
    assert words in str(answer.context["form"].errors[field])
    assert not Delegation.objects.exists()


def test_a_second_at_the_same_time_is_said_above_the_form(ann: User, bob: User) -> None:
    delegated(ann)
    answer = client_of(ann).post(PAGE, form(first=1))
    assert answer.status_code == 409
    assert "decides for this person already" in answer.text
    assert Delegation.objects.count() == 1


def test_owner_member_and_outsider(ann: User, bob: User) -> None:
    made = delegated(ann)
    path = reverse("delegation-revoke", args=[made.pk])
    outsider = client_of(person("eve"))
    assert "nothing to hand over" in outsider.get(PAGE).text
    assert "Ann Archer" not in outsider.get(PAGE).text
    assert outsider.post(PAGE, form()).status_code == 403
    assert outsider.post(path).status_code == 404
    assert client_of(bob).post(path).status_code == 403
    assert client_of(ann).get(path).status_code == 405
    assert Client().get(PAGE).status_code == 302
    assert Delegation.objects.get().revoked_at is None
    assert client_of(person("ada", "admin")).post(path).status_code == 302
    assert Delegation.objects.get().revoked_at is not None


def test_the_delegates_inbox_says_for_whom(ann: User, bob: User, approval: Approval) -> None:
    client = client_of(bob)
    assert [tab.word for tab in client.get("/approvals/").context["tabs"]] == [
        "For you",
        "Mine",
        "Groups",
        "All",
    ]
    delegated(ann)
    for path in ("/approvals/", "/approvals/?show=delegated", "/approvals/?show=all"):
        answer = client.get(path)
        assert [mail.in_place_of for mail in answer.context["page"].mails] == ["Ann Archer"], path
        assert "<b>for Ann Archer</b>" in answer.text
    assert "You decide for <b>Ann Archer</b>" in client.get(f"/approvals/{approval.pk}/").text
    own = client_of(ann).get("/approvals/")
    assert [mail.in_place_of for mail in own.context["page"].mails] == [""]
    assert "Others" not in [tab.word for tab in own.context["tabs"]]
    assert client_of(ann).get("/approvals/?show=delegated").context["page"].mails == []
    assert client_of(person("eve")).get("/approvals/?show=delegated").context["page"].mails == []


def test_the_filter_leaves_out_what_asks_the_delegate_too(ann: User, bob: User, approval: Approval) -> None:
    engine.start(engine.save_workflow({**gate("ann", "bob"), "id": "both"}), {"key": "x"})
    delegated(ann)
    client = client_of(bob)
    shown = client.get("/approvals/?show=delegated").context
    assert [mail.approval for mail in shown["page"].mails] == [approval]
    assert (shown["counts"].asked, shown["counts"].delegated) == (2, 1)


def test_a_delegate_decides_and_every_page_says_for_whom(ann: User, bob: User, approval: Approval) -> None:
    client = client_of(bob)
    decide = reverse("approval-decide", args=[approval.pk])
    assert client.post(decide, {"decision": "approve"}).status_code == 403
    delegated(ann)
    run = f"/runs/{approval.run_id}/"
    assert "You decide for Ann Archer." in client.get(f"{run}?task=ask").text
    assert client.post(decide, {"decision": "approve", "comment": "fine"}).status_code == 303
    assert Vote.objects.get().for_person == ann
    assert "Approved by bob for Ann Archer" in client.get("/approvals/?show=decided").text
    page = client.get(f"/approvals/{approval.pk}/").text
    assert "Approved by bob for Ann Archer" in page
    assert "<b>bob for Ann Archer</b>" in page
    assert "by bob for Ann Archer" in client.get(f"{run}?task=ask").text
    assert "bob for ann" in client.get(f"{run}events/").text


def test_on_a_run_of_who_is_away_the_delegate_is_told_why_not(
    ann: User, bob: User, workflow: Workflow
) -> None:
    approval = engine.start(workflow, {"key": "x"}, user=ann).approvals.get()
    delegated(ann)
    client = client_of(bob)
    said = "Ann Archer, for whom you decide, started this run"
    assert said in client.get(f"/approvals/{approval.pk}/").text
    assert said in client.get(f"/runs/{approval.run_id}/?task=ask").text
    answer = client.post(reverse("approval-decide", args=[approval.pk]), {"decision": "approve"})
    assert answer.status_code == 403


def test_the_badge_and_the_inbox_cost_the_same_however_much_is_delegated(
    ann: User, bob: User, workflow: Workflow, django_assert_max_num_queries: Any
) -> None:
    client = client_of(bob)
    delegated(ann)
    engine.start(workflow, {"key": "x"})
    client.get("/approvals/")
    with django_assert_max_num_queries(100) as one:
        client.get("/approvals/")
    for _ in range(4):
        engine.start(workflow, {"key": "x"})
    engine.delegate(person("cid", "approver"), "bob", ends_at=timezone.now() + timedelta(days=1))
    with django_assert_max_num_queries(len(one.captured_queries)):
        assert len(client.get("/approvals/").context["page"].mails) == 5


def test_administrators_make_and_revoke_one_in_the_admin(ann: User, bob: User) -> None:
    client = client_of(person("root", superuser=True))
    days = [timezone.localtime() + timedelta(days=days) for days in (1, 3)]
    moments = {f"{name}_{n}": f"{day:{form_}}" for name, day in zip(("starts_at", "ends_at"), days, strict=True)
               for n, form_ in enumerate(("%Y-%m-%d", "%H:%M:%S"))}  # fmt: skip
    add = reverse("admin:orchestrator_delegation_add")
    given = {"person": ann.pk, "to": bob.pk, "reason": "Ill", **moments}
    assert client.post(add, given).status_code == 302
    made = Delegation.objects.get()
    assert (made.person, made.to, made.created_by.username, made.reason) == (ann, bob, "root", "Ill")
    assert "decides for this person already" in client.post(add, given).text
    chosen = {"action": "revoke", "_selected_action": [made.pk]}
    client.post(reverse("admin:orchestrator_delegation_changelist"), chosen)
    made.refresh_from_db()
    assert made.revoked_at is not None
