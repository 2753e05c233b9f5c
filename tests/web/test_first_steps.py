"""The first steps on the first page: who sees which, what ticks them, and how each person puts them away for themselves."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from orchestrator import engine
from orchestrator.models import Hidden, Run, Vote
from tests.api.conftest import gate
from tests.people import person

pytestmark = pytest.mark.django_db

ALL = [
    "Make a workflow from a template",
    "Run it once",
    "Decide a request for approval",
    "Invite a colleague",
]


@pytest.fixture
def owner() -> User:
    """Whoever made the first account."""
    return person("olga", superuser=True)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def listed(client: Client) -> dict[str, bool]:
    """The steps on the first page, each with whether it is ticked."""
    page = client.get("/").content.decode()
    found = re.search(r'id="first-steps".*?</details>', page, re.DOTALL)
    items = re.findall(r"<li class=\"(done )?s-\w+\">(.*?)</li>", found[0], re.DOTALL) if found else []
    return {re.sub(r"<.*?>|, done", "", text, flags=re.DOTALL).strip(): bool(done) for done, text in items}


def decide(run: Run, user: User) -> None:
    Vote.objects.create(approval=run.approvals.get(), person=user, decision="approve", at=timezone.now())


def test_on_the_first_day_all_of_them_are_to_be_done(owner: User) -> None:
    assert listed(client_of(owner)) == dict.fromkeys(ALL, False)


def test_each_is_ticked_by_what_is_there(owner: User) -> None:
    client = client_of(owner)
    run = engine.start(engine.save_workflow(gate("olga"), user=owner), {"key": "hunter2"})
    assert listed(client) == {**dict.fromkeys(ALL, False), ALL[0]: True, ALL[1]: True}
    decide(run, owner)
    assert listed(client) == {**dict.fromkeys(ALL, True), ALL[3]: False}
    assert client.get("/").content.decode().count("Next: invite a colleague") == 1


def test_they_go_when_all_are_done(owner: User) -> None:
    run = engine.start(engine.save_workflow(gate("olga"), user=owner), {"key": "hunter2"})
    decide(run, owner)
    person("bob")
    assert listed(client_of(owner)) == {}


def test_of_three_people_each_is_asked_to_do_what_they_may(owner: User) -> None:
    designer, viewer, outsider = person("dora", "designer"), person("vera", "viewer"), person("otto")
    assert list(listed(client_of(owner))) == ALL
    assert list(listed(client_of(designer))) == ALL[:3]
    assert listed(client_of(viewer)) == listed(client_of(outsider)) == {}


def test_whoever_puts_them_away_does_so_for_themselves_alone(owner: User) -> None:
    mine, other = client_of(owner), client_of(person("dora", "designer"))
    answer = mine.post("/first-steps/", follow=True)
    assert "Your profile brings them back." in answer.content.decode()
    assert listed(mine) == {}
    assert listed(other)


def test_sent_twice_it_is_done_once(owner: User) -> None:
    client = client_of(owner)
    assert [client.post("/first-steps/").status_code for _ in range(2)] == [303, 303]
    assert Hidden.objects.count() == 1


def test_the_profile_brings_them_back_and_offers_it_only_then(owner: User) -> None:
    client = client_of(owner)
    offer = "Show the first steps again"
    assert offer not in client.get("/profile/").content.decode()
    client.post("/first-steps/")
    assert offer in client.get("/profile/").content.decode()
    client.post("/first-steps/", {"show": "1"})
    assert list(listed(client)) == ALL


def test_nobody_else_and_no_mere_look_changes_anything(owner: User) -> None:
    assert Client().post("/first-steps/").headers["Location"].startswith("/sign-in/")
    assert client_of(owner).get("/first-steps/").status_code == 405
    assert Hidden.objects.count() == 0
