"""Making and revoking a delegation: somebody who is away names who decides in their place."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from orchestrator.definition.issues import Issue, show
from orchestrator.engine import notices
from orchestrator.engine.limits import check_text
from orchestrator.engine.points import committing
from orchestrator.exceptions import BatonError, ConflictError, InvalidError, NotAllowedError
from orchestrator.models import Delegation
from orchestrator.permissions import PERMISSIONS
from orchestrator.planning.delegation import Absence, Refusal, refusal

REASON_LENGTH: Final = 300
MOST: Final = 50  # current and future ones of one person


def delegate(
    person: User,
    to: str,
    *,
    ends_at: datetime,
    starts_at: datetime | None = None,
    reason: str = "",
    by: User | None = None,
    now: datetime | None = None,
) -> Delegation:
    """Let the user called `to` decide in the person's place. What is past is not delegated: it begins now at the earliest.

    Raises NotAllowedError when the person decides on nothing, InvalidError naming the field, ConflictError when it does not
    go with another delegation.
    """
    now = now or timezone.now()
    check_text(reason, "reason", REASON_LENGTH)
    if not _decides(person):
        raise NotAllowedError(f"{person} decides on nothing: it takes the approver role.", code="no_approver")
    delegate_ = _delegate_called(to)
    begins = max(starts_at or now, now)
    new = Absence(person.pk, delegate_.pk, begins, ends_at)
    with committing("delegation"):
        # Both people are locked, in one order: two delegations that conflict are not made side by side.
        list(User.objects.select_for_update().filter(pk__in=(new.person, new.to)).order_by("pk").values("pk"))
        _refuse(new, now)
        made = Delegation.objects.create(
            person=person,
            to=delegate_,
            starts_at=begins,
            ends_at=ends_at,
            reason=reason,
            created_by=by,
            created_at=now,
        )
        kind = notices.Kind.DELEGATED
        notices.post(kind, None, now=now, nth=made.pk, by=person.pk, to=[new.to], text=reason)
    return made


def revoke_delegation(delegation: Delegation, *, now: datetime | None = None) -> None:
    """It ends at once. Of one that is over nothing changes."""
    now = now or timezone.now()
    with committing("revoke delegation"):
        Delegation.objects.filter(pk=delegation.pk, revoked_at=None, ends_at__gt=now).update(revoked_at=now)


def _delegate_called(name: str) -> User:
    found = User.objects.filter(username=name, is_active=True).first()
    if found is None or not _decides(found):
        message = f"There is nobody called {show(name)} who may decide on approvals; check the user name."
        raise InvalidError(message, [Issue("to", "no_delegate", message)])
    return found


def _decides(user: User) -> bool:
    return user.has_perm(PERMISSIONS["approve"])


def _refuse(new: Absence, now: datetime) -> None:
    either = Q(person__in=(new.person, new.to))
    rows = Delegation.objects.filter(either, revoked_at=None, ends_at__gt=now)
    known = [
        Absence(*row) for row in rows.values_list("person_id", "to_id", "starts_at", "ends_at", "revoked_at")
    ]
    if sum(one.person == new.person for one in known) >= MOST:
        raise ConflictError(
            f"Nobody has more than {MOST} delegations ahead; revoke one first.", code="too_many"
        )
    found = refusal(new, known, now)
    if found is not None:
        raise _as_error(found)


def _as_error(found: Refusal) -> BatonError:
    if found.is_conflict:
        return ConflictError(found.message, code=found.code)
    return InvalidError(found.message, [Issue(found.place, found.code, found.message)])
