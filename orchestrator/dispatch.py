"""Wake-ups: a django-q2 message says "there is work" and nothing else.

With the ORM broker the message commits with the state that made it necessary. A message lost, doubled or late costs at
most a clock tick: the clock sends another while there is work.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ
from django_q.tasks import async_task

logger = logging.getLogger(__name__)

DRAIN = "orchestrator.worker.drain"
CHANNEL = "baton_wake_up"  # of PostgreSQL's NOTIFY
POLL_SECONDS = 0.02  # between two looks whether SQLite's file has changed
SLOW_POLL_SECONDS = (
    0.04  # once no message has come for a while: most of what an idle Baton spends are these looks
)
SLOW_AFTER_SECONDS = 5.0
LOOK_ANYWAY_SECONDS = 1.0


def wake() -> None:
    """Let a worker look for work. Cheap when enough wake-ups are already waiting."""
    if "orm" in settings.Q_CLUSTER:
        _wake_through_database()
    else:
        transaction.on_commit(_wake_through_redis)


def _wake_through_database() -> None:
    # Only those that wait: one that a worker died with stays locked for more than a day, and counts for nothing.
    if OrmQ.objects.filter(lock__lte=timezone.now()).count() >= _enough():
        return
    async_task(DRAIN)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")


def _wake_through_redis() -> None:
    try:
        if get_broker().queue_size() < _enough():
            async_task(DRAIN)
    except Exception as error:  # noqa: BLE001 - the broker's client raises what it likes; the clock will try again
        logger.warning("No wake-up was sent, the clock will: %s", error)


def _enough() -> int:
    """One for each worker."""
    return int(str(settings.Q_CLUSTER["workers"]))


wake_on_commit = partial(transaction.on_commit, wake)


class Arrivals:
    """Tells whoever takes messages from the queue when it is worth a look, at next to no cost while it is not.

    PostgreSQL says so itself; of SQLite's file it is known whether anything in it has changed; with Redis the broker's
    own call waits. That there is a message is not promised, nor that none comes unannounced: one look a second is made
    anyway.
    """

    def __init__(self) -> None:
        self._driver: Any = None  # the connection that was looked at last; another one's numbers mean nothing
        self._version = 0
        self._looked = 0.0
        self._taken = time.monotonic()

    def taken(self) -> None:
        """A message was there: others are likely to follow, and are looked for more often for a while."""
        self._taken = time.monotonic()

    def wait(self, seconds: float) -> bool:
        """Up to so long; whether to look now."""
        if "orm" not in settings.Q_CLUSTER:
            return True
        last = time.monotonic() + seconds
        while not (said := self._says_so(last)) and time.monotonic() < last:
            if connection.vendor != "postgresql":
                time.sleep(self._pause())
        if said or time.monotonic() - self._looked >= LOOK_ANYWAY_SECONDS:
            self._looked = time.monotonic()
            return True
        return False

    def _pause(self) -> float:
        is_idle = time.monotonic() - self._taken >= SLOW_AFTER_SECONDS
        return SLOW_POLL_SECONDS if is_idle else POLL_SECONDS

    def _says_so(self, last: float) -> bool:
        connection.ensure_connection()
        driver = connection.connection
        return self._notified(driver, last) if connection.vendor == "postgresql" else self._changed(driver)

    def _notified(self, driver: Any, last: float) -> bool:
        if self._driver is not driver:
            self._driver = driver
            driver.execute(f"LISTEN {CHANNEL}")
            return True
        left = max(0.01, last - time.monotonic())
        return bool(deque(driver.notifies(timeout=left, stop_after=1), maxlen=1))

    def _changed(self, driver: Any) -> bool:
        version = driver.execute("PRAGMA data_version").fetchone()[0]
        changed = self._driver is not driver or version != self._version
        self._driver, self._version = driver, version
        return changed
