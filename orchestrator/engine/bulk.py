"""Several requests decided together, each by itself: what one of them refuses changes nothing for the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User

from orchestrator.engine.approvals import OVERRIDE, decide, right_to_decide
from orchestrator.engine.limits import COMMENT_LENGTH, check_text
from orchestrator.exceptions import BatonError, InvalidError, NotAllowedError, NotFoundError
from orchestrator.models import Approval
from orchestrator.permissions import approvals_for, require

MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request: `status` is as it stands now, '' of one that this person does not see."""

    id: int
    title: str
    status: str
    done: bool
    code: str = ""
    message: str = ""


def decide_many(ids: Sequence[int], decision: str, *, user: User, comment: str = "") -> list[Outcome]:
    """Approve or reject each of these, in this order, with the same comment and a check of its own.

    Raises InvalidError, before anything is decided, for what holds of all of them.
    """
    chosen = list(dict.fromkeys(ids))
    _check(chosen, decision, comment)
    known = approvals_for(user).select_related("run__workflow").defer("run__workflow__draft", "run__params")
    found = known.in_bulk(chosen)
    return [_outcome(pk, found.get(pk), decision, user, comment) for pk in chosen]


def _check(ids: Sequence[int], decision: str, comment: str) -> None:
    if decision not in {"approve", "reject"}:
        raise InvalidError(f"A decision is approve or reject, not {decision}.")
    if not ids:
        raise InvalidError("Choose at least one request.", code="nothing_chosen")
    if len(ids) > MOST:
        raise InvalidError(f"At most {MOST} are decided together; choose fewer.", code="too_many")
    check_text(comment, "comment", COMMENT_LENGTH)


def _outcome(pk: int, approval: Approval | None, decision: str, user: User, comment: str) -> Outcome:
    try:
        now = _decided(pk, approval, decision, user, comment)
    except BatonError as error:
        if approval is None:
            return Outcome(pk, "", "", False, error.code, error.message)
        approval.refresh_from_db(fields=["status"])
        return Outcome(pk, approval.title, approval.status, False, error.code, error.message)
    said = "It waits for others." if now.status == Approval.Status.OPEN else ""
    return Outcome(pk, now.title, now.status, True, message=said)


def _decided(pk: int, approval: Approval | None, decision: str, user: User, comment: str) -> Approval:
    if approval is None:
        raise NotFoundError(f"There is no request {pk}, or you may not see it.")
    require(user, "approve", approval)
    if approval.status == Approval.Status.OPEN and _overrides(approval, user):
        raise NotAllowedError(
            "You would decide in the stead of those it asks, which is done on its own page, one at a time.",
            code="not_asked",
        )
    return decide(pk, decision, user=user, comment=comment)


def _overrides(approval: Approval, user: User) -> bool:
    """Whether this person could decide only in the stead of those who are asked: nothing to be done by the dozen."""
    return user.has_perm(OVERRIDE) and not right_to_decide(approval, user).may
