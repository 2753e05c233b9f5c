"""How agents have done lately: what a report tells and what routing goes by."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber

from orchestrator.models import Lease

_UNHARMED = (Lease.Outcome.RELEASED,)  # counts neither for nor against it


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one agent. `typical` is the middle length of what it completed."""

    done: int = 0
    settled: int = 0
    typical: timedelta | None = None


def figures_of(agents: Collection[int], since: datetime) -> dict[int, Figures]:
    """Of each of these that ended anything since then, in two queries however many leases there were."""
    ended = Lease.objects.filter(agent__in=agents, ended_at__gte=since).exclude(outcome__in=_UNHARMED)
    counted = ended.order_by().values_list("agent_id")
    done = Count("pk", filter=Q(outcome=Lease.Outcome.COMPLETED))
    typical = quantile(agents, since, 50)
    rows = counted.annotate(done=done, settled=Count("pk"))
    return {agent: Figures(done, settled, typical.get(agent)) for agent, done, settled in rows}


def quantile(agents: Any, since: datetime, percent: int) -> dict[int, timedelta]:
    """By agent the time within which so many percent of what it completed was done: the shortest such of them.

    The database finds the one row of each agent, so that their number does not matter here.
    """
    agent, took = F("agent_id"), F("ended_at") - F("taken_at")
    done = Lease.objects.filter(agent__in=agents, ended_at__gte=since, outcome=Lease.Outcome.COMPLETED)
    ranked = done.annotate(
        took=took,
        place=Window(RowNumber(), partition_by=agent, order_by=[took.asc(), F("id").asc()]),
        many=Window(Count("pk"), partition_by=agent),
    )
    # A place of n from 1: n × percent / 100, rounded up.
    chosen = ranked.filter(place=(F("many") * percent + 99) / 100)
    return dict(chosen.order_by().values_list("agent_id", "took"))
