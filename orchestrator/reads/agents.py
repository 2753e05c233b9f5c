"""The agents as people see them: who is there, what each holds, what waits for them, and how each has done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, F, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from orchestrator.engine.agent_work import waiting_for
from orchestrator.engine.agents import ONLINE_WITHIN, PEOPLE, is_online
from orchestrator.models import Agent, Lease
from orchestrator.planning.machine import TaskStatus
from orchestrator.reads.agent_waits import candidates, waits_because
from orchestrator.reads.keyset import Page, cut
from orchestrator.reads.states import Look, clock

PAGE: Final = 25
PAST_SHOWN: Final = 20
HELD_SHOWN: Final = 50
_AT_A_GLANCE: Final = 3  # tasks of one agent in the list of all
_MOST_ADDRESSES: Final = 100
_WAITS_SHOWN: Final = 5
_EXACT_BELOW: Final = 10.0  # seconds that are told with a decimal

LOOKS: Final[dict[str, Look]] = {
    "online": Look("success", "Online"),
    "offline": Look("queued", "Offline"),
    "draining": Look("paused", "Draining"),
    "quarantined": Look("failed", "Quarantined", "g-warn"),
}
_OUTCOMES: Final[dict[str, Look]] = {
    "": Look("running", "At work"),
    Lease.Outcome.COMPLETED: Look("success", "Completed"),
    Lease.Outcome.FAILED: Look("failed", "Failed"),
    Lease.Outcome.RELEASED: Look("rolledback", "Given back"),
    Lease.Outcome.LOST: Look("failed", "Lost", "g-timeout"),
}
_WORK: Final = (
    *("agent_id", "task_run__run_id", "task_run__run__workflow__name", "task_run__key", "task_run__index"),
    *("attempt", "taken_at", "ended_at", "outcome", "task_run__due_at"),
)


@dataclass(frozen=True, slots=True)
class Work:
    """One task in the hands of an agent, now or once. `until` is when it is given to another if nothing is heard."""

    agent_id: int
    run_id: int
    workflow: str
    task: str
    index: int
    attempt: int
    taken_at: datetime
    ended_at: datetime | None
    outcome: str
    until: datetime | None

    @property
    def label(self) -> str:
        return self.task if self.index < 0 else f"{self.task}, item {self.index + 1}"

    @property
    def look(self) -> Look:
        return _OUTCOMES[self.outcome]

    @property
    def since(self) -> str:
        """How long it has held it."""
        return clock((timezone.now() - self.taken_at).total_seconds())

    @property
    def took(self) -> str:
        return length((self.ended_at - self.taken_at).total_seconds()) if self.ended_at else ""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent, how many tasks it holds, and the first of them."""

    agent: Agent
    load: int
    held: tuple[Work, ...] = ()

    @property
    def look(self) -> Look:
        return LOOKS[standing(self.agent)]

    @property
    def more(self) -> int:
        """How many it holds beside those that are shown."""
        return self.load - len(self.held)


