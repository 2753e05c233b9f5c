"""The threads of a worker: quick attempts share one, what is slow does not hold up the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from orchestrator.engine.attempts import Attempt
from orchestrator.lanes import Done, Lanes
from orchestrator.planning.signals import AttemptSignal

PATIENCE = 20


class Work:
    """Stands for an attempt: done when it is let go."""

    def __init__(self, *, held: bool = False) -> None:
        self.free = threading.Event()
        self.began = threading.Event()
        self.lane = ""
        if not held:
            self.free.set()

    def carry(self) -> AttemptSignal:
        self.lane = threading.current_thread().name
        self.began.set()
        self.free.wait(PATIENCE)
        return cast("AttemptSignal", self)


def attempts(*work: Work) -> list[Attempt]:
    return cast("list[Attempt]", list(work))


@pytest.fixture
def lanes() -> Iterator[Lanes]:
    found = Lanes(4, lambda attempt: cast("Any", attempt).carry(), lambda: None)
    yield found
    found.close(wait=False)


def until_done(lanes: Lanes, count: int) -> list[Done]:
    end, done = time.monotonic() + PATIENCE, []
    while len(done) < count:
        assert time.monotonic() < end
        done += lanes.take(1.0)
    return done


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_quick_attempts_share_one_lane_in_their_order(lanes: Lanes) -> None:
    work = [Work() for _ in range(50)]
    lanes.begin(attempts(*work), together=True)
    assert [done for done, _ in until_done(lanes, 50)] == work
    assert {one.lane for one in work} == {"baton-lane-0"}


def test_others_have_a_lane_each(lanes: Lanes) -> None:
    work = [Work(held=True) for _ in range(4)]
    lanes.begin(attempts(*work), together=False)
    until(lambda: all(one.began.is_set() for one in work))
    for one in work:
        one.free.set()
    until_done(lanes, 4)


def test_what_waits_behind_a_slow_one_gets_other_lanes(lanes: Lanes) -> None:
    slow, *rest = work = [Work(held=True), Work(), Work()]
    lanes.begin(attempts(*work), together=True)
    assert slow.began.wait(PATIENCE)
    assert lanes.waiting
    lanes.widen()
    assert {done for done, _ in until_done(lanes, 2)} == set(rest)
    slow.free.set()
    until_done(lanes, 1)


def test_only_what_has_not_begun_can_be_withdrawn(lanes: Lanes) -> None:
    slow, waiting = work = [Work(held=True), Work()]
    lanes.begin(attempts(*work), together=True)
    assert slow.began.wait(PATIENCE)
    assert lanes.withdraw(attempts(waiting)[0])
    assert not lanes.withdraw(attempts(slow)[0])
    slow.free.set()
    assert [done for done, _ in until_done(lanes, 1)] == [slow]
    assert not waiting.began.is_set()


def test_closing_waits_for_what_is_carried_out_and_begins_nothing_more(lanes: Lanes) -> None:
    slow, waiting = work = [Work(held=True), Work()]
    lanes.begin(attempts(*work), together=True)
    assert slow.began.wait(PATIENCE)
    threading.Timer(0.05, slow.free.set).start()
    lanes.close(wait=True)
    assert [done for done, _ in lanes.take()] == [slow]
    assert not waiting.began.is_set()


def test_every_lane_closes_its_connections_before_it_waits() -> None:
    rested: list[str] = []
    found = Lanes(
        2,
        lambda attempt: cast("Any", attempt).carry(),
        lambda: rested.append(threading.current_thread().name),
    )
    found.begin(attempts(Work(), Work()), together=True)
    until_done(found, 2)
    found.close(wait=True)
    assert rested == ["baton-lane-0"]
