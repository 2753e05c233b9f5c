"""What a turn costs, counted in statements: a few, and no more of them in a large run or for many outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from orchestrator import engine
from orchestrator.engine.memory import Memory
from orchestrator.engine.turn import Claim, ClaimRequest, take_turn
from orchestrator.models import Run
from tests.engine.flows import flow, succeeded, task
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)

# Begin, the run, the task, its successors, two updates of tasks, the events, the run.
STEP = 8
# The task is known, its successor was read ahead.
KNOWN_STEP = 6


@pytest.fixture(autouse=True)
def _invariants() -> Iterator[None]:
    yield
    assert_invariants()


@contextmanager
def counted() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


def chain(length: int) -> Run:
    return engine.start(
        engine.save_workflow(flow({f"t{n}": task(*([f"t{n - 1}"] if n else [])) for n in range(length)}))
    )


def wide(width: int) -> Run:
    return engine.start(engine.save_workflow(flow({f"t{n}": task() for n in range(width)})))


def turn(run: Run, *claims: Claim, limit: int = 1, memory: Memory | None = None) -> list[Claim]:
    asking = ClaimRequest("counted", limit, run_id=run.pk)
    return take_turn([succeeded(claim) for claim in claims], claiming=asking, memory=memory).claims


@pytest.mark.parametrize("length", [10, 300])
def test_a_step_of_a_chain_is_a_handful_of_statements_however_long_the_chain(length: int) -> None:
    run = chain(length)
    held = turn(run)
    with counted() as seen:
        held = turn(run, *held)
    assert [claim.task.key for claim in held] == ["t1"]
    assert len(seen) <= STEP, seen


def test_a_worker_that_drives_a_run_alone_reads_nothing_but_the_run() -> None:
    run, memory = chain(40), Memory()
    held = turn(run, memory=memory)
    for _ in range(3):
        held = turn(run, *held, memory=memory)
    for step in range(4, 30):
        with counted() as seen:
            held = turn(run, *held, memory=memory)
        assert [claim.task.key for claim in held] == [f"t{step}"]
        assert len(seen) <= KNOWN_STEP, seen


@pytest.mark.parametrize("width", [20, 400])
def test_many_outcomes_together_cost_no_more_statements_than_one(width: int) -> None:
    run, memory = wide(width), Memory()
    held = turn(run, limit=width // 2, memory=memory)
    with counted() as seen:
        turn(run, *held, limit=width // 2, memory=memory)
    assert len(seen) <= STEP, seen


def test_claiming_from_many_runs_costs_no_more_statements_than_from_one() -> None:
    for _ in range(20):
        chain(3)
    with counted() as seen:
        claims = take_turn(claiming=ClaimRequest("counted", 100)).claims
    assert len(claims) == 20
    assert len(seen) <= STEP, seen
