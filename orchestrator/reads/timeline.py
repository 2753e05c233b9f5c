"""Who was busy with what, when: the bars of a run's timeline, read from its events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from orchestrator.models import Event, Run
from orchestrator.planning.machine import WaitReason
from orchestrator.reads.history import SYSTEM, label_of, lane_of
from orchestrator.reads.outline import Outline, outline_of
from orchestrator.reads.states import State, iso

MOST_BARS: Final = 2000

_ENDINGS: Final[dict[str, State]] = {
    "task.completed": "success",
    "task.failed": "failed",
    "task.retrying": "failed",
    "task.skipped": "skipped",
    "task.cancelled": "cancelled",
    "task.ready": "failed",
    "task.reset": "cancelled",
}
_OPENINGS: Final = frozenset({"task.started", "task.waiting", "approval.required"})
_TOLD: Final = frozenset({*_ENDINGS, *_OPENINGS})


@dataclass(slots=True)
class Bar:
    """A stretch of work or waiting; `end` is None while it lasts."""

    lane: str
    key: str
    index: int
    label: str
    state: State
    start: datetime
    end: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "index": self.index,
            "label": self.label,
            "lane": self.lane,
            "state": self.state,
            "start": iso(self.start),
            "end": iso(self.end),
        }


@dataclass(slots=True)
class _Drawing:
    shape: Outline
    bars: list[Bar] = field(default_factory=list)
    marks: list[dict[str, Any]] = field(default_factory=list)
    open: dict[tuple[str, int], Bar] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        place = (event.task, event.index)
        if event.type in _OPENINGS:
            given_up = event.type == "task.waiting" and event.data.get("reason") == WaitReason.PERSON
            self._close(place, event, "failed" if given_up else "success")
            self._begin(place, event)
        elif event.type in _ENDINGS:
            self._end(place, event)

    def _begin(self, place: tuple[str, int], event: Event) -> None:
        if len(self.bars) >= MOST_BARS:
            return
        works = event.type == "task.started" or event.data.get("reason") == "items"
        bar = self._bar(event, lane_of(event, self.shape), "running" if works else "waiting")
        self.open[place] = bar
        self.bars.append(bar)

    def _end(self, place: tuple[str, int], event: Event) -> None:
        known = self._close(place, event, _ENDINGS[event.type])
        if event.type != "task.completed":
            return
        if not known and len(self.bars) < MOST_BARS:
            bar = self._bar(event, SYSTEM, "success")
            bar.end = event.at
            self.bars.append(bar)
        planned = self.shape.tasks.get(event.task)
        if planned and planned.checkpoint and event.index < 0:
            self.marks.append({"at": iso(event.at), "label": f"cp-{event.seq}", "name": planned.checkpoint})

    def _close(self, place: tuple[str, int], event: Event, state: State) -> bool:
        bar = self.open.pop(place, None)
        if bar is None:
            return False
        bar.end = event.at
        # A wait that ends in readiness was met; work that ends so was lost with its worker.
        bar.state = "success" if bar.state == "waiting" and event.type == "task.ready" else state
        return True

    def _bar(self, event: Event, lane: str, state: State) -> Bar:
        return Bar(lane, event.task, event.index, label_of(event, self.shape), state, event.at)


def timeline(run: Run) -> dict[str, Any]:
    """Bars, each in the lane of an agent, of System or of People, and marks where checkpoints are. Times are ISO, in UTC.

    Long runs are cut after `MOST_BARS` bars, and say so in `cut`.
    """
    drawing = _Drawing(outline_of(run.version_id))
    for event in _events(run):
        drawing.take(event)
    return {
        "start": iso(run.started_at or run.created_at),
        "end": iso(run.finished_at),
        "bars": [bar.as_dict() for bar in drawing.bars],
        "marks": drawing.marks,
        "cut": len(drawing.bars) >= MOST_BARS,
    }


def _events(run: Run) -> Iterator[Event]:
    rows = Event.objects.filter(run_id=run.pk, type__in=_TOLD).order_by("seq")
    return rows.only("run_id", "seq", "type", "task", "index", "at", "data").iterator(chunk_size=2000)
