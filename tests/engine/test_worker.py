"""What a worker holds at once: attempts claimed ahead of its threads, leases that are lost, lines of tasks that are gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orchestrator import engine, worker
from orchestrator.engine import leases
from orchestrator.engine.turn import take_turn
from orchestrator.models import LogLine, TaskRun
from tests.engine.flows import flow, states, task
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 20


@pytest.fixture(autouse=True)
def _invariants() -> Iterator[None]:
    yield
    assert_invariants()


class Held:
    """An agent that holds its thread until it is let go, and notes whom it worked for."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.began: list[str] = []

    def __call__(self, _parameters: dict[str, Any], context: Any) -> dict[str, Any]:
        self.began.append(context.task)
        self.free.wait(PATIENCE)
        return {}


held = Held()


@pytest.fixture
def one_thread(settings: Any) -> Iterator[worker.Worker]:
    """A worker of one thread that has met so many quick tasks that it claims ahead."""
    held.__init__()  # type: ignore[misc]
    settings.BATON = {**settings.BATON, "AGENTS": {"hold": f"{__name__}.held"}}
    found = worker.Worker("ahead", threads=1)
    found.pace.ahead = worker.AHEAD
    yield found
    held.free.set()


def start(count: int) -> Any:
    return engine.start(engine.save_workflow(flow({f"t{n}": task(agent_id="hold") for n in range(count)})))


def until_begun(found: worker.Worker) -> None:
    """Let it take turns until the first attempt has its thread."""
    found._turn()
    end = time.monotonic() + PATIENCE
    while not held.began:
        assert time.monotonic() < end


def test_what_is_claimed_ahead_goes_back_when_no_thread_comes_free(
    one_thread: worker.Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(4)
    until_begun(one_thread)
    assert set(states(run).values()) == {"running"}
    monkeypatch.setattr(worker, "AHEAD_SECONDS", -1.0)
    one_thread._return_unbegun()
    one_thread._turn()
    assert sorted(states(run).values()) == ["ready", "ready", "ready", "running"]
    assert one_thread.pace.ahead == 1
    assert set(run.tasks.filter(status="ready").values_list("attempt", flat=True)) == {0}
    held.free.set()
    one_thread.run_until(lambda _idle: True)
    run.refresh_from_db()
    assert (run.status, len(held.began)) == ("completed", 4)


def test_what_was_claimed_ahead_and_lost_its_lease_never_begins(one_thread: worker.Worker) -> None:
    run = start(2)
    until_begun(one_thread)
    waiting = next(attempt for attempt in one_thread.in_flight.values() if not attempt.begun)
    take_turn(
        [worker.Released(**waiting.fence())], now=timezone.now() + timedelta(seconds=1)
    )  # as if the clock had given it out again
    one_thread._extend()
    assert (one_thread.stuck, len(one_thread.in_flight)) == (0, 1)
    assert not one_thread.lanes.waiting
    assert held.began != [waiting.claim.task.key]
    engine.cancel(run.pk)


def test_lines_of_a_task_that_is_gone_are_dropped_and_stop_nothing(one_thread: worker.Worker) -> None:
    run = start(1)
    row = TaskRun.objects.get(run=run)
    kept, lost = (
        (row.pk, 1, timezone.now(), "info", "kept"),
        (row.pk + 1000, 1, timezone.now(), "info", "lost"),
    )
    take_turn(lines=[kept, lost])
    assert list(LogLine.objects.values_list("message", flat=True)) == ["kept"]
    assert leases.lines_of([]) == []


def test_it_claims_ahead_only_while_attempts_end_at_once() -> None:
    pace = worker.Pace()
    for _ in range(200):
        pace.note(0.0)
    assert pace.ahead == worker.AHEAD
    pace.note(1.0)
    assert pace.ahead == 1
