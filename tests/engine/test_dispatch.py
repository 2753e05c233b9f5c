"""Wake-ups: enough of them, not more, and whatever became of earlier ones."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.conf import LazySettings
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.models import OrmQ
from django_q.tasks import async_task

from orchestrator import dispatch
from orchestrator.dispatch import wake

pytestmark = pytest.mark.django_db
WORKERS = 3


@pytest.fixture(autouse=True)
def _through_the_database(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the suite runs with Redis."""
    settings.Q_CLUSTER = {"orm": "default", "workers": WORKERS}
    monkeypatch.setattr(dispatch, "async_task", partial(async_task, broker=ORM("baton")))


def waiting() -> int:
    return OrmQ.objects.filter(lock__lte=timezone.now()).count()


def test_no_more_wake_ups_wait_than_there_are_workers() -> None:
    for _ in range(5):
        wake()
    assert waiting() == WORKERS


def test_wake_ups_that_workers_died_with_do_not_keep_new_ones_from_being_sent() -> None:
    held_for_ever = timezone.now() + timedelta(days=1)
    OrmQ.objects.bulk_create([OrmQ(key="baton", payload="", lock=held_for_ever) for _ in range(10)])
    wake()
    assert waiting() == 1
