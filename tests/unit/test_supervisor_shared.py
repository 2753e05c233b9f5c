"""What the guard of a cluster takes for a queue whose lock died with somebody, and what it does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.supervisor import shared

Happens = Callable[..., None]


@pytest.fixture
def happens(monkeypatch: pytest.MonkeyPatch) -> Happens:
    """Does one thing after the other, a second between them, and lets ten more pass."""
    now = 100.0
    monkeypatch.setattr(shared.time, "monotonic", lambda: now)
    monkeypatch.setattr(shared, "_memory", bytearray(len(shared._memory)))

    def happen(*acts: Callable[[], None]) -> None:
        nonlocal now
        for act in acts:
            now += 1
            act()
        now += 10

    return happen


def worker_born() -> None:
    shared.born("worker")


def monitor_born() -> None:
    shared.born("monitor")


def test_a_cluster_in_which_all_goes_well_is_not_clogged(happens: Happens) -> None:
    happens(worker_born, monitor_born, shared.message_taken, shared.result_handed, shared.result_heard)
    assert shared.clogged_for() == 0


def test_it_is_clogged_while_nobody_gets_a_message_after_a_worker_was_replaced(happens: Happens) -> None:
    happens(worker_born, shared.message_taken, worker_born)
    assert shared.clogged_for() == 10


def test_workers_that_work_for_long_do_not_clog_it(happens: Happens) -> None:
    happens(worker_born, monitor_born, shared.message_taken)
    assert shared.clogged_for() == 0


def test_it_is_clogged_while_a_new_monitor_does_not_hear_of_a_result(happens: Happens) -> None:
    happens(monitor_born, shared.result_handed, shared.result_heard, monitor_born, shared.result_handed)
    assert shared.clogged_for() == 10


def test_the_first_result_that_nobody_heard_of_counts(happens: Happens) -> None:
    happens(monitor_born, shared.result_handed, shared.result_handed)
    assert shared.clogged_for() == 11


def test_a_new_monitor_need_not_hear_of_what_was_handed_to_the_one_before(happens: Happens) -> None:
    happens(monitor_born, shared.result_handed, monitor_born)
    assert shared.clogged_for() == 0
    happens(shared.result_handed)
    assert shared.clogged_for() == 10


def test_a_result_that_an_old_monitor_leaves_is_no_sign_that_it_died(happens: Happens) -> None:
    """It may be waiting for a database that is away; the keeper's watch is patient enough for that."""
    happens(monitor_born, shared.result_handed, shared.result_heard, shared.result_handed)
    assert shared.clogged_for() == 0


def test_it_is_in_doubt_until_the_new_worker_and_the_new_monitor_have_got_something(happens: Happens) -> None:
    happens(worker_born, monitor_born)
    assert shared.in_doubt()
    happens(shared.message_taken)
    assert shared.in_doubt()
    happens(shared.result_heard)
    assert not shared.in_doubt()
