"""Rows of requests for approval: opened and closed by the turn, in its transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from orchestrator.definition.decision_form import editable_names
from orchestrator.engine import notices
from orchestrator.models import Approval, Approver, TaskRun, Vote
from orchestrator.planning.asking import seal_of
from orchestrator.planning.board import Board
from orchestrator.planning.state import (
    Asking,
    CastVote,
    CloseApproval,
    EditApproval,
    Escalate,
    Given,
    OpenApproval,
    Stands,
    TaskState,
)

GROUP = "group:"


def store(boards: Sequence[Board], now: datetime) -> None:
    for board in boards:
        for edited in board.edited:
            _edit(edited, now)
        for vote in board.votes:
            _record(vote, now)
        for rung in board.escalated:
            _escalate(rung, now)
        # Who edits lets all be told who are asked.
        edited_tasks = {one.task.id for one in board.edited}
        for stands in board.stands:
            _stand(stands)
            if stands.task.id not in edited_tasks:
                _tell_asked(stands, now)
        for closing in board.closed:
            _close(closing, now)
        for opening in board.opened:
            _open(board, opening, now)


def _edit(edited: EditApproval, now: datetime) -> None:
    """It asks for something else now; who has agreed to what it asked before is asked again."""
    approval = Approval.objects.get(task_run_id=edited.task.id, status=Approval.Status.OPEN)
    approval.votes.filter(voided_at=None).update(voided_at=now)
    approval.approvers.filter(level__in=edited.anew).delete()
    Approval.objects.filter(pk=approval.pk).update(data=edited.data, content_hash=edited.seal)
    notices.post(notices.Kind.ASKED, approval.pk, now=now, nth=edited.seal[:16], by=edited.user_id)


def _given(given: Given) -> dict[str, Any]:
    """What came with a vote, as its row has it."""
    edits = [edit.as_json() for edit in given.edits]
    return {"fields": given.fields, "edits": edits, "seal": given.seal, "seal_shown": given.seal_shown}


def _record(vote: CastVote, now: datetime) -> None:
    approval = Approval.objects.get(task_run_id=vote.task.id, status=Approval.Status.OPEN)
    Vote.objects.create(
        approval=approval,
        person_id=vote.user_id,
        for_person_id=vote.for_id,
        decision=vote.decision,
        comment=vote.comment,
        level=vote.level,
        at=now,
        voided_at=now if vote.void else None,
        **_given(vote.given),
    )


def _escalate(rung: Escalate, now: datetime) -> None:
    approval = Approval.objects.get(task_run_id=rung.task.id, status=Approval.Status.OPEN)
    known = set(approval.approvers.filter(level=rung.level).values_list("name", flat=True))
    _ask(approval, [Asking(rung.level, tuple(name for name in rung.to if name not in known))])
    kind = notices.Kind.ESCALATED if rung.to else notices.Kind.REMINDED
    notices.post(kind, approval.pk, now=now, nth=f"{rung.level}-{rung.number}", text=", ".join(rung.to))


def _stand(stands: Stands) -> None:
    """Show how the levels stand; who decided is asked no more, and those whose turn it is are asked."""
    approval = Approval.objects.get(task_run_id=stands.task.id, status=Approval.Status.OPEN)
    # No `save`: a turn's statements travel in a pipeline, where it is not known yet how many rows one has changed.
    Approval.objects.filter(pk=approval.pk).update(
        level=stands.level,
        levels=stands.levels,
        deadline_at=stands.deadline_at,
        on_timeout=_outcome(stands.level, stands.levels, approval.on_timeout),
    )
    if stands.decided:
        approval.approvers.filter(level__in=stands.decided).update(done=True)
    _ask(approval, stands.asked)


def _tell_asked(stands: Stands, now: datetime) -> None:
    if not stands.asked:
        return
    open_ = Approval.objects.filter(task_run_id=stands.task.id, status=Approval.Status.OPEN)
    approval_id, seal = open_.values_list("pk", "content_hash").get()
    for asked in stands.asked:
        # A level may be asked again, about something else: those who were told before are told of that, too.
        notices.post(notices.Kind.ASKED, approval_id, now=now, nth=f"{asked.level}-{seal[:16]}")


def _outcome(level: int, levels: Sequence[dict[str, Any]], usual: str) -> str:
    """What happens when nobody decides on the level that is asked."""
    return str(levels[level - 1]["on_timeout"]) if levels else usual


def _close(closing: CloseApproval, now: datetime) -> None:
    open_ = Approval.objects.filter(task_run_id=closing.task.id, status=Approval.Status.OPEN)
    approval_id = open_.values_list("pk", flat=True).first()
    if approval_id is None:
        return
    open_.update(
        status=closing.status, decided_at=now, decided_by_id=closing.user_id, comment=closing.comment
    )
    if closing.user_id is not None and closing.by_vote:
        _last_vote(closing, approval_id, now)
    notices.closed(
        approval_id,
        closing.status,
        now=now,
        by=closing.user_id,
        text=closing.comment,
        override=closing.override,
    )


def _last_vote(closing: CloseApproval, approval_id: int, now: datetime) -> None:
    """The one that decided. Who has voted before may still decide in another's stead."""
    said = {"decision": closing.status, "comment": closing.comment, "override": closing.override, "at": now}
    said |= {**_given(closing.given), "for_person_id": closing.for_id}
    mine = {"approval_id": approval_id, "person_id": closing.user_id, "level": closing.level}
    before = Vote.objects.filter(**mine, voided_at=None)
    if before.exists():
        before.update(**said)
    else:
        Vote.objects.create(**mine, **said)


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
        content_hash=seal_of(content),
        form=content.get("form") or [],
        editable=editable_names(content),
        allow_requester=opening.allow_requester,
        allow_author=opening.allow_author,
        level=opening.level,
        levels=opening.levels,
        send_back_to=list(opening.send_back_to),
        on_timeout=_outcome(opening.level, opening.levels, opening.on_timeout),
        requested_at=now,
        deadline_at=opening.deadline_at,
    )
    if opening.stands:
        _carry_over(approval, opening)
    _ask(approval, opening.asked)
    notices.post(notices.Kind.ASKED, approval.pk, now=now)


