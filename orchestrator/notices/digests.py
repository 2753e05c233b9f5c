"""The digest of the day: made once for each person at their hour, when there is something to say."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from orchestrator.engine.points import committing
from orchestrator.models import Approval, Delivery, Notice, NoticePreference
from orchestrator.permissions import approvals_waiting
from orchestrator.planning.digests import next_digest

BATCH: Final = 100
KEPT: Final = timedelta(days=90)
_FORGOTTEN_AT_ONCE: Final = 500

Mail, State = NoticePreference.Mail, Delivery.State


def choose(user: User, mail: Mail, *, now: datetime, hour: int = 8, zone: str = "") -> NoticePreference:
    """What a person wants from now on. A digest that they had today is not sent again at another hour of today."""
    with committing("preference"):
        chosen, _ = NoticePreference.objects.select_for_update().get_or_create(user=user)
        chosen.mail, chosen.hour, chosen.zone = mail, hour, zone
        daily = mail == Mail.DAILY
        chosen.digest_at = next_digest(now, hour, zone_of(zone), chosen.digest_on) if daily else None
        chosen.save()
    return chosen


def zone_of(name: str) -> ZoneInfo:
    """That of the server for '' and for a name that is not known any more."""
    return ZoneInfo(name if name in zones() else settings.TIME_ZONE)


@cache
def zones() -> frozenset[str]:
    """The names of all time zones."""
    return frozenset(available_timezones())


def make_digests(now: datetime) -> int:
    """Make those that are due; how many people got one."""
    _let_go(now)
    due = NoticePreference.objects.filter(mail=Mail.DAILY, digest_at__lte=now).select_related("user")
    return sum(_make(one, now) for one in due.order_by("digest_at")[:BATCH])


def _let_go(now: datetime) -> None:
    """What was held for somebody who has no digest any more is sent by itself."""
    held = Delivery.objects.filter(state=State.HELD).exclude(user__notice_preference__mail=Mail.DAILY)
    ids = list(held.values_list("pk", flat=True)[:BATCH])
    if ids:
        Delivery.objects.filter(pk__in=ids, state=State.HELD).update(state=State.WAITING, due_at=now)


def _make(chosen: NoticePreference, now: datetime) -> bool:
    """Whoever moves the time on makes it, so that of several clocks one does. However many were missed, it is one."""
    zone = zone_of(chosen.zone)
    today = now.astimezone(zone).date()
    following = next_digest(now, chosen.hour, zone, today)
    mine = NoticePreference.objects.filter(pk=chosen.pk, mail=Mail.DAILY, digest_at=chosen.digest_at)
    with committing("digest"):
        if not mine.update(digest_at=following, digest_on=today):
            return False
        return _note(chosen.user, f"digest:{chosen.user_id}:{today}", now)


def _note(user: User, key: str, now: datetime) -> bool:
    held = Delivery.objects.filter(user=user, state=State.HELD)
    if not user.is_active or not (held.exists() or waiting(user).exists()):
        return False
    told = {"kind": Notice.Kind.DIGEST, "to": [user.pk], "at": now, "told_at": now}
    notice, is_new = Notice.objects.get_or_create(key=key, defaults=told)
    if is_new:
        Delivery.objects.create(notice=notice, channel=Delivery.Channel.MAIL, user=user, due_at=now)
        held.update(state=State.GATHERED, digest=notice, ended_at=now)
    return is_new


def waiting(user: User) -> QuerySet[Approval]:
    """What waits for this person's decision: theirs, their groups' and of those who are away; no test runs."""
    started = Q(allow_requester=False, run__started_by=user)
    published = Q(allow_author=False, run__version__created_by=user)
    return approvals_waiting(user).exclude(started).exclude(published).filter(run__is_trial=False)


def forget(now: datetime) -> int:
    """Remove what was told long ago, and who was told."""
    old = Notice.objects.filter(at__lt=now - KEPT, told_at__isnull=False).order_by("at")
    deleted, _ = Notice.objects.filter(
        pk__in=list(old.values_list("pk", flat=True)[:_FORGOTTEN_AT_ONCE])
    ).delete()
    return deleted
