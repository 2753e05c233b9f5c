"""Commands for whoever looks after agents: who there is, registration, tokens, draining, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import click
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.utils import timezone
from rich.console import Group, RenderableType
from rich.text import Text

from orchestrator import tokens
from orchestrator.cli.agents import agents as group
from orchestrator.cli.base import BatonCommand, emit, row, table
from orchestrator.cli.looks import GLYPHS, STYLES, ago
from orchestrator.engine import agents
from orchestrator.exceptions import NotFoundError
from orchestrator.models import Agent, AgentToken
from orchestrator.reads.agent_report import AgentReport, report
from orchestrator.reads.agents import AgentRow, Wait, agent_rows, standing, waits
from orchestrator.reads.states import Look


class Cost(click.ParamType):
    """An amount of money, which keeps its decimals."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            found = Decimal(str(value)).quantize(Decimal("0.01"))
        except ArithmeticError:
            found = Decimal("NaN")
        if not found.is_finite():
            self.fail(f"{value!r} is no amount, such as 2.50.", param, ctx)
        return found


COST = Cost()


@group.command("list", cls=BatonCommand)
def agents_list() -> None:
    """List the agents: whether they are there, what they hold, and what waits for nobody."""
    rows = agent_rows(list(Agent.objects.all()), each=0)
    waiting = waits()
    data = {
        "agents": [_described(one) for one in rows],
        "waiting": [{"agent": wait.address, "tasks": wait.tasks, "fix": wait.fix} for wait in waiting],
    }
    emit(data, lambda: Group(_agents_table(rows), *(_warning(wait) for wait in waiting)))


def _described(one: AgentRow) -> dict[str, Any]:
    agent = one.agent
    return {
        "id": agent.key,
        "name": agent.name,
        "kind": agent.kind,
        "state": standing(agent),
        "capabilities": agent.capabilities,
        "pools": agent.pools,
        "capacity": agent.capacity,
        "load": one.load,
        "seen_at": agent.seen_at.isoformat() if agent.seen_at else None,
    }


def _agents_table(rows: Sequence[AgentRow]) -> RenderableType:
    if not rows:
        return Text("No agents yet. Register one: baton agents register AGENT")
    found = table("Agent", "Name", "Kind", "", "State", "Load", "Takes tasks for", "Last seen")
    for one in rows:
        agent, look = one.agent, one.look
        cells = (
            *(agent.key, agent.name, agent.kind, GLYPHS[look.state], look.word),
            *(
                f"{one.load} of {agent.capacity}",
                ", ".join(agent.addresses[1:]),
                ago(agent.seen_at) or "never",
            ),
        )
        row(found, *cells, style={0: "bold", **_styles(look)})
    return found


def _styles(look: Look) -> dict[int, str]:
    return {3: STYLES[look.state], 4: STYLES[look.state]}


def _warning(wait: Wait) -> Text:
    verb = "task waits" if wait.tasks == 1 else "tasks wait"
    return Text(f"{wait.tasks} {verb} for {wait.address}{wait.cause}. {wait.fix}")


