"""A person's decision on a request: who may, and one locked transition that only the first passes."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User

from orchestrator.engine.decisions import NOTHING, Beside, check_beside, check_override, refuse_changed
from orchestrator.engine.limits import COMMENT_LENGTH, REASON_LENGTH, check_text
from orchestrator.engine.points import reached
from orchestrator.engine.turn import take_turn
from orchestrator.exceptions import ConflictError, InvalidError, NotAllowedError, NotFoundError
from orchestrator.models import Approval, WorkflowVersion
from orchestrator.permissions import Person, standing
from orchestrator.planning.delegation import Asked, Decider, Right, right_of
from orchestrator.planning.signals import Decided, Recalled

OVERRIDE = "orchestrator.override_approval"
_WORDS = {
    "approved": "approved it",
    "rejected": "rejected it",
    "expired": "it expired",
    "cancelled": "it was withdrawn",
    "sent_back": "sent it back",
    "recalled": "recalled it",
}


def decide(
    approval_id: int,
    decision: str,
    *,
    user: User,
    comment: str = "",
    beside: Beside = NOTHING,
    override: bool = False,
) -> Approval:
    """Approve or reject. Raises NotAllowedError, InvalidError, or ConflictError naming who was first.

    Who is not asked and may decide anyway says so with `override`, and says why.
    """
    if decision not in {"approve", "reject"}:
        raise InvalidError(f"A decision is approve or reject, not {decision}.")
    return _decide(approval_id, decision, user, comment, beside=beside, override=override)


def send_back(approval_id: int, to: str, *, user: User, comment: str, override: bool = False) -> Approval:
    """Have an earlier task done again, and everything behind it, this request included.

    Raises NotAllowedError, InvalidError without a comment, or ConflictError naming who was first.
    """
    if not comment.strip():
        raise InvalidError("Say in the comment what is to be done again.", code="comment_required")
    return _decide(approval_id, "send_back", user, comment, to=to, override=override)


def _decide(
    approval_id: int,
    decision: str,
    user: User,
    comment: str,
    *,
    to: str = "",
    beside: Beside = NOTHING,
    override: bool = False,
) -> Approval:
    check_text(comment, "comment", COMMENT_LENGTH)
    approval = _asked(approval_id)
    _refuse_closed(approval)
    of = _right_to_decide(approval, user, override)
    if override:
        check_override(comment)
    checked = beside if to else check_beside(approval, decision, beside)
    signal = Decided(
        run_id=approval.run_id,
        task_id=approval.task_run_id,
        decision=cast("Any", decision),
        actor=f"user:{user.get_username()}",
        user_id=user.pk,
        username=user.get_username(),
        comment=comment,
        override=override,
        names=_names_of(approval, user, of),
        for_id=of.id if of else None,
        for_username=of.name if of else "",
        seal=checked.seal,
        fields=checked.fields,
        edits=checked.edits,
        to=to,
    )
    reached("decide before turn")
    result = take_turn([signal])
    approval.refresh_from_db()
    if result.conflicts:
        _refuse_closed(approval)
        refuse_changed(approval, checked.seal)
        voted = approval.votes.filter(person=user.pk, voided_at=None).exists()
        raise ConflictError(result.conflicts[approval.run_id][0], code="already_voted" if voted else None)
    return approval


def _asked(approval_id: int) -> Approval:
    approval = Approval.objects.select_related("run").filter(pk=approval_id).first()
    if approval is None:
        raise NotFoundError(f"There is no request {approval_id}.")
    return approval


def recall(approval_id: int, *, user: User, reason: str = "") -> Approval:
    """Take a request back. Raises NotAllowedError unless the user started the run, or ConflictError naming who was first."""
    check_text(reason, "reason", REASON_LENGTH)
    approval = _asked(approval_id)
    if approval.run.started_by_id != user.pk:
        raise NotAllowedError(
            "Only the person who started the run recalls its requests.", code="not_requester"
        )
    _refuse_closed(approval)
    name = user.get_username()
    signal = Recalled(approval.run_id, approval.task_run_id, f"user:{name}", user.pk, name, reason)
    reached("recall before turn")
    result = take_turn([signal])
    approval.refresh_from_db()
    if result.conflicts:
        _refuse_closed(approval)
        raise ConflictError(result.conflicts[approval.run_id][0])
    return approval


def _refuse_closed(approval: Approval) -> None:
    if approval.status == Approval.Status.OPEN:
        return
    who = f"{approval.decided_by} " if approval.decided_by else ""
    raise ConflictError(f"This request is closed: {who}{_WORDS[approval.status]}.", code="already_decided")


def right_to_decide(approval: Approval, user: User) -> Right:
    """Whether this person is one of those asked now, or decides in the place of one who is away; three queries."""
    me, away = standing(user)
    requester = None if approval.allow_requester else approval.run.started_by_id
    author = None if approval.allow_author else author_of(approval)
    return right_of(me, away, _named(approval), requester, author)


def author_of(approval: Approval) -> int | None:
    """Who published what runs; without the definition, which may be large."""
    rows = WorkflowVersion.everything.filter(pk=approval.run.version_id)
    return rows.values_list("created_by_id", flat=True).first()


def _named(approval: Approval) -> list[Asked]:
    """Who may decide on the levels that are asked."""
    rows = approval.approvers.filter(done=False).order_by("level", "pk")
    return [Asked(*row) for row in rows.values_list("user_id", "name", "group_id")]


def _right_to_decide(approval: Approval, user: User, override: bool) -> Decider | None:
    """For whom the person decides, None for themselves. Raises NotAllowedError."""
    if override:
        _refuse_second_vote(approval, user)
        if user.has_perm(OVERRIDE):
            return None
        raise NotAllowedError("You may not decide over those who are asked.")
    right = right_to_decide(approval, user)
    if right.may:
        return right.of
    _refuse_second_vote(approval, user)
    if user.has_perm(OVERRIDE):
        raise NotAllowedError(
            "You are not one of those asked. To decide over them say so, and why: override, with a comment.",
            code="override_needed",
        )
    if right.word == "requester":
        who = f"{right.of.name}, in whose place you decide," if right.of else "You"
        raise NotAllowedError(f"{who} started this run, so somebody else decides on it.", code="own_request")
    if right.word == "author":
        who = f"{right.of.name}, in whose place you decide," if right.of else "You"
        raise NotAllowedError(
            f"{who} published this version of the workflow, so somebody else decides on it.",
            code="own_version",
        )
    _refuse_late(approval, user)
    raise NotAllowedError("You are not one of those who decide on this.")


def _refuse_late(approval: Approval, user: User) -> None:
    """Whoever was asked on a level that others have decided meanwhile is told who did."""
    me = standing(user)[0]
    for row in approval.approvers.filter(done=True).order_by("-level"):
        if me.is_named_by(Asked(row.user_id, row.name, row.group_id)):
            voters = approval.votes.filter(level=row.level).order_by("at")
            who = " and ".join(voters.values_list("person__username", flat=True)) or "nobody in time"
            name = approval.levels[row.level - 1]["name"]
            message = f"Level {row.level}, {name}, is decided, by {who}; it asks others now."
            raise ConflictError(message, code="level_decided")


def _names_of(approval: Approval, user: User, of: Decider | None) -> tuple[str, ...]:
    """The approvers of the request for whom this person speaks, in their own place or in that of who is away."""
    decider = of or standing(user)[0]
    return tuple(one.name for one in _named(approval) if decider.is_named_by(one))


def _refuse_second_vote(approval: Approval, user: User) -> None:
    if message := voted_before(approval, user):
        raise NotAllowedError(message, code="voted_before")


def voted_before(approval: Approval, user: Person) -> str:
    """That this person has decided on a level, and so decides on no other, not even as one who may override."""
    if not approval.levels:
        return ""
    level = approval.votes.filter(person=user.pk, voided_at=None).values_list("level", flat=True).first()
    if level is None:
        return ""
    name = approval.levels[level - 1]["name"]
    return f"You have decided on level {level}, {name}; one person decides on one level."
