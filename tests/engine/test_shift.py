"""A worker that is never without work still ends, so that a fresh process can take its place."""

from __future__ import annotations

import time
from typing import Any

import pytest

from orchestrator import dispatch, engine, shift, worker
from orchestrator.models import Run
from orchestrator.shift import Shift
from tests.engine.flows import flow, states, task
from tests.invariants import assert_invariants

WIDTH = 200


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The wake-ups, in the place of the queue."""
    messages: list[str] = []
    monkeypatch.setattr(dispatch, "async_task", messages.append)
    return messages


@pytest.fixture
def run(sent: list[str]) -> Run:
    return engine.start(engine.save_workflow(flow({f"t{n}": task() for n in range(WIDTH)})))


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_has_grown_large_ends_in_good_order_and_calls_the_next(
    run: Run, sent: list[str], settings: Any
) -> None:
    sent.clear()
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "max_rss": 1}
    carried = worker.drain()
    statuses = list(states(run).values())
    assert 0 < carried < WIDTH
    assert (statuses.count("completed"), statuses.count("running")) == (carried, 0)
    assert dispatch.DRAIN in sent
    while worker.drain():
        pass
    run.refresh_from_db()
    assert run.status == "completed"
    assert_invariants()


@pytest.mark.django_db(transaction=True)
def test_a_worker_within_its_bounds_carries_everything(run: Run) -> None:
    assert worker.drain() == WIDTH
    assert_invariants()


def test_a_shift_ends_after_its_time_but_never_before_something_was_carried() -> None:
    found = Shift(is_large=lambda: False, longest=0.0)
    assert not found.closing(carried=0)
    assert found.closing(carried=1)
    assert not Shift(is_large=lambda: False).closing(carried=1_000_000)


def test_a_long_attempt_does_not_keep_the_others_waiting_for_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Shift(is_large=lambda: True)
    assert found.closing(carried=1)
    later = time.monotonic() + shift.PATIENCE_SECONDS + 1
    monkeypatch.setattr(shift.time, "monotonic", lambda: later)
    assert not found.closing(carried=1)
    assert not found.closing(carried=1)
    monkeypatch.setattr(shift.time, "monotonic", lambda: later + shift.AGAIN_SECONDS + 1)
    assert found.closing(carried=1)


def test_memory_is_measured_as_django_q2_measures_it(settings: Any) -> None:
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "max_rss": shift.memory_kb()}
    assert shift.is_large()
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "max_rss": 100 * shift.memory_kb()}
    assert not shift.is_large()
