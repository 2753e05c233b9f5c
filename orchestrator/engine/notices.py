"""Noting what people are to be told, in the transaction in which it happens. Sending comes afterwards (`orchestrator.notices`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from orchestrator.models import Notice

Kind = Notice.Kind
_ENDS = {
    "approved": Kind.APPROVED,
    "rejected": Kind.REJECTED,
    "expired": Kind.EXPIRED,
    "cancelled": Kind.WITHDRAWN,
    "sent_back": Kind.SENT_BACK,
    "recalled": Kind.RECALLED,
}


def post(
    kind: Kind,
    approval_id: int | None,
    *,
    now: datetime,
    nth: object = "",
    by: int | None = None,
    to: Iterable[int] = (),
    text: str = "",
) -> None:
    """Note that this is to be told. The caller has a transaction open: it is told if that commits.

    `nth` tells apart what happens more than once to a request: the rung, the level, the id of the comment. Of several with
    the same kind, request and `nth` one is told. `to` are the people it is told, where it is not whom the kind is for (see
    `orchestrator.notices.people`); who did it (`by`) is never told. `text` is what was said with it.
    """
    key = ":".join(str(part) for part in (kind, approval_id or "", nth))
    notice = Notice(key=key, kind=kind, approval_id=approval_id, by_id=by, to=list(to), text=text, at=now)
    Notice.objects.bulk_create([notice], ignore_conflicts=True)


def closed(
    approval_id: int, status: str, *, now: datetime, by: int | None, text: str, override: bool
) -> None:
    """A request has ended in this way."""
    kind = Kind.OVERRIDDEN if override else _ENDS[status]
    post(kind, approval_id, now=now, by=by, text=text)
