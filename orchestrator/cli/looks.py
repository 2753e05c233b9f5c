"""How statuses and times look in a terminal: a glyph, a word and a colour, never the colour alone."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from orchestrator.reads.states import State, clock, run_state

GLYPHS: dict[State, str] = {
    "queued": "○",
    "running": "●",
    "success": "✓",
    "failed": "✗",
    "retrying": "↻",
    "waiting": "◔",
    "skipped": "⊘",
    "cancelled": "■",
    "paused": "‖",
    "rolledback": "↶",
}
STYLES: dict[State, str] = {
    "queued": "dim",
    "running": "bold blue",
    "success": "green",
    "failed": "bold red",
    "retrying": "yellow",
    "waiting": "magenta",
    "skipped": "dim",
    "cancelled": "dim",
    "paused": "cyan",
    "rolledback": "cyan",
}


def status_style(status: str | None) -> str:
    """The style of a run's status."""
    return STYLES[run_state(status)] if status else ""


def ago(moment: datetime | None) -> str:
    """How long ago, in one unit."""
    if moment is None:
        return ""
    seconds = (timezone.now() - moment).total_seconds()
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def span(begin: datetime | None, end: datetime | None) -> str:
    """How long it took, or has taken until now."""
    if begin is None:
        return ""
    return clock(((end or timezone.now()) - begin).total_seconds())
