"""Wake-ups: a django-q2 message says "there is work" and nothing else.

With the ORM broker the message commits with the state that made it necessary. A message lost, doubled or late costs at
most a clock tick: the clock sends another while there is work.
"""

from __future__ import annotations

import logging
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ
from django_q.tasks import async_task

logger = logging.getLogger(__name__)

DRAIN = "orchestrator.worker.drain"


def wake() -> None:
    """Let a worker look for work. Cheap when enough wake-ups are already waiting."""
    if "orm" in settings.Q_CLUSTER:
        _wake_through_database()
    else:
        transaction.on_commit(_wake_through_redis)


def _wake_through_database() -> None:
    # Only those that wait: one that a worker died with stays locked for more than a day, and counts for nothing.
    if OrmQ.objects.filter(lock__lte=timezone.now()).count() < _enough():
        async_task(DRAIN)


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
