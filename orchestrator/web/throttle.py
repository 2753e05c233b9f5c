"""Slows down the guessing of passwords: so many failures for one name from one address, then a pause.

Counted in the database, because a count in memory would be one for each process and gone with a restart.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from orchestrator.models import SignInFailure

LIMIT = 5
WINDOW = timedelta(minutes=15)


class TooManyFailuresError(Exception):
    """Too many sign-ins failed; `seconds` is how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many attempts. Try again in {max(1, -(-seconds // 60))} min.")
        self.seconds = seconds


def begin(name: str, address: str) -> SignInFailure:
    """Count an attempt as failed before it is tried, so that parallel guesses count too. Raises TooManyFailuresError."""
    now = timezone.now()
    SignInFailure.objects.filter(at__lt=now - WINDOW).delete()
    attempt = SignInFailure.objects.create(key=_key(name, address), at=now)
    earlier = _recent(attempt.key, now).exclude(pk=attempt.pk)
    if earlier.count() >= LIMIT:
        attempt.delete()
        raise TooManyFailuresError(_seconds_left(earlier, now))
    return attempt


def succeeded(attempt: SignInFailure) -> None:
    """The password was right: forget what was counted for this name and address."""
    SignInFailure.objects.filter(key=attempt.key).delete()


def _recent(key: str, now: datetime) -> QuerySet[SignInFailure]:
    return SignInFailure.objects.filter(key=key, at__gte=now - WINDOW)


def _seconds_left(failures: QuerySet[SignInFailure], now: datetime) -> int:
    """Until so many have passed out of the window that the next attempt is let through."""
    decisive = failures.order_by("-at")[LIMIT - 1]
    return max(1, int((decisive.at + WINDOW - now).total_seconds()))


def _key(name: str, address: str) -> str:
    """Names are compared as the sign-in form does; people type passwords into this field, so it is not kept."""
    plain = unicodedata.normalize("NFKC", name)
    return salted_hmac("baton.sign-in", f"{plain}\x1f{address}", algorithm="sha256").hexdigest()
