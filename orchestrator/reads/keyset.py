"""Paging by the place where the last page ended, so that page one thousand costs what page one does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import OuterRef, QuerySet

from orchestrator.models import Run

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows; `after` is where the next page goes on, empty at the end."""

    rows: list[Row]
    after: str = ""


def cut(rows: Sequence[Row], size: int, place: Callable[[Row], str]) -> Page[Row]:
    """The page of `size` out of rows read one beyond it."""
    shown = list(rows[:size])
    return Page(shown, place(shown[-1]) if len(rows) > size else "")


def newest_of(rows: QuerySet[Run], workflow: int | OuterRef) -> QuerySet[Run]:
    """Those of these runs that are of one workflow, newest first.

    As a range, so that the index over workflow and number is the only one with that order. Told that the workflow
    equals something, PostgreSQL may walk back through the runs of all workflows until it has met enough of this one.
    """
    return rows.filter(workflow_id__gte=workflow, workflow_id__lte=workflow).order_by("workflow_id", "-pk")


def counted() -> QuerySet[Run]:
    """The runs that say something about their workflow; test runs do not."""
    return Run.objects.filter(is_trial=False)


def moment_place(at: datetime, pk: int) -> str:
    return f"{at.isoformat()}_{pk}"


def parse_moment_place(text: str) -> tuple[datetime, int] | None:
    """None for anything that is not a place: a mangled link shows the first page."""
    at, _, pk = text.rpartition("_")
    try:
        moment = datetime.fromisoformat(at)
        return (moment, parse_number(pk)) if moment.tzinfo and parse_number(pk) else None
    except ValueError:
        return None


def parse_number(text: str) -> int:
    """The number, or 0 for what is none that a database takes."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
