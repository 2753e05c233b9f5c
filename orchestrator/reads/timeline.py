"""Who was busy with what, when: the bars of a run's timeline, read from its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from django.utils import timezone

from orchestrator.models import Event, Run
from orchestrator.planning.machine import RUN_ENDED
from orchestrator.reads.outline import Outline, outline_of
from orchestrator.reads.states import State, iso

MOST_BARS: Final = 2000
SYSTEM: Final = "System"
PEOPLE: Final = "People"

_ENDINGS: Final[dict[str, State]] = {
    "task.completed": "success",
    "task.failed": "failed",
    "task.retrying": "failed",
    "task.skipped": "skipped",
    "task.cancelled": "cancelled",
    "task.ready": "failed",
}
_OPENINGS: Final = frozenset({"task.started", "task.waiting", "approval.required"})
_TOLD: Final = frozenset({*_ENDINGS, *_OPENINGS})
_PEOPLE_REASONS: Final = frozenset({"person", "approval"})


@dataclass(slots=True)
class Bar:
    """A stretch of work or waiting; `end` is None while it lasts."""

    lane: str
    key: str
    index: int
    name: str
    state: State
    start: datetime
    end: datetime | None = None
    attempt: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "lane": self.lane,
            "key": self.key,
            "index": self.index,
            "name": self.name,
            "label": self.name if self.attempt <= 1 else f"Retry {self.attempt - 1}",
            "state": self.state,
            "attempt": self.attempt,
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
            self._close(place, event, "success")
            self._begin(place, event)
        elif event.type in _ENDINGS:
            self._end(place, event)

    def _begin(self, place: tuple[str, int], event: Event) -> None:
        if event.data.get("reason") == "items" or len(self.bars) >= MOST_BARS:
            return
        waits = event.type != "task.started"
        bar = self._bar(event, self._lane(event, waits), "waiting" if waits else "running")
        self.open[place] = bar
        self.bars.append(bar)

    def _end(self, place: tuple[str, int], event: Event) -> None:
        known = self._close(place, event, _ENDINGS[event.type])
        if event.type != "task.completed":
            return
        if not known and len(self.bars) < MOST_BARS and not event.data.get("items"):
            bar = self._bar(event, SYSTEM, "success")
            bar.end = event.at
            self.bars.append(bar)
        planned = self.shape.tasks.get(event.task)
        if planned and planned.checkpoint and event.index < 0:
            self.marks.append(
                {
                    "at": iso(event.at),
                    "seq": event.seq,
                    "label": f"cp-{event.seq}",
                    "name": planned.checkpoint,
                }
            )

    def _close(self, place: tuple[str, int], event: Event, state: State) -> bool:
        bar = self.open.pop(place, None)
        if bar is None:
            return False
        bar.end = event.at
        # A wait that ends in readiness was met; work that ends so was lost with its worker.
        bar.state = "success" if bar.state == "waiting" and event.type == "task.ready" else state
        return True

    def _bar(self, event: Event, lane: str, state: State) -> Bar:
        name = self.shape.name_of(event.task) + (f" {event.index + 1}" if event.index >= 0 else "")
        attempt = int(event.data.get("attempt") or 0)
        return Bar(lane, event.task, event.index, name, state, event.at, attempt=attempt)

    def _lane(self, event: Event, waits: bool) -> str:
        planned = self.shape.tasks.get(event.task)
        if event.type == "approval.required" or (waits and event.data.get("reason") in _PEOPLE_REASONS):
            return PEOPLE
        if planned is None or planned.action != "agent_task":
            return SYSTEM
        agent = str(event.data.get("agent") or planned.agent or "system")
        return SYSTEM if agent == "system" else agent


def timeline(run: Run) -> dict[str, Any]:
    """Bars in lanes: one lane for each agent, then System, then People. Times are ISO, in UTC.

    Long runs are cut after `MOST_BARS` bars, and say so in `cut`.
    """
    drawing = _Drawing(outline_of(run.version_id))
    for event in _events(run):
        drawing.take(event)
    ended = run.status in RUN_ENDED
    return {
        "start": iso(run.started_at or run.created_at),
        "end": iso(run.finished_at) if ended else None,
        "now": iso(timezone.now()),
        "seq": run.seq,
        "lanes": [{"name": name, "kind": kind} for name, kind in _lanes(drawing.bars)],
        "bars": [bar.as_dict() for bar in drawing.bars],
        "marks": drawing.marks,
        "cut": len(drawing.bars) >= MOST_BARS,
    }


def _events(run: Run) -> Iterator[Event]:
    rows = Event.objects.filter(run_id=run.pk, type__in=_TOLD).order_by("seq")
    return rows.only("run_id", "seq", "type", "task", "index", "at", "data").iterator(chunk_size=2000)


def _lanes(bars: Iterable[Bar]) -> list[tuple[str, Literal["agent", "system", "people"]]]:
    names = {bar.lane for bar in bars}
    agents = sorted(names - {SYSTEM, PEOPLE})
    lanes: list[tuple[str, Literal["agent", "system", "people"]]] = [(name, "agent") for name in agents]
    lanes += [(SYSTEM, "system")] if SYSTEM in names else []
    return lanes + ([(PEOPLE, "people")] if PEOPLE in names else [])
