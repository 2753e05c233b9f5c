"""Who must not wait for whom: heartbeats for turns on the same tasks, and the turn of a run for that of its child."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from django.db import connection

from orchestrator import engine
from orchestrator.engine import leases, points
from orchestrator.engine.attempts import attempts_for
from orchestrator.engine.turn import take_turn
from orchestrator.planning.signals import ChildStarted, Pause
from tests.engine.flows import Crank, fence, flow, states, succeeded, task
from tests.engine.racing import LONG, PATIENCE, TIMEOUT, arena, in_a_thread
from tests.invariants import assert_invariants

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(TIMEOUT)]

TIMES = 50 if LONG else 5
WIDE = 100


def test_leases_are_extended_while_turns_end_the_same_tasks() -> None:
    """The turn goes through them backwards, the heartbeat as the database likes."""
    crank = Crank()
    workflow = engine.save_workflow(flow({f"t{number}": task() for number in range(WIDE)}))
    with arena(2) as two:
        for _ in range(TIMES):
            run = crank.start_of(workflow)
            claims = crank.turn(claim=WIDE, run=run).claims
            held = attempts_for(claims, "w")
            two.at_once(
                partial(leases.extend, held),
                partial(take_turn, [succeeded(claim) for claim in reversed(claims)], now=crank.now),
            )
            assert set(states(run).values()) == {"completed"}
            assert leases.extend(held) == held
            assert_invariants([run])


@pytest.mark.postgres
def test_a_run_takes_up_its_child_while_a_turn_holds_the_child() -> None:
    """Two workers, each with a run whose child the other holds, would wait for each other."""
    crank = Crank()
    workflow = engine.save_workflow(flow({"a": task()}))
    parent, child = crank.start_of(workflow), crank.start_of(workflow)
    (claim,) = crank.turn(claim=1, run=parent).claims
    holds, free = threading.Event(), threading.Event()

    def hold() -> None:
        holds.set()
        free.wait(PATIENCE)

    points.arm("turn before commit", hold)
    other = in_a_thread(partial(take_turn, [Pause(run_id=child.pk)], now=crank.now))
    try:
        assert holds.wait(PATIENCE)
        points.disarm()
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        crank.turn(ChildStarted(**fence(claim), child_id=child.pk))
    finally:
        free.set()
        other.join(PATIENCE)
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
    assert states(parent) == {"a": "waiting"}
    assert_invariants([parent, child])