@group.command("register", cls=BatonCommand)
@click.argument("agent_id", metavar="AGENT")
@click.option("--name", help="What people call it; its id if not given.")
@click.option("--kind", type=click.Choice(Agent.Kind.values), default="service", show_default=True)
@click.option("--description", default="", help="What it is good for.")
@click.option(
    "--capability", "capabilities", multiple=True, help="What it can do; can be given several times."
)
@click.option("--pool", "pools", multiple=True, help="A pool it is in; can be given several times.")
@click.option(
    "--capacity", type=int, default=1, show_default=True, help="How many tasks it works on at once."
)
@click.option(
    "--transport",
    type=click.Choice(Agent.Transport.values),
    default="http",
    show_default=True,
    help="How it gets its tasks: it asks for them, or finds them in a file of its own.",
)
@click.option("--cpu", type=float, help="How many processors it has.")
@click.option("--memory-mb", type=float, help="How much memory it has, in MB.")
@click.option("--cost", "cost_per_hour", type=COST, help="What an hour of it costs.")
@click.option("--user", "username", help="Who does its tasks by hand: the name they sign in with.")
def agents_register(
    agent_id: str,
    name: str | None,
    username: str | None,
    capabilities: tuple[str, ...],
    pools: tuple[str, ...],
    cpu: float | None,
    memory_mb: float | None,
    **given: Any,
) -> None:
    """Register an agent and print its token, this once."""
    lists = {"capabilities": list(dict.fromkeys(capabilities)), "pools": list(dict.fromkeys(pools))}
    resources = _amounts({}, cpu, memory_mb)
    described = {"name": agent_id if name is None else name, "user": _user(username), **lists, **given}
    described |= {"resources": resources}
    agent, token, text = tokens.register_agent(agent_id, **described)
    _emit_token(agent, token, text, f"{agent.key} is registered.")


@group.command("edit", cls=BatonCommand)
@click.argument("agent_id", metavar="AGENT")
@click.option("--name", help="What people call it.")
@click.option("--kind", type=click.Choice(Agent.Kind.values))
@click.option("--transport", type=click.Choice(Agent.Transport.values), help="How it gets its tasks.")
@click.option("--description", help="What it is good for.")
@click.option("--capability", "capabilities", multiple=True, help="In place of those it has; '' for none.")
@click.option("--pool", "pools", multiple=True, help="In place of those it is in; '' for none.")
@click.option("--capacity", type=int, help="How many tasks it works on at once.")
@click.option("--cpu", type=float, help="How many processors it has; 0 takes it back.")
@click.option("--memory-mb", type=float, help="How much memory it has, in MB; 0 takes it back.")
@click.option("--cost", "cost_per_hour", type=COST, help="What an hour of it costs.")
@click.option("--user", "username", help="Who does its tasks by hand; '' for nobody.")
def agents_edit(
    agent_id: str,
    username: str | None,
    capabilities: tuple[str, ...],
    pools: tuple[str, ...],
    cpu: float | None,
    memory_mb: float | None,
    **given: Any,
) -> None:
    """Change what is said of an agent: only what is given."""
    agent = agents.find_agent(agent_id)
    changed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for name, words in (("capabilities", capabilities), ("pools", pools)):
        if words:
            changed[name] = [word for word in dict.fromkeys(words) if word]
    if cpu is not None or memory_mb is not None:
        changed["resources"] = _amounts(agent.resources, cpu, memory_mb)
    if username is not None:
        changed["user"] = _user(username or None)
    if not changed:
        raise click.UsageError("Say what is to be changed, such as --capacity 4; --help lists it all.")
    agent = agents.describe(agent, seen=agents.revision_of(agent), **changed)
    emit(_told(agent), lambda: Text(f"{agent.key} was changed."))


def _told(agent: Agent) -> dict[str, Any]:
    """All that can be said of it."""
    return {
        **_described(*agent_rows([agent], each=0)),
        "transport": agent.transport,
        "description": agent.description,
        "resources": agent.resources,
        "cost_per_hour": None if agent.cost_per_hour is None else str(agent.cost_per_hour),
        "user": agent.user.get_username() if agent.user else None,
    }


def _amounts(known: Mapping[str, Any], cpu: float | None, memory_mb: float | None) -> dict[str, Any]:
    """What it has by now; 0 takes a figure back."""
    given = {name: value for name, value in (("cpu", cpu), ("memory_mb", memory_mb)) if value is not None}
    whole = {name: int(value) if value.is_integer() else value for name, value in given.items()}
    return {name: value for name, value in {**known, **whole}.items() if value != 0}


def _user(name: str | None) -> AbstractUser | None:
    if name is None:
        return None
    found = get_user_model().objects.filter(username=name, is_active=True).first()
    if found is None:
        raise NotFoundError(f"There is no user {name!r}.")
    return found


