"""Deciding from the inbox: one after the other, and several requests together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orchestrator import engine
from orchestrator.models import Approval, Vote
from tests.people import person
from tests.web.inbox.conftest import INBOX, asked, client_of

pytestmark = pytest.mark.django_db


# Deciding


def decide(client: Client, approval: Approval, **given: str) -> HttpResponse:
    return client.post(
        reverse("approval-decide", args=[approval.pk]) + "?show=mine", {"decision": "approve", **given}
    )


def test_after_a_decision_it_goes_on_to_the_next_in_the_same_list(ann: User, client: Client) -> None:
    first, second = asked("ann", title="first"), asked("ann", title="second")
    answer = decide(client, first, next=str(second.pk))
    assert (answer.status_code, answer["Location"]) == (303, f"/approvals/{second.pk}/?show=mine")
    assert "“first” was approved." in client.get(answer["Location"]).text
    assert decide(client, second)["Location"] == "/approvals/?show=mine"


def test_it_does_not_go_on_to_what_one_may_not_see(ann: User, bob: User) -> None:
    hidden = asked("bob")
    own = asked("mia")
    mia = person("mia")
    mia.user_permissions.add(Permission.objects.get(codename="decide_approval"))
    answer = decide(client_of(User.objects.get(pk=mia.pk)), own, next=str(hidden.pk))
    assert answer["Location"] == "/approvals/?show=mine"


def test_who_comes_second_is_told_who_was_first_and_led_to_how_it_stands(
    ann: User, bob: User, client: Client
) -> None:
    one = asked("ann", "bob")
    engine.decide(one.pk, "reject", user=bob)
    answer = decide(client, one)
    assert answer.status_code == 409
    assert "bob rejected it" in answer.text
    assert f'href="/approvals/{one.pk}/?show=mine"' in answer.text


def test_a_vote_that_does_not_decide_yet_is_not_called_a_decision(ann: User, client: Client) -> None:
    one = asked("ann", "bob", quorum="all", title="Both")
    answer = decide(client, one)
    assert "You approved “Both”; it waits for others." in client.get(answer["Location"]).text


def together(client: Client, *approvals: Approval, decision: str = "approve", **given: str) -> HttpResponse:
    chosen = {"id": [one.pk for one in approvals], "decision": decision, **given}
    return client.post(reverse("approvals-decide"), chosen)


def results(answer: HttpResponse) -> dict[str, tuple[bool, str]]:
    return {one.title: (one.done, one.code) for one in answer.context["outcomes"]}


def test_several_are_decided_together_and_each_is_checked(ann: User, bob: User, client: Client) -> None:
    free, both = asked("ann", title="free"), asked("ann", "bob", quorum="all", title="both")
    taken, own = asked("ann", "bob", title="taken"), asked("ann", by=ann, title="own")
    others = asked("bob", title="others")
    engine.decide(taken.pk, "reject", user=bob)
    answer = together(client, free, taken, own, both, others, **{"approve-comment": "Fine by me"})
    assert answer.status_code == 200
    assert results(answer) == {
        "free": (True, ""),
        "taken": (False, "already_decided"),
        "own": (False, "own_request"),
        "both": (True, ""),
        "others": (False, "not_allowed"),
    }
    assert "2 of 5 approved" in answer.text
    assert "bob rejected it" in answer.text and "It waits for others." in answer.text
    assert list(Vote.objects.filter(person=ann).values_list("comment", flat=True)) == ["Fine by me"] * 2
    assert {one.pk: one.status for one in Approval.objects.all()} == {
        free.pk: "approved", both.pk: "open", taken.pk: "rejected", own.pk: "open", others.pk: "open",
    }  # fmt: skip


def test_what_was_refused_stays_chosen_and_the_comment_is_kept(ann: User, client: Client) -> None:
    own = asked("ann", by=ann, title="own")
    free = asked("ann", title="free")
    answer = together(client, own, free, decision="reject", **{"reject-comment": "Too dear"})
    assert answer.context["chosen"] == [own.pk]
    assert "Too dear</textarea>" in answer.text
    assert free.pk not in answer.context["chosen"]


def test_each_is_decided_in_the_place_of_whom_it_asks(ann: User, bob: User, client: Client) -> None:
    one = asked("bob")
    engine.delegate(bob, "ann", ends_at=timezone.now() + timedelta(days=1))
    assert results(together(client, one)) == {"Pay?": (True, "")}
    assert Vote.objects.get().for_person == bob


def test_nobody_overrides_by_the_dozen(ann: User) -> None:
    one = asked("ann", title="hers")
    ada = client_of(person("ada", "admin"))
    assert results(together(ada, one)) == {"hers": (False, "not_asked")}
    assert "data-choose-none" in ada.get(INBOX, {"show": "all"}).text
    assert f"choose-{one.pk}" not in ada.get(INBOX, {"show": "all"}).text
    assert f"choose-{one.pk}" in client_of(ann).get(INBOX).text


def test_of_what_somebody_may_not_see_nothing_is_told(ann: User) -> None:
    one = asked("ann", title="hers")
    answer = together(client_of(person("eve")), one)
    (outcome,) = answer.context["outcomes"]
    assert (outcome.done, outcome.code, outcome.title, outcome.status) == (False, "not_found", "", "")
    assert "hers" not in answer.text
    assert Approval.objects.get().status == "open"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"decision": "approve"}, "Choose at least one"),
        ({"decision": "shred", "id": ["1"]}, "approve or reject"),
        ({"decision": "approve", "id": [str(n) for n in range(1, 102)]}, "At most 100"),
        ({"decision": "approve", "id": ["1"], "approve-comment": "x" * 5001}, "5,000"),
    ],
)
def test_what_is_wrong_for_all_is_said_and_nothing_is_decided(
    given: dict[str, Any], words: str, ann: User, client: Client
) -> None:
    asked("ann")
    answer = client.post(reverse("approvals-decide"), given)
    assert answer.status_code == 422
    assert words in answer.text
    assert Approval.objects.get().status == "open"


def test_the_same_sent_twice_decides_once(ann: User, client: Client) -> None:
    one = asked("ann")
    together(client, one, one)
    assert results(together(client, one)) == {"Pay?": (False, "already_decided")}
    assert Vote.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "put"])
def test_deciding_several_is_sent_only(method: str, client: Client) -> None:
    assert getattr(client, method)(reverse("approvals-decide")).status_code == 405


def test_strangers_are_sent_to_the_door(ann: User) -> None:
    one = asked("ann")
    assert together(Client(), one).status_code == 302
    assert Approval.objects.get().status == "open"


# Home


def test_home_says_in_whose_place_one_would_decide(ann: User, bob: User, client: Client) -> None:
    asked("bob", title="for bob")
    assert "for bob" not in client.get("/").text
    engine.delegate(bob, "ann", ends_at=timezone.now() + timedelta(days=1))
    assert "you decide <b>for bob</b>" in client.get("/").text
