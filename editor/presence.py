"""Who has a draft open, and what has been done to it: as the web processes tell each other through the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from editor.models import DraftChange, Presence
from orchestrator import events
from orchestrator.models import Workflow, WorkflowVersion
from orchestrator.templatetags.baton import initials, person

DRAFTS_CHANNEL: Final = "baton.drafts"
LEASE_SECONDS: Final = 45.0
MOST_PEOPLE: Final = 100  # that one message names
MOST_REVISIONS: Final = 20  # that are told one by one; whoever is further behind asks for the changes


@dataclass(frozen=True, slots=True)
class Tab:
    """One open page of a draft, and the task that is selected there."""

    key: str
    workflow_id: int
    user_id: int
    name: str
    at: str
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class Revision:
    """What made a revision of a draft; `name` is empty where it is not known who did it."""

    rev: int
    kind: str
    user_id: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A draft as it was found: None for the revision of one that is no longer there."""

    rev: int | None
    tabs: tuple[Tab, ...]
    revisions: tuple[Revision, ...]


def people(tabs: Iterable[Tab]) -> list[dict[str, Any]]:
    """Each person once, at what they have selected last in any of their pages."""
    latest: dict[int, Tab] = {}
    for tab in sorted(tabs, key=lambda tab: (tab.at != "", tab.moved_at)):
        latest[tab.user_id] = tab
    found = sorted(latest.values(), key=lambda tab: (tab.name.casefold(), tab.user_id))
    return [
        {"id": tab.user_id, "name": tab.name, "initials": initials(tab.name), "at": tab.at or None}
        for tab in found[:MOST_PEOPLE]
    ]


def look(known: Mapping[int, int | None], process: str) -> dict[int, Seen]:
    """These drafts with the pages that other processes have open; and what was done since the revision one knows."""
    revs = dict(Workflow.objects.filter(pk__in=known).order_by().values_list("pk", "draft_rev"))
    since = {pk: rev for pk, rev in known.items() if rev is not None and revs.get(pk, 0) > rev}
    done = _revisions(since, revs) if since else []
    tabs = _tabs_elsewhere(known, process)
    return {
        pk: Seen(
            revs.get(pk),
            tuple(tab for tab in tabs if tab.workflow_id == pk),
            tuple(revision for workflow_id, revision in done if workflow_id == pk),
        )
        for pk in known
    }


def write(process: str, tabs: Sequence[Tab], news: Collection[int]) -> None:
    """Bring the table to what this process has open, and tell the others of which drafts there is news."""
    now = timezone.now()
    with transaction.atomic():
        over = Presence.objects.filter(Q(process=process) | Q(until__lt=now))
        over.exclude(tab__in=[tab.key for tab in tabs]).delete()
        Presence.objects.bulk_create(
            _rows(process, tabs, now + timedelta(seconds=LEASE_SECONDS)),
            update_conflicts=True,
            unique_fields=["tab"],
            update_fields=["at", "moved_at", "until"],
        )
    events.tell(DRAFTS_CHANNEL, news)


def announce_draft(instance: Workflow, update_fields: Collection[str] | None, **_: Any) -> None:
    """Whoever saves a draft, here or in the engine: the pages that have it open are told after the commit."""
    if update_fields is None or "draft_rev" in update_fields:
        transaction.on_commit(partial(events.tell, DRAFTS_CHANNEL, [instance.pk]), robust=True)


def _rows(process: str, tabs: Sequence[Tab], until: datetime) -> list[Presence]:
    """Of workflows that are still there: one that is deleted must not keep the others from being written."""
    wanted = Workflow.objects.filter(pk__in={tab.workflow_id for tab in tabs})
    there = set(wanted.order_by().values_list("pk", flat=True))
    return [
        Presence(
            tab=tab.key,
            process=process,
            workflow_id=tab.workflow_id,
            user_id=tab.user_id,
            at=tab.at,
            moved_at=tab.moved_at,
            until=until,
        )
        for tab in tabs
        if tab.workflow_id in there
    ]


def _tabs_elsewhere(workflow_ids: Iterable[int], process: str) -> list[Tab]:
    rows = Presence.objects.filter(workflow__in=list(workflow_ids), until__gt=timezone.now())
    return [
        Tab(row.tab, row.workflow_id, row.user_id, person(row.user), row.at, row.moved_at)
        for row in rows.exclude(process=process).select_related("user").order_by("tab")
    ]


def _revisions(since: Mapping[int, int], revs: Mapping[int, int]) -> list[tuple[int, Revision]]:
    wanted = Q()
    for pk, rev in since.items():
        wanted |= Q(workflow=pk, rev__gt=max(rev, revs[pk] - MOST_REVISIONS), rev__lte=revs[pk])
    rows = DraftChange.objects.filter(wanted).select_related("user").order_by("workflow_id", "rev")
    found = [
        (row.workflow_id, Revision(row.rev, row.kind, row.user_id, _name(row.user)))
        for row in rows.only("workflow_id", "rev", "kind", "user")
    ]
    told = {(pk, revision.rev) for pk, revision in found}
    return [*found, *_replacements({pk: revs[pk] for pk in since if (pk, revs[pk]) not in told})]


def _replacements(revs: Mapping[int, int]) -> list[tuple[int, Revision]]:
    """Revisions without a record are the engine's, which replaces a draft only by publishing: the newest version is it."""
    numbers = (
        WorkflowVersion.objects.filter(workflow=OuterRef("workflow")).order_by("-number").values("number")
    )
    versions = WorkflowVersion.objects.filter(workflow__in=list(revs), number=Subquery(numbers[:1]))
    by = {
        row.workflow_id: row.created_by
        for row in versions.select_related("created_by").only("workflow_id", "created_by")
    }
    return [
        (pk, Revision(rev, "publish", getattr(by.get(pk), "pk", None), _name(by.get(pk))))
        for pk, rev in revs.items()
    ]


def _name(user: Any) -> str:
    return person(user) if user else ""
