"""Wake-ups get lost, come three times and out of order; the work is done all the same, each attempt once."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from orchestrator import clock, dispatch, engine, worker
from orchestrator.models import Event, Run, TaskRun
from orchestrator.planning.machine import RUN_ENDED
from tests.engine.flows import flow, task
from tests.engine.racing import PATIENCE, TIMEOUT, in_a_thread, until
from tests.invariants import assert_invariants

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(TIMEOUT)]

RUNS = 200
DRAINS = 4
ENOUGH = 12  # messages under way, beyond which a wake-up adds nothing
FLOW = flow(
    {
        "a": task(agent_id="tally"),
        "b": task("a", agent_id="tally"),
        "c": task("a", agent_id="tally", mode="sequential"),
        "d": task("a", agent_id="tally", mode="sequential"),
        "e": task("b", "c", "d", agent_id="tally"),
    }
)


class Courier:
    """Carries wake-ups badly: three in ten get lost, another three come three times, all in any order."""

    def __init__(self) -> None:
        self.weights = [3, 4, 3]  # of coming not at all, once, three times
        self._random = random.Random(1)
        self._lock = threading.Condition()
        self._under_way: list[str] = []
        self.fates: Counter[int] = Counter()

    def send(self, message: str) -> None:
        with self._lock:
            copies = self._random.choices([0, 1, 3], self.weights)[0]
            self.fates[copies] += 1
            self._under_way += [message] * copies
            self._random.shuffle(self._under_way)
            self._lock.notify()

    def deliver(self) -> str | None:
        """A message, or None when none came for a moment."""
        with self._lock:
            self._lock.wait_for(lambda: self._under_way, 0.1)
            return self._under_way.pop() if self._under_way else None


class Tally:
    """An agent that notes which attempts it was given."""

    def __init__(self) -> None:
        self.starts: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()

    def __call__(self, _parameters: dict[str, Any], context: Any) -> dict[str, Any]:
        with self._lock:
            self.starts[context.idempotency_key, context.attempt] += 1
        return {}


tally = Tally()


@pytest.fixture
def courier(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Courier:
    """In the place of the queue, with workers that have names and a clock that is quick."""
    made = Courier()
    monkeypatch.setattr(dispatch, "async_task", made.send)
    monkeypatch.setattr(dispatch, "_enough", lambda: ENOUGH)
    monkeypatch.setattr(worker, "worker_name", lambda: threading.current_thread().name)
    settings.BATON = {
        **settings.BATON,
        "AGENTS": {"tally": f"{__name__}.tally"},
        "TICK_SECONDS": 0.2,
        "THREADS": 4,
    }
    tally.starts.clear()
    return made


@contextmanager
def at_work(courier: Courier) -> Iterator[Counter[str]]:
    """Drains that wait for wake-ups, and a clock; how many attempts each drain carried out."""
    stop = threading.Event()
    carried: Counter[str] = Counter()

    def carry() -> None:
        while not stop.is_set():
            if courier.deliver() == dispatch.DRAIN:
                carried[threading.current_thread().name] += worker.drain()

    acts: list[Callable[[], None]] = [carry] * DRAINS
    threads = [in_a_thread(act) for act in [*acts, lambda: clock.run_forever(stop)]]
    try:
        yield carried
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)


def test_lost_doubled_and_late_wake_ups_lose_and_double_nothing(
    courier: Courier, record_property: Callable[[str, object], None]
) -> None:
    workflow = engine.save_workflow(FLOW)
    with at_work(courier) as carried:
        for _ in range(RUNS):
            engine.start(workflow)
        until(lambda: not Run.objects.exclude(status__in=RUN_ENDED).exists(), "every run ended", 120)
    record_property("tasks", len(tally.starts))
    record_property("wake-ups", dict(sorted(courier.fates.items())))
    assert_every_attempt_was_started_once()
    assert sum(carried.values()) == RUNS * len(FLOW["tasks"])
    assert len(carried) == DRAINS
    assert min(courier.fates[0], courier.fates[3]) > 0
    assert_invariants()


def test_the_clock_makes_up_for_wake_ups_that_all_got_lost(courier: Courier) -> None:
    workflow = engine.save_workflow(FLOW)
    courier.weights = [1, 0, 0]
    runs = [engine.start(workflow) for _ in range(3)]
    assert courier.deliver() is None
    courier.weights = [0, 1, 0]
    clock.tick()
    assert courier.deliver() == dispatch.DRAIN
    worker.drain()
    assert set(Run.objects.values_list("status", flat=True)) == {"completed"}
    assert_invariants(runs)


def assert_every_attempt_was_started_once() -> None:
    tasks = RUNS * len(FLOW["tasks"])
    assert set(Run.objects.values_list("status", flat=True)) == {"completed"}
    assert set(TaskRun.objects.values_list("status", "claim").distinct()) == {("completed", 1)}
    assert (len(tally.starts), set(tally.starts.values())) == (tasks, {1})
    assert Event.objects.filter(type="task.started").count() == tasks
    assert Event.objects.filter(type="task.completed").count() == tasks
    assert not Event.objects.filter(type="outcome.refused").exists()