@dataclass(frozen=True, slots=True)
class AgentQuery:
    """What the list of agents is asked for."""

    text: str = ""
    show: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Tasks that wait for an address nobody takes work from. The cause follows "wait for …"."""

    address: str
    tasks: int
    cause: str
    fix: str
    is_known: bool


def standing(agent: Agent) -> str:
    """A key of `LOOKS`. What somebody decided of an agent tells more than whether it is there."""
    if agent.state != Agent.State.ACTIVE:
        return agent.state
    return "online" if is_online(agent) else "offline"


def length(seconds: float) -> str:
    """Seconds as 0.4 s, and from ten on as on a stop watch."""
    return f"{seconds:.1f} s" if seconds < _EXACT_BELOW else clock(seconds)


# The list


def agent_page(visible: QuerySet[Agent], query: AgentQuery, *, size: int = PAGE) -> Page[AgentRow]:
    """The agents by their keys, in three queries however many they are. `visible` is what the person may see."""
    rows = visible.order_by("key")
    if query.show in LOOKS:
        rows = rows.filter(_stands(query.show, timezone.now()))
    if query.text:
        rows = rows.filter(Q(key__icontains=query.text) | Q(name__icontains=query.text))
    if query.after:
        rows = rows.filter(key__gt=query.after)
    page = cut(list(rows[: size + 1]), size, lambda agent: agent.key)
    return Page(agent_rows(page.rows), page.after)


def agent_rows(agents: Collection[Agent], *, each: int = _AT_A_GLANCE) -> list[AgentRow]:
    """Rows for these agents, with the first `each` of the tasks they hold, in at most two queries."""
    ids = [agent.pk for agent in agents]
    if not ids:
        return []
    loads = loads_of(ids)
    held = _first_held(ids, each) if each else {}
    return [AgentRow(agent, loads.get(agent.pk, 0), tuple(held.get(agent.pk, ()))) for agent in agents]


def agent_counts(visible: QuerySet[Agent]) -> dict[str, int]:
    """How many there are in all, as `total`, and for each filter, in one query."""
    now = timezone.now()
    by_standing = {name: Count("pk", filter=_stands(name, now)) for name in LOOKS}
    return visible.order_by().aggregate(total=Count("pk"), **by_standing)


def loads_of(agents: Collection[int]) -> dict[int, int]:
    """How many tasks each of these holds; those that hold none are left out."""
    counted = holding().filter(agent__in=agents).order_by().values_list("agent_id")
    return dict(counted.annotate(Count("pk")))


def holding() -> QuerySet[Lease]:
    """The leases that hold: of tasks that run under the claim the lease was given for."""
    return Lease.objects.filter(
        ended_at=None, task_run__status=TaskStatus.RUNNING, task_run__claim=F("claim")
    )


def _first_held(agents: Collection[int], each: int) -> dict[int, list[Work]]:
    place = Window(RowNumber(), partition_by=F("agent_id"), order_by=F("id").asc())
    rows = holding().filter(agent__in=agents).annotate(place=place).filter(place__lte=each)
    found: dict[int, list[Work]] = defaultdict(list)
    for row in rows.order_by("id").values_list(*_WORK):
        found[row[0]].append(Work(*row))
    return found


def _stands(name: str, now: datetime) -> Q:
    """The same as `standing`, asked of the database."""
    if name in Agent.State.values:
        return Q(state=name)
    since = now - ONLINE_WITHIN
    person = Q(user__isnull=False, kind__in=PEOPLE)
    heard_of = (
        Q(seen_at__gt=since) | person
        if name == "online"
        else (Q(seen_at=None) | Q(seen_at__lte=since)) & ~person
    )
    return Q(state=Agent.State.ACTIVE) & heard_of


# One agent


def held_by(agent: Agent) -> list[Work]:
    """What it holds, the longest first."""
    rows = holding().filter(agent=agent).order_by("taken_at", "id")
    return [Work(*row) for row in rows.values_list(*_WORK)[:HELD_SHOWN]]


def past_of(agent: Agent) -> list[Work]:
    """What it did last, the newest first."""
    rows = agent.leases.filter(ended_at__isnull=False).order_by("-ended_at", "-id")
    return [Work(*row) for row in rows.values_list(*_WORK)[:PAST_SHOWN]]


def waiting_count(agent: Agent) -> int:
    """How many tasks it could take up just now, if it had room for all."""
    return waiting_for(agent.addresses).count()


# What nobody takes up


def waits(now: datetime | None = None) -> list[Wait]:
    """The addresses tasks wait for though they could start, and that somebody has to see to: the most tasks first."""
    asked = waiting_for(None).order_by().values_list("agent_id").annotate(tasks=Count("pk"))
    found = list(asked.order_by("-tasks", "agent_id")[:_MOST_ADDRESSES])
    if not found:
        return []
    everybody, moment = candidates(), now or timezone.now()
    known = {address for one in everybody for address in one.addresses}
    all_waits = [
        Wait(address, tasks, *waits_because(address, everybody, moment), address in known)
        for address, tasks in found
    ]
    return [wait for wait in all_waits if wait.fix][:_WAITS_SHOWN]
