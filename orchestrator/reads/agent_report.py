"""How the agents have done: what came of their leases, how long they took, how busy they were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, F, Q, QuerySet, Sum, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from orchestrator.engine.agent_figures import quantile
from orchestrator.models import Agent, Lease
from orchestrator.reads.agents import LOOKS, holding, length, standing
from orchestrator.reads.states import Look

_NOTHING: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class AgentReport:
    """One agent over a stretch of time. What it gave back counts neither for nor against it."""

    agent: Agent
    done: int
    failed: int
    lost: int
    released: int
    load: int
    busy: timedelta  # of all its places together
    span: timedelta  # that it could have been busy, on one place
    p50: timedelta | None  # of what it completed
    p95: timedelta | None

    @property
    def look(self) -> Look:
        return LOOKS[standing(self.agent)]

    @property
    def success_rate(self) -> float | None:
        """From 0 to 1; None when nothing was settled."""
        settled = self.done + self.failed + self.lost
        return self.done / settled if settled else None

    @property
    def utilisation(self) -> float:
        """From 0 to 1: the share of its capacity, as that is now, on which it worked."""
        possible = self.span * self.agent.capacity
        return min(self.busy / possible, 1.0) if possible > _NOTHING else 0.0

    @property
    def success_text(self) -> str:
        return "" if self.success_rate is None else f"{self.success_rate:.0%}"

    @property
    def utilisation_text(self) -> str:
        return f"{self.utilisation:.0%}"

    @property
    def p50_text(self) -> str:
        return "" if self.p50 is None else length(self.p50.total_seconds())

    @property
    def p95_text(self) -> str:
        return "" if self.p95 is None else length(self.p95.total_seconds())

    def as_dict(self) -> dict[str, Any]:
        """For programs; lengths are in seconds."""
        rate = self.success_rate
        return {
            "id": self.agent.key,
            "name": self.agent.name,
            "state": standing(self.agent),
            "done": self.done,
            "failed": self.failed,
            "lost": self.lost,
            "released": self.released,
            "success_rate": None if rate is None else round(rate, 4),
            "p50": _seconds(self.p50),
            "p95": _seconds(self.p95),
            "busy": _seconds(self.busy),
            "utilisation": round(self.utilisation, 4),
            "load": self.load,
            "capacity": self.agent.capacity,
        }


def report(
    since: datetime, agents: QuerySet[Agent] | None = None, now: datetime | None = None
) -> list[AgentReport]:
    """Of each of these agents, or of all, by key, in five queries however many leases there were."""
    moment = now or timezone.now()
    asked = Agent.objects.all() if agents is None else agents
    few = asked.order_by().values("pk")
    ended = _by_agent(_ended(Lease.objects.filter(agent__in=few, ended_at__gte=since), since))
    held = _by_agent(_held(holding().filter(agent__in=few), since, moment))
    lengths = [quantile(few, since, percent) for percent in (50, 95)]
    return [
        _report(agent, ended.get(agent.pk, {}), held.get(agent.pk, {}), lengths, since, moment)
        for agent in asked.order_by("key")
    ]


def _report(
    agent: Agent,
    ended: dict[str, Any],
    held: dict[str, Any],
    lengths: list[dict[int, timedelta]],
    since: datetime,
    now: datetime,
) -> AgentReport:
    return AgentReport(
        agent=agent,
        done=ended.get("done", 0),
        failed=ended.get("failed", 0),
        lost=ended.get("lost", 0),
        released=ended.get("released", 0),
        load=held.get("load", 0),
        busy=(ended.get("busy") or _NOTHING) + (held.get("busy") or _NOTHING),
        span=max(now - max(since, agent.created_at), _NOTHING),
        p50=lengths[0].get(agent.pk),
        p95=lengths[1].get(agent.pk),
    )


def _ended(leases: QuerySet[Lease], since: datetime) -> QuerySet[Lease, dict[str, Any]]:
    outcome = Lease.Outcome
    counted = {
        "done": Count("pk", filter=Q(outcome=outcome.COMPLETED)),
        "failed": Count("pk", filter=Q(outcome=outcome.FAILED)),
        "lost": Count("pk", filter=Q(outcome=outcome.LOST)),
        "released": Count("pk", filter=Q(outcome=outcome.RELEASED)),
    }
    # What was begun before counts from the beginning of the time asked for.
    busy = Sum(F("ended_at") - Greatest("taken_at", Value(since)))
    return leases.order_by().values("agent_id").annotate(**counted, busy=busy)


def _held(leases: QuerySet[Lease], since: datetime, now: datetime) -> QuerySet[Lease, dict[str, Any]]:
    busy = Sum(Value(now) - Greatest("taken_at", Value(since)))
    return leases.order_by().values("agent_id").annotate(load=Count("pk"), busy=busy)


def _by_agent(rows: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {row["agent_id"]: row for row in rows}


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds(), 3)
