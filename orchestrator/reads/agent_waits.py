"""Why a task waits for its agent: nobody is called that, nobody is there, nobody may, nobody has room."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q

from orchestrator.engine.agents import ONLINE_WITHIN, is_person
from orchestrator.models import Agent
from orchestrator.planning.machine import TaskStatus

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent that an address means, and how much of its capacity is taken."""

    key: str
    addresses: frozenset[str]
    state: str
    seen_at: datetime | None
    held: int
    capacity: int
    is_person: bool = False

    def is_online(self, now: datetime) -> bool:
        """A person is asked in their list, and never heard of."""
        return self.is_person or (self.seen_at is not None and now - self.seen_at < ONLINE_WITHIN)


def candidates() -> list[Candidate]:
    """Everybody who is registered, in one query."""
    holds = Q(
        leases__ended_at=None,
        leases__task_run__status=TaskStatus.RUNNING,
        leases__task_run__claim=F("leases__claim"),
    )
    return [
        Candidate(
            one.key, frozenset(one.addresses), one.state, one.seen_at, one.held, one.capacity, is_person(one)
        )
        for one in Agent.objects.annotate(held=Count("leases", filter=holds))
    ]


def waits_because(address: str, everybody: Iterable[Candidate], now: datetime) -> tuple[str, str]:
    """The cause, to follow "waits for …", and what mends it; '' when there is nothing to do but wait."""
    meant = [one for one in everybody if address in one.addresses]
    if not meant:
        fix = (
            f"Register an agent: baton agents register {address.partition(':')[2] or address}; or name a callable for it "
            "in the settings. With BATON_DEMO=1 the demo agent stands in for every agent that is not registered."
        )
        return ", which nobody serves", fix
    active = [one for one in meant if one.state == Agent.State.ACTIVE]
    if not active:
        states = " and ".join(sorted({one.state for one in meant}))
        return f", where all is {states}", f"Give it work again: baton agents activate {meant[0].key}"
    online = [one for one in active if one.is_online(now)]
    if not online:
        return f", which is offline ({_last_seen(active)})", f"Start {_names(active)}."
    if all(one.held >= one.capacity for one in online):
        told = ", ".join(f"{one.key} holds {one.held} of {one.capacity}" for one in online[:_NAMED])
        return f", which has no room ({told})", "Wait, raise its capacity, or start another."
    if people := [one for one in online if one.is_person]:
        return f"; {_names(people)} finds it in My tasks", ""
    return f"; {_names(online)} takes it up in a moment", ""


def _names(some: Sequence[Candidate]) -> str:
    more = len(some) - _NAMED
    names = ", ".join(one.key for one in some[:_NAMED])
    return f"{names} or {more} more" if more > 0 else names


def _last_seen(some: Sequence[Candidate]) -> str:
    seen = [one.seen_at for one in some if one.seen_at is not None]
    return f"last heard of {max(seen):%Y-%m-%d %H:%M} UTC" if seen else "never heard of"
