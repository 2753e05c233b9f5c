"""Commands for absences: who decides in whose place, and from when to when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import click
from django.utils import timezone
from rich.console import RenderableType
from rich.text import Text

from orchestrator import engine
from orchestrator.cli.base import BatonCommand, as_user, emit, person, row, table
from orchestrator.exceptions import NotFoundError
from orchestrator.models import Delegation
from orchestrator.reads.delegations import to_come

_DAY = "%Y-%m-%d"
_MOMENT = click.DateTime([_DAY, "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])


@click.command("delegate", cls=BatonCommand)
@click.argument("to")
@click.option("--from", "starts", type=_MOMENT, help="The first day, or a moment; now if left out.")
@click.option("--until", "ends", type=_MOMENT, required=True, help="The last day, or a moment.")
@click.option("--user", "who", metavar="NAME", help="Who is away; whoever acts if left out.")
@click.option("--reason", default="", help="Why; kept with it.")
@as_user
def delegate(
    to: str, starts: datetime | None, ends: datetime, who: str | None, reason: str, user: str | None
) -> None:
    """Let TO decide in somebody's place while they are away."""
    actor = person(user)
    absent = person(who) if who else actor
    begins = timezone.make_aware(starts) if starts else None
    made = engine.delegate(absent, to, starts_at=begins, ends_at=_end(ends), reason=reason, by=actor)
    until = timezone.localtime(made.ends_at)
    emit(
        _described(made),
        lambda: Text(f"{made.to} decides for {made.person} until {until:%Y-%m-%d %H:%M %Z}."),
    )


def _end(moment: datetime) -> datetime:
    """A day that is named without an hour is part of it, the whole of it."""
    whole_day = moment.time() == datetime.min.time()
    return timezone.make_aware(moment + timedelta(days=1) if whole_day else moment)


@click.command("delegations", cls=BatonCommand)
@click.option("--user", "who", metavar="NAME", help="Only those of this person, or given to them.")
@click.option("--revoke", "number", type=int, metavar="ID", help="End this one at once.")
def delegations(who: str | None, number: int | None) -> None:
    """List who decides in whose place, now and later."""
    if number is not None:
        _revoke(number)
    rows = to_come(Delegation.objects.all())
    if who:
        named = person(who)
        rows = rows.filter(person=named) | rows.filter(to=named)
    found = list(rows[:500])
    emit({"delegations": [_described(one) for one in found]}, lambda: _table(found))


def _revoke(number: int) -> None:
    delegation = Delegation.objects.filter(pk=number).first()
    if delegation is None:
        raise NotFoundError(f"There is no delegation {number}.")
    engine.revoke_delegation(delegation)


def _described(one: Delegation) -> dict[str, Any]:
    return {
        "id": one.pk,
        "person": one.person.get_username(),
        "to": one.to.get_username(),
        "starts_at": one.starts_at.isoformat(),
        "ends_at": one.ends_at.isoformat(),
        "reason": one.reason,
        "created_by": one.created_by.get_username() if one.created_by else None,
    }


def _table(rows: Sequence[Delegation]) -> RenderableType:
    if not rows:
        return Text("Nobody decides in anybody's place.")
    found = table("Id", "Who is away", "Who decides", "From", "Until", "Reason")
    for one in rows:
        times = (f"{timezone.localtime(at):%Y-%m-%d %H:%M}" for at in (one.starts_at, one.ends_at))
        row(found, one.pk, one.person, one.to, *times, one.reason)
    return found


COMMANDS = (delegate, delegations)
