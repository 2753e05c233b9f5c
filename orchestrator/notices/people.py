"""Whom a notice is for, as things stand when it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from orchestrator.engine.approvals import author_of
from orchestrator.models import Approval, Delegation, Notice, Vote
from orchestrator.permissions import PERMISSIONS
from orchestrator.planning.delegation import Asked, Decider, right_of

MOST: Final = 1000  # people that are told of one thing
_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"

Kind = Notice.Kind
WAITS: Final = frozenset({Kind.ASKED, Kind.REMINDED, Kind.ESCALATED})  # tells of something that waits


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is told. `of` is in whose place they decide, None for themselves."""

    user_id: int
    of: int | None = None


def recipients(notice: Notice, now: datetime) -> list[Recipient]:
    """Who is told of this, each once, without who did it. Whether they have an address is looked at when it is sent."""
    found = _named(notice) if notice.to else _for_kind(notice, now)
    once = {one.user_id: one for one in reversed(found) if one.user_id != notice.by_id}
    return sorted(once.values(), key=lambda one: one.user_id)[:MOST]


def _named(notice: Notice) -> list[Recipient]:
    return [Recipient(user_id) for user_id in active().filter(pk__in=notice.to).values_list("pk", flat=True)]


def _for_kind(notice: Notice, now: datetime) -> list[Recipient]:
    approval = notice.approval
    if approval is None:
        return []
    if notice.kind in WAITS or notice.kind == Kind.ANSWER:
        return deciders(approval, now)
    if notice.kind == Kind.RECALLED:
        return deciders(approval, now, voted=True)
    if notice.kind in {Kind.OVERRIDDEN, Kind.COMMENT}:
        return [*_requester(approval), *deciders(approval, now, voted=True)]
    return _requester(approval)


def _requester(approval: Approval) -> list[Recipient]:
    asker = approval.run.started_by_id
    known = asker is not None and active().filter(pk=asker).exists()
    return [Recipient(asker)] if asker is not None and known else []


def active() -> QuerySet[User]:
    return User.objects.filter(is_active=True)


def deciders(approval: Approval, now: datetime, *, voted: bool = False) -> list[Recipient]:
    """Who may decide on it and has not; while somebody is away, the one who decides in their place.

    With `voted` also who has done so already.
    """
    rows = approval.approvers.all() if voted else approval.approvers.filter(done=False)
    asked = [Asked(*row) for row in rows.order_by("level", "pk").values_list("user", "name", "group")]
    people = _named_by(asked)
    away = _away(people, now)
    may = _who_may({*people, *away.values()})
    done = set() if voted else _who_has_voted(approval)
    requester = None if approval.allow_requester else approval.run.started_by_id
    author = None if approval.allow_author else author_of(approval)
    found = []
    for person in sorted(may):
        absent = [people[one] for one, to in away.items() if to == person]
        me = people.get(person) or Decider(person, "")
        right = right_of(me, absent, asked, requester, author)
        is_away = away.get(person) in may - {requester, author}
        speaks_for = {person, right.of.id} if right.of else {person}
        if right.may and not (speaks_for & done) and not (is_away and right.of is None):
            found.append(Recipient(person, right.of.id if right.of else None))
    return found


def _named_by(asked: Iterable[Asked]) -> dict[int, Decider]:
    """The people who can sign in that a request names, each with those of its groups that they are in."""
    asked = list(asked)
    groups = {one.group for one in asked if one.group is not None}
    names = {one.name for one in asked}
    ids = {one.user for one in asked if one.user is not None}
    named = Q(pk__in=ids) | Q(username__in=names)
    found = {user.pk: Decider(user.pk, user.get_username()) for user in active().filter(named)[:MOST]}
    members = active().filter(groups__in=groups).values_list("pk", "username", "groups__pk")
    for pk, name, group in members[: MOST * 2]:
        before = found.get(pk) or Decider(pk, name)
        found[pk] = Decider(pk, name, before.groups | ({group} & groups))
    return found


def _away(people: Iterable[int], now: datetime) -> dict[int, int]:
    """Of these people who is away now, and who decides in their place."""
    live = Delegation.objects.filter(revoked_at=None, starts_at__lte=now, ends_at__gt=now)
    return dict(live.filter(person__in=list(people)).values_list("person", "to"))


def _who_may(people: Iterable[int]) -> set[int]:
    may = User.objects.with_perm(PERMISSIONS["approve"], is_active=True, backend=_BACKEND)
    return set(may.filter(pk__in=list(people)).values_list("pk", flat=True))


def _who_has_voted(approval: Approval) -> set[int]:
    rows = Vote.objects.filter(approval=approval, voided_at=None).values_list("person", "for_person")
    return {pk for row in rows for pk in row if pk is not None}
