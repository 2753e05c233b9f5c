"""Time counted in business hours: how late it is once so many seconds of them have passed.

Everything is counted between moments in UTC, and only the hours of a day are asked of the time zone: so a day on which the
clocks change has as many hours of business as there are, and not as its wall clock says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from orchestrator.definition.fields import holds_template
from orchestrator.definition.issues import Issue, at, show

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS: Final = DAYS[:5]
LEAST_HOURS: Final = 1  # in a day: with less a deadline of some weeks would lie decades away
_KNOWN: Final = ("days", "from", "to", "timezone")
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00")
_EXAMPLE: Final = "mon-fri 09:00-17:00 Europe/Berlin"
_WANTED: Final = f"Write days, hours and a time zone, such as {_EXAMPLE}."
_FULL_DAY: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Calendar:
    """The hours of a week that count. `opens` and `closes` are minutes since midnight, by the clock on the wall."""

    days: frozenset[int]
    opens: int
    closes: int
    zone: ZoneInfo

    def hours_of(self, day: date) -> tuple[datetime, datetime] | None:
        """From when to when the day counts, in UTC; None for a day off."""
        return (self._at(day, self.opens), self._at(day, self.closes)) if day.weekday() in self.days else None

    def _at(self, day: date, minutes: int) -> datetime:
        if minutes == _FULL_DAY:
            day, minutes = day + timedelta(days=1), 0
        return datetime.combine(day, time(minutes // 60, minutes % 60), self.zone).astimezone(UTC)

    def as_json(self) -> dict[str, Any]:
        days = [DAYS[one] for one in sorted(self.days)]
        return {
            "days": days,
            "from": _clock(self.opens),
            "to": _clock(self.closes),
            "timezone": self.zone.key,
        }


USUAL: Final = Calendar(frozenset(range(5)), 9 * 60, 17 * 60, ZoneInfo("UTC"))


def later(start: datetime, seconds: float, calendar: Calendar | None) -> datetime:
    """So many seconds after the start: of business hours, or of any where there is no calendar."""
    if calendar is None:
        return start + timedelta(seconds=seconds)
    return add_business_time(start, seconds, calendar)


def add_business_time(start: datetime, seconds: float, calendar: Calendar) -> datetime:
    """The moment, in UTC, at which so many seconds of business hours have passed since the start.

    What ends with a day's hours ends then, and not as the next day begins.
    """
    left = timedelta(seconds=seconds)
    day = start.astimezone(calendar.zone).date()
    while True:
        hours = calendar.hours_of(day)
        if hours is not None:
            begin = max(hours[0], start.astimezone(UTC))
            room = hours[1] - begin
            if room >= left and room > timedelta(0):
                return begin + left
            left -= max(room, timedelta(0))
        day += timedelta(days=1)


def elapsed(start: datetime, end: datetime, calendar: Calendar | None) -> float:
    """How many seconds lie between the two: of business hours, or of any where there is no calendar."""
    if calendar is None:
        return max((end - start).total_seconds(), 0.0)
    day, last = start.astimezone(calendar.zone).date(), end.astimezone(calendar.zone).date()
    total = timedelta(0)
    while day <= last:
        if hours := calendar.hours_of(day):
            total += max(min(hours[1], end) - max(hours[0], start), timedelta(0))
        day += timedelta(days=1)
    return total.total_seconds()


def parse(text: str) -> Calendar:
    """ "mon-fri 09:00-17:00 Europe/Berlin" as a calendar; without a zone it is UTC. Raises ValueError with what is wrong."""
    if faults := faults_of(text, "business_hours"):
        raise ValueError(faults[0].message)
    found = calendar_of(text)
    if found is None:
        raise ValueError(_WANTED)
    return found


def _read(text: str) -> dict[str, Any] | None:
    """The map that says the same; None where it is not days, hours and perhaps a time zone."""
    words = text.split()
    if len(words) not in (2, 3):
        return None
    opens, _, closes = words[1].partition("-")
    return {"days": _days(words[0]), "from": opens, "to": closes, "timezone": [*words, "UTC"][2]}


def _days(text: str) -> list[str]:
    """mon-fri, or mon,wed,sat."""
    first, dash, last = text.partition("-")
    if dash and first in DAYS and last in DAYS and DAYS.index(first) <= DAYS.index(last):
        return list(DAYS[DAYS.index(first) : DAYS.index(last) + 1])
    return text.split(",")


def calendar_of(given: Any) -> Calendar | None:
    """The calendar of a map or text that `faults_of` finds nothing wrong with; None for anything else."""
    if isinstance(given, str):
        given = None if holds_template(given) else _read(given)
    if not isinstance(given, Mapping):
        return None
    days = [DAYS.index(one) for one in given.get("days") or WORKDAYS]
    return Calendar(frozenset(days), *_hours(given), ZoneInfo(given.get("timezone") or "UTC"))


def faults_of(given: Any, path: str) -> list[Issue]:
    """Everything that is wrong with it, each in its place."""
    if given is None or isinstance(given, bool) or holds_template(given):
        return []
    if isinstance(given, str):
        return _text_faults(given, path)
    if not isinstance(given, Mapping):
        text = (
            f'business_hours is true, a text such as "{_EXAMPLE}", or a map such as {{days: ["mon"], from: "09:00", '
            f'to: "17:00"}}; it is {show(given)}.'
        )
        return [Issue(path, "wrong_type", text)]
    unknown = [
        Issue(
            at(path, name), "unknown_field", f"Business hours have {', '.join(_KNOWN)}, and no {show(name)}."
        )
        for name in given
        if name not in _KNOWN
    ]
    return [*unknown, *_day_faults(given.get("days"), at(path, "days")), *_hour_faults(given, path)]


def _text_faults(text: str, path: str) -> list[Issue]:
    read = _read(text)
    if read is None:
        return [Issue(path, "wrong_type", _WANTED)]
    return [replace(issue, path=path) for issue in faults_of(read, path)]


def _day_faults(days: Any, path: str) -> list[Issue]:
    if days is None:
        return []
    if not isinstance(days, Sequence) or isinstance(days, str) or not days:
        return [Issue(path, "wrong_type", 'days is a list such as ["mon", "tue"]; name at least one.')]
    return [
        Issue(at(path, place), "not_in_enum", f"A day is one of {', '.join(DAYS)}; this is {show(one)}.")
        for place, one in enumerate(days)
        if one not in DAYS
    ]


def _hour_faults(given: Mapping[str, Any], path: str) -> list[Issue]:
    issues = [
        Issue(at(path, name), "wrong_type", f'{name} is a time such as "09:00"; it is {show(given[name])}.')
        for name in ("from", "to")
        if given.get(name) is not None and not _is_clock(given[name])
    ]
    zone = given.get("timezone")
    if zone is not None and not _is_zone(zone):
        text = f'timezone is a name such as "Europe/Berlin"; {show(zone)} is none that is known here.'
        issues.append(Issue(at(path, "timezone"), "unknown_timezone", text))
    if issues:
        return issues
    opens, closes = _hours(given)
    if closes - opens < 60 * LEAST_HOURS:
        text = "Business hours end at least one hour after they begin, on the same day."
        issues.append(Issue(at(path, "to"), "out_of_range", text))
    return issues


def _is_clock(value: Any) -> bool:
    return isinstance(value, str) and _CLOCK.fullmatch(value) is not None


def _is_zone(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(ZoneInfo(value).key)
    except (OSError, ValueError, KeyError):  # what is not found is a KeyError, a folder of zones an OSError
        return False


def _hours(given: Mapping[str, Any]) -> tuple[int, int]:
    """When its days begin and end, in minutes since midnight."""
    return _minutes(given.get("from") or "09:00"), _minutes(given.get("to") or "17:00")


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
