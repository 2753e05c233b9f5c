"""Many agents ask for work at the same moment: each task goes to one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from orchestrator import engine
from orchestrator.engine import agent_work, agents
from orchestrator.models import Agent, Lease, Run
from tests.engine.flows import flow, task
from tests.engine.racing import LONG, TIMEOUT, Arena, arena
from tests.invariants import assert_invariants

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(TIMEOUT)]

AGENTS, TASKS = (50, 20) if LONG else (12, 6)
ROUNDS = 100 if LONG else 3
MOST_LOOKS = 20

CREW = flow({f"t{n}": task(agent_id="pool:crew") for n in range(TASKS)}, name="Crew")


@pytest.fixture
def many() -> Iterator[Arena]:
    with arena(AGENTS) as made:
        yield made


def test_no_task_is_leased_twice(many: Arena, record_property: Callable[[str, object], None]) -> None:
    crew = [agents.register(f"agent-{n}", pools=["crew"]) for n in range(AGENTS)]
    workflow = engine.save_workflow(CREW)
    takers: Counter[str] = Counter()
    for _ in range(ROUNDS):
        run = engine.start(workflow)
        for key in _all_taken(many, crew, run):
            takers[key] += 1
        for lease in Lease.objects.filter(ended_at=None):
            agent_work.complete(lease, None)
        run.refresh_from_db()
        assert run.status == "completed"
    assert_invariants()
    record_property("takers", f"{len(takers)} of {AGENTS} agents, {takers.total()} tasks")
    assert takers.total() == ROUNDS * TASKS
    assert len(takers) > TASKS // 2


def _all_taken(many: Arena, crew: list[Agent], run: Run) -> list[str]:
    """Who took the tasks of the run. Everybody asks at once, until all tasks are in somebody's hands."""
    found: list[str] = []
    for _ in range(MOST_LOOKS):
        answers = many.at_once(*(partial(agent_work.take, agent) for agent in crew))
        given = [one for answer in answers for one in answer]
        found += [one.lease.agent.key for one in given]
        tasks = list(Lease.objects.filter(task_run__run=run).values_list("task_run", flat=True))
        assert len(tasks) == len(set(tasks)) == len(found), "a task was leased twice"
        if len(found) == TASKS:
            return found
    raise AssertionError(f"Only {len(found)} of {TASKS} tasks were taken up.")


def test_one_agent_that_asks_many_times_at_once_gets_what_it_has_room_for(many: Arena) -> None:
    """Several processes with the same token."""
    agent = agents.register("rover", capacity=4, resources={"cpu": 3})
    tasks = {f"t{n}": task(agent_id="rover", resources={"cpu": 1}) for n in range(TASKS + 4)}
    workflow = engine.save_workflow(flow(tasks, name="Asked"))
    for _ in range(ROUNDS):
        run = engine.start(workflow)
        many.at_once(*(partial(agent_work.take, agent, 2) for _ in range(AGENTS)))
        held = Lease.objects.filter(task_run__run=run, ended_at=None)
        assert held.count() == 3
        engine.cancel(run.pk)
        agent_work.note_lost()
    assert_invariants()
