"""Commands for people who are asked: what is open, approve, reject."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from orchestrator import engine
from orchestrator.cli.base import BatonCommand, as_user, emit, person, row, table
from orchestrator.cli.looks import ago
from orchestrator.exceptions import ConflictError, NotFoundError
from orchestrator.models import Approval
from orchestrator.reads.delegations import decided_for
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
        "approvers": [approver.name for approver in approval.approvers.all()],
        "requested_at": approval.requested_at.isoformat(),
        "deadline_at": approval.deadline_at.isoformat() if approval.deadline_at else None,
    }


def _approvals_table(rows: Sequence[Approval]) -> RenderableType:
    if not rows:
        return Text("Nothing waits for a decision.")
    found = table("Id", "Run", "Workflow", "Task", "What is asked", "Who decides", "Asked", "Until")
    for one in rows:
        who = ", ".join(approver.name for approver in one.approvers.all())
        until = f"{one.deadline_at:%Y-%m-%d %H:%M}" if one.deadline_at else ""
        asked = ago(one.requested_at)
        row(
            found,
            one.pk,
            f"#{one.run_id}",
            one.run.workflow.key,
            one.task_run.key,
            one.title,
            who,
            asked,
            until,
        )
    return found


@click.command("approve", cls=BatonCommand)
@click.argument("run")
@click.option("--task", default="", help="Which one, when the run waits for several decisions.")
@click.option("--id", "number", type=int, help="The number of the request, as 'baton approvals' shows it.")
@click.option("--comment", default="", help="Why; kept in the history.")
@as_user
def approve(run: str, task: str, number: int | None, comment: str, user: str | None) -> None:
    """Approve what a RUN, or a run that it started, waits for."""
    _decide("approve", _one_open(run, task, number), comment, user)


@click.command("reject", cls=BatonCommand)
@click.argument("run")
@click.option("--task", default="", help="Which one, when the run waits for several decisions.")
@click.option("--id", "number", type=int, help="The number of the request, as 'baton approvals' shows it.")
@click.option("--comment", default="", help="Why; kept in the history.")
@as_user
def reject(run: str, task: str, number: int | None, comment: str, user: str | None) -> None:
    """Reject what a RUN, or a run that it started, waits for."""
    _decide("reject", _one_open(run, task, number), comment, user)


def _decide(decision: str, approval: Approval, comment: str, user: str | None) -> None:
    who = person(user)
    approval = engine.decide(approval.pk, decision, user=who, comment=comment)
    absent = decided_for([approval.pk]).get(approval.pk)
    described = {
        **_described(approval),
        "decided_by": who.get_username(),
        "decided_for": absent.get_username() if absent else None,
        "comment": approval.comment,
    }
    name = f"{who.get_username()} for {absent.get_username()}" if absent else who.get_username()
    emit(described, lambda: Text(f"{approval.status.capitalize()} as {name}: {described['title']}"))


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


COMMANDS = (approvals, approve, reject)
