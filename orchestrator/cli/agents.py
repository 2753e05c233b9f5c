"""The group of the commands about agents, and the one that is an agent itself."""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
from collections.abc import Callable, Sequence
from functools import reduce
from importlib import import_module
from typing import Any

import click
from rich.text import Text

from orchestrator.agents.client import Agent, AsyncAgent, ClientError
from orchestrator.cli.base import OfflineCommand, emit
from orchestrator.exceptions import BatonError, InvalidError


@click.group("agents")
def agents() -> None:
    """Register agents, see how they do, or be one."""


class AgentRefusedError(BatonError):
    """Baton does not want this agent; the message says why."""


@agents.command("run", cls=OfflineCommand)
@click.argument("function", metavar="MODULE:FUNCTION")
@click.option("--id", "agent_id", metavar="AGENT", help="Of the agent; else the name of the function.")
@click.option("--url", metavar="URL", help="Where Baton is; else BATON_URL, else http://localhost:8000.")
@click.option("--capacity", type=click.IntRange(1), default=1, show_default=True, help="Tasks at once.")
@click.option(
    "--capability", "capabilities", metavar="NAME", multiple=True, help="Can be given several times."
)
@click.option("--pool", "pools", metavar="NAME", multiple=True, help="Can be given several times.")
@click.option(
    "--grace", type=click.FloatRange(0), default=30, show_default=True, help="Seconds for tasks to end."
)
def run(
    function: str,
    agent_id: str | None,
    url: str | None,
    capacity: int,
    capabilities: Sequence[str],
    pools: Sequence[str],
    grace: float,
) -> None:
    """Carry out tasks by a Python function or coroutine, until Ctrl+C. Its token is read from BATON_AGENT_TOKEN."""
    work = _found(function)
    kind = AsyncAgent if inspect.iscoroutinefunction(work) else Agent
    try:
        agent = kind(
            url,
            agent_id=agent_id or function.rpartition(":")[2].rpartition(".")[2],
            capacity=capacity,
            capabilities=capabilities or None,
            pools=pools or None,
            grace=grace,
        )
    except ValueError as error:
        raise InvalidError(str(error)) from None
    _serve(agent, work, function)


def _serve(agent: Agent | AsyncAgent, work: Callable[..., Any], shown: str) -> None:
    logging.getLogger("orchestrator.agents.client").setLevel(logging.INFO)
    data = {"agent": agent.agent_id, "url": agent.url, "function": shown}
    emit(data, lambda: Text(f"{shown} serves {agent.url} as agent {agent.agent_id}. Ctrl+C stops it."))
    sys.stdout.flush()
    try:
        if isinstance(agent, AsyncAgent):
            asyncio.run(agent.run(work))
        else:
            agent.run(work)
    except ClientError as error:
        raise AgentRefusedError(str(error), code=error.code) from None


def _found(named: str) -> Callable[..., Any]:
    """The function of this name, from the current directory or what is installed."""
    module, _, path = named.partition(":")
    if not module or not path:
        raise click.UsageError("Name the function as MODULE:FUNCTION, such as reviews:work.")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = reduce(getattr, path.split("."), import_module(module))
    except (ImportError, AttributeError) as error:
        raise InvalidError(f"{named} cannot be imported: {error}.") from error
    if not callable(found):
        raise InvalidError(f"{named} is no function.")
    return found


COMMANDS = (agents,)
