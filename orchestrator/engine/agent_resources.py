"""What tasks reserve of the agents that hold them, and which of those that wait an agent has room for. What a task needs
stands in its definition, which is compiled and kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import F, Q, QuerySet

from orchestrator.engine.plans import plan_for
from orchestrator.models import Agent, Lease, TaskRun
from orchestrator.planning.machine import TaskStatus
from orchestrator.planning.resources import Amounts, amounts_of, fits, free_of, total_of

MOST_KINDS: Final = (
    100  # kinds of tasks that are told apart by the database; of more the first rows are looked at
)
LOOKED_AT: Final = 200


def needs_of(version_id: int, key: str) -> dict[str, float]:
    """What this task of a version reserves while it runs; nothing for most."""
    planned = plan_for(version_id).tasks.get(key)
    return dict(planned.resources) if planned else {}


def reserved_by(agents: Collection[int]) -> dict[int, dict[str, float]]:
    """What each of these holds for others, in one query."""
    held: dict[int, list[dict[str, float]]] = defaultdict(list)
    for agent, version, key in holding(agents).values_list(
        "agent_id", "task_run__run__version_id", "task_run__key"
    ):
        held[agent].append(needs_of(version, key))
    return {agent: total_of(several) for agent, several in held.items()}


def chosen(
    agent: Agent, waits: QuerySet[TaskRun], room: int, claimed: Iterable[Amounts]
) -> list[tuple[int, int]]:
    """Task and run of up to `room` of these that fit into what the agent has free, beside those just claimed; the one that
    waits longest first, but none waits behind one that does not fit. Of an agent that tells of no resources nothing is
    counted."""
    has = amounts_of(agent.resources)
    if not has:
        return list(waits.values_list("pk", "run_id")[:room])
    held = reserved_by([agent.pk]).get(agent.pk, {})
    free = free_of(has, total_of([held, *claimed]))
    return _fitting(_without_unfit(waits, free), room, free)


def _without_unfit(waits: QuerySet[TaskRun], free: Amounts) -> QuerySet[TaskRun]:
    """All items of a task need the same, and all runs of a version: there are few kinds, however many wait."""
    kinds = waits.order_by().values_list("run__version_id", "key").distinct()[:MOST_KINDS]
    unfit = [
        Q(run__version=version, key=key) for version, key in kinds if not fits(needs_of(version, key), free)
    ]
    return waits.exclude(reduce(or_, unfit)) if unfit else waits


def _fitting(waits: QuerySet[TaskRun], room: int, free: Amounts) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for task, run, version, key in waits.values_list("pk", "run_id", "run__version_id", "key")[:LOOKED_AT]:
        needs = needs_of(version, key)
        if len(found) < room and fits(needs, free):
            found.append((task, run))
            free = free_of(free, needs)
    return found


def holding(agents: Collection[int]) -> QuerySet[Lease]:
    """The leases of these agents that hold."""
    return Lease.objects.filter(
        agent__in=agents, ended_at=None, task_run__status=TaskStatus.RUNNING, task_run__claim=F("claim")
    )
