"""Waiting for messages: told of each one that is committed elsewhere, and quiet while there is none."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection
from django_q.brokers.orm import ORM

from orchestrator import dispatch
from orchestrator.dispatch import Arrivals, wake

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def _messages_in_the_database(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Redis its own call waits for messages; and nothing is to be found by a look that is due anyway."""
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "orm": "default"}
    monkeypatch.setattr(dispatch, "async_task", lambda *_: ORM(list_key="arrivals").enqueue("a message"))
    monkeypatch.setattr(dispatch, "LOOK_ANYWAY_SECONDS", 10_000.0)


@pytest.fixture
def arrivals() -> Arrivals:
    """One that has looked at what was there when it began."""
    found = Arrivals()
    assert found.wait(0.0)
    while found.wait(0.0):
        pass
    return found


def elsewhere() -> None:
    def send() -> None:
        wake()
        connection.close()

    sender = threading.Thread(target=send)
    sender.start()
    sender.join()


def test_it_is_quiet_while_nothing_comes(arrivals: Arrivals) -> None:
    assert not arrivals.wait(0.05)


def test_a_message_that_came_before_the_wait_is_told_at_once(arrivals: Arrivals) -> None:
    elsewhere()
    assert arrivals.wait(0.0)


def test_a_message_ends_the_wait(arrivals: Arrivals) -> None:
    sender = threading.Timer(0.1, elsewhere)
    sender.start()
    assert arrivals.wait(PATIENCE)
    sender.join()


def test_it_listens_anew_on_a_new_connection(arrivals: Arrivals) -> None:
    connection.close()
    assert arrivals.wait(0.0)
    while arrivals.wait(0.0):
        pass
    elsewhere()
    assert arrivals.wait(PATIENCE)


def test_what_comes_unannounced_is_looked_for_all_the_same(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "LOOK_ANYWAY_SECONDS", 0.0)
    assert arrivals.wait(0.0)


def test_it_looks_less_often_while_nothing_comes_and_more_often_once_something_came(
    arrivals: Arrivals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL tells by itself, so there is no pause on it."""
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        raise InterruptedError

    pauses = [dispatch.SLOW_POLL_SECONDS, dispatch.POLL_SECONDS] if connection.vendor == "sqlite" else []
    monkeypatch.setattr(dispatch.time, "sleep", nap)
    for slow_after in (0.0, 10_000.0):
        monkeypatch.setattr(dispatch, "SLOW_AFTER_SECONDS", slow_after)
        arrivals.taken()
        with suppress(InterruptedError):
            arrivals.wait(PATIENCE if pauses else 0.001)
    assert naps == pauses
