"""The last runs of workflows: their strip of glyphs, how they stand now, how long they usually take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final

from django.db.models import OuterRef, Subquery

from orchestrator.models import Run, TaskRun, Workflow
from orchestrator.planning.machine import RunStatus, TaskStatus, WaitReason
from orchestrator.reads.keyset import counted, newest_of
from orchestrator.reads.live import telling
from orchestrator.reads.states import Look, run_look

STRIP: Final = 10
_FEWEST_FOR_USUAL: Final = 1


@dataclass(frozen=True, slots=True)
class RunMark:
    """One run in a strip."""

    id: int
    look: Look
    seconds: float | None
    status: str


@dataclass(frozen=True, slots=True)
class Recent:
    """The last runs of one workflow, oldest first, at most ten."""

    marks: tuple[RunMark, ...] = ()

    @property
    def empty(self) -> range:
        """One for each place of the strip that no run fills yet."""
        return range(STRIP - len(self.marks))

    @property
    def now(self) -> RunMark | None:
        return self.marks[-1] if self.marks else None

    @property
    def usual(self) -> float | None:
        """Seconds a completed run takes, the middle one of the last."""
        seconds = [m.seconds for m in self.marks if m.status == RunStatus.COMPLETED and m.seconds is not None]
        return median(seconds) if len(seconds) >= _FEWEST_FOR_USUAL else None

    @property
    def sentence(self) -> str:
        """The strip for those who do not see it."""
        if not self.marks:
            return "No runs yet"
        counted: dict[str, int] = defaultdict(int)
        for mark in self.marks:
            counted[mark.look.word.lower()] += 1
        told = ", ".join(f"{number} {word}" for word, number in counted.items())
        return f"Last {len(self.marks)} runs, oldest first: {told}"


def recent_runs(workflow_ids: Collection[int]) -> dict[int, Recent]:
    """The last ten runs of each workflow, in three queries however many there are."""
    shown = _last_ten(workflow_ids)
    if not shown:
        return {}
    runs = list(
        Run.objects.filter(pk__in=shown)
        .order_by("pk")
        .only(
            "workflow_id",
            "status",
            "executing",
            "ready_parallel",
            "ready_sequential",
            "started_at",
            "finished_at",
        )
    )
    looks = run_looks(runs)
    found: dict[int, list[RunMark]] = defaultdict(list)
    for run in runs:
        found[run.workflow_id].append(
            RunMark(run.pk, looks[run.pk], seconds(run.started_at, run.finished_at), run.status)
        )
    return {workflow_id: Recent(tuple(marks[-STRIP:])) for workflow_id, marks in found.items()}


def _last_ten(workflow_ids: Collection[int]) -> list[int]:
    """The numbers of the ten newest runs of each workflow: a few steps into an index for each, never a scan."""
    if not workflow_ids:
        return []
    newest = newest_of(counted(), OuterRef("pk")).values("pk")
    places = {f"newest_{n}": Subquery(newest[n : n + 1]) for n in range(STRIP)}
    rows = Workflow.objects.filter(pk__in=workflow_ids).order_by().annotate(**places)
    return [pk for row in rows.values_list(*places) for pk in row if pk is not None]


def run_looks(runs: Sequence[Run]) -> dict[int, Look]:
    """How each run looks; one that stands still looks like what it waits for. One query."""
    still = [run.pk for run in runs if run.status == RunStatus.RUNNING and not _works(run)]
    reasons = _reasons(still)
    return {run.pk: run_look(run.status, telling(reasons.get(run.pk, ()))) for run in runs}


def _works(run: Run) -> bool:
    return bool(run.executing or run.ready_parallel or run.ready_sequential)


def _reasons(run_ids: Sequence[int]) -> dict[int, set[str]]:
    if not run_ids:
        return {}
    rows = TaskRun.objects.filter(run_id__in=run_ids, status=TaskStatus.WAITING)
    found: dict[int, set[str]] = defaultdict(set)
    for run_id, reason in (
        rows.exclude(reason=WaitReason.ITEMS).order_by().values_list("run_id", "reason").distinct()
    ):
        found[run_id].add(reason)
    return found


def seconds(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end else None


def usual_seconds(run: Run, keys: Iterable[str] | None = None) -> dict[str, float]:
    """How long each task took, on average, in the last five completed runs of the same version."""
    same = counted().filter(version_id=run.version_id, pk__lt=run.pk)
    # As a range, and so in the order of one index alone, for the reason that `newest_of` gives.
    completed = same.filter(status__gte=RunStatus.COMPLETED, status__lte=RunStatus.COMPLETED)
    ids = list(completed.order_by("status", "-pk").values_list("pk", flat=True)[:5])
    if not ids:
        return {}
    rows = TaskRun.objects.filter(run_id__in=ids, index=-1, status=TaskStatus.COMPLETED)
    rows = rows if keys is None else rows.filter(key__in=keys)
    taken: dict[str, list[float]] = defaultdict(list)
    for key, start, end in rows.values_list("key", "started_at", "finished_at"):
        length = seconds(start, end)
        if length is not None:
            taken[key].append(length)
    return {key: sum(lengths) / len(lengths) for key, lengths in taken.items()}
