"""The pages of agents: who sees and changes what, forms with bad input, tokens that are shown once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orchestrator import engine, tokens
from orchestrator.engine import agent_work, agents
from orchestrator.models import Agent, AgentToken, Lease, Run
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db

NEW = {"id": "hands", "name": "Helping hands", "kind": "ai", "capacity": "3"}
TOKEN = re.compile(r"batonagent_[a-z0-9]{8}_[A-Za-z0-9_-]{43}")


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def rover() -> Agent:
    return agents.register("rover", name="Rover", capabilities=["python"], pools=["night"], capacity=2)


@pytest.fixture
def root() -> Client:
    """Somebody who administers."""
    return browser(person("ada", "admin"))


def started(*addresses: str) -> Run:
    """A run with one task for each of these, all at once."""
    tasks = {f"t{number}": task(agent_id=address) for number, address in enumerate(addresses)}
    return engine.start(engine.save_workflow({**flow(tasks), "name": "Dig"}))


def online(agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(seen_at=timezone.now())


# Three people


def who(kind: str) -> Client:
    return browser(person(kind, *{"owner": ("admin",), "member": ("viewer",)}.get(kind, ())))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/agents/", {"owner": 200, "member": 200, "outsider": 403}),
        ("/agents/-/new/", {"owner": 200, "member": 403, "outsider": 403}),
        ("/agents/rover/", {"owner": 200, "member": 200, "outsider": 404}),
        ("/agents/rover/edit/", {"owner": 200, "member": 403, "outsider": 404}),
        ("/agents/nobody/", {"owner": 404, "member": 404, "outsider": 404}),
    ],
)
@pytest.mark.parametrize("kind", ["owner", "member", "outsider"])
def test_who_sees_which_page(kind: str, path: str, expected: dict[str, int], rover: Agent) -> None:
    assert who(kind).get(path).status_code == expected[kind]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/agents/-/new/", {"owner": 201, "member": 403, "outsider": 403}),
        ("/agents/rover/tokens/", {"owner": 201, "member": 403, "outsider": 404}),
        ("/agents/rover/tokens/{token}/revoke/", {"owner": 303, "member": 403, "outsider": 404}),
        ("/agents/rover/drain/", {"owner": 303, "member": 403, "outsider": 404}),
        ("/agents/rover/activate/", {"owner": 303, "member": 403, "outsider": 404}),
        ("/agents/rover/remove/", {"owner": 303, "member": 403, "outsider": 404}),
        ("/agents/rover/edit/", {"owner": 422, "member": 403, "outsider": 404}),
        ("/agents/rover/paint/", {"owner": 404, "member": 404, "outsider": 404}),
        ("/agents/nobody/drain/", {"owner": 404, "member": 404, "outsider": 404}),
    ],
)
@pytest.mark.parametrize("kind", ["owner", "member", "outsider"])
def test_who_changes_what(kind: str, path: str, expected: dict[str, int], rover: Agent) -> None:
    token, text = tokens.issue_for_agent(rover)
    answer = who(kind).post(path.format(token=token.pk), NEW)
    assert answer.status_code == expected[kind]
    if kind != "owner":
        assert list(Agent.objects.values_list("key", "state")) == [("rover", "active")]
        assert tokens.find_of_agent(text) == token
        assert AgentToken.objects.count() == 1


@pytest.mark.parametrize("kind", ["member", "outsider"])
def test_who_may_not_change_is_offered_nothing(kind: str, rover: Agent) -> None:
    client = who(kind)
    tokens.issue_for_agent(rover)
    pages = client.get("/agents/").text + client.get("/agents/rover/").text
    for offer in ("Register an agent", "Drain", "Remove", "Make a token", "batonagent_"):
        assert offer not in pages


@pytest.mark.parametrize(("kind", "is_led"), [("owner", True), ("member", True), ("outsider", False)])
def test_the_rail_leads_there_for_who_may_see_it(kind: str, is_led: bool) -> None:
    assert ('href="/agents/"' in who(kind).get("/runs/").text) is is_led


@pytest.mark.parametrize("verb", ["drain", "activate", "remove", "tokens"])
def test_nothing_changes_by_looking(verb: str, rover: Agent, root: Client) -> None:
    assert root.get(f"/agents/rover/{verb}/").status_code == 405


def test_a_form_without_its_token_changes_nothing(rover: Agent) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("ada", "admin"))
    assert client.post("/agents/rover/drain/").status_code == 403
    assert client.post("/agents/-/new/", NEW).status_code == 403
    assert list(Agent.objects.values_list("key", "state")) == [("rover", "active")]


# Registering


def test_an_agent_is_registered_and_its_token_shown_once(root: Client) -> None:
    given = {"capabilities": "python, invoices,python ,", "pools": " night ", "cost_per_hour": "2.50"}
    answer = root.post("/agents/-/new/", {**NEW, **given})
    text = answer.context["new_token"]
    assert (answer.status_code, "no-store" in answer["Cache-Control"]) == (201, True)
    agent = Agent.objects.get()
    assert (agent.name, agent.kind, agent.capacity) == ("Helping hands", "ai", 3)
    assert (agent.capabilities, agent.pools) == (["python", "invoices"], ["night"])
    assert str(agent.cost_per_hour) == "2.50"
    found = tokens.find_of_agent(text)
    assert found is not None and found.agent == agent
    assert text in answer.text and "baton agents run work:work --id hands --capacity 3" in answer.text
    assert "export BATON_URL=http://testserver\n" in answer.text
    for page in ("/agents/", "/agents/hands/", "/agents/-/new/"):
        assert not TOKEN.search(root.get(page).text)


def test_what_is_left_out_is_as_the_model_has_it(root: Client) -> None:
    assert root.post("/agents/-/new/", {"id": "hands", "kind": "service", "capacity": "1"}).status_code == 201
    agent = Agent.objects.get()
    assert (agent.name, agent.capabilities, agent.cost_per_hour, agent.user) == ("hands", [], None, None)


def test_an_agent_may_be_a_person(root: Client) -> None:
    ann = person("ann")
    assert root.post("/agents/-/new/", {**NEW, "kind": "human", "person": "ann"}).status_code == 201
    assert Agent.objects.get().user == ann


@pytest.mark.parametrize("key", ["new", "edit", "tokens", "register", "drain"])
def test_an_agent_may_be_called_as_an_address_is_and_is_found(key: str, root: Client) -> None:
    assert root.post("/agents/-/new/", {**NEW, "id": key}).status_code == 201
    page = root.get(f"/agents/{key}/")
    assert (page.status_code, page.context["agent"].key) == (200, key)
    assert root.get(f"/agents/{key}/edit/").context["agent"].key == key
    assert root.post(f"/agents/{key}/drain/").status_code == 303


BAD: list[tuple[str, str]] = [
    ("id", ""),
    ("id", "1st"),
    ("id", "two words"),
    ("id", "ä"),
    ("id", "constructor"),
    ("id", "x" * 81),
    ("id", "rover"),
    ("name", "x" * 201),
    ("name", "nul\x00"),
    ("kind", "robot"),
    ("kind", ""),
    ("description", "x" * 501),
    ("capabilities", "two words"),
    ("capabilities", "ok, -dash"),
    ("capabilities", "x" * 81),
    ("capabilities", "nul\x00"),
    ("capabilities", ",".join(f"w{n}" for n in range(101))),
    ("pools", "pool:night"),
    ("pools", "x," * 6000),
    ("capacity", "0"),
    ("capacity", "1001"),
    ("capacity", "many"),
    ("capacity", ""),
    ("cost_per_hour", "-1"),
    ("cost_per_hour", "1.234"),
    ("cost_per_hour", "NaN"),
    ("cost_per_hour", "9" * 30),
    ("person", "nobody"),
    ("transport", "pigeon"),
    ("cpu", "many"),
    ("cpu", "0"),
    ("cpu", "-1"),
    ("cpu", "NaN"),
    ("cpu", "10001"),
    ("memory_mb", "1e300"),
]


@pytest.mark.parametrize(("field", "value"), BAD, ids=lambda part: repr(part[:20]))
def test_bad_input_is_said_beside_its_field_and_nothing_is_lost(
    field: str, value: str, rover: Agent, root: Client
) -> None:
    given = {**NEW, "description": "Digs", "capabilities": "python, rust", "pools": "night", field: value}
    answer = root.post("/agents/-/new/", given)
    assert answer.status_code == 422
    form = answer.context["form"]
    assert set(form.errors) == {field}
    assert {name: form[name].value() for name in given} == given
    assert f'id="{form[field].auto_id}_error"' in answer.text
    assert Agent.objects.count() == 1
    assert not AgentToken.objects.exists()


@pytest.mark.parametrize(
    ("address", "field", "value"),
    [
        ("hands", "id", "hands"),
        ("pool:night", "pools", "night"),
        ("can:python", "capabilities", "python"),
    ],
)
def test_the_form_begins_with_what_a_task_waits_for(
    address: str, field: str, value: str, root: Client
) -> None:
    answer = root.get("/agents/-/new/", {"for": address})
    assert answer.context["form"][field].value() == value


# The list


def row_of(answer: HttpResponse, agent: Agent) -> str:
    found = re.search(rf'<tr id="agent-{agent.pk}">(.*?)</tr>', answer.content.decode(), re.DOTALL)
    assert found
    return found[1]


def test_before_there_are_any_the_list_says_what_an_agent_is(root: Client) -> None:
    page = root.get("/agents/").text
    assert "No agents yet" in page and "hands in the result" in page
    assert page.count('href="/agents/-/new/"') == 2


def test_a_row_tells_state_load_and_what_is_worked_on(rover: Agent, root: Client) -> None:
    run = started("rover", "can:python")
    assert "Offline" in (text := row_of(root.get("/agents/"), rover)) and "0 of 2" in text and "never" in text
    online(rover)
    agent_work.take(rover)
    text = row_of(root.get("/agents/"), rover)
    assert "Online" in text and "#g-success" in text and "1 of 2" in text
    assert f'href="/runs/{run.pk}/?task=t0"' in text and "Dig, t0" in text
    assert "pool:night" in text and "can:python" in text


@pytest.mark.parametrize(
    ("state", "word", "glyph"),
    [("draining", "Draining", "g-paused"), ("quarantined", "Quarantined", "g-warn")],
)
def test_what_was_decided_of_an_agent_is_told_whether_it_is_there_or_not(
    state: str, word: str, glyph: str, rover: Agent, root: Client
) -> None:
    online(rover)
    Agent.objects.update(state=state)
    text = row_of(root.get("/agents/"), rover)
    assert word in text and f"#{glyph}" in text


def test_the_list_is_filtered_by_its_address(root: Client) -> None:
    for key in ("here", "gone", "drained", "ill"):
        agents.register(key)
    online(agents.find_agent("here"))
    agents.drain(agents.find_agent("drained"))
    Agent.objects.filter(key="gone").update(seen_at=timezone.now() - timedelta(minutes=2))
    Agent.objects.filter(key="ill").update(state="quarantined")

    def shown(**query: str) -> list[str]:
        return [row.agent.key for row in root.get("/agents/", query).context["page"].rows]

    assert shown() == ["drained", "gone", "here", "ill"]
    by_state = {"online": "here", "offline": "gone", "draining": "drained", "quarantined": "ill"}
    assert {state: shown(show=state) for state in by_state} == {s: [k] for s, k in by_state.items()}
    assert shown(show="purple") == shown()
    assert shown(q="ER") == ["here"]
    assert root.get("/agents/").context["counts"] == {"total": 4, **dict.fromkeys(by_state, 1)}
    assert "No agent fits" in root.get("/agents/", {"q": "nobody"}).text


def test_only_the_rows_are_sent_to_a_filter_that_is_typed(rover: Agent, root: Client) -> None:
    part = root.get("/agents/?q=ro", headers={"HX-Request": "true"})
    assert "Rover" in part.text and "<html" not in part.text
    assert "HX-Request" in part["Vary"]


def test_a_long_list_has_pages(root: Client) -> None:
    for number in range(30):
        agents.register(f"a{number:02}")
    first = root.get("/agents/").context["page"]
    second = root.get("/agents/", {"after": first.after}).context["page"]
    assert [row.agent.key for row in first.rows + second.rows] == [f"a{number:02}" for number in range(30)]
    assert second.after == ""


def test_the_list_takes_as_many_queries_for_many_agents_as_for_few(root: Client) -> None:
    counted = []
    for _ in range(2):
        for number in range(8):
            agent = agents.register(f"a{Agent.objects.count()}{number}", capacity=5)
            started(*[agent.key] * 4)
            agent_work.take(agent, 5)
        root.get("/agents/")
        with CaptureQueriesContext(connection) as queries:
            page = root.get("/agents/").context["page"]
        counted.append(len(queries))
    assert counted[0] == counted[1] <= 12
    row = page.rows[0]
    assert (row.load, len(row.held), row.more) == (4, 3, 1)


# What waits for nobody


@pytest.fixture
def undemo(settings: Any) -> None:
    """Nobody stands in for agents that are not registered."""
    settings.BATON = {**settings.BATON, "DEMO": False}


@pytest.mark.usefixtures("undemo")
def test_what_waits_for_nobody_is_said_with_a_way_to_it(rover: Agent, root: Client) -> None:
    run, other = started("can:rust", "can:rust", "hands"), started("rover")
    page = root.get("/agents/").text
    assert "<b>2 tasks</b> wait for" in page and "<b>1 task</b> waits for" in page
    assert page.count("which nobody registered") == 2
    assert 'href="/agents/-/new/?for=can%3Arust"' in page
    waiting = root.get("/runs/", {"agent": "can:rust"})
    assert [row.run.pk for row in waiting.context["page"].rows] == [run.pk]
    assert "Waits for" in waiting.text and waiting.context["filtered"]
    assert [row.run.pk for row in root.get("/runs/", {"agent": "rover"}).context["page"].rows] == [other.pk]


def test_what_waits_for_an_agent_that_is_there_is_no_warning(rover: Agent, root: Client) -> None:
    started("rover")
    assert "which is offline" in root.get("/agents/").text
    online(rover)
    assert root.get("/agents/").context["waits"] == []


@pytest.mark.usefixtures("undemo")
def test_a_reader_is_warned_but_not_sent_to_register() -> None:
    started("hands")
    page = who("member").get("/agents/").text
    assert "which nobody registered" in page and "/agents/-/new/" not in page


@pytest.mark.usefixtures("undemo")
def test_an_outsider_sees_no_runs_that_wait() -> None:
    started("hands")
    assert who("outsider").get("/runs/", {"agent": "hands"}).context["page"].rows == []


# One agent


def test_the_page_of_an_agent_tells_what_it_holds_did_and_how_well(rover: Agent, root: Client) -> None:
    online(rover)
    run = started(*["rover"] * 4)
    for end in (agent_work.complete, agent_work.fail, None):
        (given,) = agent_work.take(rover)
        if end is not None:
            end(given.lease, "x")
    answer = root.get("/agents/rover/")
    assert "1 of 2" in answer.text and "50%" in answer.text
    assert "Completed" in answer.text and "Failed" in answer.text
    assert f'href="/runs/{run.pk}/?task=t2"' in answer.text
    assert [work.outcome for work in answer.context["past"]] == ["failed", "completed"]
    assert [work.task for work in answer.context["held"]] == ["t2"]
    assert answer.context["waiting"] == 1


def test_the_last_twenty_are_shown(rover: Agent, root: Client) -> None:
    started(*["rover"] * 25)
    while given := agent_work.take(rover):
        agent_work.complete(given[0].lease, 1)
    newest = Lease.objects.order_by("-id").values_list("task_run__key", flat=True)[:20]
    assert [work.task for work in root.get("/agents/rover/").context["past"]] == list(newest)


def test_resources_are_shown_whatever_they_are_called(root: Client) -> None:
    agents.register("rover", resources={"items": 3, "gpu": {"<i>": "a"}})
    page = root.get("/agents/rover/").text
    assert "items" in page and "&lt;i&gt;" in page and "<i>" not in page


def test_an_agent_in_quarantine_says_why_and_is_given_work_again(rover: Agent, root: Client) -> None:
    Agent.objects.update(state="quarantined", failures_in_a_row=5)
    assert "failed 5 times in a row" in root.get("/agents/rover/").text
    assert root.post("/agents/rover/activate/").status_code == 303
    rover.refresh_from_db()
    assert (rover.state, rover.failures_in_a_row) == ("active", 0)


def test_the_buttons_follow_the_state(rover: Agent, root: Client) -> None:
    def offered() -> list[str]:
        return [verb.name for verb in root.get("/agents/rover/").context["verbs"]]

    assert offered() == ["drain", "remove"]
    root.post("/agents/rover/drain/")
    assert offered() == ["activate", "remove"]
    root.post("/agents/rover/activate/")
    started("rover")
    agent_work.take(rover)
    assert offered() == ["drain"]


def test_an_agent_that_holds_work_is_not_removed(rover: Agent, root: Client) -> None:
    started("rover")
    (given,) = agent_work.take(rover)
    answer = root.post("/agents/rover/remove/")
    assert answer.status_code == 409 and "drain it first" in answer.text
    agent_work.complete(given.lease, 1)
    answer = root.post("/agents/rover/remove/")
    assert (answer.status_code, answer["Location"]) == (303, "/agents/")
    assert not Agent.objects.exists()
    assert "no longer registered" in root.get("/agents/").text


# Tokens


def test_a_new_token_is_shown_once(rover: Agent, root: Client) -> None:
    answer = root.post("/agents/rover/tokens/", {"name": "lab"})
    text = answer.context["new_token"]
    assert (answer.status_code, "no-store" in answer["Cache-Control"]) == (201, True)
    token = tokens.find_of_agent(text)
    assert token is not None and token.name == "lab"
    page = root.get("/agents/rover/").text
    assert f"batonagent_{token.prefix}" in page and "lab" in page
    assert not TOKEN.search(page) and token.digest not in page


@pytest.mark.parametrize("name", ["x" * 101, "nul\x00"])
def test_a_wrong_token_form_is_shown_again(name: str, rover: Agent, root: Client) -> None:
    answer = root.post("/agents/rover/tokens/", {"name": name})
    assert answer.status_code == 422
    assert answer.context["form"]["name"].value() == name
    assert not AgentToken.objects.exists()


def test_one_token_too_many_is_refused_in_the_form(
    rover: Agent, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST", 0)
    answer = root.post("/agents/rover/tokens/", {"name": "lab"})
    assert answer.status_code == 422
    assert "revoke one that is no longer used" in answer.text


def test_one_token_too_many_leaves_no_agent_without_one(
    root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MOST", 0)
    assert root.post("/agents/-/new/", NEW).status_code == 422
    assert not Agent.objects.exists()


def test_a_token_is_revoked_only_where_it_belongs(rover: Agent, root: Client) -> None:
    token, text = tokens.issue_for_agent(rover)
    agents.register("other")
    assert root.post(f"/agents/other/tokens/{token.pk}/revoke/").status_code == 404
    assert tokens.find_of_agent(text) == token
    answer: Any = root.post(f"/agents/rover/tokens/{token.pk}/revoke/", follow=True)
    assert "no longer works" in answer.text
    assert tokens.find_of_agent(text) is None
    assert token.prefix not in root.get("/agents/rover/").text
