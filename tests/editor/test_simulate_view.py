"""The page that foretells: it shows what was assumed, and stores nothing."""

from __future__ import annotations

import pytest
from django.test import Client

from editor import drafts
from orchestrator import engine
from orchestrator.models import Run, Workflow
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db

URL = "/workflows/drawn/simulate/"
GATE = {"action": "approval_gate", "dependencies": ["a"], "parameters": {"approvers": ["ann"]}}
FLOW = {
    **flow(
        {
            "a": task(),
            "ask": GATE,
            "b": task("ask", conditions=["params.go"]),
            "c": task(conditions=["1 > 2"]),
        }
    ),
    "name": "Drawn",
    "parameters": {"go": {"type": "boolean", "default": True}},
}


@pytest.fixture(autouse=True)
def workflow() -> Workflow:
    return engine.save_workflow(FLOW)


def test_the_page_tells_the_usual_course_before_anything_is_assumed(browser: Client) -> None:
    answer = browser.get(URL)
    page = answer.content.decode()
    assert "The run would be completed" in page
    assert answer.context["critical"] == ["a", "ask", "b"]
    assert answer.context["unreached"] == ["c"]


def test_what_is_assumed_decides(browser: Client) -> None:
    answer = browser.post(URL, {"p-go": "on", "seconds-a": "9", "happens-ask": "rejected"})
    assert (answer.context["found"].status, answer.context["found"].seconds) == ("failed", 10.0)
    assert browser.post(URL, {"happens-ask": "unanswered"}).context["found"].status == "waits"
    skipped = browser.post(URL, {}).context["found"]
    assert {one.key: one.status for one in skipped.tasks}["b"] == "skipped"


def test_what_cannot_be_read_is_said_and_kept(browser: Client) -> None:
    answer = browser.post(URL, {"seconds-a": "soon", "outputs": "{"})
    assert answer.status_code == 422
    assert "soon" in answer.content.decode()


def test_nothing_is_stored_or_run(browser: Client, workflow: Workflow) -> None:
    browser.post(URL, {})
    workflow.refresh_from_db()
    assert (workflow.draft_rev, Run.objects.count()) == (1, 0)


def test_a_draft_that_does_not_check_is_not_walked_through(browser: Client, workflow: Workflow) -> None:
    drafts.change(
        workflow, [{"op": "action", "key": "a", "action": "nope"}], base_rev=1, user=person("bob", "designer")
    )
    assert "Mend these first" in browser.get(URL).content.decode()


@pytest.mark.parametrize(("roles", "status"), [((), 404), (("viewer",), 403)])
def test_who_may_not(roles: tuple[str, ...], status: int) -> None:
    client = Client()
    client.force_login(person("somebody", *roles))
    assert client.get(URL).status_code == status
    assert client.post(URL, {}).status_code == status
