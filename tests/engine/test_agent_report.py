"""What is told of agents over a stretch of time: a table of what happened, and the figures it comes to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from orchestrator import engine
from orchestrator.engine import agents
from orchestrator.models import Agent, Lease, TaskRun
from orchestrator.reads.agent_report import AgentReport, report
from tests.engine.flows import flow, task

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=1)

# What an agent of capacity 2 did within the hour: (taken minutes ago, ended minutes ago or still at it, outcome); and
# done, failed, lost, given back, success rate, p50 and p95 in minutes, busy minutes, load.
Did = list[tuple[float, float | None, str]]
TABLE: dict[str, tuple[Did, tuple[Any, ...]]] = {
    "nothing": ([], (0, 0, 0, 0, None, None, None, 0, 0)),
    "one completed": ([(20, 10, "completed")], (1, 0, 0, 0, 1.0, 10, 10, 10, 0)),
    "one failed": ([(20, 10, "failed")], (0, 1, 0, 0, 0.0, None, None, 10, 0)),
    "one lost": ([(20, 10, "lost")], (0, 0, 1, 0, 0.0, None, None, 10, 0)),
    "one given back": ([(20, 10, "released")], (0, 0, 0, 1, None, None, None, 10, 0)),
    "three of four": (
        [(50, 49, "completed"), (40, 38, "completed"), (30, 27, "completed"), (20, 10, "failed")],
        (3, 1, 0, 0, 0.75, 2, 3, 16, 0),
    ),
    "at the same time": ([(30, 10, "completed"), (30, 10, "completed")], (2, 0, 0, 0, 1.0, 20, 20, 40, 0)),
    "still at it": ([(15, None, "")], (0, 0, 0, 0, None, None, None, 15, 1)),
    "begun before": ([(90, 30, "completed")], (1, 0, 0, 0, 1.0, 60, 60, 30, 0)),
    "begun before and still at it": ([(90, None, "")], (0, 0, 0, 0, None, None, None, 60, 1)),
    "all of it before": ([(120, 61, "completed"), (130, 90, "failed")], (0, 0, 0, 0, None, None, None, 0, 0)),
    "twenty, the last a slow one": (
        [(60 - n, 59 - n, "completed") for n in range(19)] + [(30, 0, "completed")],
        (20, 0, 0, 0, 1.0, 1, 1, 49, 0),
    ),
    "twenty, two of them slow": (
        [(60 - n, 59 - n, "completed") for n in range(18)] + [(30, 0, "completed")] * 2,
        (20, 0, 0, 0, 1.0, 1, 30, 78, 0),
    ),
}


@pytest.fixture
def rover() -> Agent:
    agent = agents.register("rover", capacity=2)
    Agent.objects.update(created_at=NOW - timedelta(days=30))
    return agent


def lease(agent: Agent, taken: float, ended: float | None, outcome: str) -> Lease:
    """As it is stored, of a task of its own; times in minutes before now."""
    run = engine.start(engine.save_workflow({**flow({"a": task(agent_id=agent.key)}), "id": "digging"}))
    row = run.tasks.get()
    if ended is None:
        TaskRun.objects.filter(pk=row.pk).update(status="running", reason="", claim=1, due_at=NOW)
    return Lease.objects.create(
        agent=agent,
        task_run=row,
        claim=1,
        attempt=1,
        taken_at=NOW - timedelta(minutes=taken),
        ended_at=None if ended is None else NOW - timedelta(minutes=ended),
        outcome=outcome,
    )


def minutes(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds() / 60


@pytest.mark.parametrize("name", TABLE)
def test_what_happened_comes_to(name: str, rover: Agent) -> None:
    did, expected = TABLE[name]
    for taken, ended, outcome in did:
        lease(rover, taken, ended, outcome)
    (one,) = report(SINCE, now=NOW)
    told = (one.done, one.failed, one.lost, one.released, one.success_rate)
    assert (*told, minutes(one.p50), minutes(one.p95), minutes(one.busy), one.load) == expected
    assert one.utilisation == pytest.approx(expected[7] / 120)


def test_an_agent_that_is_new_could_not_have_been_busy_before(rover: Agent) -> None:
    Agent.objects.update(created_at=NOW - timedelta(minutes=20))
    lease(rover, 20, 0, "completed")
    (one,) = report(SINCE, now=NOW)
    assert (minutes(one.span), one.utilisation) == (20, pytest.approx(0.5))


def test_nobody_is_busier_than_they_can_be(rover: Agent) -> None:
    lease(rover, 60, 0, "completed")
    lease(rover, 60, 0, "completed")
    Agent.objects.update(capacity=1)
    (one,) = report(SINCE, now=NOW)
    assert one.utilisation == 1.0


def test_a_lease_whose_task_went_on_without_the_agent_is_no_load(rover: Agent) -> None:
    lease(rover, 10, None, "")
    TaskRun.objects.update(claim=2)
    (one,) = report(SINCE, now=NOW)
    assert (one.load, minutes(one.busy)) == (0, 0)


def test_agents_are_kept_apart_and_may_be_chosen(
    rover: Agent, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    other, idle = agents.register("other"), agents.register("idle")
    for agent, count in ((rover, 3), (other, 2)):
        for number in range(count):
            lease(agent, 30 + count, 30, "completed" if number else "failed")
    with django_assert_num_queries(5):
        found = report(SINCE, now=NOW)
    assert [(one.agent.key, one.done, one.failed, minutes(one.p50)) for one in found] == [
        ("idle", 0, 0, None),
        ("other", 1, 1, 2),
        ("rover", 2, 1, 3),
    ]
    chosen = report(SINCE, Agent.objects.filter(pk__in=[other.pk, idle.pk]), NOW)
    assert [one.agent.key for one in chosen] == ["idle", "other"]


def test_it_is_told_to_programs_in_seconds(rover: Agent) -> None:
    lease(rover, 30, 15, "completed")
    (one,) = report(SINCE, now=NOW)
    assert isinstance(one, AgentReport)
    assert one.as_dict() == {
        "id": "rover",
        "name": "rover",
        "state": "offline",
        "done": 1,
        "failed": 0,
        "lost": 0,
        "released": 0,
        "success_rate": 1.0,
        "p50": 900.0,
        "p95": 900.0,
        "busy": 900.0,
        "utilisation": 0.125,
        "load": 0,
        "capacity": 2,
    }
