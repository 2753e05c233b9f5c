"""A person's decision on a request: who may, and one locked transition that only the first passes."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from orchestrator.engine.limits import COMMENT_LENGTH, check_text
from orchestrator.engine.points import reached
from orchestrator.engine.turn import take_turn
from orchestrator.exceptions import ConflictError, InvalidError, NotAllowedError, NotFoundError
from orchestrator.models import Approval, Approver
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
    override = _right_to_decide(approval, user)
    signal = Decided(
        run_id=approval.run_id,
        task_id=approval.task_run_id,
        decision="approve" if decision == "approve" else "reject",
        actor=f"user:{user.get_username()}",
        user_id=user.pk,
        username=user.get_username(),
        comment=comment,
        override=override,
        names=tuple(_asked(approval, user).values_list("name", flat=True)),
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


def may_decide(approval: Approval, user: User) -> bool:
    """Whether this person is one of those asked, or may decide in their stead."""
    return _is_asked(approval, user) or user.has_perm(OVERRIDE)


def _right_to_decide(approval: Approval, user: User) -> bool:
    """True when the person decides in another's stead. Raises NotAllowedError."""
    asked = _is_asked(approval, user)
    if asked and (approval.allow_requester or approval.run.started_by_id != user.pk):
        return False
    if user.has_perm(OVERRIDE):
        return True
    if asked:
        raise NotAllowedError("You started this run, so somebody else decides on it.", code="own_request")
    raise NotAllowedError("You are not one of those who decide on this.")


def _is_asked(approval: Approval, user: User) -> bool:
    return _asked(approval, user).exists()


def _asked(approval: Approval, user: User) -> QuerySet[Approver]:
    """The approvers of the request for whom this person may speak."""
    groups = user.groups.values("pk")
    return approval.approvers.filter(Q(user=user) | Q(name=user.get_username()) | Q(group__in=groups))
