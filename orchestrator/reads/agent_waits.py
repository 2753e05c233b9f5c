"""Why a task waits for its agent: nobody is called that, nobody is there, nobody may, nobody has room, nobody could."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from django.db.models import Count, F, Q

from orchestrator.engine.agent_resources import reserved_by
from orchestrator.engine.agents import ONLINE_WITHIN, is_person
from orchestrator.models import Agent
from orchestrator.planning.machine import TaskStatus
from orchestrator.planning.resources import Amounts, amounts_of, fits, free_of

_NAMED = 3
_UNITS: Final = {"cpu": ("processors", "processor"), "memory_mb": ("MB of memory", "MB of memory")}

Kind = Literal["nobody", "too_large", "inactive", "offline", "full", "short", "person", "soon"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent that an address means, how much of its capacity is taken, and what it has and holds for tasks."""

    key: str
    addresses: frozenset[str]
    state: str
    seen_at: datetime | None
    held: int
    capacity: int
    is_person: bool = False
    has: Amounts = field(default_factory=dict)
    reserved: Amounts = field(default_factory=dict)
    user: int | None = None

    def is_online(self, now: datetime) -> bool:
        """A person is asked in their list, and never heard of."""
        return self.is_person or (self.seen_at is not None and now - self.seen_at < ONLINE_WITHIN)

    def could_carry(self, needs: Amounts) -> bool:
        """Whether it has so much at all."""
        return fits(needs, self.has)

    def has_free(self, needs: Amounts) -> bool:
        return fits(needs, free_of(self.has, self.reserved))


@dataclass(frozen=True, slots=True)
class AgentWait:
    """The cause, to follow "waits for …", what mends it ('' when there is nothing to do but wait), and the agents that this is
    about."""

    kind: Kind
    cause: str
    fix: str = ""
    about: tuple[Candidate, ...] = ()


def candidates() -> list[Candidate]:
    """Everybody who is registered, in two queries at most."""
    holds = Q(
        leases__ended_at=None,
        leases__task_run__status=TaskStatus.RUNNING,
        leases__task_run__claim=F("leases__claim"),
    )
    agents = list(Agent.objects.annotate(held=Count("leases", filter=holds)))
    has = {one.pk: amounts_of(one.resources) for one in agents}
    counted = [one.pk for one in agents if has[one.pk] and one.held]
    reserved = reserved_by(counted) if counted else {}
    return [_candidate(one, has[one.pk], reserved.get(one.pk, {})) for one in agents]


def _candidate(one: Agent, has: Amounts, reserved: Amounts) -> Candidate:
    return Candidate(
        one.key,
        frozenset(one.addresses),
        one.state,
        one.seen_at,
        one.held,  # type: ignore[attr-defined]
        one.capacity,
        is_person(one),
        has,
        reserved,
        one.user_id,
    )


def waits_because(address: str, everybody: Iterable[Candidate], now: datetime) -> tuple[str, str]:
    """Cause and fix for any task of this address, whatever it needs."""
    found = wait_of(address, everybody, now)
    return found.cause, found.fix


def wait_of(
    address: str, everybody: Iterable[Candidate], now: datetime, needs: Amounts | None = None
) -> AgentWait:
    """Why a task of this address, which needs so much, waits."""
    meant = [one for one in everybody if address in one.addresses]
    if not meant:
        return AgentWait("nobody", ", which nobody serves", _registering(address))
    able = [one for one in meant if one.could_carry(needs or {})]
    if not able:
        cause = f", but it needs {_amounts(needs or {})} and none has as much ({_had(meant, needs or {})})"
        return AgentWait(
            "too_large", cause, "Register an agent that has, or lower what the task reserves.", tuple(meant)
        )
    active = [one for one in able if one.state == Agent.State.ACTIVE]
    if not active:
        states = " and ".join(sorted({one.state for one in able}))
        fix = f"Give it work again: baton agents activate {able[0].key}"
        return AgentWait("inactive", f", where all is {states}", fix, tuple(able))
    online = [one for one in active if one.is_online(now)]
    if not online:
        cause = f", which is offline ({_last_seen(active)})"
        return AgentWait("offline", cause, f"Start {_names(active)}.", tuple(active))
    return _busy(online, needs or {})


def _busy(online: Sequence[Candidate], needs: Amounts) -> AgentWait:
    """Of agents that are there and could take it."""
    roomy = [one for one in online if one.held < one.capacity]
    if not roomy:
        told = ", ".join(f"{one.key} holds {one.held} of {one.capacity}" for one in online[:_NAMED])
        fix = "Wait, raise its capacity, or start another."
        return AgentWait("full", f", which has no room ({told})", fix, tuple(online))
    free = [one for one in roomy if one.has_free(needs)]
    if not free:
        verb = "is" if list(needs.values()) == [1] else "are"
        cause = f", until {_amounts(needs)} {verb} free ({_left(roomy, needs)})"
        return AgentWait("short", cause, "Wait, or start another.", tuple(roomy))
    if people := tuple(one for one in free if one.is_person):
        return AgentWait("person", f"; {_names(people)} finds it in My tasks", about=people)
    return AgentWait("soon", f"; {_names(free)} takes it up in a moment", about=tuple(free))


def _registering(address: str) -> str:
    return (
        f"Register an agent: baton agents register {address.partition(':')[2] or address}; or name a callable for it "
        "in the settings. With BATON_DEMO=1 the demo agent stands in for every agent that is not registered."
    )


def _amounts(needs: Mapping[str, float]) -> str:
    return " and ".join(f"{value:,g} {_UNITS[name][value == 1]}" for name, value in needs.items())


def _had(some: Sequence[Candidate], needs: Amounts) -> str:
    """What each of the first has, of that which is needed."""
    told = (f"{one.key} has {_of(one.has, needs)}" for one in some[:_NAMED])
    return ", ".join(told)


def _left(some: Sequence[Candidate], needs: Amounts) -> str:
    told = (f"{one.key} has {_of(free_of(one.has, one.reserved), needs)} left" for one in some[:_NAMED])
    return ", ".join(told)


def _of(amounts: Amounts, needs: Amounts) -> str:
    return _amounts({name: max(amounts[name], 0.0) for name in needs if name in amounts})


def _names(some: Sequence[Candidate]) -> str:
    more = len(some) - _NAMED
    names = ", ".join(one.key for one in some[:_NAMED])
    return f"{names} or {more} more" if more > 0 else names


def _last_seen(some: Sequence[Candidate]) -> str:
    seen = [one.seen_at for one in some if one.seen_at is not None]
    return f"last heard of {max(seen):%Y-%m-%d %H:%M} UTC" if seen else "never heard of"
