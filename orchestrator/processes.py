"""Who is alive: each process that serves says so to its keeper and in a row of `Process`.

The rows are for people and for `reads.health`; nothing is decided by them.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from datetime import timedelta

from django.db import Error, connection
from django.utils import timezone

from orchestrator.models import Process
from orchestrator.supervisor import heartbeat, shared

logger = logging.getLogger(__name__)

BEAT_SECONDS = 5.0
FORGET_AFTER = timedelta(hours=1)

_speaker: int | None = None
_written_at: dict[str, float] = {}


def beat(kind: str) -> None:
    """Say that this process is alive and getting on with its work; outside of a transaction, as often as you like.

    The keeper hears each one; the row is written at most every `BEAT_SECONDS`. Never fails.
    """
    heartbeat.beat()
    now = time.monotonic()
    if now - _written_at.get(kind, -BEAT_SECONDS) < BEAT_SECONDS:
        return
    _written_at[kind] = now
    try:
        _write(kind)
    except Error as error:
        # A thread that is no request's keeps a broken connection for ever unless it lets go of it.
        connection.close()
        logger.warning("The heartbeat of %s was not recorded: %s", kind, error)


def stopping() -> bool:
    """Whether this process is to take no more work, and to finish or release what it has."""
    return shared.stopping()


def speak_for_cluster() -> None:
    """From now on this process, and those forked from it, beat as one."""
    global _speaker
    _speaker = os.getpid()


def leave(kind: str) -> None:
    """Take the row away at an orderly end."""
    try:
        Process.objects.filter(name=_name(kind)).delete()
    except Error as error:
        logger.warning("The end of %s was not recorded: %s", kind, error)


def _write(kind: str) -> None:
    now = timezone.now()
    if Process.objects.filter(name=_name(kind)).update(beat_at=now):
        return
    Process.objects.filter(beat_at__lt=now - FORGET_AFTER).delete()
    defaults = {
        "kind": kind,
        "host": socket.gethostname()[:100],
        "pid": _pid(),
        "started_at": now,
        "beat_at": now,
    }
    Process.objects.update_or_create(name=_name(kind), defaults=defaults)


def _name(kind: str) -> str:
    return f"{kind}@{socket.gethostname()}:{_pid()}"[:150]


def _pid() -> int:
    return _speaker or os.getpid()
