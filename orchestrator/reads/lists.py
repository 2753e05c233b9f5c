"""The lists of workflows and of runs: filtered, searched, paged by key, in a bounded number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from orchestrator.models import Run, TaskRun, Workflow
from orchestrator.planning.machine import RUN_ENDED, RunStatus, TaskStatus, WaitReason
from orchestrator.reads.keyset import (
    Page,
    counted,
    cut,
    moment_place,
    newest_of,
    parse_moment_place,
    parse_number,
)
from orchestrator.reads.progress import pieces_of_runs
from orchestrator.reads.recent import Recent, recent_runs, run_looks, seconds
from orchestrator.reads.states import Look, State, clock

PAGE: Final = 25
ACTIVE: Final = tuple(status for status in RunStatus if status not in RUN_ENDED)
RUN_FILTERS: Final = ("active", "waiting", "completed", "failed", "cancelled", "paused", "trials")
WORKFLOW_FILTERS: Final = ("active", "failing", "archived")
_ALMOST_AT_ONCE: Final = timedelta(
    minutes=5
)  # within it runs may not be numbered in the order of their times
_MOST_NAMED: Final = (
    20  # workflows that are looked at one by one; more are likely to have enough of the newest runs
)
_NEEDS_SOMEBODY: Final = (WaitReason.APPROVAL, WaitReason.AGENT, WaitReason.PERSON)


@dataclass(frozen=True, slots=True)
class WorkflowRow:
    workflow: Workflow
    recent: Recent

    @property
    def tags(self) -> list[str]:
        """The first tags of its metadata."""
        metadata = self.workflow.draft.get("metadata") if isinstance(self.workflow.draft, dict) else None
        tags = metadata.get("tags") if isinstance(metadata, dict) else None
        return [str(tag)[:24] for tag in tags[:3]] if isinstance(tags, list) else []

    @property
    def usual(self) -> str:
        return clock(self.recent.usual) if self.recent.usual is not None else ""


@dataclass(frozen=True, slots=True)
class WorkflowQuery:
    """What the list of workflows is asked for."""

    text: str = ""
    show: str = ""
    owner_id: int | None = None
    after: str = ""


@dataclass(frozen=True, slots=True)
class WorkflowCounts:
    total: int
    active: int
    failing: int
    archived: int


@dataclass(frozen=True, slots=True)
class RunRow:
    run: Run
    look: Look
    pieces: list[State]
    usual: str

    @property
    def settled(self) -> int:
        return self.run.total - self.run.unsettled

    @property
    def took(self) -> str:
        """How long it took; empty while it goes on, for then the page counts."""
        length = seconds(self.since, self.run.finished_at)
        return clock(length) if length is not None else ""

    @property
    def elapsed(self) -> str:
        """How long it has been going on, or took."""
        return self.took or clock((timezone.now() - self.since).total_seconds())

    @property
    def since(self) -> datetime:
        return self.run.started_at or self.run.created_at


@dataclass(frozen=True, slots=True)
class RunQuery:
    """What the list of runs is asked for. `started_by` is a user's id, `agent` an address that tasks wait for, times are
    aware."""

    text: str = ""
    show: str = ""
    workflow: str = ""
    agent: str = ""
    started_by: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: str = ""

    @property
    def number(self) -> int:
        """The number of the run that the text names, 0 when it is a part of a name."""
        return parse_number(self.text.removeprefix("#"))


# Workflows


def workflow_page(
    visible: QuerySet[Workflow], query: WorkflowQuery, *, size: int = PAGE
) -> Page[WorkflowRow]:
    """The workflows last changed first. `visible` is what the person may see."""
    rows = _workflows(visible, query).select_related("owner").order_by("-updated_at", "-pk")
    place = parse_moment_place(query.after)
    if place:
        rows = rows.filter(Q(updated_at__lt=place[0]) | Q(updated_at=place[0], pk__lt=place[1]))
    page = cut(list(rows[: size + 1]), size, lambda row: moment_place(row.updated_at, row.pk))
    recent = recent_runs([workflow.pk for workflow in page.rows])
    return Page([WorkflowRow(row, recent.get(row.pk, Recent())) for row in page.rows], page.after)


def workflow_counts(visible: QuerySet[Workflow]) -> WorkflowCounts:
    """How many there are for each filter, in one query."""
    current = Q(archived_at=None)
    counted = _with_latest(visible).aggregate(
        total=Count("pk", filter=current),
        active=Count("pk", filter=current & Q(latest__in=ACTIVE)),
        failing=Count("pk", filter=current & Q(latest=RunStatus.FAILED)),
        archived=Count("pk", filter=~current),
    )
    return WorkflowCounts(**counted)


def _workflows(visible: QuerySet[Workflow], query: WorkflowQuery) -> QuerySet[Workflow]:
    rows = visible.filter(archived_at__isnull=query.show != "archived")
    if query.text:
        rows = rows.filter(
            Q(name__icontains=query.text)
            | Q(key__icontains=query.text)
            | Q(description__icontains=query.text)
        )
    if query.owner_id is not None:
        rows = rows.filter(owner_id=query.owner_id)
    if query.show == "active":
        return _with_latest(rows).filter(latest__in=ACTIVE)
    return _with_latest(rows).filter(latest=RunStatus.FAILED) if query.show == "failing" else rows


def _with_latest(rows: QuerySet[Workflow]) -> QuerySet[Workflow]:
    newest = newest_of(counted(), OuterRef("pk")).values("status")[:1]
    return rows.annotate(latest=Subquery(newest))


# Runs


def run_page(
    visible: QuerySet[Run],
    query: RunQuery,
    *,
    workflows: QuerySet[Workflow] | None = None,
    size: int = PAGE,
) -> Page[RunRow]:
    """The runs newest first. `visible` is what the person may see; `workflows` what those are runs of, if not of all."""
    rows = _runs(visible, query).order_by("-pk")
    place = parse_number(query.after)
    rows = rows.filter(pk__lt=place) if place else rows
    asked = _workflows_asked_for(query, workflows)
    rows = rows if asked is None else _of_few(rows, asked, size + 1)
    page = cut(list(with_names(rows)[: size + 1]), size, lambda run: str(run.pk))
    return Page(run_rows(page.rows), page.after)


def with_names(rows: QuerySet[Run]) -> QuerySet[Run]:
    """The runs with what their rows name, without the definitions."""
    return rows.select_related("workflow", "version", "started_by").defer(
        "version__definition", "workflow__draft", "params"
    )


def run_rows(runs: Sequence[Run]) -> list[RunRow]:
    """Rows for these runs, in four queries however many they are."""
    looks = run_looks(runs)
    bars = pieces_of_runs(runs)
    recent = recent_runs({run.workflow_id for run in runs})
    return [RunRow(run, looks[run.pk], bars[run.pk], _usual(recent.get(run.workflow_id))) for run in runs]


def _usual(recent: Recent | None) -> str:
    return clock(recent.usual) if recent and recent.usual is not None else ""


def _runs(visible: QuerySet[Run], query: RunQuery) -> QuerySet[Run]:
    rows = _shown(visible, query.show)
    if query.number:
        rows = rows.filter(pk=query.number)
    if query.agent:
        waits = TaskRun.objects.filter(
            status=TaskStatus.WAITING, reason=WaitReason.AGENT, agent_id=query.agent
        )
        rows = rows.filter(pk__in=waits.values("run_id"))
    if query.started_by is not None:
        rows = rows.filter(started_by_id=query.started_by)
    if query.since is not None:
        rows = rows.filter(created_at__gte=query.since, pk__gte=_first_since(query.since))
    if query.until is not None:
        rows = rows.filter(created_at__lt=query.until, pk__lte=_last_until(query.until))
    return rows


def _workflows_asked_for(query: RunQuery, visible: QuerySet[Workflow] | None) -> QuerySet[Workflow] | None:
    """The workflows whose runs are wanted, None for all."""
    by_name = bool(query.text and not query.number)
    if not by_name and not query.workflow:
        return visible
    rows = Workflow.objects.all() if visible is None else visible
    if by_name:
        rows = rows.filter(name__icontains=query.text)
    return rows.filter(key=query.workflow) if query.workflow else rows


def _of_few(rows: QuerySet[Run], workflows: QuerySet[Workflow], count: int) -> QuerySet[Run]:
    """Those of these runs that belong to these workflows; where those are few, only the newest `count`.

    They are found workflow by workflow. Asked for all at once, a database may read run after run until it has enough.
    """
    few = list(workflows.order_by().values_list("pk", flat=True)[: _MOST_NAMED + 1])
    if len(few) > _MOST_NAMED:
        return rows.filter(workflow__in=workflows.values("pk"))
    found = [pk for one in few for pk in newest_of(rows, one).values_list("pk", flat=True)[:count]]
    return Run.objects.filter(pk__in=sorted(found)[-count:])


def _first_since(moment: datetime) -> Subquery:
    """The number from which on runs are not older: so a list by number ends there, instead of at the first run of all."""
    later = Run.objects.filter(created_at__gte=moment - _ALMOST_AT_ONCE).order_by("created_at")
    return Subquery(later.values("pk")[:1])


def _last_until(moment: datetime) -> Subquery:
    earlier = Run.objects.filter(created_at__lt=moment + _ALMOST_AT_ONCE).order_by("-created_at")
    return Subquery(earlier.values("pk")[:1])


def _shown(rows: QuerySet[Run], show: str) -> QuerySet[Run]:
    if show == "active":
        return rows.filter(status__in=ACTIVE)
    if show == "waiting":
        waits = TaskRun.objects.filter(
            run_id=OuterRef("pk"), status=TaskStatus.WAITING, reason__in=_NEEDS_SOMEBODY
        )
        return rows.filter(Exists(waits), status__in=ACTIVE)
    if show == "trials":
        return rows.filter(is_trial=True)
    return rows.filter(status=show) if show in RUN_FILTERS else rows


def names_of_filters(shown: Iterable[str]) -> list[tuple[str, str]]:
    """The filters of the run list and how they are called."""
    called = {"active": "Under way", "waiting": "Waiting for somebody", "trials": "Test runs"}
    return [(name, called.get(name, name.capitalize())) for name in shown]
