"""A cancel at every place a run can be, while everybody else goes on: afterwards nothing of it ever moves again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from orchestrator import clock, engine, worker
from orchestrator.engine import points
from orchestrator.engine.attempts import attempts_for, carry_out
from orchestrator.engine.turn import ClaimRequest, take_turn
from orchestrator.models import Approval, Run, TaskRun
from orchestrator.planning.signals import AttemptSignal, ChildStarted
from tests.engine.flows import Crank, failed, flow, states, succeeded, task
from tests.engine.racing import LONG, TIMEOUT, Act, Arena, arena
from tests.invariants import assert_invariants

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(TIMEOUT)]

TIMES = 100 if LONG else 25
BACKOFF = 10
TOO_LONG = 7200
CHILD = "cancel-child"

Record = Callable[[str, object], None]


@pytest.fixture
def three() -> Iterator[Arena]:
    with arena(3) as made:
        yield made


@pytest.fixture
def ann() -> User:
    return get_user_model().objects.create_user("ann")


def cancelling(run: Run) -> Act:
    return partial(engine.cancel, run.pk, reason="enough")


def claiming(run: Run, crank: Crank, *signals: Any) -> Act:
    return partial(take_turn, signals, claiming=ClaimRequest("w", 5, run_id=run.pk), now=crank.now)


def ticking(crank: Crank) -> Act:
    return partial(clock.tick, crank.now)


def assert_quiet(crank: Crank, run: Run) -> None:
    """The run was cancelled, and whatever the clock and a worker do later, nothing in it moves."""
    assert_still(crank, run)
    before = run.seq, states(run)
    crank.later(10 * BACKOFF)
    assert [claim for claim in crank.turn(claim=100).claims if claim.task.run_id == run.pk] == []
    assert_still(crank, run)
    assert (run.seq, states(run)) == before


def assert_still(crank: Crank, run: Run) -> None:
    run.refresh_from_db()
    assert run.status == "cancelled"
    types = list(run.events.order_by("seq").values_list("type", flat=True))
    after = set(types[types.index("workflow.cancelled") + 1 :])
    assert after <= {"outcome.refused"}, after
    assert not TaskRun.objects.filter(run=run, due_at__isnull=False).exists()
    assert not Approval.objects.filter(run=run, status="open").exists()
    assert_invariants([run])


def test_during_a_backoff(crank: Crank, three: Arena, record_property: Record) -> None:
    """The retry comes due at the moment of the cancel."""
    workflow = engine.save_workflow(flow({"a": task(retry_count=3, retry_delay=BACKOFF), "b": task("a")}))
    fired: Counter[str] = Counter()
    for _ in range(TIMES):
        run = crank.start_of(workflow)
        crank.turn(*[failed(claim) for claim in crank.turn(claim=1, run=run).claims])
        crank.now += timedelta(seconds=BACKOFF)
        three.at_once(cancelling(run), ticking(crank), claiming(run, crank))
        fired["fired first" if run.events.filter(type="task.ready").exists() else "never fired"] += 1
        assert_quiet(crank, run)
    record_property("retries", dict(fired))


def test_in_the_middle_of_a_task(crank: Crank, three: Arena, record_property: Record) -> None:
    """The task ends, its lease and the next claim come, all at the moment of the cancel."""
    workflow = engine.save_workflow(flow({"a": task(), "b": task("a"), "c": task("b")}))
    ends: Counter[str] = Counter()
    for _ in range(TIMES):
        run = crank.start_of(workflow)
        (claim,) = crank.turn(claim=1, run=run).claims
        three.at_once(cancelling(run), ticking(crank), claiming(run, crank, succeeded(claim)))
        ends[states(run)["a"]] += 1
        for held in TaskRun.objects.filter(run=run, claim__gt=0):
            late = {"run_id": run.pk, "task_id": held.pk, "claim": held.claim}
            assert crank.turn(type(succeeded(claim))(**late, actor=f"worker:{held.worker}")).conflicts
        assert_quiet(crank, run)
    record_property("task", dict(ends))


def test_while_people_are_asked(crank: Crank, three: Arena, ann: User, record_property: Record) -> None:
    """Somebody approves at the moment of the cancel."""
    gate = task(action="approval_gate", parameters={"approvers": ["ann"], "timeout_seconds": 60})
    workflow = engine.save_workflow(flow({"gate": gate, "b": task("gate"), "c": task("b")}))
    requests: Counter[str] = Counter()
    for _ in range(TIMES):
        run = crank.start_of(workflow)
        asked = Approval.objects.get(run=run)
        _, decided, _ = three.at_once(
            cancelling(run), partial(engine.decide, asked.pk, "approve", user=ann), claiming(run, crank)
        )
        asked.refresh_from_db()
        assert (asked.status == "cancelled") == isinstance(decided, Exception), (asked.status, decided)
        requests[asked.status] += 1
        assert_quiet(crank, run)
    record_property("request", dict(requests))


# While a run that it started goes on


def family(crank: Crank) -> Any:
    child = flow({"x": task(), "y": task("x")}, name="Cancel child")
    assert engine.save_workflow(child).key == CHILD
    start = task(
        action="workflow_trigger", parameters={"workflow_id": CHILD}, retry_count=1, timeout_seconds=TOO_LONG
    )
    return engine.save_workflow(flow({"a": start, "b": task("a")}, name="Cancel parent"))


def carrying(run: Run) -> Act:
    """A worker that carries this run alone until it finds nothing more to do in it."""
    return lambda: worker.Worker("w", run_id=run.pk).run_until(lambda _idle: True)


def assert_no_child_goes_on(crank: Crank, run: Run) -> None:
    crank.later(10 * BACKOFF)
    for child in Run.objects.filter(parent__run=run):
        assert_quiet(crank, child)
    assert_quiet(crank, run)


def test_while_a_child_works(crank: Crank, three: Arena) -> None:
    workflow = family(crank)
    for _ in range(TIMES):
        run = crank.start_of(workflow)
        carrying(run)()
        child = Run.objects.get(parent__run=run)
        (claim,) = crank.turn(claim=1, run=child).claims
        three.at_once(cancelling(run), ticking(crank), claiming(child, crank, succeeded(claim)))
        assert status_of(child) == "cancelled"
        assert_no_child_goes_on(crank, run)


def test_while_a_child_is_being_started(crank: Crank, three: Arena, record_property: Record) -> None:
    workflow = family(crank)
    children: Counter[str] = Counter()
    for _ in range(TIMES):
        run = crank.start_of(workflow)
        three.at_once(cancelling(run), ticking(crank), carrying(run))
        children[fate_of_child(run)] += 1
        assert_no_child_goes_on(crank, run)
    record_property("child", dict(children))


def fate_of_child(run: Run) -> str:
    if not Run.objects.filter(parent__run=run).exists():
        return "never started"
    return "refused" if run.events.filter(type="outcome.refused").exists() else "taken up"


def test_a_child_whose_start_came_too_late_is_cancelled_at_once(crank: Crank) -> None:
    """The cancel comes when the child has begun and its parent has not heard of it."""
    run = crank.start_of(family(crank))
    points.arm("attempt carried out", cancelling(run))
    carrying(run)()
    assert Run.objects.get(parent__run=run).status == "cancelled"
    assert_no_child_goes_on(crank, run)


def started_child(crank: Crank, run: Run) -> tuple[Run, AttemptSignal]:
    """Claim the task and let it start its run; what its worker would report, had it not died."""
    (claim,) = crank.turn(claim=1, run=run).claims
    (attempt,) = attempts_for([claim], claim.task.worker)
    signal = carry_out(attempt)
    assert isinstance(signal, ChildStarted), signal
    return Run.objects.get(pk=signal.child_id), signal


def status_of(run: Run) -> str:
    run.refresh_from_db()
    return run.status


def test_a_child_whose_worker_died_before_it_was_known_is_found_by_the_clock(crank: Crank) -> None:
    run = crank.start_of(family(crank))
    child, _ = started_child(crank, run)
    crank.later(0)
    assert status_of(child) == "running"
    engine.cancel(run.pk)
    crank.later(0)
    assert status_of(child) == "cancelled"
    assert_no_child_goes_on(crank, run)


def test_a_child_of_an_attempt_that_lost_its_lease_is_taken_over_and_not_cancelled(crank: Crank) -> None:
    run = crank.start_of(family(crank))
    child, late = started_child(crank, run)
    crank.later(61)
    assert status_of(child) == "running"
    same, signal = started_child(crank, run)
    assert same == child
    assert crank.turn(late).conflicts
    crank.later(0)
    crank.turn(signal)
    crank.later(0)
    assert (status_of(child), states(run)["a"]) == ("running", "waiting")
    crank.play(child)
    crank.later(0)
    assert states(run)["a"] == "completed"


def test_a_child_of_an_attempt_that_was_given_up_goes_with_it(crank: Crank) -> None:
    """Another attempt has another child; two of them never go on side by side."""
    run = crank.start_of(family(crank))
    child, late = started_child(crank, run)
    for seconds in (TOO_LONG, BACKOFF):
        crank.now += timedelta(seconds=seconds)
        clock.tick(crank.now, orphans=False)
    other, signal = started_child(crank, run)
    crank.later(0)
    assert (status_of(child), status_of(other)) == ("cancelled", "running")
    crank.turn(signal)
    assert crank.turn(late).conflicts
    crank.later(0)
    assert (status_of(other), states(run)["a"]) == ("running", "waiting")


def test_a_run_that_nobody_waits_for_outlives_the_one_that_started_it(crank: Crank) -> None:
    family(crank)
    given = {"workflow_id": CHILD, "wait": False}
    gate = task("a", action="approval_gate", parameters={"approvers": ["ann"]})
    run = crank.start(flow({"a": task(action="workflow_trigger", parameters=given), "gate": gate}))
    carrying(run)()
    child = Run.objects.get(parent__run=run)
    engine.cancel(run.pk)
    crank.later(0)
    assert status_of(child) == "running"
