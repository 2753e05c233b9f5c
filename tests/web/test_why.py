"""Why a run waits, on its page: each answer with what mends it, for who may."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orchestrator import engine
from orchestrator.engine import agents
from orchestrator.models import Agent, Run
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def undemo(settings: Any) -> None:
    settings.BATON = {**settings.BATON, "DEMO": False}


@pytest.fixture
def run() -> Run:
    """One task waits for an agent that is drained, another for a decision."""
    agents.drain(agents.register("rover"))
    person("ann", "approver")
    gate = task(action="approval_gate", parameters={"title": "<b>Pay?</b>", "approvers": ["ann"]})
    return engine.start(engine.save_workflow(flow({"dig": task(agent_id="rover"), "ask": gate})))


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("name", "roles", "offers", "refused"),
    [
        ("ada", ["admin"], ["Give rover work again", "Skip it", "Decide"], []),
        ("olga", ["operator"], ["Skip it"], ["Give rover work again", "Decide<"]),
        ("ann", ["approver"], ["Decide"], ["Give rover work again", "Skip it"]),
        ("vera", ["viewer"], [], ["Give rover work again", "Skip it", "Decide<"]),
    ],
    ids=["admin", "operator", "approver", "viewer"],
)
def test_each_answer_has_the_buttons_of_who_looks(
    name: str, roles: list[str], offers: list[str], refused: list[str], run: Run
) -> None:
    user = User.objects.filter(username=name).first() or person(name, *roles)
    page = browser(user).get(f"/runs/{run.pk}/why/").text
    assert "waits for the agent rover, where all is draining" in page
    assert "waits for the decision of ann" in page
    assert all(offer in page for offer in offers)
    assert not any(offer in page for offer in refused)


def test_who_may_not_see_the_run_sees_nothing_of_it(run: Run) -> None:
    assert browser(person("bob")).get(f"/runs/{run.pk}/why/").status_code == 404


def test_the_dialog_gets_only_the_part(run: Run) -> None:
    part = browser(person("vera", "viewer")).get(f"/runs/{run.pk}/why/", headers={"HX-Request": "true"})
    assert "draining" in part.text and "<html" not in part.text


def test_the_page_of_the_run_leads_there_until_it_completed(run: Run) -> None:
    client = browser(person("vera", "viewer"))
    assert f'href="/runs/{run.pk}/why/"' in client.get(f"/runs/{run.pk}/").text
    Run.objects.update(status="completed")
    assert "/why/" not in client.get(f"/runs/{run.pk}/").text
    assert "nothing is wrong" in client.get(f"/runs/{run.pk}/why/").text


def test_an_agent_that_is_given_work_again_leads_back_to_the_run(run: Run) -> None:
    client = browser(person("ada", "admin"))
    answer = client.post("/agents/rover/activate/", {"run": str(run.pk)})
    assert (answer.status_code, answer["Location"]) == (303, f"/runs/{run.pk}/")
    assert Agent.objects.get().state == "active"
    for odd in ("", "-1", "x", "9" * 30, "//evil.example"):
        assert client.post("/agents/rover/activate/", {"run": odd})["Location"] == "/agents/rover/"


def test_the_panel_has_what_does_not_stand_in_it_anyhow(run: Run) -> None:
    page = browser(person("ada", "admin")).get(f"/runs/{run.pk}/tasks/dig/").text
    assert page.count("Give rover work again") == 1
    assert "Skip it" not in page
