"""Commands for people who are asked: what is open, approve, reject."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import click
from django.contrib.auth.models import User
from rich.console import RenderableType
from rich.text import Text

from orchestrator import engine
from orchestrator.cli.base import BatonCommand, as_user, emit, person, row, table
from orchestrator.cli.looks import ago
from orchestrator.cli.params import pairs, typed
from orchestrator.definition.decision_form import fact_field, fields_of
from orchestrator.definition.fields import Field
from orchestrator.exceptions import ConflictError, NotFoundError
from orchestrator.models import Approval
from orchestrator.reads.delegations import decided_for
from orchestrator.reads.levels import level_in_words
from orchestrator.reads.status import open_approvals, resolve


@click.command("approvals", cls=BatonCommand)
def approvals() -> None:
    """List what waits for a decision."""
    rows = list(open_approvals()[:500])
    emit({"approvals": [_described(one) for one in rows]}, lambda: _approvals_table(rows))


def _described(approval: Approval) -> dict[str, Any]:
    return {
        "id": approval.pk,
        "run": approval.run_id,
        "workflow": approval.run.workflow.key,
        "task": approval.task_run.key,
        "title": approval.title,
        "status": approval.status,
        "approvers": _asked_now(approval),
        "level": approval.level,
        "levels": approval.levels,
        "requested_at": approval.requested_at.isoformat(),
        "deadline_at": approval.deadline_at.isoformat() if approval.deadline_at else None,
    }


def _asked_now(approval: Approval) -> list[str]:
    return [approver.name for approver in approval.approvers.all() if not approver.done]


def _approvals_table(rows: Sequence[Approval]) -> RenderableType:
    if not rows:
        return Text("Nothing waits for a decision.")
    found = table("Id", "Run", "Workflow", "Task", "What is asked", "Who decides", "Asked", "Until")
    for one in rows:
        who = ", ".join(_asked_now(one))
        until = f"{one.deadline_at:%Y-%m-%d %H:%M}" if one.deadline_at else ""
        asked = ago(one.requested_at)
        row(
            found,
            one.pk,
            f"#{one.run_id}",
            one.run.workflow.key,
            one.task_run.key,
            f"{one.title} ({level})" if (level := level_in_words(one)) else one.title,
            who,
            asked,
            until,
        )
    return found


def _request(command: Callable[..., None]) -> Callable[..., None]:
    """Which request is meant: the run, and which of several that it waits for."""
    number = click.option(
        "--id", "number", type=int, help="The number of the request, as 'baton approvals' shows it."
    )
    task = click.option("--task", default="", help="Which one, when the run waits for several decisions.")
    return click.argument("run")(task(number(command)))


_field = click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="NAME=VALUE",
    callback=pairs,
    help="Fill in a field of the form; once for each.",
)
_override = click.option(
    "--override",
    is_flag=True,
    help="Decide over those who are asked, for administrators; --comment says why.",
)


@click.command("approve", cls=BatonCommand)
@_request
@click.option("--comment", default="", help="Why; kept in the history.")
@_field
@click.option(
    "--set",
    "edits",
    multiple=True,
    metavar="NAME=VALUE",
    callback=pairs,
    help="Change a fact that may be changed; once for each.",
)
@_override
@as_user
def approve(run: str, task: str, number: int | None, user: str | None, **given: Any) -> None:
    """Approve what a RUN, or a run that it started, waits for."""
    _decide("approve", _one_open(run, task, number), user, **given)


@click.command("reject", cls=BatonCommand)
@_request
@click.option("--comment", default="", help="Why; kept in the history.")
@_field
@_override
@as_user
def reject(run: str, task: str, number: int | None, user: str | None, **given: Any) -> None:
    """Reject what a RUN, or a run that it started, waits for."""
    _decide("reject", _one_open(run, task, number), user, **given)


@click.command("recall", cls=BatonCommand)
@_request
@click.option("--reason", default="", help="Why; kept in the history.")
@as_user
def recall(run: str, task: str, number: int | None, reason: str, user: str | None) -> None:
    """Take back what a RUN that you started asks for."""
    asked = _one_open(run, task, number)
    who = person(user)
    approval = engine.recall(asked.pk, user=who, reason=reason)
    described = {**_described(approval), "recalled_by": who.get_username(), "reason": reason}
    emit(described, lambda: Text(f"Recalled as {who.get_username()}: {approval.title}"))


@click.command("send-back", cls=BatonCommand)
@_request
@click.option("--to", required=True, help="The earlier task that is done again, and everything behind it.")
@click.option("--comment", required=True, help="What is to be done again; kept in the history.")
@as_user
def send_back(run: str, to: str, comment: str, task: str, number: int | None, user: str | None) -> None:
    """Send what a RUN, or a run that it started, waits for back to an earlier task."""
    asked, who = _one_open(run, task, number), person(user)
    _tell(engine.send_back(asked.pk, to, user=who, comment=comment), who)


def _decide(
    decision: str,
    approval: Approval,
    user: str | None,
    comment: str,
    fields: Mapping[str, str],
    override: bool,
    edits: Mapping[str, str] = MappingProxyType({}),
) -> None:
    who = person(user)
    asked = fields_of(approval.form, "approve" if decision == "approve" else "reject")
    facts = [fact_field(name, approval.data[name]) for name in approval.editable]
    beside = engine.Beside(
        _values(fields, asked, "fields"), _values(edits, facts, "edits"), approval.content_hash
    )
    approval = engine.decide(
        approval.pk, decision, user=who, comment=comment, beside=beside, override=override
    )
    _tell(approval, who)


def _tell(approval: Approval, who: User) -> None:
    absent = decided_for([approval.pk]).get(approval.pk)
    described = {
        **_described(approval),
        "decided_by": who.get_username(),
        "decided_for": absent.get_username() if absent else None,
        "comment": approval.comment,
    }
    name = f"{who.get_username()} for {absent.get_username()}" if absent else who.get_username()
    emit(described, lambda: Text(_told(approval, name)))


def _told(approval: Approval, name: str) -> str:
    level = level_in_words(approval)
    said = f"Voted as {name}, it waits for others" if approval.status == "open" else ""
    said = said or f"{approval.get_status_display()} as {name}"
    return f"{said}: {approval.title}{f' ({level})' if level else ''}"


def _values(texts: Mapping[str, str], fields: Sequence[Field], path: str) -> dict[str, Any]:
    """What was written for these fields, each as its type has it; a choice is written as it is shown."""
    chosen = {
        field.name: choice
        for field in fields
        for choice in field.enum
        if texts.get(field.name) == str(choice)
    }
    rest = {name: text for name, text in texts.items() if name not in chosen}
    return typed(rest, {field.name: field.type for field in fields}, path) | chosen


def _one_open(run_text: str, task: str, number: int | None) -> Approval:
    run = resolve(run_text)
    rows = [one for one in open_approvals(run) if task in {"", one.task_run.key} and number in {None, one.pk}]
    if len(rows) == 1:
        return rows[0]
    if rows:
        names = ", ".join(f"{one.pk} ({one.task_run.key} of run {one.run_id})" for one in rows)
        raise ConflictError(
            f"Several requests are open: {names}. Name one with --task or --id.", code="which_one"
        )
    if task and not run.tasks.filter(key=task).exists():
        raise NotFoundError(f"Run {run.pk} waits for no decision on a task {task!r}.")
    what = f"Task {task} of run {run.pk}" if task else f"Run {run.pk}"
    raise ConflictError(f"{what} waits for no decision; it is {run.status}.", code="nothing_to_decide")


COMMANDS = (approvals, approve, reject, send_back, recall)
