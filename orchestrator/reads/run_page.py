"""The run page in one go: header, legend, list of tasks, and the data its script draws from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from orchestrator.models import Run
from orchestrator.planning.machine import RUN_ENDED
from orchestrator.reads.canvas import graph
from orchestrator.reads.live import counts, facts, line_of, task_looks
from orchestrator.reads.outline import Outline, outline_of
from orchestrator.reads.progress import bundle
from orchestrator.reads.recent import usual_seconds
from orchestrator.reads.states import LEGEND, WORDS, Look, State, clock
from orchestrator.reads.timeline import timeline

_MOST_WITH_USUAL: Final = 300
_STARTS: Final[dict[str, tuple[str, str]]] = {
    "manual": ("Started by hand", "i-play"),
    "api": ("Started over the API", "i-braces"),
    "cli": ("Started from the command line", "i-keyboard"),
    "schedule": ("Started on schedule", "g-timer"),
    "parent": ("Started by another run", "i-workflow"),
}


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One task in the list view."""

    key: str
    name: str
    state: State
    glyph: str
    line: str
    figure: str


@dataclass(frozen=True, slots=True)
class Count:
    state: State
    word: str
    count: int


@dataclass(frozen=True, slots=True)
class RunPage:
    run: Run
    facts: dict[str, Any]
    legend: list[Count]
    pieces: list[State]
    tasks: list[TaskLine]
    data: dict[str, Any]

    @property
    def live(self) -> bool:
        return self.run.status not in RUN_ENDED

    @property
    def since(self) -> datetime:
        return self.run.started_at or self.run.created_at

    @property
    def elapsed(self) -> str:
        end = self.run.finished_at or timezone.now()
        return clock((end - self.since).total_seconds())


def run_page(run: Run) -> RunPage:
    """The page as of `run.seq`: the run is read before its tasks, so what it misses comes with the next message."""
    shape = outline_of(run.version_id)
    looks = task_looks(run, shape)
    counted = counts(run.pk)
    told = facts(run)
    return RunPage(
        run=run,
        facts=told,
        legend=[Count(state, WORDS[state], counted[state]) for state in LEGEND],
        pieces=bundle([look.state for look in looks.values()]),
        tasks=_lines(shape, looks),
        data=_data(run, shape, looks) | {"counts": counted, "facts": told},
    )


def _data(run: Run, shape: Outline, looks: Mapping[str, Look]) -> dict[str, Any]:
    drawn = graph(shape)
    usual = usual_seconds(run) if len(shape.tasks) <= _MOST_WITH_USUAL else {}
    for node in drawn["nodes"]:
        look = looks.get(node["key"])
        node.update(look.as_dict() if look else {}, **_expected(look, usual.get(node["key"])))
    label, glyph = _STARTS.get(run.trigger, _STARTS["manual"])
    return {
        "run": run.pk,
        "seq": run.seq,
        "status": run.status,
        "live": run.status not in RUN_ENDED,
        "canvas": {**drawn, "start": {"label": label, "glyph": glyph, "state": "success"}},
        "timeline": timeline(run),
    }


def _expected(look: Look | None, usual: float | None) -> dict[str, Any]:
    """What a task usually takes: the bar of a running one, the figure of one that has not begun."""
    if usual is None or look is None or usual < 1:
        return {}
    return {"usual": usual} | ({"figure": f"≈ {clock(usual)}"} if look.state == "queued" else {})


def _lines(shape: Outline, looks: Mapping[str, Look]) -> list[TaskLine]:
    now = timezone.now()
    return [
        TaskLine(key, task.name, look.state, look.icon, line_of(task, look, shape), figure_at(look, now))
        for key, task in shape.tasks.items()
        if (look := looks.get(key))
    ]


def figure_at(look: Look, now: datetime) -> str:
    """The figure of a look at a moment, for pages that no script keeps up to date."""
    if look.since:
        return clock((now - datetime.fromisoformat(look.since)).total_seconds())
    if look.until:
        return f"in {clock((datetime.fromisoformat(look.until) - now).total_seconds())}"
    return look.figure or ""
