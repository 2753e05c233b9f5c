"""The rounds of the sender, in threads of the clock's process. What is wrong with one part keeps no other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from django.db import connection
from django.utils import timezone

from orchestrator import conf
from orchestrator.database import is_away
from orchestrator.models import Delivery
from orchestrator.notices.digests import forget, make_digests
from orchestrator.notices.sending import send_due
from orchestrator.notices.tasks import note_tasks
from orchestrator.notices.telling import tell

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0  # between two looks when there was nothing
SELDOM_EVERY: Final = 15  # looks

Step = Callable[[datetime], int]
_POST: Final[Sequence[Step]] = (tell, lambda now: send_due(Delivery.Channel.MAIL, now))
_CHATS: Final[Sequence[Step]] = (lambda now: send_due(Delivery.Channel.CHAT, now),)
_SELDOM: Final[Sequence[Step]] = (note_tasks, make_digests, forget)


def look(now: datetime | None = None, *, seldom: bool = True) -> int:
    """One round of everything; how much there was to do."""
    moment = now or timezone.now()
    steps = [*(_SELDOM if seldom else ()), *_POST, *_CHATS]
    return sum(_guarded(step, moment) for step in steps)


def _guarded(step: Step, now: datetime) -> int:
    try:
        return step(now)
    except Exception as error:
        if is_away(error):
            logger.warning("Notices wait for the database: %s", error)
        else:
            logger.exception("A round of the notices failed and is repeated")
        connection.close()
    return 0


def threads(stop: threading.Event) -> list[threading.Thread]:
    """Mail and chats each have one: a server that does not answer holds up its own kind alone."""
    rounds = {
        "baton-notices": partial(_run, stop, _POST, _SELDOM),
        "baton-chats": partial(_run, stop, _CHATS, ()),
    }
    return [threading.Thread(target=run, name=name, daemon=True) for name, run in rounds.items()]


def _run(stop: threading.Event, steps: Sequence[Step], seldom: Sequence[Step]) -> None:
    """Look until told to stop."""
    looks = 0
    while not stop.is_set():
        now = timezone.now()
        for step in seldom if looks % SELDOM_EVERY == 0 else ():
            _guarded(step, now)
        looks += 1
        did = sum(_guarded(step, now) for step in steps)
        stop.wait(conf.tick_seconds() if did else max(LOOK_SECONDS, conf.tick_seconds()))
    connection.close()
