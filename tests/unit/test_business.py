"""Time in business hours, as a table and as properties: nights, weekends, days on which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.planning.business import (
    DAYS,
    Calendar,
    add_business_time,
    calendar_of,
    faults_of,
    later,
    parse,
)

BERLIN = parse("mon-fri 09:00-17:00 Europe/Berlin")
HOUR = 3600


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-03-02 10:00", 2, "2026-03-02 12:00"),
        ("2026-03-02 10:00", 7, "2026-03-02 17:00"),
        ("2026-03-02 16:00", 2, "2026-03-03 10:00"),
        ("2026-03-02 06:00", 1, "2026-03-02 10:00"),
        ("2026-03-02 20:00", 1, "2026-03-03 10:00"),
        ("2026-03-02 17:00", 1, "2026-03-03 10:00"),
        # Friday afternoon to Monday, and a start on Sunday.
        ("2026-03-06 16:00", 3, "2026-03-09 11:00"),
        ("2026-03-08 12:00", 1, "2026-03-09 10:00"),
        ("2026-03-02 09:00", 40, "2026-03-06 17:00"),
        ("2026-03-02 09:00", 41, "2026-03-09 10:00"),
        # The clocks change in the night to Sunday: the days before and after count their eight hours.
        ("2026-03-27 16:00", 2, "2026-03-30 10:00"),
        ("2026-10-23 16:00", 2, "2026-10-26 10:00"),
    ],
)
def test_business_time(start: str, hours: float, end: str) -> None:
    assert add_business_time(berlin(start), hours * HOUR, BERLIN) == berlin(end)


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-29", 23), ("2026-03-28", 24), ("2026-10-25", 25)],
    ids=["an hour less", "an ordinary day", "an hour more"],
)
def test_a_day_on_which_the_clocks_change_has_as_many_hours_as_there_are(day: str, hours: int) -> None:
    whole = parse("mon,tue,wed,thu,fri,sat,sun 00:00-24:00 Europe/Berlin")
    start = berlin(f"{day} 00:00")
    midnight = start.replace(tzinfo=None) + timedelta(days=1)
    assert add_business_time(start, hours * HOUR, whole) == midnight.replace(tzinfo=start.tzinfo)


def test_without_a_calendar_every_second_counts() -> None:
    start = datetime(2026, 3, 7, 3, tzinfo=UTC)
    assert later(start, 60, None) == start + timedelta(seconds=60)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    opens = draw(st.integers(0, 22))
    return Calendar(
        draw(st.frozensets(st.integers(0, 6), min_size=1)),
        opens * 60,
        draw(st.integers(opens + 1, 24)) * 60,
        ZoneInfo(draw(st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]))),
    )


MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))
SECONDS = st.integers(1, 14 * 86_400)


@given(MOMENTS, SECONDS, calendars())
def test_it_ends_within_the_hours_and_not_sooner_than_time_passes(
    start: datetime, seconds: int, one: Calendar
) -> None:
    end = add_business_time(start, seconds, one)
    assert end - start >= timedelta(seconds=seconds)
    day = (end - timedelta(microseconds=1)).astimezone(one.zone).date()
    hours = one.hours_of(day)
    assert hours is not None
    assert hours[0] < end <= hours[1]


@given(MOMENTS, SECONDS, SECONDS, calendars())
def test_in_two_steps_it_is_the_same(start: datetime, first: int, second: int, one: Calendar) -> None:
    halfway = add_business_time(start, first, one)
    assert add_business_time(halfway, second, one) == add_business_time(start, first + second, one)


@given(calendars())
def test_it_is_read_as_it_was_written(one: Calendar) -> None:
    assert faults_of(one.as_json(), "x") == []
    assert calendar_of(one.as_json()) == one


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ("always", ""),
        ("mon-fri 09:00", ""),
        ("mon-fri 09:00-17:00 Nowhere", ""),
        (5, ""),
        ({"days": []}, ".days"),
        ({"days": ["monday"]}, ".days[0]"),
        ({"from": "9"}, ".from"),
        ({"to": "25:00"}, ".to"),
        ({"from": "17:00", "to": "09:00"}, ".to"),
        ({"from": "09:00", "to": "09:30"}, ".to"),
        ({"timezone": "Berlin"}, ".timezone"),
        ({"timezone": "../etc"}, ".timezone"),
        ({"zone": "UTC"}, ".zone"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_where_it_stands(given: Any, where: str) -> None:
    assert [one.path for one in faults_of(given, "hours")] == [f"hours{where}"]


@pytest.mark.parametrize(
    "given",
    [None, True, False, {}, "{{ params.hours }}", {"days": list(DAYS)}, "sat,sun 10:00-24:00"],
    ids=str,
)
def test_what_is_right_is_not_found_fault_with(given: Any) -> None:
    assert faults_of(given, "hours") == []


def test_a_line_says_what_a_map_says() -> None:
    written = {"days": ["mon", "tue"], "from": "09:00", "to": "17:00", "timezone": "Europe/Berlin"}
    assert calendar_of("mon-tue 9:00-17:00 Europe/Berlin") == calendar_of(written)


def test_a_line_that_is_still_to_be_filled_in_is_no_calendar() -> None:
    assert calendar_of("{{ params.days }} 09:00-17:00 UTC") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mon-fri",
        "fri-mon 09:00-17:00",
        "mon-fri 9-17",
        "mon-fri 09:00-17:00 Nowhere",
        "{{x}} 09:00-17:00",
    ],
)
def test_a_setting_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)
