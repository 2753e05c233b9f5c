"""The inbox: its folders, what is searched for, and pages of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orchestrator import engine
from orchestrator.models import Approval
from orchestrator.permissions import standing
from orchestrator.reads import mails
from orchestrator.web import context
from orchestrator.web.context import waiting_now
from tests.api.conftest import gate
from tests.people import person
from tests.web.inbox.conftest import INBOX, asked, client_of, titles

pytestmark = pytest.mark.django_db


# While it is made


@pytest.mark.parametrize("path", [INBOX, "/"])
def test_what_comes_while_the_page_is_made_is_news_to_it(
    path: str, ann: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It bears the mark of what waited before it was begun; the socket tells another, so the page renews what it shows."""
    asked("ann", title="first")
    before = waiting_now(ann).mark

    def standing_and_then(*given: Any) -> Any:
        found = standing(*given)
        asked("ann", title="second")
        return found

    monkeypatch.setattr("orchestrator.web.mails.standing", standing_and_then)
    monkeypatch.setattr("orchestrator.web.home.standing", standing_and_then)
    answer = client.get(path)
    assert f'data-as-of="{before}"' in answer.text
    assert "<span data-badge-figure>1</span>" in answer.text
    assert waiting_now(ann).mark != before


def test_a_page_asks_once_for_what_waits_even_when_it_cannot_be_told(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is away takes its time to say so, and the number stands in several places."""
    asked_for: list[Any] = []

    def away(user: Any) -> None:
        asked_for.append(user)
        raise OperationalError("away")

    monkeypatch.setattr(context, "waiting_now", away)
    answer = client.get("/workflows/")
    assert (answer.status_code, len(asked_for)) == (200, 1)


def test_the_mark_differs_when_an_older_one_comes_as_another_goes(ann: User) -> None:
    older = asked("bob")
    between = asked("ann")
    newest = asked("ann")
    before = waiting_now(ann)
    older.approvers.create(name="ann", user=ann)
    engine.decide(between.pk, "approve", user=ann)
    after = waiting_now(ann)
    assert newest.pk > between.pk
    assert (before.number, after.number) == (2, 2)
    assert before.mark != after.mark


# Folders


@pytest.fixture
def of_each(ann: User, bob: User) -> None:
    """One that names ann, one that asks her group, one for bob who is away, one that is nothing to her."""
    asked("ann", "group:Finance", title="by name")
    asked("group:Finance", title="by group")
    asked("bob", title="for bob")
    asked("cid", title="of others")
    engine.delegate(bob, "ann", ends_at=timezone.now() + timedelta(days=1))


@pytest.mark.parametrize(
    ("show", "shown"),
    [
        ("", ["by name", "by group", "for bob"]),
        ("mine", ["by name"]),
        ("groups", ["by group"]),
        ("delegated", ["for bob"]),
        ("all", ["by name", "by group", "for bob", "of others"]),
        ("decided", []),
        ("nonsense", ["by name", "by group", "for bob"]),
    ],
)
def test_what_lies_in_which_folder(show: str, shown: list[str], of_each: None, client: Client) -> None:
    assert titles(client.get(INBOX, {"show": show})) == shown


def test_each_folder_says_how_many_lie_in_it(of_each: None, client: Client) -> None:
    answer = client.get(INBOX)
    tabs = {tab.word: tab.count for tab in answer.context["tabs"]}
    assert tabs == {"For you": 3, "Mine": 1, "Groups": 1, "Others": 1, "All": 4}
    assert [section.name for section in answer.context["page"].sections] == ["mine", "groups", "delegated"]
    assert "for Bob" in answer.text or "for bob" in answer.text


def test_the_soonest_stand_first_and_those_without_a_deadline_last(ann: User, client: Client) -> None:
    asked("ann", title="whenever")
    asked("ann", title="tomorrow", due=timedelta(days=1))
    asked("ann", title="now", due=timedelta(minutes=5))
    assert titles(client.get(INBOX)) == ["now", "tomorrow", "whenever"]


def test_what_i_have_voted_on_is_not_for_me_any_more(ann: User, client: Client) -> None:
    one = asked("ann", "bob", quorum="all")
    engine.decide(one.pk, "approve", user=ann)
    assert titles(client.get(INBOX)) == []
    assert titles(client.get(INBOX, {"show": "all"})) == ["Pay?"]


def test_what_a_level_asked_that_is_done_is_not_asked_any_more(ann: User, bob: User, client: Client) -> None:
    definition = gate("ann")
    parameters = definition["tasks"]["ask"]["parameters"]
    del parameters["approvers"]
    parameters["levels"] = [{"approvers": ["ann", "bob"]}, {"approvers": ["group:Finance"]}]
    engine.start(engine.save_workflow(definition), {"key": "x"})
    assert titles(client.get(INBOX, {"show": "mine"})) == ["Pay?"]
    engine.decide(Approval.objects.get().pk, "approve", user=bob)
    assert titles(client.get(INBOX, {"show": "mine"})) == []
    assert titles(client.get(INBOX, {"show": "groups"})) == ["Pay?"]


def test_what_was_decided_by_me_and_by_all(ann: User, bob: User, client: Client) -> None:
    for title, who in (("mine", ann), ("theirs", bob)):
        engine.decide(asked("ann", "bob", title=title).pk, "approve", user=who)
    assert titles(client.get(INBOX, {"show": "decided"})) == ["theirs", "mine"]
    assert titles(client.get(INBOX, {"show": "decided", "who": "me"})) == ["mine"]


def test_whoever_does_not_see_all_sees_what_was_decided_lately(ann: User) -> None:
    olga = person("olga")
    workflow = engine.save_workflow({**gate("ann"), "id": "own"}, user=olga)
    for _ in range(2):
        engine.decide(engine.start(workflow, {"key": "x"}).approvals.get().pk, "approve", user=ann)
    long_ago = timezone.now() - timedelta(days=91)
    Approval.objects.filter(pk=Approval.objects.latest("pk").pk).update(decided_at=long_ago)
    answer = client_of(olga).get(INBOX, {"show": "decided"})
    assert len(titles(answer)) == 1
    assert "in the last 90 days" in answer.text
    assert titles(client_of(person("eve")).get(INBOX, {"show": "decided"})) == []


# Pages


def follow(client: Client, query: dict[str, str]) -> list[str]:
    """The titles of all pages."""
    found: list[str] = []
    answer = client.get(INBOX, query)
    while True:
        found += titles(answer)
        if not answer.context["page"].after:
            return found
        answer = client.get(answer.context["next_url"])


@pytest.mark.parametrize("show", ["mine", "all", "decided"])
def test_pages_go_on_where_the_last_ended(
    show: str, ann: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mails, "PAGE", 2)
    at = timezone.now() + timedelta(hours=1)
    made = [asked("ann", title=f"{n}") for n in range(7)]
    # Some due at the very same moment, and some without a deadline.
    Approval.objects.filter(pk__in=[one.pk for one in made[:5]]).update(deadline_at=at)
    if show == "decided":
        for one in made:
            engine.decide(one.pk, "approve", user=ann)
        Approval.objects.filter(pk__in=[one.pk for one in made[:4]]).update(decided_at=timezone.now())
    found = follow(client, {"show": show})
    assert sorted(found) == [f"{n}" for n in range(7)]
    assert found == [f"{n}" for n in range(7)] or show == "decided"


def test_a_heading_shows_some_and_leads_to_all_of_its_folder(
    ann: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mails, "SECTION", 2)
    for n in range(3):
        asked("ann", title=f"{n}")
    answer = client.get(INBOX)
    assert titles(answer) == ["0", "1"]
    assert "?show=mine" in answer.text and "All of these" in answer.text


@pytest.mark.parametrize("after", ["x", "none_x", "none_", "2026_1", "2026-01-01T00:00:00+00:00_x", "\x00"])
@pytest.mark.parametrize("show", ["mine", "decided"])
def test_a_mangled_place_shows_the_first_page(show: str, after: str, ann: User, client: Client) -> None:
    one = asked("ann")
    if show == "decided":
        engine.decide(one.pk, "approve", user=ann)
    assert titles(client.get(INBOX, {"show": show, "after": after})) == ["Pay?"]


# Searching


@pytest.fixture
def some(ann: User) -> dict[str, Approval]:
    olga = person("olga")
    olga.first_name, olga.last_name = "Olga", "Orlova"
    olga.save()
    return {
        "desk": asked("ann", title="A desk", workflow="furniture", by=olga, data={"für": "Büro Süd"}),
        "trip": asked("ann", title="A trip", workflow="travel", instructions="To Oslo, by train"),
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("desk", ["A desk"]),
        ("DESK", ["A desk"]),
        ("furni", ["A desk"]),
        ("orlova", ["A desk"]),
        ("olga desk", ["A desk"]),
        ("olga trip", []),
        ("Büro", ["A desk"]),
        ("oslo", ["A trip"]),
        ("a", ["A desk", "A trip"]),
        ("100%", []),
        ("'; --", []),
        ("\x00trip", ["A trip"]),
    ],
)
def test_every_word_stands_somewhere(
    text: str, found: list[str], some: dict[str, Approval], client: Client
) -> None:
    assert titles(client.get(INBOX, {"q": text})) == found


def test_a_number_is_that_of_a_run(some: dict[str, Approval], client: Client) -> None:
    run = some["trip"].run_id
    assert titles(client.get(INBOX, {"q": f"#{run}"})) == ["A trip"]
    assert "A trip" in titles(client.get(INBOX, {"q": str(run)}))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"workflow": "travel"}, ["A trip"]),
        ({"by": "olga"}, ["A desk"]),
        ({"workflow": "travel", "by": "olga"}, []),
        ({"tests": "none"}, ["A desk", "A trip"]),
        ({"tests": "only"}, []),
        ({"due": "none"}, ["A desk", "A trip"]),
        ({"due": "week"}, []),
    ],
)
def test_filters_narrow_a_folder(
    query: dict[str, str], found: list[str], some: dict[str, Approval], client: Client
) -> None:
    assert titles(client.get(INBOX, query)) == found


@pytest.mark.parametrize(
    ("due", "found"),
    [
        ("overdue", ["late"]),
        ("today", ["late"]),
        ("week", ["late", "soon"]),
        ("none", ["never"]),
        ("", ["late", "soon", "far", "never"]),
    ],
)
def test_due(due: str, found: list[str], ann: User, client: Client) -> None:
    asked("ann", title="late", due=timedelta(minutes=-1))
    asked("ann", title="soon", due=timedelta(days=2))
    asked("ann", title="far", due=timedelta(days=30))
    asked("ann", title="never")
    assert titles(client.get(INBOX, {"due": due})) == found


def test_a_search_that_finds_nothing_says_so_and_can_be_cleared(
    some: dict[str, Approval], client: Client
) -> None:
    answer = client.get(INBOX, {"q": "nothing", "show": "mine", "workflow": "travel"})
    assert "No request fits" in answer.text and "Clear the search" in answer.text
    assert answer.context["clear_url"] == "/approvals/?show=mine"
    chips = {chip.word: chip.url for chip in answer.context["chips"]}
    assert chips["Workflow"] == "/approvals/?show=mine&q=nothing"


def test_a_search_among_decided_ones_goes_back_step_by_step(
    ann: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mails, "WINDOW", 2)
    for title in ("wanted", *"abc", "wanted too"):
        engine.decide(asked("ann", title=title).pk, "approve", user=ann)
    answer = client.get(INBOX, {"show": "decided", "q": "wanted"})
    assert titles(answer) == ["wanted too"]
    assert "Look further back" in answer.text
    assert follow(client, {"show": "decided", "q": "wanted"}) == ["wanted too", "wanted"]


def test_htmx_gets_the_list_and_going_back_the_page(some: dict[str, Approval], client: Client) -> None:
    part = client.get(INBOX, {"q": "desk"}, headers={"HX-Request": "true"})
    assert part.text.lstrip().startswith("<section") and "<html" not in part.text
    back = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in client.get(INBOX, {"q": "desk"}, headers=back).text


def test_a_request_keeps_the_list_it_was_found_in(some: dict[str, Approval], client: Client) -> None:
    page = client.get(f"/approvals/{some['desk'].pk}/?q=desk&show=mine")
    assert titles(page) == ["A desk"]
    assert f'href="/approvals/{some["desk"].pk}/?show=mine&amp;q=desk"' in page.text


def test_the_same_statements_for_few_and_for_many(ann: User, bob: User, client: Client) -> None:
    def counted(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    paths = [INBOX, *(f"{INBOX}?show={show}" for show in mails.FOLDERS[1:]), f"{INBOX}?q=pay&due=week&by=bob"]

    def make(count: int) -> None:
        for _ in range(count):
            for names in (("ann",), ("group:Finance",)):
                asked(*names, by=bob)
            engine.decide(asked("ann").pk, "approve", user=ann)

    def counts() -> dict[str, int]:
        for path in paths:
            client.get(path)  # what is known from then on
        return {path: counted(path) for path in paths}

    make(1)
    few = counts()
    make(6)
    assert counts() == few
    assert max(few.values()) < 40