@group.command("token", cls=BatonCommand)
@click.argument("agent_id", metavar="AGENT")
@click.option("--name", default="", help="Where it is used.")
def agents_token(agent_id: str, name: str) -> None:
    """Make another token for an agent and print it, this once."""
    agent = agents.find_agent(agent_id)
    token, text = tokens.issue_for_agent(agent, name)
    _emit_token(agent, token, text, f"{agent.key} has another token.")


def _emit_token(agent: Agent, token: AgentToken, text: str, said: str) -> None:
    data = {"agent": agent.key, "token_id": token.pk, "token": text}
    shown = f"{said} This token is shown this once; 'baton agents revoke {agent.key} {token.pk}' revokes it.\n{text}"
    emit(data, lambda: Text(shown))


@group.command("revoke", cls=BatonCommand)
@click.argument("agent_id", metavar="AGENT")
@click.argument("token_id", metavar="TOKEN_ID", type=click.IntRange(min=1))
def agents_revoke(agent_id: str, token_id: int) -> None:
    """Let a token of an agent open nothing any more, by the number that was told with it."""
    agent = agents.find_agent(agent_id)
    token = agent.tokens.filter(pk=token_id).first() if token_id < 2**63 else None
    if token is None:
        live = ", ".join(
            f"{one.pk} ({one.name or one.prefix})" for one in agent.tokens.filter(revoked_at=None)
        )
        raise NotFoundError(f"{agent.key} has no token {token_id}; it has {live or 'none'}.")
    tokens.revoke(token)
    data = {"agent": agent.key, "token_id": token.pk, "revoked": True}
    emit(data, lambda: Text(f"Token {token.pk} of {agent.key} opens nothing any more."))


@group.command("drain", cls=BatonCommand)
@click.argument("agent_id", metavar="AGENT")
def agents_drain(agent_id: str) -> None:
    """Give an agent nothing new; what it holds it may finish."""
    _emit_state(agents.drain(agents.find_agent(agent_id)))


@group.command("activate", cls=BatonCommand)
@click.argument("agent_id", metavar="AGENT")
def agents_activate(agent_id: str) -> None:
    """Give an agent work again, after draining or out of quarantine."""
    _emit_state(agents.activate(agents.find_agent(agent_id)))


def _emit_state(agent: Agent) -> None:
    (one,) = agent_rows([agent], each=0)
    emit(
        _described(one),
        lambda: Text(f"{agent.key} is {agent.state}; it holds {one.load} of {agent.capacity}."),
    )


@group.command("report", cls=BatonCommand)
@click.option("--hours", type=click.FloatRange(min=0.01, max=8784), default=24, show_default=True)
def agents_report(hours: float) -> None:
    """How each agent has done in the last hours, how long its tasks take, and how busy it is."""
    found = report(timezone.now() - timedelta(hours=hours))
    emit({"hours": hours, "agents": [one.as_dict() for one in found]}, lambda: _report_table(found))


def _report_table(found: Sequence[AgentReport]) -> RenderableType:
    if not found:
        return Text("No agents yet. Register one: baton agents register AGENT")
    shown = table(
        *("Agent", "", "State", "Done", "Failed", "Lost", "Given back", "Success"),
        *("Takes (p50)", "(p95)", "Busy", "Load"),
    )
    for one in found:
        cells = (
            *(one.agent.key, GLYPHS[one.look.state], one.look.word),
            *(one.done, one.failed, one.lost, one.released, one.success_text, one.p50_text, one.p95_text),
            *(one.utilisation_text, f"{one.load} of {one.agent.capacity}"),
        )
        row(shown, *cells, style={0: "bold", 1: STYLES[one.look.state], 2: STYLES[one.look.state]})
    return shown


COMMANDS: tuple[click.Command, ...] = ()  # they are members of the group
