"""Delegations over REST: making, listing and revoking them, and decisions in another's place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from orchestrator import engine
from orchestrator.models import Delegation, Run
from tests.api.caller import Caller, codes_of, error_of
from tests.people import person

pytestmark = pytest.mark.django_db


def in_days(days: float) -> str:
    return (timezone.now() + timedelta(days=days)).isoformat()


@pytest.fixture
def ann(approver: User) -> Caller:
    return Caller(approver)


@pytest.fixture
def bob(db: None) -> Caller:
    return Caller(person("bob", "approver"))


@pytest.fixture
def admin(db: None) -> Caller:
    return Caller(person("ada", "admin"))


@pytest.fixture
def outsider(db: None) -> Caller:
    return Caller(person("eve"))


def make(caller: Caller, to: str = "bob", **given: Any) -> dict[str, Any]:
    answer = caller.post("/api/delegations", {"to": to, "ends_at": in_days(2), **given})
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def ids(caller: Caller, query: str = "") -> list[int]:
    return [item["id"] for item in caller.get(f"/api/delegations{query}").json()["items"]]


def test_one_is_made_and_seen_by_both_and_by_nobody_else(
    ann: Caller, bob: Caller, admin: Caller, outsider: Caller
) -> None:
    made = make(ann, reason="On leave")
    assert (made["person"], made["to"], made["created_by"]) == ("ann", "bob", "ann")
    assert (made["reason"], made["revoked_at"]) == ("On leave", None)
    assert ids(ann) == ids(bob) == ids(admin) == [made["id"]]
    assert ids(outsider) == ids(Caller(person("cid", "approver"))) == []


def test_it_is_revoked_by_who_is_away_and_by_administrators_alone(
    ann: Caller, bob: Caller, admin: Caller, outsider: Caller
) -> None:
    path = f"/api/delegations/{make(ann)['id']}"
    assert bob.delete(path).status_code == 403
    assert outsider.delete(path).status_code == 404
    assert Delegation.objects.get().revoked_at is None
    for _ in range(2):
        assert ann.delete(path).status_code == 204
    assert Delegation.objects.get().revoked_at is not None
    assert (ids(ann), len(ids(ann, "?past=true"))) == ([], 1)
    assert admin.delete(f"/api/delegations/{make(ann)['id']}").status_code == 204


def test_administrators_make_one_in_anothers_name_and_nobody_else_does(
    ann: Caller, bob: Caller, admin: Caller
) -> None:
    body = {"to": "bob", "ends_at": in_days(2), "person": "ann"}
    assert Caller(person("cid", "approver")).post("/api/delegations", body).status_code == 403
    made = make(admin, person="ann")
    assert (made["person"], made["created_by"]) == ("ann", "ada")
    answer = admin.post("/api/delegations", {**body, "person": "nobody"})
    assert codes_of(answer) == [("person", "no_such_user")]


@pytest.mark.parametrize(
    ("given", "path", "code"),
    [
        ({"to": "ann"}, "to", "self"),
        ({"to": "eve"}, "to", "no_delegate"),
        ({"to": "nobody"}, "to", "no_delegate"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at", "ends_too_soon"),
        ({"ends_at": "9999-12-31T00:00:00Z"}, "ends_at", "too_long"),
        ({"starts_at": "9990-01-01T00:00:00Z", "ends_at": "9990-01-02T00:00:00Z"}, "starts_at", "too_far"),
        ({"ends_at": "tomorrow"}, "ends_at", "invalid"),
        ({"reason": "x" * 301}, "reason", "max_length"),
        ({"until": "x"}, "until", "unknown_field"),
    ],
)
def test_what_is_wrong_is_named(
    given: dict[str, str], path: str, code: str, ann: Caller, bob: Caller, outsider: Caller
) -> None:
    answer = ann.post("/api/delegations", {"to": "bob", "ends_at": in_days(2), **given})
    assert (answer.status_code, codes_of(answer)) == (400, [(path, code)])
    assert not Delegation.objects.exists()


def test_a_second_at_the_same_time_is_a_conflict(ann: Caller, bob: Caller) -> None:
    make(ann)
    answer = ann.post("/api/delegations", {"to": "bob", "ends_at": in_days(1)})
    assert (answer.status_code, error_of(answer)["code"]) == (409, "already_away")
    answer = bob.post("/api/delegations", {"to": "ann", "ends_at": in_days(1)})
    assert (answer.status_code, error_of(answer)["code"]) == (409, "cycle")


def test_who_decides_on_nothing_delegates_nothing(outsider: Caller, bob: Caller) -> None:
    answer = outsider.post("/api/delegations", {"to": "bob", "ends_at": in_days(1)})
    assert (answer.status_code, error_of(answer)["code"]) == (403, "no_approver")


def test_a_delegate_decides_and_the_answer_says_for_whom(ann: Caller, bob: Caller, run: Run) -> None:
    approval = run.approvals.get()
    assert bob.post(f"/api/approvals/{approval.pk}/approve").status_code == 403
    made = make(ann)
    for query in ("mine=true", "mine=true&status=open", "delegated=true"):
        assert [item["id"] for item in bob.get(f"/api/approvals?{query}").json()["items"]] == [approval.pk]
    assert ann.get("/api/approvals?delegated=true").json()["items"] == []
    body = bob.post(f"/api/approvals/{approval.pk}/approve", {"comment": "fine"}).json()
    assert (body["status"], body["decided_by"], body["decided_for"]) == ("approved", "bob", "ann")
    ann.delete(f"/api/delegations/{made['id']}")
    listed = ann.get("/api/approvals").json()["items"][0]
    assert (listed["decided_by"], listed["decided_for"]) == ("bob", "ann")
    events = ann.get(f"/api/runs/{run.pk}/events").json()["events"]
    said = next(event for event in events if event["type"] == "approval.approved")
    assert (said["actor"], said["data"]["on_behalf_of"]) == ("user:bob", "ann")


def test_once_it_is_revoked_the_delegate_is_refused(ann: Caller, bob: Caller, run: Run) -> None:
    made = make(ann)
    ann.delete(f"/api/delegations/{made['id']}")
    approval = run.approvals.get()
    assert bob.post(f"/api/approvals/{approval.pk}/approve").status_code == 403
    assert engine.decide(approval.pk, "approve", user=ann.user).decided_by == ann.user
