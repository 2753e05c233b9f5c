"""Names and lengths as pages show them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import template

from orchestrator.reads import decisions
from orchestrator.reads.states import clock

register = template.Library()
register.filter("filled_in", decisions.vote_filled_in)
register.filter("edit_entries", decisions.edit_entries)


@register.filter
def person(user: Any) -> str:
    """The full name, or the name to sign in with; nobody is Baton itself."""
    return "Baton" if user is None else user.get_full_name() or user.get_username()


@register.filter
def initials(name: str) -> str:
    """DK for Dana Kovacs, AL for alice."""
    words = [word for word in str(name).replace("_", " ").replace("-", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]).upper()


@register.filter
def length_of(value: float | timedelta | None) -> str:
    """Seconds as 1:04."""
    if value is None:
        return ""
    return clock(value.total_seconds() if isinstance(value, timedelta) else value)


@register.filter
def started_how(trigger: str) -> str:
    """What started a run when it was not somebody at a page."""
    return {"parent": "by another run", "api": "over the API", "cli": "command line"}.get(trigger, trigger)


@register.filter
def group_name(approver: str) -> str:
    """`group:finance` is said as finance."""
    return approver.removeprefix("group:")
