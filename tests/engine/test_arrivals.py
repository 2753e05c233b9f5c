"""Waiting for messages: told of each one that is committed elsewhere, and quiet while there is none."""

from __future__ import annotations

import threading

import pytest
from django.conf import settings
from django.db import connection

from orchestrator import dispatch
from orchestrator.dispatch import Arrivals, wake

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("orm" not in settings.Q_CLUSTER, reason="Redis' own call waits for messages"),
]

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def _never_look_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
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
