"""Attempts that sleep past their lease and come back: whatever they say is refused, and who holds the task now wins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from orchestrator import clock, engine, worker
from orchestrator.engine import leases
from orchestrator.engine.attempts import attempts_for
from orchestrator.engine.turn import Claim, take_turn
from orchestrator.models import Run, TaskRun
from orchestrator.planning.signals import AttemptSignal, ChildStarted, Released
from tests.engine.flows import Crank, failed, fence, flow, succeeded, task
from tests.engine.racing import LONG, PATIENCE, TIMEOUT, arena, in_a_thread
from tests.invariants import assert_invariants

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(TIMEOUT)]

TIMES = 50 if LONG else 10
PAST_THE_LEASE = 61
FLOW = flow({"a": task(retry_count=1), "b": task("a")})

SAYINGS: list[Callable[[Claim], AttemptSignal]] = [
    lambda claim: succeeded(claim, "wrong"),
    failed,
    lambda claim: failed(claim, retryable=False),
    lambda claim: Released(**fence(claim)),
    lambda claim: ChildStarted(**fence(claim), child_id=0),
]


def lost(crank: Crank, workflow: Any) -> tuple[Run, Claim]:
    """A run whose first attempt has lost its lease, and that attempt."""
    run = crank.start_of(workflow)
    (zombie,) = crank.turn(claim=1, run=run).claims
    crank.later(PAST_THE_LEASE)
    return run, zombie


def row_of(run: Run) -> dict[str, Any]:
    return dict(TaskRun.objects.filter(run=run, key="a").values().get())


def assert_refused(crank: Crank, run: Run, zombie: Claim, number: int) -> None:
    """Its saying and its heartbeat change nothing; the saying leaves an event."""
    before = row_of(run)
    saying = SAYINGS[number % len(SAYINGS)](zombie)
    assert crank.turn(saying).conflicts
    (attempt,) = attempts_for([zombie], zombie.task.worker)
    assert leases.extend([attempt]) == [attempt]
    assert row_of(run) == before
    assert_one_refusal(run, zombie)


def assert_one_refusal(run: Run, zombie: Claim) -> None:
    (event,) = run.events.filter(type="outcome.refused")
    assert (event.actor, event.data["late_claim"]) == (f"worker:{zombie.task.worker}", 1)


def take_over(crank: Crank, run: Run) -> Claim:
    (holder,) = crank.turn(claim=1, run=run).claims
    assert (holder.task.key, holder.task.claim, holder.task.attempt) == ("a", 2, 1)
    return holder


def assert_the_holder_won(crank: Crank, run: Run) -> None:
    row = row_of(run)
    assert (row["status"], row["output"], row["claim"]) == ("completed", "right", 2)
    crank.play(run)
    assert run.status == "completed"
    assert_invariants([run])


def test_it_comes_back_before_anybody_took_over(crank: Crank) -> None:
    workflow = engine.save_workflow(FLOW)
    for number in range(TIMES):
        run, zombie = lost(crank, workflow)
        assert_refused(crank, run, zombie, number)
        crank.turn(succeeded(take_over(crank, run), "right"))
        assert_the_holder_won(crank, run)


def test_it_comes_back_while_another_works(crank: Crank) -> None:
    workflow = engine.save_workflow(FLOW)
    for number in range(TIMES):
        run, zombie = lost(crank, workflow)
        holder = take_over(crank, run)
        assert_refused(crank, run, zombie, number)
        crank.turn(succeeded(holder, "right"))
        assert_the_holder_won(crank, run)


def test_it_comes_back_when_another_has_finished(crank: Crank) -> None:
    workflow = engine.save_workflow(FLOW)
    for number in range(TIMES):
        run, zombie = lost(crank, workflow)
        crank.turn(succeeded(take_over(crank, run), "right"))
        assert_refused(crank, run, zombie, number)
        assert_the_holder_won(crank, run)


def test_it_comes_back_at_the_moment_another_finishes(crank: Crank) -> None:
    workflow = engine.save_workflow(FLOW)
    with arena(2) as two:
        for number in range(TIMES):
            run, zombie = lost(crank, workflow)
            holder = take_over(crank, run)
            saying = SAYINGS[number % len(SAYINGS)](zombie)
            late, right = two.at_once(
                partial(take_turn, [saying], now=crank.now),
                partial(take_turn, [succeeded(holder, "right")], now=crank.now),
            )
            assert (bool(late.conflicts), right.conflicts) == (True, {})
            assert_one_refusal(run, zombie)
            assert_the_holder_won(crank, run)


# The same with workers


class Sleeper:
    """An agent whose first attempt sleeps until it is woken; the others answer at once."""

    def __init__(self) -> None:
        self.asleep, self.wake = threading.Event(), threading.Event()

    def __call__(self, _parameters: dict[str, Any], _context: Any) -> str:
        if self.asleep.is_set():
            return "right"
        self.asleep.set()
        assert self.wake.wait(PATIENCE)
        return "wrong"


sleeper = Sleeper()


def test_a_worker_that_slept_past_its_lease_is_refused(settings: Any) -> None:
    sleeper.__init__()  # type: ignore[misc]
    settings.BATON = {**settings.BATON, "AGENTS": {"sleeper": f"{__name__}.sleeper"}}
    run = engine.start(engine.save_workflow(flow({"a": task(agent_id="sleeper")})))
    zombie = in_a_thread(lambda: worker.Worker("zombie", threads=1).run_until(lambda _idle: True))
    try:
        assert sleeper.asleep.wait(PATIENCE)
        clock.tick(timezone.now() + timedelta(seconds=PAST_THE_LEASE))
        worker.Worker("holder").run_until(lambda _idle: True)
    finally:
        sleeper.wake.set()
        zombie.join(PATIENCE)
    run.refresh_from_db()
    row = run.tasks.get()
    assert (run.status, row.output, row.worker) == ("completed", "right", "holder")
    (event,) = run.events.filter(type="outcome.refused")
    assert (event.actor, event.data["outcome"]) == ("worker:zombie", "succeeded")
    assert_invariants([run])
