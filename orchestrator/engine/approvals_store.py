"""Rows of requests for approval: opened and closed by the turn, in its transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from orchestrator.definition.normal import approver_names
from orchestrator.events import dump
from orchestrator.models import Approval, Approver, TaskRun, Vote
from orchestrator.planning.board import Board
from orchestrator.planning.state import CastVote, CloseApproval, Escalate, OpenApproval, TaskState

GROUP = "group:"


def store(boards: Sequence[Board], now: datetime) -> None:
    for board in boards:
        for vote in board.votes:
            _record(vote, now)
        for rung in board.escalated:
            _escalate(rung)
        for closing in board.closed:
            _close(closing, now)
        for opening in board.opened:
            _open(board, opening, now)


def _record(vote: CastVote, now: datetime) -> None:
    approval = Approval.objects.get(task_run_id=vote.task.id, status=Approval.Status.OPEN)
    Vote.objects.create(
        approval=approval,
        person_id=vote.user_id,
        for_person_id=vote.for_id,
        decision=vote.decision,
        comment=vote.comment,
        at=now,
    )


def _escalate(rung: Escalate) -> None:
    approval = Approval.objects.get(task_run_id=rung.task.id, status=Approval.Status.OPEN)
    known = set(approval.approvers.values_list("name", flat=True))
    Approver.objects.bulk_create(_approvers(approval, [name for name in rung.to if name not in known]))


def _close(closing: CloseApproval, now: datetime) -> None:
    open_ = Approval.objects.filter(task_run_id=closing.task.id, status=Approval.Status.OPEN)
    approval_id = open_.values_list("pk", flat=True).first()
    if approval_id is None:
        return
    open_.update(
        status=closing.status, decided_at=now, decided_by_id=closing.user_id, comment=closing.comment
    )
    if closing.user_id is not None:
        said = {"decision": closing.status, "comment": closing.comment, "override": closing.override}
        # Who has voted before may still decide in another's stead.
        Vote.objects.update_or_create(
            approval_id=approval_id,
            person_id=closing.user_id,
            level=1,
            defaults={**said, "for_person_id": closing.for_id, "at": now},
        )


def _open(board: Board, opening: OpenApproval, now: datetime) -> None:
    content = opening.content
    planned = board.plan.tasks[opening.task.key]
    approval = Approval.objects.create(
        run_id=opening.task.run_id,
        task_run_id=_row_id(opening.task),
        epoch=opening.task.epoch,
        title=str(content.get("title") or planned.name)[:300],
        instructions=str(content.get("instructions") or ""),
        data=content.get("data") or {},
        content_hash=content_hash(content),
        allow_requester=opening.allow_requester,
        on_timeout=opening.on_timeout,
        requested_at=now,
        deadline_at=opening.deadline_at,
    )
    Approver.objects.bulk_create(_approvers(approval, approver_names(content.get("approvers"))))


def _row_id(task: TaskState) -> int:
    """An item made in this very turn got its id from the database a moment ago."""
    if task.id:
        return task.id
    row = TaskRun.objects.values_list("pk", flat=True).get(run_id=task.run_id, key=task.key, index=task.index)
    return int(row)


def content_hash(content: dict[str, Any]) -> str:
    """The seal of what is shown: a decision holds for exactly this."""
    shown = {name: content.get(name) for name in ("title", "instructions", "data")}
    return hashlib.sha256(dump(shown).encode()).hexdigest()


def _approvers(approval: Approval, names: Iterable[str]) -> list[Approver]:
    names = list(names)
    groups = [name.removeprefix(GROUP) for name in names if name.startswith(GROUP)]
    users = {u.get_username(): u for u in get_user_model().objects.filter(username__in=names)}
    known = {group.name: group for group in Group.objects.filter(name__in=groups)}
    return [
        Approver(
            approval=approval,
            name=name,
            user=users.get(name),
            group=known.get(name.removeprefix(GROUP)) if name.startswith(GROUP) else None,
        )
        for name in names
    ]
