"""The command that serves a function as an agent: what it makes of its words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from orchestrator.agents.client import Agent, AsyncAgent, RefusedError
from orchestrator.cli import main
from tests.agents_client.stub_baton import TOKEN

MODULE = """
def work(task):
    return 1

async def later(task):
    return 1

number = 3
"""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[Any, Any]]:
    """The agents that would run, each with its function."""
    found: list[tuple[Any, Any]] = []

    async def serve(self: Any, function: Any) -> None:
        found.append((self, function))

    monkeypatch.setattr("orchestrator.agents.client.serving.Serving._serve", serve)
    (tmp_path / "agents_of_test.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BATON_AGENT_TOKEN", TOKEN)
    monkeypatch.delenv("BATON_URL", raising=False)
    return found


def baton(*words: str) -> Result:
    return CliRunner().invoke(main, ["agents", "run", *words])


def test_a_function_of_a_module_in_this_directory_is_served(served: list[tuple[Any, Any]]) -> None:
    done = baton("agents_of_test:work", "--url", "https://b.example", "--id", "me", "--capacity", "3",
                 "--capability", "python", "--capability", "sql", "--pool", "night", "--grace", "5")  # fmt: skip
    assert done.exit_code == 0, done.output
    ((agent, function),) = served
    assert type(agent) is Agent
    assert function.__name__ == "work"
    assert (agent.url, agent.agent_id, agent.capacity) == ("https://b.example", "me", 3)
    assert agent._description["capabilities"] == ["python", "sql"]
    assert agent._description["pools"] == ["night"]
    assert "agents_of_test:work serves https://b.example as agent me." in done.output
    assert TOKEN not in done.output


def test_a_coroutine_is_served_under_its_own_name(served: list[tuple[Any, Any]]) -> None:
    assert baton("agents_of_test:later", "--json").exit_code == 0
    ((agent, _),) = served
    assert type(agent) is AsyncAgent
    assert (agent.url, agent.agent_id, agent.capacity) == ("http://localhost:8000", "later", 1)
    assert agent._description["capabilities"] is None


@pytest.mark.parametrize(
    ("named", "code", "said"),
    [
        ("agents_of_test", 2, "MODULE:FUNCTION"),
        ("agents_of_test:nothing", 1, "cannot be imported"),
        ("no_such_module:work", 1, "cannot be imported"),
        ("agents_of_test:number", 1, "is no function"),
    ],
)
def test_what_cannot_be_served_is_said(
    served: list[tuple[Any, Any]], named: str, code: int, said: str
) -> None:
    done = baton(named)
    assert (done.exit_code, served) == (code, [])
    assert said in done.output


def test_without_a_token_it_says_where_it_is_read_from(
    served: list[tuple[Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BATON_AGENT_TOKEN")
    done = baton("agents_of_test:work")
    assert (done.exit_code, served) == (1, [])
    assert "BATON_AGENT_TOKEN" in done.output


def test_an_agent_that_is_refused_ends_with_the_reason(
    served: list[tuple[Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(self: Any, function: Any) -> None:
        raise RefusedError(401, "token_invalid", "The token is not valid.")

    monkeypatch.setattr("orchestrator.agents.client.serving.Serving._serve", refuse)
    done = baton("agents_of_test:work")
    assert done.exit_code == 1
    assert "Error: The token is not valid. (401 token_invalid)" in done.output
