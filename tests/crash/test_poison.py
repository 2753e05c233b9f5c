"""A run that kills, hangs or confuses whoever carries it: only that run fails, with the reason, and fifty others finish.

Real worker processes carry them, two at a time, each replaced when it dies.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from orchestrator import clock, engine, worker
from orchestrator.actions import cell
from orchestrator.engine import attempts
from orchestrator.engine.plans import plan_for
from orchestrator.models import Run, WorkflowVersion
from orchestrator.planning.machine import RUN_ENDED
from tests.engine.flows import flow, task
from tests.invariants import assert_invariants

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

OTHERS = 50
WORKERS = 2
LEASE_SECONDS = 2.0
PATIENCE = 90.0


class Stop(BaseException):
    """What nothing that catches errors catches."""


def steady(parameters: dict[str, Any], context: Any) -> dict[str, Any]:
    time.sleep(0.05)
    return {"by": os.getpid()}


def stops(parameters: dict[str, Any], context: Any) -> None:
    raise Stop


def exhausts(parameters: dict[str, Any], context: Any) -> None:
    raise MemoryError


def exits(parameters: dict[str, Any], context: Any) -> None:
    os._exit(1)


def hangs(parameters: dict[str, Any], context: Any) -> None:
    while True:  # whatever it is told
        time.sleep(60)


AGENTS = {agent.__name__: f"{__name__}.{agent.__name__}" for agent in (steady, stops, exhausts, exits, hangs)}

# Agent of the bad run → code and words of its error.
KINDS = {
    "stops": ("exception", "Stop"),
    "exhausts": ("agent_failed", "MemoryError"),
    "hangs": ("timeout", "longer than its timeout of 1 seconds"),
}


class Keeper:
    """Keeps workers alive, and is the clock between."""

    def __init__(self) -> None:
        self.alive: set[int] = set()
        self.deaths: list[int] = []

    def carry(self, run_ids: list[int]) -> None:
        """Until these runs have ended."""
        end = time.monotonic() + PATIENCE
        while left := Run.objects.filter(pk__in=run_ids).exclude(status__in=RUN_ENDED).count():
            assert time.monotonic() < end, f"{left} runs do not end"
            clock.tick()
            self._reap()
            while len(self.alive) < WORKERS:
                self.alive.add(_fork_worker())
            time.sleep(0.1)

    def _reap(self) -> None:
        for pid in list(self.alive):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self.alive.discard(pid)
                self.deaths.append(os.waitstatus_to_exitcode(status))

    def end(self) -> None:
        for pid in self.alive:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


def _fork_worker() -> int:
    connections.close_all()  # a connection must not be in two processes
    pid = os.fork()
    if pid == 0:
        try:
            attempts.execute_apart = cell.execute
            worker.Worker(worker.worker_name(), threads=2).run_until(lambda _idle: False)
        finally:
            os._exit(70)
    return pid


@pytest.fixture
def keeper(settings: Any) -> Iterator[Keeper]:
    settings.BATON = {**settings.BATON, "AGENTS": AGENTS, "LEASE_SECONDS": LEASE_SECONDS}
    kept = Keeper()
    yield kept
    kept.end()


def start(agent: str, **given: Any) -> Run:
    tasks = {"first": task(agent_id=agent, **given), "second": task("first", agent_id="steady")}
    return engine.start(engine.save_workflow(flow(tasks)))


def start_others() -> list[int]:
    workflow = engine.save_workflow(
        flow({"a": task(agent_id="steady"), "b": task("a", agent_id="steady")}, name="Other")
    )
    return [engine.start(workflow).pk for _ in range(OTHERS)]


def assert_finished(others: list[int]) -> None:
    runs = Run.objects.filter(pk__in=others)
    assert set(runs.values_list("status", flat=True)) == {"completed"}
    assert_invariants(list(runs))


def test_what_an_action_or_a_damaged_row_does_harms_no_other_run(keeper: Keeper) -> None:
    poisons = {agent: start(agent, **({"timeout_seconds": 1} if agent == "hangs" else {})) for agent in KINDS}
    damaged = start("steady")
    others = start_others()
    WorkflowVersion.objects.filter(pk=damaged.version_id).update(definition={"tasks": 5})
    plan_for.cache_clear()
    keeper.carry([*(run.pk for run in poisons.values()), *others])
    assert_finished(others)
    for agent, (code, words) in KINDS.items():
        poison = Run.objects.get(pk=poisons[agent].pk)
        assert (poison.status, poison.error["code"]) == ("failed", code)
        assert words in poison.error["message"]
        assert_invariants([poison])
    damaged.refresh_from_db()
    assert (damaged.status, damaged.error["code"]) == ("paused", "engine_error")
    # Nothing died of it; a worker may have made way for a fresh one because of the thread that hangs.
    assert set(keeper.deaths) <= {0}


def test_of_three_deaths_the_last_takes_no_worker_with_it(keeper: Keeper) -> None:
    poison = start("exits")
    others = start_others()
    keeper.carry([poison.pk, *others])
    assert_finished(others)
    poison.refresh_from_db()
    assert (poison.status, poison.error["code"]) == ("failed", "worker_lost")
    assert "The worker died 3 times" in poison.error["message"]
    assert poison.tasks.get(key="first").losses == 3
    assert keeper.deaths == [1, 1]
    assert_invariants([poison])
