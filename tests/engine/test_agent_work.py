"""Tasks that agents fetch: who gets what, for how long it is theirs, and what becomes of what comes too late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from orchestrator import clock, conf, engine
from orchestrator.engine import agent_work, agents, registry
from orchestrator.engine.agents import FAILURES_UNTIL_QUARANTINE
from orchestrator.exceptions import ConflictError, InvalidError, NotFoundError
from orchestrator.models import Agent, Lease, LogLine, Run, TaskRun
from tests.engine.flows import flow, task
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db


@pytest.fixture
def rover() -> Agent:
    return agents.register("rover", capabilities=["python"], pools=["night"], capacity=2)


def started(**tasks: dict[str, Any]) -> Run:
    return engine.start(engine.save_workflow(flow(tasks)))


def expire(run: Run) -> None:
    """Time goes by without a sign of life."""
    later = timezone.now() + timedelta(seconds=conf.lease_seconds() + 1)
    clock.tick(later)
    run.refresh_from_db()


@pytest.mark.parametrize("address", ["rover", "pool:night", "can:python"])
def test_a_task_waits_for_whoever_is_meant_and_is_taken_up(rover: Agent, address: str) -> None:
    run = started(a=task(agent_id=address, parameters={"n": 1}))
    assert run.tasks.get().reason == "agent"
    (given,) = agent_work.take(rover)
    assert (given.task, given.parameters["n"], given.attempt) == ("a", 1, 1)
    agent_work.complete(given.lease, {"n": 2})
    run.refresh_from_db()
    assert (run.status, run.tasks.get().output) == ("completed", {"n": 2})
    assert_invariants()


@pytest.mark.parametrize("address", ["other", "pool:day", "can:rust"])
def test_what_is_meant_for_others_is_not_given_out(rover: Agent, address: str) -> None:
    registry.remember([*rover.addresses, address])
    started(a=task(agent_id=address))
    assert agent_work.take(rover) == []


def test_nobody_holds_more_than_fits(rover: Agent) -> None:
    started(**{key: task(agent_id="rover") for key in "abc"})
    assert len(agent_work.take(rover, 10)) == 2
    assert agent_work.take(rover) == []


def test_sequential_tasks_of_a_run_are_taken_one_after_the_other(rover: Agent) -> None:
    started(a=task(agent_id="rover", mode="sequential"), b=task(agent_id="rover", mode="sequential"))
    (first,) = agent_work.take(rover, 2)
    assert agent_work.take(rover, 2) == []
    agent_work.complete(first.lease, None)
    (second,) = agent_work.take(rover, 2)
    assert (first.task, second.task) == ("a", "b")


def test_what_is_paused_is_not_given_out(rover: Agent) -> None:
    run = started(a=task(agent_id="rover"))
    engine.pause(run.pk)
    assert agent_work.take(rover) == []


@pytest.mark.parametrize("state", [Agent.State.DRAINING, Agent.State.QUARANTINED])
def test_who_is_to_have_nothing_new_gets_nothing(rover: Agent, state: str) -> None:
    started(a=task(agent_id="rover"))
    rover.state = state
    assert agent_work.take(rover) == []
    assert len(agent_work.take(agents.activate(rover))) == 1


def test_a_task_of_an_agent_that_fell_silent_goes_to_another(rover: Agent) -> None:
    run = started(a=task(agent_id="pool:night"))
    (lost,) = agent_work.take(rover)
    expire(run)
    other = agents.register("other", pools=["night"])
    (found,) = agent_work.take(other)
    assert (found.attempt, found.idempotency_key) == (1, lost.idempotency_key)
    for late in (
        lambda: agent_work.complete(lost.lease, "late"),
        lambda: agent_work.keep_alive(agent_work.find_lease(rover, lost.lease.pk)),
        lambda: agent_work.write_log(lost.lease, [("info", "late")]),
        lambda: agent_work.fail(lost.lease, "late"),
        lambda: agent_work.release(lost.lease),
    ):
        with pytest.raises(ConflictError) as refused:
            late()
        assert refused.value.code == "lease_lost"
    assert run.events.filter(type="outcome.refused", actor="agent:rover").count() == 3
    agent_work.complete(found.lease, "in time")
    assert run.tasks.get().output == "in time"
    assert_invariants()


def test_a_result_that_comes_twice_is_refused(rover: Agent) -> None:
    run = started(a=task(agent_id="rover"))
    (given,) = agent_work.take(rover)
    agent_work.complete(given.lease, 1)
    with pytest.raises(ConflictError, match="no longer yours"):
        agent_work.complete(given.lease, 2)
    assert run.tasks.get().output == 1


def test_a_sign_of_life_holds_the_lease_but_not_beyond_the_timeout(rover: Agent) -> None:
    run = started(a=task(agent_id="rover", timeout_seconds=30))
    (given,) = agent_work.take(rover)
    sign = agent_work.keep_alive(agent_work.find_lease(rover, given.lease.pk))
    assert sign.lease_until == run.tasks.get().due_at == given.timeout_at
    assert not sign.is_cancelled


def test_an_agent_is_told_that_its_run_was_cancelled(rover: Agent) -> None:
    run = started(a=task(agent_id="rover"))
    (given,) = agent_work.take(rover)
    engine.cancel(run.pk)
    assert agent_work.keep_alive(agent_work.find_lease(rover, given.lease.pk)).is_cancelled


def test_a_failure_is_tried_again_unless_it_would_not_help(rover: Agent) -> None:
    run = started(a=task(agent_id="rover", retry_count=1, retry_delay=1))
    (given,) = agent_work.take(rover)
    agent_work.fail(given.lease, "no disk")
    assert (run.tasks.get().reason, run.tasks.get().error["message"]) == ("retry", "no disk")
    clock.tick(timezone.now() + timedelta(seconds=10))
    (again,) = agent_work.take(rover)
    agent_work.fail(again.lease, "never", code="no_such_file", retryable=False)
    run.refresh_from_db()
    assert (run.status, run.tasks.get().error["code"]) == ("failed", "no_such_file")


def test_an_output_that_is_not_what_was_agreed_ends_the_attempt(rover: Agent) -> None:
    run = started(a=task(agent_id="rover", output_schema={"type": "object"}, retry_count=0))
    (given,) = agent_work.take(rover)
    with pytest.raises(InvalidError, match="output_schema"):
        agent_work.complete(given.lease, "text")
    assert run.tasks.get().error["code"] == "output_invalid"
    assert Lease.objects.get().outcome == "failed"


def test_what_is_given_back_does_not_count(rover: Agent) -> None:
    run = started(a=task(agent_id="rover"))
    (given,) = agent_work.take(rover)
    agent_work.release(given.lease)
    row = run.tasks.get()
    assert (row.status, row.reason, row.attempt) == ("waiting", "agent", 0)
    (again,) = agent_work.take(rover)
    assert again.attempt == 1


def test_what_cannot_be_given_out_fails_with_the_reason(rover: Agent) -> None:
    run = started(a=task(agent_id="rover", parameters={"x": "{{ secrets.missing }}"}, retry_count=0))
    assert agent_work.take(rover) == []
    assert run.tasks.get().status == "failed"
    assert run.tasks.get().error["message"]


def test_secrets_are_given_out_and_kept_out_of_the_log_and_the_output(rover: Agent) -> None:
    from orchestrator import vault

    vault.put("crm", "hunter2-hunter2")
    run = started(a=task(agent_id="rover", parameters={"key": "{{ secrets.crm }}"}))
    (given,) = agent_work.take(rover)
    assert given.parameters["key"] == "hunter2-hunter2"
    agent_work.write_log(given.lease, [("info", "with hunter2-hunter2"), ("error", "x")])
    agent_work.complete(given.lease, {"echo": "hunter2-hunter2"})
    row = run.tasks.get()
    told = f"{list(LogLine.objects.values_list('message', flat=True))} {row.output} {row.input}"
    assert "hunter2" not in told
    assert LogLine.objects.count() == 2


def test_whoever_fails_again_and_again_gets_nothing_more(rover: Agent) -> None:
    for number in range(FAILURES_UNTIL_QUARANTINE):
        started(a={**task(agent_id="rover", retry_count=0), "name": f"Try {number}"})
        (given,) = agent_work.take(rover)
        agent_work.fail(given.lease, "no", retryable=False)
        rover.refresh_from_db()
    assert rover.state == Agent.State.QUARANTINED


def test_the_demo_agent_stands_in_for_nobody_who_is_registered(rover: Agent) -> None:
    named = started(a=task(agent_id="rover")).tasks.get()
    stranger = started(a=task(agent_id="stranger")).tasks.get()
    assert (named.status, stranger.status) == ("waiting", "ready")
    assert rover.key == "rover"


def test_a_lease_of_somebody_else_is_not_there(rover: Agent) -> None:
    started(a=task(agent_id="rover"))
    (given,) = agent_work.take(rover)
    with pytest.raises(NotFoundError):
        agent_work.find_lease(agents.register("other"), given.lease.pk)


def test_a_lease_whose_task_went_on_without_its_agent_is_closed(rover: Agent) -> None:
    run = started(a=task(agent_id="rover"))
    agent_work.take(rover)
    expire(run)
    agent_work.note_lost()
    assert Lease.objects.get().outcome == "lost"
    assert agent_work.free_capacity(rover) == 2
    assert TaskRun.objects.get().reason == "agent"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"capacity": 0}, "out_of_range"),
        ({"capacity": True}, "out_of_range"),
        ({"kind": "robot"}, "not_in_enum"),
        ({"capabilities": ["a b"]}, "invalid"),
        ({"capabilities": "python"}, "invalid"),
        ({"pools": [1]}, "invalid"),
        ({"name": " "}, "required"),
        ({"colour": "red"}, "unknown_field"),
        ({"cost_per_hour": -1}, "out_of_range"),
    ],
)
def test_what_an_agent_cannot_be_is_refused_with_its_place(given: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidError) as refused:
        agents.register("rover", **given)
    assert [issue.code for issue in refused.value.issues] == [code]
    assert not Agent.objects.exists()


def test_an_id_is_given_once(rover: Agent) -> None:
    with pytest.raises(ConflictError):
        agents.register(rover.key)
    with pytest.raises(InvalidError):
        agents.register("../x")


def test_what_was_cancelled_is_no_fault_of_the_agent(rover: Agent) -> None:
    for number in range(FAILURES_UNTIL_QUARANTINE):
        run = started(a={**task(agent_id="rover"), "name": f"Try {number}"})
        (given,) = agent_work.take(rover)
        engine.cancel(run.pk)
        assert agent_work.keep_alive(agent_work.find_lease(rover, given.lease.pk)).is_cancelled
    rover.refresh_from_db()
    assert (rover.state, rover.failures_in_a_row) == (Agent.State.ACTIVE, 0)