def _carry_over(approval: Approval, opening: OpenApproval) -> None:
    """What these levels approved before it was sent back stands: their votes are those of this request, too."""
    before = Approval.objects.filter(task_run=approval.task_run_id, status=Approval.Status.SENT_BACK)
    last = before.order_by("-pk").first()
    if last is None:
        return
    votes = list(last.votes.filter(level__in=opening.stands, voided_at=None))
    asked = list(last.approvers.filter(level__in=opening.stands))
    for vote in votes:
        vote.pk, vote.approval = None, approval
    for one in asked:
        one.pk, one.approval = None, approval
    Vote.objects.bulk_create(votes)
    Approver.objects.bulk_create(asked)


def _row_id(task: TaskState) -> int:
    """An item made in this very turn got its id from the database a moment ago."""
    if task.id:
        return task.id
    row = TaskRun.objects.values_list("pk", flat=True).get(run_id=task.run_id, key=task.key, index=task.index)
    return int(row)


def _ask(approval: Approval, asked: Iterable[Asking]) -> None:
    Approver.objects.bulk_create([row for one in asked for row in _approvers(approval, one)])


def _approvers(approval: Approval, asked: Asking) -> list[Approver]:
    names = asked.names
    groups = [name.removeprefix(GROUP) for name in names if name.startswith(GROUP)]
    users = {u.get_username(): u for u in get_user_model().objects.filter(username__in=names)}
    known = {group.name: group for group in Group.objects.filter(name__in=groups)}
    return [
        Approver(
            approval=approval,
            level=asked.level,
            name=name,
            user=users.get(name),
            group=known.get(name.removeprefix(GROUP)) if name.startswith(GROUP) else None,
        )
        for name in names
    ]
