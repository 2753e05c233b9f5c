"""What an agent has is reserved by the tasks that it holds: it takes up what fits beside them, and no more."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orchestrator import engine
from orchestrator.engine import agent_work, agents
from orchestrator.engine.agent_resources import LOOKED_AT
from orchestrator.models import Agent, Run
from orchestrator.reads.why import why
from tests.engine.flows import flow, task
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db


def rover(**resources: float) -> Agent:
    return agents.register("rover", capacity=10, resources=resources)


def started(name: str = "Flow", **needs: dict[str, float] | None) -> Run:
    tasks: dict[str, Any] = {
        key: task(agent_id="rover", **({"resources": given} if given else {})) for key, given in needs.items()
    }
    return engine.start(engine.save_workflow({**flow(tasks), "name": name, "id": name.lower()}))


def taken(agent: Agent, most: int = 10) -> list[str]:
    return [one.task for one in agent_work.take(agent, most)]


@pytest.mark.parametrize(
    ("has", "expected"),
    [
        ({}, "abcd"),
        ({"cpu": 4}, "acd"),
        ({"cpu": 2}, "ad"),
        ({"cpu": 1}, "d"),
        ({"cpu": 4, "memory_mb": 500}, "bd"),
        ({"memory_mb": 1000}, "abcd"),
        ({"cpu": 100}, "abcd"),
    ],
    ids=str,
)
def test_it_takes_what_fits_and_nothing_waits_behind_what_does_not(
    has: dict[str, float], expected: str
) -> None:
    agent = rover(**has)
    started(a={"cpu": 2, "memory_mb": 1000}, b={"cpu": 3}, c={"cpu": 2}, d=None)
    assert "".join(taken(agent)) == expected
    assert_invariants()


def test_what_is_held_counts_until_it_is_settled() -> None:
    agent = rover(cpu=2)
    run = started(a={"cpu": 1.5}, b={"cpu": 1}, c={"cpu": 0.5})
    (first, second) = agent_work.take(agent, 10)
    assert (first.task, second.task) == ("a", "c")
    assert taken(agent) == []
    (answer,) = [one for one in why(run) if one.task == "b"]
    assert "waits for the agent rover, which is offline" in answer.sentence
    agents.seen([agent.pk])
    (answer,) = [one for one in why(run) if one.task == "b"]
    assert "until 1 processor is free (rover has 0 processors left)" in answer.sentence
    agent_work.complete(second.lease, None)
    assert taken(agent) == []
    agent_work.release(first.lease)
    assert taken(agent) == ["a"]


def test_many_that_do_not_fit_hide_none_that_does() -> None:
    agent = rover(cpu=1)
    tasks = {"big": task(agent_id="rover", resources={"cpu": 2}, for_each="{{ params.many }}")}
    parameters = {"many": {"type": "list", "default": list(range(LOOKED_AT + 50))}}
    engine.start(engine.save_workflow({**flow(tasks, parameters=parameters), "name": "Many"}))
    started(small={"cpu": 1})
    assert taken(agent) == ["small"]


def test_it_takes_as_many_queries_for_many_tasks_as_for_few() -> None:
    counted = []
    for number, many in enumerate((2, 8)):
        agent = agents.register(f"agent-{number}", capacity=8, resources={"cpu": 8})
        tasks = {f"t{n}": task(agent_id=agent.key, resources={"cpu": 1}) for n in range(many)}
        engine.start(engine.save_workflow({**flow(tasks), "name": f"Flow {number}"}))
        agent_work.waiting_for(None).exists()
        with CaptureQueriesContext(connection) as queries:
            found = agent_work.take(agent, many)
        assert len(found) == many
        counted.append(len(queries))
    assert counted[0] == counted[1]
