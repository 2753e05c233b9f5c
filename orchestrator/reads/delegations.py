"""Delegations as pages, the API and the command line list them, and for whom a request was decided."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from orchestrator.models import Delegation, Vote


def to_come(rows: QuerySet[Delegation], now: datetime | None = None) -> QuerySet[Delegation]:
    """Of these the current and the future ones, the earliest first."""
    ahead = rows.filter(revoked_at=None, ends_at__gt=now or timezone.now())
    return ahead.select_related("person", "to", "created_by").order_by("starts_at", "pk")


def decided_for(approval_ids: Iterable[int]) -> dict[int, User]:
    """In whose place these requests were decided, where it was by delegation; one query, none for no requests."""
    ids = list(approval_ids)
    if not ids:
        return {}
    votes = Vote.objects.filter(approval_id__in=ids, for_person__isnull=False, voided_at=None).select_related(
        "for_person"
    )
    return {vote.approval_id: vote.for_person for vote in votes if vote.for_person is not None}
