"""The page on which a draft is tried, without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from editor import drafts, pins
from orchestrator import engine
from orchestrator.models import Run, TaskRun, Workflow
from orchestrator.web.forms import new_idempotency_key
from tests.engine.flows import Crank, flow, states, succeeded, task
from tests.people import person

pytestmark = pytest.mark.django_db

URL = "/workflows/drawn/try/"
GATE = {"action": "approval_gate", "name": "Ask", "dependencies": ["a"], "parameters": {"approvers": ["ann"]}}
LOAD = task("ask", name="Load", conditions=["tasks.a.output.rows > 2"])
FLOW = {
    **flow({"a": task(name="Extract"), "ask": GATE, "load": LOAD}),
    "name": "Drawn",
    "parameters": {"count": {"type": "integer", "default": 1}},
}


@pytest.fixture(autouse=True)
def workflow() -> Workflow:
    return engine.save_workflow(FLOW)


def sent(browser: Client, do: str, **given: Any) -> Any:
    return browser.post(
        URL, {"kind": "all", "base_rev": 1, "once": new_idempotency_key(), "p-count": "1", "do": do, **given}
    )


def test_it_tells_what_acts_before_anything_is_started(browser: Client) -> None:
    page = browser.get(URL).content.decode()
    assert "1 task acts in earnest: Ask." in page
    assert "asks ann" in page
    assert Run.objects.count() == 0


def test_what_was_chosen_is_shown_and_can_be_looked_at_first(browser: Client) -> None:
    answer = sent(browser, "see", kind="only", task="load")
    assert [issue.code for issue in answer.context["found"].missing] == ["missing_data"]
    page = answer.content.decode()
    assert "Load reads tasks.a.output" in page and "Only Load" in page
    assert '<option value="load" selected>' in page
    assert Run.objects.count() == 0


def test_it_is_started_with_what_is_made_up_and_leads_to_the_run(browser: Client) -> None:
    given = {"use-a": "gives", "outputs": '{"a": {"rows": 3}}', "use-ask": "approved", "by-ask": "boss"}
    answer = sent(browser, "start", **given)
    run = Run.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/runs/{run.pk}/")
    assert (states(run), run.is_trial) == ({"a": "completed", "ask": "completed", "load": "ready"}, True)
    assert TaskRun.objects.get(key="ask").output["by"] == ["boss"]
    page = browser.get(f"/runs/{run.pk}/").content.decode()
    assert ">Test run</span>" in page and "draft 1" in page
    assert ">Test run</span>" in browser.get("/runs/?show=trials").content.decode()


def test_the_form_sent_twice_starts_one(browser: Client) -> None:
    once = new_idempotency_key()
    assert [sent(browser, "start", once=once).status_code for _ in range(2)] == [303, 303]
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "from"}, "Say which step."),
        ({"use-a": "gives"}, "Say what a gives"),
        ({"outputs": "{"}, "not JSON"),
        ({"p-count": "many"}, "Enter a whole number"),
        ({"kind": "only", "task": "load"}, "Load reads tasks.a.output"),
        ({"use-a": "past"}, "Say from which run"),
    ],
)
def test_what_cannot_be_started_says_why_and_keeps_the_choices(
    browser: Client, given: Any, said: str
) -> None:
    answer = sent(browser, "start", **{"use-ask": "rejected", **given})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    assert '<option value="rejected" selected>' in page
    assert Run.objects.count() == 0


def test_a_draft_that_went_on_meanwhile_says_so(browser: Client, workflow: Workflow) -> None:
    rename = [{"op": "set", "field": ["name"], "value": "New"}]
    drafts.change(workflow, rename, base_rev=1, user=person("bob", "designer"))
    answer = sent(browser, "start")
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "bob changed name" in page and 'name="base_rev" value="2"' in page


def test_the_last_outcome_is_pinned_and_unpinned(browser: Client, workflow: Workflow) -> None:
    assert sent(browser, "pin:a").status_code == 409
    engine.start(workflow)
    crank = Crank()
    crank.turn(*[succeeded(claim, {"rows": 3}) for claim in crank.turn(claim=1).claims])
    assert sent(browser, "pin:a").status_code == 303
    page = browser.get(URL + "?scope=only&task=load").content.decode()
    assert "by its pin" in page and 'value="unpin:a"' in page
    assert sent(browser, "start", kind="only", task="load").status_code == 303
    sent(browser, "unpin:a")
    assert pins.pinned(workflow) == {}


def test_a_past_run_can_be_taken_up(browser: Client, workflow: Workflow) -> None:
    past = engine.start(workflow)
    crank = Crank()
    crank.turn(*[succeeded(claim, {"rows": 3}) for claim in crank.turn(claim=1).claims])
    answer = sent(browser, "see", kind="only", task="load", past_run=str(past.pk))
    assert [step.how for step in answer.context["found"].steps] == ["past", "nothing", "earnest"]
    assert answer.context["found"].ready


def test_a_draft_that_does_not_check_is_shown_with_its_problems(browser: Client, workflow: Workflow) -> None:
    change = [{"op": "action", "key": "load", "action": "nope"}]
    drafts.change(workflow, change, base_rev=1, user=person("bob", "designer"))
    assert "Mend these first" in browser.get(URL).content.decode()
    assert "Mend these first" not in browser.get(URL + "?scope=only&task=a").content.decode()
    assert sent(browser, "start", base_rev=2).status_code == 422


def test_the_draft_leads_to_it(browser: Client) -> None:
    assert f'href="{URL}"' in browser.get("/workflows/drawn/edit/").content.decode()


@pytest.mark.parametrize("empty", [{}, {"tasks": 3}, {"tasks": {"a": 3}}])
def test_a_draft_of_any_shape_can_be_looked_at(browser: Client, workflow: Workflow, empty: Any) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(draft=empty)
    assert browser.get(URL).status_code == 200


@pytest.mark.parametrize(("who", "status"), [("owner", 200), ("member", 403), ("outsider", 404)])
def test_who_may(who: str, status: int, workflow: Workflow) -> None:
    user: User = person(who, *(["viewer"] if who == "member" else []))
    if who == "owner":
        Workflow.objects.filter(pk=workflow.pk).update(owner=user)
    client = Client()
    client.force_login(user)
    assert client.get(URL).status_code == status
    assert sent(client, "see").status_code == status
