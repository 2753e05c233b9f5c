"""A person's decision on a request: who may, and one locked transition that only the first passes."""

from __future__ import annotations

from django.contrib.auth.models import User

from orchestrator.engine.limits import COMMENT_LENGTH, check_text
from orchestrator.engine.points import reached
from orchestrator.engine.turn import take_turn
from orchestrator.exceptions import ConflictError, InvalidError, NotAllowedError, NotFoundError
from orchestrator.models import Approval
from orchestrator.permissions import standing
from orchestrator.planning.delegation import Asked, Decider, Right, right_of
from orchestrator.planning.signals import Decided

OVERRIDE = "orchestrator.override_approval"
_WORDS = {
    "approved": "approved it",
    "rejected": "rejected it",
    "expired": "it expired",
    "cancelled": "it was withdrawn",
}


def decide(approval_id: int, decision: str, *, user: User, comment: str = "") -> Approval:
    """Approve or reject. Raises NotAllowedError, or ConflictError naming who was first."""
    if decision not in {"approve", "reject"}:
        raise InvalidError(f"A decision is approve or reject, not {decision}.")
    check_text(comment, "comment", COMMENT_LENGTH)
    approval = Approval.objects.select_related("run").filter(pk=approval_id).first()
    if approval is None:
        raise NotFoundError(f"There is no request {approval_id}.")
    _refuse_closed(approval)
    override, of = _right_to_decide(approval, user)
    signal = Decided(
        run_id=approval.run_id,
        task_id=approval.task_run_id,
        decision="approve" if decision == "approve" else "reject",
        actor=f"user:{user.get_username()}",
        user_id=user.pk,
        username=user.get_username(),
        comment=comment,
        override=override,
        names=_names_of(approval, user, of),
        for_id=of.id if of else None,
        for_username=of.name if of else "",
    )
    reached("decide before turn")
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
    """Whether this person is one of those asked, or decides in the place of one who is away; two queries."""
    me, away = standing(user)
    rows = approval.approvers.order_by("pk").values_list("user_id", "name", "group_id")
    requester = None if approval.allow_requester else approval.run.started_by_id
    return right_of(me, away, [Asked(*row) for row in rows], requester)


def _right_to_decide(approval: Approval, user: User) -> tuple[bool, Decider | None]:
    """Whether the person overrides those who are asked, and for whom they decide. Raises NotAllowedError."""
    right = right_to_decide(approval, user)
    if right.may:
        return False, right.of
    if user.has_perm(OVERRIDE):
        return True, None
    if right.word == "requester":
        who = f"{right.of.name}, in whose place you decide," if right.of else "You"
        raise NotAllowedError(f"{who} started this run, so somebody else decides on it.", code="own_request")
    raise NotAllowedError("You are not one of those who decide on this.")


def _names_of(approval: Approval, user: User, of: Decider | None) -> tuple[str, ...]:
    """The approvers of the request for whom this person speaks, in their own place or in that of who is away."""
    decider = of or standing(user)[0]
    rows = approval.approvers.order_by("pk").values_list("user_id", "name", "group_id")
    return tuple(one.name for one in (Asked(*row) for row in rows) if decider.is_named_by(one))
