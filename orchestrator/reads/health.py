"""Is every part of Baton alive: web, workers, clock, database, queue, notices. Asks, and changes nothing."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import Final, TypedDict

from django.db import Error, connection
from django.db.models import Min
from django.utils import timezone
from django_q.brokers import get_broker

from orchestrator.database import pending
from orchestrator.models import Process, Run, TaskRun
from orchestrator.planning.machine import TaskStatus
from orchestrator.reads.notices import trouble

logger = logging.getLogger(__name__)

HEARD_WITHIN: Final = timedelta(seconds=20)
CLAIMED_WITHIN: Final = timedelta(seconds=30)

_migrated = False  # once they are all there they stay


class Part(TypedDict):
    """One part; `age` is in seconds: since its last heartbeat, or of the oldest work that waits."""

    ok: bool
    sentence: str
    age: float | None


def health() -> dict[str, Part]:
    """The parts by name. Never fails: a database that is away is an answer."""
    found = database()
    try:
        return _parts(found) if found["ok"] else _unknown(found)
    except Error as error:
        return _unknown(_lost(error))


def _unknown(found: Part) -> dict[str, Part]:
    unknown = Part(ok=False, sentence="Unknown while the database is away.", age=None)
    names = ("web", "workers", "clock", "database", "queue", "notices")
    return dict.fromkeys(names, unknown) | {"database": found}


def _parts(found: Part) -> dict[str, Part]:
    now = timezone.now()
    return {
        "web": _processes(Process.Kind.WEB, "web process", now),
        "workers": _processes(Process.Kind.WORKER, "worker process", now),
        "clock": _processes(Process.Kind.CLOCK, "clock", now),
        "database": found,
        "queue": _queue(now),
        "notices": _notices(now),
    }


def database() -> Part:
    """Whether the database answers and has all its tables."""
    started = time.monotonic()
    try:
        missing = _missing_migrations()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        return _lost(error)
    if missing:
        return Part(ok=False, sentence=f"{missing} migrations are missing; run 'baton migrate'.", age=None)
    return Part(ok=True, sentence=f"Answers in {(time.monotonic() - started) * 1000:.0f} ms.", age=None)


def _lost(error: Error) -> Part:
    logger.warning("The database does not answer: %s", error)
    connection.close()
    return Part(ok=False, sentence="The database does not answer.", age=None)


def _missing_migrations() -> int:
    global _migrated
    missing = 0 if _migrated else len(pending())
    _migrated = not missing
    return missing


def _processes(kind: str, name: str, now: datetime) -> Part:
    beats = sorted(Process.objects.filter(kind=kind).values_list("beat_at", flat=True), reverse=True)
    if not beats:
        return Part(ok=False, sentence=f"No {name} is running.", age=None)
    age = max(0.0, (now - beats[0]).total_seconds())
    alive = sum(now - beat <= HEARD_WITHIN for beat in beats)
    if not alive:
        return Part(ok=False, sentence=f"No {name} has been heard of for {_span(age)}.", age=age)
    return Part(ok=True, sentence=f"{alive} running, heard of {_span(age)} ago.", age=age)


def _queue(now: datetime) -> Part:
    """Whether work that is ready is also taken; waiting behind other work is no fault."""
    try:
        get_broker().ping()
    except Exception as error:  # noqa: BLE001 - the broker's client raises what it likes
        logger.warning("The queue does not answer: %s", error)
        return Part(ok=False, sentence="The queue that wakes workers does not answer.", age=None)
    since = Run.objects.filter(claimable=True).aggregate(oldest=Min("touched_at"))["oldest"]
    if since is None:
        return Part(ok=True, sentence="Empty.", age=None)
    age = max(0.0, (now - since).total_seconds())
    if now - since <= CLAIMED_WITHIN or TaskRun.objects.filter(status=TaskStatus.RUNNING).exists():
        return Part(ok=True, sentence=f"Work is being taken; the oldest waits for {_span(age)}.", age=age)
    return Part(ok=False, sentence=f"Work has waited for {_span(age)} and nobody takes it.", age=age)


def _notices(now: datetime) -> Part:
    """Whether mails and messages to chats go out. One that is refused is no fault of Baton's, many are."""
    said = trouble(now)
    return Part(ok=not said, sentence=said or "Mails and messages go out.", age=None)


def _span(seconds: float) -> str:
    """A span in words: "4 s", "12 min", "3 h"."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
