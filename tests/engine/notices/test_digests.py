"""The digest: once a day at somebody's hour on their own clock, only when there is something, however many clocks there are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.models import Delivery, Notice, NoticePreference
from orchestrator.notices import digests, sender
from orchestrator.planning.digests import next_digest
from tests.engine.flows import Crank
from tests.engine.notices.conftest import Post, away, group_of, html_of, sent, with_address

BERLIN, ADELAIDE = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Adelaide")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# now, hour, zone, day of the last → the next
MOMENTS = {
    "later today": ("2026-01-05T06:00+01:00", 8, BERLIN, None, "2026-01-05T08:00+01:00"),
    "at the very moment": ("2026-01-05T08:00+01:00", 8, BERLIN, None, "2026-01-06T08:00+01:00"),
    "tomorrow": ("2026-01-05T08:01+01:00", 8, BERLIN, None, "2026-01-06T08:00+01:00"),
    "had today's already": ("2026-01-05T06:00+01:00", 8, BERLIN, "2026-01-05", "2026-01-06T08:00+01:00"),
    "had yesterday's": ("2026-01-05T06:00+01:00", 8, BERLIN, "2026-01-04", "2026-01-05T08:00+01:00"),
    "over the change to summer": ("2026-03-28T09:00+01:00", 8, BERLIN, None, "2026-03-29T08:00+02:00"),
    "an hour that is left out": ("2026-03-28T03:00+01:00", 2, BERLIN, None, "2026-03-29T03:00+02:00"),
    "after the hour left out": ("2026-03-29T03:00+02:00", 2, BERLIN, None, "2026-03-30T02:00+02:00"),
    "over the change to winter": ("2026-10-24T09:00+02:00", 8, BERLIN, None, "2026-10-25T08:00+01:00"),
    "an hour that comes twice": ("2026-10-25T01:00+02:00", 2, BERLIN, None, "2026-10-25T02:00+02:00"),
    "its second coming": ("2026-10-25T02:30+02:00", 2, BERLIN, None, "2026-10-26T02:00+01:00"),
    "half an hour beside": ("2026-01-05T00:00+00:00", 8, ADELAIDE, None, "2026-01-06T08:00+10:30"),
    "midnight": ("2026-01-05T12:00+01:00", 0, BERLIN, "2026-01-05", "2026-01-06T00:00+01:00"),
}


@pytest.mark.parametrize(("now", "hour", "zone", "last", "expected"), MOMENTS.values(), ids=MOMENTS)
def test_when_the_next_is_due(now: str, hour: int, zone: ZoneInfo, last: str | None, expected: str) -> None:
    day = date.fromisoformat(last) if last else None
    assert next_digest(at(now), hour, zone, day) == at(expected)


@given(
    now=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    hour=st.integers(0, 23),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
)
def test_it_comes_once_a_day_and_never_twice_on_one(now: datetime, hour: int, zone: str) -> None:
    place = ZoneInfo(zone)
    first = next_digest(now, hour, place, None)
    second = next_digest(first, hour, place, first.astimezone(place).date())
    assert now < first <= now + timedelta(hours=49)
    assert timedelta(hours=22) <= second - first <= timedelta(hours=26)
    assert first.astimezone(place).date() < second.astimezone(place).date()


class Days(Post):
    """Goes from moment to moment, on the real clock as well."""

    def until(self, moment: str) -> list[str]:
        self.crank.now = at(moment)
        with time_machine.travel(self.crank.now, tick=False):
            return self.later()


@pytest.fixture
def days(db: None) -> Days:
    return Days(crank=Crank(now=at("2026-03-27T07:00+01:00")))


def daily(user: User, now: datetime, hour: int = 8, zone: str = "Europe/Berlin") -> NoticePreference:
    return digests.choose(user, NoticePreference.Mail.DAILY, now=now, hour=hour, zone=zone)


ONE = "ann: 1 waits for your decision"


@pytest.mark.django_db
def test_day_by_day_over_the_change_of_the_hour(days: Days, ann: User) -> None:
    daily(ann, days.crank.now)
    days.ask("ann")
    assert days.until("2026-03-27T07:59+01:00") == []
    assert days.until("2026-03-27T08:00+01:00") == [ONE]
    assert days.until("2026-03-27T23:59+01:00") == []
    assert days.until("2026-03-28T08:01+01:00") == [ONE]
    assert days.until("2026-03-29T07:59+02:00") == []
    assert days.until("2026-03-29T08:00+02:00") == [ONE]


@pytest.mark.django_db
def test_after_days_without_a_clock_there_is_one(days: Days, ann: User) -> None:
    daily(ann, days.crank.now)
    days.ask("ann")
    assert days.until("2026-04-03T15:00+02:00") == [ONE]
    assert days.until("2026-04-03T15:01+02:00") == []
    assert days.until("2026-04-04T08:00+02:00") == [ONE]


@pytest.mark.django_db
def test_two_clocks_make_one(days: Days, ann: User) -> None:
    chosen = daily(ann, days.crank.now)
    days.ask("ann")
    now = at("2026-03-27T08:00+01:00")
    assert digests._make(chosen, now)
    assert not digests._make(chosen, now)  # what the other clock had read before
    assert not digests._make(chosen, at("2026-03-28T07:00+01:00"))  # and comes to only now
    assert Notice.objects.filter(kind="digest").count() == 1


@pytest.mark.django_db
def test_another_hour_on_the_same_day_brings_no_second(days: Days, ann: User) -> None:
    daily(ann, days.crank.now)
    days.ask("ann")
    assert days.until("2026-03-27T08:00+01:00") == [ONE]
    daily(ann, days.crank.now, hour=10)
    assert days.until("2026-03-27T10:00+01:00") == []
    assert days.until("2026-03-28T10:00+01:00") == [ONE]


@pytest.mark.django_db
def test_without_anything_there_is_none(days: Days, ann: User) -> None:
    daily(ann, days.crank.now)
    assert days.until("2026-03-27T08:00+01:00") == []
    run = days.ask("ann")
    days.decide(run, "approve", ann)
    assert days.until("2026-03-28T08:00+01:00") == []


@pytest.mark.django_db
def test_it_holds_what_is_mine_my_groups_and_delegated_the_soonest_first(days: Days, ann: User) -> None:
    carl = with_address("carl", "approver")
    group_of("finance", ann)
    away(days, carl, ann)
    daily(ann, days.crank.now)
    days.ask("ann", title="Without end", name="a", timeout_seconds=None)
    days.ask("group:finance", title="Of the group", name="b", timeout_seconds=90_000)
    days.ask("carl", title="For Carl", name="c", timeout_seconds=80_000)
    days.ask("ann", title="Own", name="d", user=ann)
    days.ask("bob", title="Of another", name="e")
    published = days.ask("ann", title="Published by her", name="f")
    published.version.created_by = ann
    published.version.save(update_fields=["created_by"])
    told = days.until("2026-03-27T08:00+01:00")
    assert "ann: 3 wait for your decision" in told
    (digest,) = [one for one in mail.outbox if "3 wait" in one.subject]
    titles = ("For Carl", "Of the group", "Without end")
    places = [digest.body.index(title) for title in titles]
    assert places == sorted(places)
    assert digest.body.count("for somebody who is away") == 1
    assert not any(title in digest.body for title in ("Own", "Of another", "Published by her"))


@pytest.mark.django_db
def test_it_is_capped(days: Days, ann: User) -> None:
    daily(ann, days.crank.now)
    for number in range(32):
        days.ask("ann", name=f"w{number}")
    assert days.until("2026-03-27T08:00+01:00") == ["ann: 32 wait for your decision"]
    assert "and 12 more" in sent().body and "and 12 more" in html_of(sent())


@pytest.mark.django_db
def test_news_of_the_day_is_held_for_it(days: Days, requester: User, ann: User) -> None:
    daily(requester, days.crank.now)
    run = days.ask("ann", user=requester)
    days.decide(run, "reject", ann, "Too dear")
    assert days.until("2026-03-27T07:30+01:00") == []
    assert days.until("2026-03-27T08:00+01:00") == ["rita: What happened to your requests"]
    assert "Rejected: Pay?" in sent().body and "Too dear" in sent().body
    assert days.until("2026-03-28T08:00+01:00") == []


@pytest.mark.django_db
def test_what_was_held_is_sent_when_somebody_wants_each_at_once_again(
    days: Days, requester: User, ann: User
) -> None:
    daily(requester, days.crank.now)
    run = days.ask("ann", user=requester)
    days.decide(run, "reject", ann)
    assert days.until("2026-03-27T07:30+01:00") == []
    digests.choose(requester, NoticePreference.Mail.AT_ONCE, now=days.crank.now)
    assert days.until("2026-03-27T07:31+01:00") == ["rita: Rejected: Pay?"]


@pytest.mark.django_db
def test_old_notices_are_forgotten(days: Days, ann: User) -> None:
    days.ask("ann")
    assert len(days.until("2026-03-27T07:30+01:00")) == 1
    days.until("2026-06-20T07:30+02:00")
    assert Notice.objects.count() == 1
    sender.look(at("2026-06-27T07:30+02:00"))
    assert (Notice.objects.count(), Delivery.objects.count()) == (0, 0)
