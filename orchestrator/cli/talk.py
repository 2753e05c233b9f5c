"""Commands for what is said of a request: comment on it, and read its record."""

from __future__ import annotations

from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from orchestrator import engine
from orchestrator.cli.base import BatonCommand, as_user, emit, person, row, table
from orchestrator.exceptions import NotFoundError
from orchestrator.models import Approval
from orchestrator.reads.record import Line, Record, record_of


@click.command("record", cls=BatonCommand)
@click.argument("request", type=int)
def record(request: int) -> None:
    """Show everything that happened to a REQUEST, a number as 'baton approvals' shows it, and was said of it."""
    found = record_of(_request(request))
    emit({"request": request, "record": [_described(line) for line in found.lines]}, lambda: _table(found))


@click.command("comment", cls=BatonCommand)
@click.argument("request", type=int)
@click.argument("text")
@as_user
def comment(request: int, text: str, user: str | None) -> None:
    """Comment on a REQUEST, a number as 'baton approvals' shows it, for everybody who sees it."""
    who = person(user)
    said = engine.comment(request, text, user=who)
    described = {"request": request, "comment": said.pk, "by": who.get_username(), "text": said.text}
    emit(described, lambda: Text(f"Commented as {who.get_username()}."))


@click.command("ask", cls=BatonCommand)
@click.argument("request", type=int)
@click.argument("text")
@click.option("--to", default="", help="Whom; who started the run if not given.")
@as_user
def ask(request: int, text: str, to: str, user: str | None) -> None:
    """Ask back about a REQUEST that asks you to decide; its clock stands until the answer."""
    asked = engine.ask(request, text, user=person(user), to=to)
    of = asked.asked_of.get_username()
    described = {"request": request, "question": asked.pk, "of": of, "text": asked.text}
    emit(described, lambda: Text(f"Asked {of}. The clock stands until the answer."))


@click.command("answer", cls=BatonCommand)
@click.argument("request", type=int)
@click.argument("text")
@as_user
def answer(request: int, text: str, user: str | None) -> None:
    """Answer the question that was put to you about a REQUEST; its clock goes on."""
    said = engine.answer(request, text, user=person(user))
    described = {"request": request, "question": said.pk, "answer": said.answer}
    emit(described, lambda: Text("Answered. The clock goes on."))


def _request(number: int) -> Approval:
    found = Approval.objects.select_related("run__started_by", "task_run").filter(pk=number).first()
    if found is None:
        raise NotFoundError(f"There is no request {number}; 'baton approvals' lists those that are open.")
    return found


def _described(line: Line) -> dict[str, Any]:
    return {
        "seq": line.seq,
        "type": line.type,
        "at": line.at.isoformat(),
        "by": line.person.get_username() if line.person else None,
        "for": line.in_place_of,
        "sentence": line.sentence,
        "text": line.text,
    }


def _table(found: Record) -> RenderableType:
    shown = table("When", "Who", "What", "In words")
    for line in found.lines:
        who = f"{line.who} for {line.in_place_of}" if line.in_place_of else line.who
        row(shown, f"{line.at:%Y-%m-%d %H:%M}", who, line.sentence, line.text)
    return shown


COMMANDS = (comment, ask, answer, record)
