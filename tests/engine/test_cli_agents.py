"""The commands about agents, in process: registration, tokens, draining, figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orchestrator import engine, tokens
from orchestrator.cli import main
from orchestrator.cli.exits import Exit
from orchestrator.engine import agent_work, agents
from orchestrator.models import Agent, AgentToken
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

Baton = Callable[..., Result]


@pytest.fixture
def baton(monkeypatch: pytest.MonkeyPatch) -> Baton:
    """Runs `baton agents` with these words."""
    monkeypatch.setenv("COLUMNS", "160")

    def run(*words: object, code: int = 0) -> Result:
        result = CliRunner().invoke(main, ["agents", *[str(word) for word in words]])
        assert result.exit_code == code, f"{result.exit_code}: {result.output} {result.exception!r}"
        return result

    return run


def answer(result: Result) -> Any:
    return json.loads(result.stdout)


def test_without_agents_it_says_how_to_begin(baton: Baton) -> None:
    assert "baton agents register" in baton("list").stdout
    assert "baton agents register" in baton("report").stdout
    assert answer(baton("list", "--json")) == {"agents": [], "waiting": []}
    assert answer(baton("report", "--json")) == {"hours": 24, "agents": []}


def test_an_agent_is_registered_with_all_that_is_said_of_it(baton: Baton) -> None:
    ann = person("ann")
    words = ("--name", "Rover 2", "--kind", "hybrid", "--capability", "python", "--capability", "rust")
    more = ("--pool", "night", "--capacity", 4, "--user", "ann", "--description", "Digs")
    made = answer(baton("register", "rover", *words, *more, "--json"))
    agent = Agent.objects.get()
    assert (agent.name, agent.kind, agent.capacity, agent.user) == ("Rover 2", "hybrid", 4, ann)
    assert (agent.capabilities, agent.pools) == (["python", "rust"], ["night"])
    token = tokens.find_of_agent(made["token"])
    assert token is not None
    assert made == {"agent": "rover", "token_id": token.pk, "token": made["token"]}


def test_how_it_gets_its_tasks_and_what_it_has_is_said_when_it_is_registered(baton: Baton) -> None:
    baton("register", "rover", "--transport", "outbox", "--cpu", 4, "--memory-mb", "512.5", "--cost", "2.5")
    agent = Agent.objects.get()
    assert (agent.transport, agent.resources) == ("outbox", {"cpu": 4, "memory_mb": 512.5})
    assert str(agent.cost_per_hour) == "2.50"


def test_what_is_said_of_an_agent_is_changed_and_the_rest_stays(baton: Baton) -> None:
    ann = person("ann")
    agents.register("rover", pools=["night"], capabilities=["rust"], resources={"gpu": 1, "cpu": 2})
    words = ("--name", "Rover 2", "--kind", "human", "--capacity", 4, "--cpu", 0, "--memory-mb", 100)
    told = answer(baton("edit", "rover", *words, "--capability", "python", "--user", "ann", "--json"))
    agent = Agent.objects.get()
    assert (agent.name, agent.kind, agent.capacity, agent.user) == ("Rover 2", "human", 4, ann)
    assert (agent.capabilities, agent.pools) == (["python"], ["night"])
    assert agent.resources == told["resources"] == {"gpu": 1, "memory_mb": 100}
    assert told["user"] == "ann"
    assert "rover was changed" in baton("edit", "rover", "--user", "", "--pool", "").stdout
    agent.refresh_from_db()
    assert (agent.user, agent.pools, agent.capabilities) == (None, [], ["python"])


def test_the_token_is_printed_whole_and_once(baton: Baton, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    text = baton("register", "rover").stdout.split()[-1]
    assert tokens.find_of_agent(text) is not None
    other = baton("token", "rover", "--name", "lab").stdout.split()[-1]
    assert other != text
    found = tokens.find_of_agent(other)
    assert found is not None and found.name == "lab"
    for words in (("list",), ("report",), ("list", "--json"), ("drain", "rover", "--json")):
        assert "batonagent_" not in baton(*words).stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("register", "two words"), Exit.FAILED, "a letter, then"),
        (("register", "rover"), Exit.CONFLICT, "already"),
        (("register", "new", "--capacity", 0), Exit.FAILED, "capacity is from 1"),
        (("register", "new", "--name", ""), Exit.FAILED, "call this agent"),
        (("register", "new", "--capability", "two words"), Exit.FAILED, "capabilities"),
        (("register", "new", "--kind", "robot"), Exit.USAGE, "robot"),
        (("register", "new", "--user", "nobody"), Exit.NOT_FOUND, "no user"),
        (("register", "new", "--cpu", -1), Exit.FAILED, "cpu is a number above 0"),
        (("register", "new", "--cpu", "nan"), Exit.FAILED, "numbers are finite"),
        (("register", "new", "--cost", "much"), Exit.USAGE, "no amount"),
        (("register", "new", "--cost", "nan"), Exit.USAGE, "no amount"),
        (("register", "new", "--cost", "-1"), Exit.FAILED, "not below 0"),
        (("edit", "rover"), Exit.USAGE, "Say what is to be changed"),
        (("edit", "nobody", "--capacity", 2), Exit.NOT_FOUND, "no agent 'nobody'"),
        (("edit", "rover", "--capacity", 0), Exit.FAILED, "capacity is from 1"),
        (("edit", "rover", "--name", " "), Exit.FAILED, "call this agent"),
        (("edit", "rover", "--user", "nobody"), Exit.NOT_FOUND, "no user"),
        (("token", "nobody"), Exit.NOT_FOUND, "no agent 'nobody'"),
        (("revoke", "nobody", 1), Exit.NOT_FOUND, "no agent 'nobody'"),
        (("revoke", "rover", 2**64), Exit.NOT_FOUND, "it has none"),
        (("revoke", "rover", "x"), Exit.USAGE, "x"),
        (("drain", "nobody"), Exit.NOT_FOUND, "no agent 'nobody'"),
        (("activate", "nobody"), Exit.NOT_FOUND, "no agent 'nobody'"),
        (("report", "--hours", 0), Exit.USAGE, "0"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(
    baton: Baton, words: tuple[object, ...], code: Exit, said: str
) -> None:
    agents.register("rover")
    assert said in baton(*words, code=code).output
    assert Agent.objects.count() == 1
    assert not AgentToken.objects.exists()


def test_a_token_is_revoked_and_another_is_named_when_it_is_not_there(baton: Baton) -> None:
    agent, token, text = tokens.register_agent("rover")
    assert f"it has {token.pk} (" in baton("revoke", "rover", token.pk + 1, code=Exit.NOT_FOUND).output
    revoked = answer(baton("revoke", "rover", token.pk, "--json"))
    assert revoked == {"agent": agent.key, "token_id": token.pk, "revoked": True}
    assert tokens.find_of_agent(text) is None


def test_an_agent_is_drained_and_given_work_again(baton: Baton) -> None:
    agent = agents.register("rover")
    assert "rover is draining" in baton("drain", "rover").stdout
    assert answer(baton("list", "--json"))["agents"][0]["state"] == "draining"
    Agent.objects.update(state="quarantined", failures_in_a_row=5)
    assert answer(baton("activate", "rover", "--json"))["state"] == "offline"
    agent.refresh_from_db()
    assert (agent.state, agent.failures_in_a_row) == ("active", 0)


def test_list_and_report_tell_what_is_held_done_and_waited_for(baton: Baton, settings: Any) -> None:
    settings.BATON = {**settings.BATON, "DEMO": False}
    rover = agents.register("rover", capacity=2)
    tasks = {key: task(agent_id="rover") for key in "abc"}
    engine.start(engine.save_workflow(flow({**tasks, "d": task(agent_id="can:rust")})))
    first, _second = agent_work.take(rover, 2)
    agent_work.complete(first.lease, 1)
    listed = answer(baton("list", "--json"))
    assert (listed["agents"][0]["load"], listed["agents"][0]["capacity"]) == (1, 2)
    assert [(one["agent"], one["tasks"]) for one in listed["waiting"]] == [("can:rust", 1), ("rover", 1)]
    text = baton("list").stdout
    assert "1 of 2" in text and "1 task waits for can:rust, which nobody serves" in text
    (told,) = answer(baton("report", "--json", "--hours", 1))["agents"]
    assert (told["done"], told["failed"], told["success_rate"], told["load"]) == (1, 0, 1.0, 1)
    assert "100%" in baton("report").stdout
