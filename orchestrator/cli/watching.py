"""Commands that look at a run: monitor follows it, debug explains it."""

from __future__ import annotations

from collections.abc import Sequence

import click
from rich.console import Group, RenderableType
from rich.text import Text

from orchestrator.cli.base import BatonCommand, emit, emit_line, row, table, wants_json
from orchestrator.cli.drawing import has_ended
from orchestrator.cli.exits import plain
from orchestrator.cli.following import brief, finish, follow, watcher
from orchestrator.cli.looks import STYLES, status_style
from orchestrator.models import Run
from orchestrator.reads.history import EventLine, events_before
from orchestrator.reads.status import resolve
from orchestrator.reads.why import Blocking, why


@click.command("monitor", cls=BatonCommand)
@click.argument("run")
@click.option(
    "--duration",
    type=click.FloatRange(min=0),
    default=600,
    show_default=True,
    help="Watch for so many seconds at most.",
)
def monitor(run: str, duration: float) -> None:
    """Watch a RUN live until it ends. With --json: a line for each event, and the status as the last."""
    found = follow(resolve(run), duration, watcher(json_lines=True))
    if wants_json():
        emit_line(brief(found))
    elif not has_ended(found):
        click.echo(
            f"Stopped watching after {duration:g} seconds; run {found.pk} is {found.status}.", err=True
        )
    finish(found)


@click.command("debug", cls=BatonCommand)
@click.argument("run")
@click.option(
    "--events", "count", type=click.IntRange(1, 1000), default=15, show_default=True, help="How many."
)
def debug(run: str, count: int) -> None:
    """Say why a RUN waits or failed, what happened last, and what to do."""
    found = resolve(run)
    reasons = why(found)
    lines = list(reversed(events_before(found, size=count).lines))
    data = {
        "run": found.pk,
        "workflow": found.workflow.key,
        "status": found.status,
        "error": found.error,
        "why": [one.as_dict() for one in reasons],
        "events": [line.as_dict() | {"detail": line.detail, "actor": line.actor} for line in lines],
    }
    emit(data, lambda: _debugged(found, reasons, lines))


def _debugged(run: Run, reasons: Sequence[Blocking], lines: Sequence[EventLine]) -> RenderableType:
    head = Text(f"Run {run.pk} of {run.workflow.key} is ", style="bold")
    head.append(run.status, style=status_style(run.status))
    return Group(head, *(_reason(one) for one in reasons), *_silence(run, reasons), Text(), _events(lines))


def _reason(one: Blocking) -> Text:
    text = Text(f"\n{plain(one.sentence)}")
    if one.fix:
        text.append(f"\n  → {plain(one.fix)}", style="bold")
    for fix in one.fixes:
        if fix.command not in one.fix:
            text.append(f"\n  → {plain(fix.text)}: {plain(fix.command)}", style="bold")
    return text


def _silence(run: Run, reasons: Sequence[Blocking]) -> list[Text]:
    if reasons:
        return []
    return [Text("\nNothing holds it up." if not has_ended(run) else "\nNothing is wrong with it.")]


def _events(lines: Sequence[EventLine]) -> RenderableType:
    found = table("Time", "No.", "What happened", "Detail", "By")
    for line in lines:
        cells = (f"{line.at:%H:%M:%S}", line.seq, line.sentence, line.detail, line.actor)
        row(found, *cells, style={2: STYLES[line.state]})
    return found


COMMANDS = (monitor, debug)
