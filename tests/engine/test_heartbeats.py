"""A worker extends the leases of what it holds while turns settle the same tasks: neither waits for the other for ever."""

from __future__ import annotations

from functools import partial

import pytest

from orchestrator import engine
from orchestrator.engine import leases
from orchestrator.engine.attempts import attempts_for
from orchestrator.engine.turn import take_turn
from tests.engine.flows import Crank, flow, states, succeeded, task
from tests.engine.racing import LONG, TIMEOUT, arena
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
