"""The heartbeat of a process: what it does when the database is away."""

from __future__ import annotations

import pytest
from django.db import InterfaceError, OperationalError, connection

from orchestrator import processes
from orchestrator.models import Process
from tests.away import database_away

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_written_at", {})


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_beat_that_cannot_be_written_lets_go_of_the_connection_so_that_the_next_one_can(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    with database_away(error=error):
        processes.beat(Process.Kind.WEB)
    assert connection.connection is None
    processes._written_at.clear()
    processes.beat(Process.Kind.WEB)
    assert Process.objects.get().kind == Process.Kind.WEB


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_leaving_while_the_database_is_away_is_no_error(error: type[Exception]) -> None:
    processes.beat(Process.Kind.WEB)
    with database_away(error=error):
        processes.leave(Process.Kind.WEB)
    assert Process.objects.count() == 1
    processes.leave(Process.Kind.WEB)
    assert Process.objects.count() == 0
