"""When the digest of a person is due: once a day at their hour, on their own clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo


def next_digest(now: datetime, hour: int, zone: tzinfo, last: date | None) -> datetime:
    """The next moment after `now` at which it is that hour there, on a day after that of the last digest.

    An hour that a day leaves out is the one after it; of one that comes twice it is the first.
    """
    day = now.astimezone(zone).date()
    while (at := datetime.combine(day, time(hour), zone).astimezone(UTC)) <= now or _is_done(day, last):
        day += timedelta(days=1)
    return at


def _is_done(day: date, last: date | None) -> bool:
    return last is not None and day <= last
