"""Following a run to its end: as a live picture, as lines, as JSON, or in silence."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

import click
from rich.live import Live
from rich.text import Text

from orchestrator.cli.base import console, emit_line, wants_json
from orchestrator.cli.drawing import Shot, draw, has_ended, shot
from orchestrator.cli.exits import Exit, plain
from orchestrator.cli.looks import GLYPHS, STYLES
from orchestrator.models import Event, Run
from orchestrator.planning.machine import RunStatus
from orchestrator.reads.history import EventLine, event_line
from orchestrator.reads.outline import outline_of
from orchestrator.reads.status import family, status

_LOOK_SECONDS = 0.2
_REST_OF_SCREEN = 14  # lines kept for the bar and the advice
_BATCH = 1000


class Watcher(Protocol):
    """Shows a run; `look` is called at every glance, also when nothing has changed."""

    def __enter__(self) -> Watcher: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def look(self, run: Run) -> None: ...


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *_error: object) -> None:
        return

    def look(self, run: Run) -> None:
        """Show the run as it is now."""


class Picture(Quiet):
    """A tree that moves, for a terminal."""

    def __init__(self) -> None:
        self._live = Live(console=console(), auto_refresh=False, vertical_overflow="crop")
        self._known: tuple[int, ...] = ()
        self._shot: Shot | None = None

    def __enter__(self) -> Picture:
        self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._live.stop()

    def look(self, run: Run) -> None:
        relatives = family(run)
        known = tuple(Run.objects.filter(pk__in=relatives).order_by("pk").values_list("seq", flat=True))
        if self._shot is None or known != self._known:
            self._known, self._shot = known, shot(run.pk)
        self._live.update(draw(self._shot, height=max(4, console().height - _REST_OF_SCREEN)), refresh=True)


class Lines(Quiet):
    """One line for each event, for a file, a pipe or a log. With JSON, one object for each."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._seq = 0
        self._as_json = as_json

    def look(self, run: Run) -> None:
        events = list(Event.objects.filter(run_id=run.pk, seq__gt=self._seq).order_by("seq")[:_BATCH])
        shape = outline_of(run.version_id)
        for event in events:
            self._seq = event.seq
            self._print(event_line(event, shape), run)

    def _print(self, line: EventLine, run: Run) -> None:
        if self._as_json:
            emit_line({"event": line.as_dict() | {"detail": line.detail, "actor": line.actor}})
            return
        detail = f" ({line.detail})" if line.detail else ""
        text = Text(f"{line.at:%H:%M:%S}  ").append(GLYPHS[line.state], style=STYLES[line.state])
        console().print(text.append(f" {plain(line.sentence)}{plain(detail)}"), soft_wrap=True)
        if line.type == "approval.required":
            console().print(f"          → baton approve {run.pk} --task {line.task}", soft_wrap=True)


def watcher(*, json_lines: bool = False) -> Watcher:
    """The one that suits where the output goes. `json_lines`: with --json, report as it goes."""
    if wants_json():
        return Lines(as_json=True) if json_lines else Quiet()
    return Picture() if console().is_terminal else Lines()


def follow(run: Run, seconds: float | None, seen: Watcher, step: Callable[[], None] | None = None) -> Run:
    """Watch the run until it has ended or the time is over; the run as it was last seen."""
    limit = time.monotonic() + seconds if seconds is not None else None
    with seen:
        while True:
            run.refresh_from_db()
            seen.look(run)
            if has_ended(run) or (limit is not None and time.monotonic() >= limit):
                return run
            if step:
                step()
            time.sleep(_LOOK_SECONDS)


def finish(run: Run) -> None:
    """Leave with the exit code that the run's status means."""
    if run.status == RunStatus.COMPLETED:
        return
    raise click.exceptions.Exit(Exit.FAILED if has_ended(run) else Exit.TIMEOUT)


def brief(run: Run) -> dict[str, object]:
    """The last JSON line of a command that followed a run."""
    return {"status": status(run)}
