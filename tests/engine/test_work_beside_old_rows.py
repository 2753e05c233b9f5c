"""A day of work costs the same beside thousands of old runs: many runs at once, of every kind, from start to end.

`test_old_rows.py` looks at one thing at a time. Here workers carry what comes, so that turns over many runs, requests,
retries, items and runs started by runs take the ways they take in a busy installation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from orchestrator import clock, engine, worker
from orchestrator.engine.turn import ClaimRequest, take_turn
from orchestrator.models import Approval, Run, TaskRun, Workflow
from orchestrator.planning.machine import RUN_ENDED
from tests import costs, crowds
from tests.engine.flows import flow, succeeded, task
from tests.invariants import assert_invariants
from tests.people import make_groups, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

OLD_RUNS = 1_000  # of each kind
AT_ONCE = 4  # of each kind
ROUNDS = 8
# A day is long: how its work falls into turns varies a little. Reading each old run once would take far more.
MAY_GROW = 1.5

_TRIES = {"retry_count": 2, "retry_delay": 1}
_GATE = task("a", action="approval_gate", parameters={"approvers": ["ann"]})
_SIDES = {side: task("top") for side in ("left", "middle", "right")}
_CHILD = task(action="workflow_trigger", parameters={"workflow_id": "chain"})
KINDS = {
    "chain": {"a": task(), "b": task("a"), "c": task("b")},
    "diamond": {"top": task(), **_SIDES, "bottom": task(*_SIDES)},
    "asks": {"a": task(), "g": _GATE, "b": task("g")},
    "retried": {"a": task(parameters={"fail_times": 1}, **_TRIES), "b": task("a")},
    "fails": {"a": task(), "b": task("a", parameters={"fail_times": 9}, **_TRIES), "c": task("b")},
    "each": {"a": task(for_each="[1, 2, 3]"), "b": task("a")},
    "parent": {"a": _CHILD, "b": task("a")},
}


@pytest.fixture
def ann(settings: Any) -> User:
    settings.BATON = {**settings.BATON, "LEASE_SECONDS": 3600.0}
    make_groups()
    return person("ann", "approver")


@pytest.fixture
def workflows() -> list[Workflow]:
    return [engine.save_workflow(flow(tasks, name=key), key=key) for key, tasks in KINDS.items()]


def day(workflows: Sequence[Workflow], user: User) -> list[Run]:
    """Start some runs of each and see all of them through to their end."""
    runs = [engine.start(workflow) for workflow in workflows for _ in range(AT_ONCE)]
    going = Run.objects.filter(pk__in=[run.pk for run in runs]).exclude(status__in=RUN_ENDED)
    for number in range(ROUNDS):
        worker.Worker("here").run_until(lambda _idle: True)
        for pk in Approval.objects.filter(status=Approval.Status.OPEN).values_list("pk", flat=True):
            engine.decide(pk, "approve", user=user)
        clock.tick(timezone.now() + timedelta(minutes=number))
        if not going.exists():
            return runs
    raise AssertionError(f"Not ended: {list(going.values_list('workflow__key', 'status'))}")


def test_a_day_of_work_costs_no_more_beside_thousands_of_old_runs(
    workflows: list[Workflow], ann: User
) -> None:
    past = day(workflows, ann)[::AT_ONCE]
    crowds.leave_room()
    before = costs.cost_of(lambda: day(workflows, ann))
    for run in past:
        run.refresh_from_db()
        crowds.make_old(run)
        crowds.add_copies(run, OLD_RUNS)
    today: list[Run] = []
    after = costs.cost_of(lambda: today.extend(day(workflows, ann)))
    assert not after.scanned, "\n".join({str(one) for one in after.scanned})
    assert after.work <= MAY_GROW * before.work, f"{before.work} → {after.work}\n{after.heaviest()}"
    assert_invariants(today)


def test_a_turn_over_many_runs_reads_the_successors_and_no_other_task(
    workflows: list[Workflow], ann: User
) -> None:
    chain = workflows[0]
    past = day([chain], ann)[0]
    crowds.leave_room()

    def turn() -> None:
        runs = [engine.start(chain) for _ in range(10)]
        claims = [take_turn(claiming=ClaimRequest("here", 1, run_id=run.pk)).claims[0] for run in runs]
        take_turn([succeeded(claim) for claim in claims])
        ready = TaskRun.objects.filter(run__in=runs, status="ready")
        assert list(ready.values_list("key", flat=True)) == ["b"] * 10

    before = costs.cost_of(turn)
    crowds.add_copies(past, OLD_RUNS)
    after = costs.cost_of(turn)
    assert not after.scanned, "\n".join(map(str, after.scanned))
    few = 300 if connection.vendor == "postgresql" else 2_500
    assert after.work <= before.work + few, f"{before.work} → {after.work}\n{after.heaviest()}"
