"""The process dies at every named point in turn, at every time it is reached; what follows always ends the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from orchestrator import clock, engine, worker
from orchestrator.engine import points
from orchestrator.models import Approval, Event, Run
from orchestrator.planning.machine import RUN_ENDED
from tests.engine.flows import flow, states, task
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = {"seconds": 0}
FLOW = flow(
    {
        "a": task(parameters=QUICK, retry_count=1),
        "b": task("a", parameters=QUICK),
        "c": task("a", parameters=QUICK, mode="sequential"),
        "gate": task("b", "c", action="approval_gate", parameters={"approvers": ["ann"]}),
        "d": task("gate", parameters=QUICK),
    }
)


class Died(BaseException):
    """Stands for kill -9: nothing in the process gets to tidy up."""


def die_at(point: str, occurrence: int) -> list[int]:
    """Arm a point; the list counts how often it was reached."""
    reached = [0]

    def act() -> None:
        reached[0] += 1
        if reached[0] == occurrence:
            raise Died

    points.arm(point, act)
    return reached


def carry() -> None:
    worker.Worker("w").run_until(lambda _idle: True)


def recover() -> None:
    """What a restarted process does: the clock finds what was lost, a worker goes on."""
    points.disarm()
    clock.tick(timezone.now() + timedelta(seconds=61))
    carry()


def end(run: Run, ann) -> None:
    for _ in range(10):
        run.refresh_from_db()
        if run.status in RUN_ENDED:
            return
        recover()
        for asked in Approval.objects.filter(run=run, status="open"):
            engine.decide(asked.pk, "approve", user=ann)
    raise AssertionError(f"The run does not end: {states(run)}")


@pytest.mark.parametrize("occurrence", [1, 2, 3, 4])
@pytest.mark.parametrize("point", ["turn before commit", "turn after commit", "worker claimed"])
def test_a_worker_that_dies_loses_nothing_and_doubles_no_outcome(point, occurrence):
    ann = get_user_model().objects.create_user("ann")
    run = engine.start(engine.save_workflow(FLOW))
    die_at(point, occurrence)
    try:
        carry()
    except Died:
        assert_invariants()
    end(run, ann)
    assert set(states(run).values()) == {"completed"}
    completed = Event.objects.filter(run=run, type="task.completed")
    assert completed.count() == len(FLOW["tasks"])
    assert_invariants()


@pytest.mark.parametrize(
    "point", ["start before commit", "turn before commit", "turn after commit", "start after commit"]
)
def test_a_start_is_whole_or_was_never_there_and_asking_again_gives_one_run(point):
    ann = get_user_model().objects.create_user("ann")
    workflow = engine.save_workflow(FLOW)
    die_at(point, 1)
    with pytest.raises(Died):
        engine.start(workflow, idempotency_key="once")
    points.disarm()
    for run in Run.objects.all():
        assert (run.status, run.tasks.count()) == ("running", 5)
    run = engine.start(workflow, idempotency_key="once")
    assert Run.objects.count() == 1
    end(run, ann)
    assert run.status == "completed"


@pytest.mark.parametrize("point", ["decide before turn", "turn before commit", "turn after commit"])
def test_a_decision_counts_once_or_can_be_made_again(point):
    ann = get_user_model().objects.create_user("ann")
    run = engine.start(engine.save_workflow(FLOW))
    carry()
    asked = Approval.objects.get()
    die_at(point, 1)
    with pytest.raises(Died):
        engine.decide(asked.pk, "approve", user=ann)
    assert_invariants()
    end(run, ann)
    assert Event.objects.filter(run=run, type="approval.approved").count() == 1
    assert run.status == "completed"


@pytest.mark.parametrize("verb", ["pause", "cancel"])
@pytest.mark.parametrize("point", ["turn before commit", "turn after commit"])
def test_pause_and_cancel_happen_whole_or_not_at_all(verb, point):
    run = engine.start(engine.save_workflow(FLOW))
    die_at(point, 1)
    with pytest.raises(Died):
        getattr(engine, verb)(run.pk)
    assert_invariants()
    run.refresh_from_db()
    expected = {"pause": "paused", "cancel": "cancelled"}[verb]
    assert run.status == (expected if point == "turn after commit" else "running")
