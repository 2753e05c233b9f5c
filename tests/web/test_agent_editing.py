"""The page on which an agent is described anew: what is kept, what is refused, and two who do it at once."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client

from orchestrator.engine import agent_work, agents
from orchestrator.models import Agent
from tests.people import person
from tests.web.test_agents import BAD, browser, started

pytestmark = pytest.mark.django_db


@pytest.fixture
def rover() -> Agent:
    return agents.register("rover", name="Rover", capabilities=["python"], pools=["night"], capacity=2)


@pytest.fixture
def root() -> Client:
    return browser(person("ada", "admin"))


CHANGED = {
    "name": "Rover 2",
    "kind": "hybrid",
    "transport": "outbox",
    "description": "Digs deeper",
    "capabilities": "python, rust",
    "pools": "",
    "capacity": "4",
    "cpu": "8",
    "memory_mb": "1024.5",
    "cost_per_hour": "2.50",
    "person": "ann",
}


def seen_on(page: HttpResponse) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]+)"', page.content.decode())
    assert found
    return found[1]


def test_all_that_is_said_of_an_agent_is_changed_but_its_id_and_what_it_says_itself(
    rover: Agent, root: Client
) -> None:
    ann = person("ann")
    agents.describe(rover, resources={"gpu": 1, "cpu": 2})
    page = root.get("/agents/rover/edit/")
    assert page.context["form"]["cpu"].value() == 2
    answer = root.post("/agents/rover/edit/", {**CHANGED, "seen": seen_on(page)}, follow=True)
    assert "Rover 2 was changed." in answer.text
    agent = Agent.objects.get()
    assert (agent.key, agent.name, agent.kind, agent.transport) == ("rover", "Rover 2", "hybrid", "outbox")
    assert (agent.capabilities, agent.pools, agent.capacity) == (["python", "rust"], [], 4)
    assert agent.resources == {"gpu": 1, "cpu": 8, "memory_mb": 1024.5}
    assert (agent.description, str(agent.cost_per_hour), agent.user) == ("Digs deeper", "2.50", ann)
    assert "in its outbox" in root.get("/agents/rover/").text


def test_the_page_as_it_is_sent_back_changes_nothing(rover: Agent, root: Client) -> None:
    agents.describe(rover, resources={"cpu": 0.5}, cost_per_hour="1.00", user=person("ann"), kind="human")
    before = Agent.objects.values().get()
    page = root.get("/agents/rover/edit/")
    form = page.context["form"]
    given = {name: form[name].value() for name in form.shown if form[name].value() is not None}
    assert root.post("/agents/rover/edit/", {**given, "seen": seen_on(page)}).status_code == 303
    assert Agent.objects.values().get() == before


def test_what_another_changed_meanwhile_is_told_and_what_was_typed_is_kept(
    rover: Agent, root: Client
) -> None:
    person("ann")
    page = root.get("/agents/rover/edit/")
    agents.describe(rover, capacity=7)
    answer = root.post("/agents/rover/edit/", {**CHANGED, "seen": seen_on(page)})
    assert answer.status_code == 409
    assert "Capacity: it is <q>7</q> now, you have <q>4</q>" in answer.text
    assert answer.context["form"]["name"].value() == "Rover 2"
    assert Agent.objects.get().name == "Rover"
    again = root.post("/agents/rover/edit/", {**CHANGED, "seen": seen_on(answer)})
    assert again.status_code == 303
    assert (Agent.objects.get().name, Agent.objects.get().capacity) == ("Rover 2", 4)


def test_how_it_gets_its_tasks_is_not_changed_while_it_holds_one(rover: Agent, root: Client) -> None:
    person("ann")
    started("rover")
    (held,) = agent_work.take(rover)
    answer = root.post("/agents/rover/edit/", {**CHANGED, "seen": seen_on(root.get("/agents/rover/edit/"))})
    assert (answer.status_code, set(answer.context["form"].errors)) == (409, {"transport"})
    assert "drain it" in answer.text
    agent_work.complete(held.lease, 1)
    assert root.post("/agents/rover/edit/", {**CHANGED, "seen": seen_on(answer)}).status_code == 303


@pytest.mark.parametrize(
    ("field", "value"), [one for one in BAD if one[0] != "id"], ids=lambda part: repr(part[:20])
)
def test_bad_input_changes_nothing(field: str, value: str, rover: Agent, root: Client) -> None:
    person("ann")
    given = {**CHANGED, field: value, "seen": seen_on(root.get("/agents/rover/edit/"))}
    answer = root.post("/agents/rover/edit/", given)
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {field})
    assert answer.context["form"][field].value() == value
    assert Agent.objects.get().name == "Rover"


def test_whose_account_was_closed_may_stay(rover: Agent, root: Client) -> None:
    ann = person("ann")
    agents.describe(rover, user=ann)
    ann.is_active = False
    ann.save()
    page = root.get("/agents/rover/edit/")
    assert root.post("/agents/rover/edit/", {**CHANGED, "seen": seen_on(page)}).status_code == 303
    assert Agent.objects.get().user == ann
