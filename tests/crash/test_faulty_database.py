"""Every statement of a run fails once, in two ways: its connection is lost, or its process dies there.

The run has a task of each kind: a secret, a run of its own, a check that the engine decides, an approval, what follows; and
a worker that claims the first and is never seen again. Whatever fails, the run ends as if nothing had.

The two take turns at the statements; with `EVERY_FAULT=1` each is tried at every one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, close_old_connections
from django.utils import timezone
from django_q.models import OrmQ

from orchestrator import clock, engine, vault, worker
from orchestrator.engine import attempts
from orchestrator.engine.plans import plan_for
from orchestrator.engine.turn import ClaimRequest, take_turn
from orchestrator.exceptions import ConflictError
from orchestrator.models import Approval, Event, Run, Vote, Workflow
from orchestrator.planning.machine import RUN_ENDED
from tests.crash.faulty import AFTER, BEFORE, Died, Faults, Kind, every, install, without_flushing
from tests.engine.flows import flow, states, task
from tests.invariants import assert_invariants
from tests.people import person

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.timeout(400),
    # Who is dead closes no cursor; what is left of it in the process of the tests finds its connection gone.
    pytest.mark.filterwarnings("ignore:.*ServerCursorMixin:pytest.PytestUnraisableExceptionWarning"),
]

EVERY_FAULT = os.environ.get("EVERY_FAULT") == "1"
CHILD = {**flow({"only": task(agent_id="system", parameters={"n": 7})}), "id": "child", "name": "Child"}
FLOW = {
    **flow(
        {
            "a": task(
                parameters={"seconds": 0, "description": "use {{ secrets.crm }}", "result": {"rows": 3}}
            ),
            "b": task("a", action="workflow_trigger", parameters={"workflow_id": "child"}),
            "check": task(
                "a", action="condition_check", parameters={"expression": "tasks.a.output.rows > 2"}
            ),
            "gate": task("b", "check", action="approval_gate", parameters={"approvers": ["ann"]}),
            "d": task(
                "gate",
                agent_id="system",
                mode="sequential",
                parameters={
                    "n": "{{ tasks.b.output.output.only.n }}",
                    "big": "{{ tasks.check.output.result }}",
                },
            ),
        }
    ),
    "name": "Faulty",
}
# What a drive must have sent, lest a change of path leaves the faults beside it.
SENT = (
    "INSERT INTO orchestrator_event",
    "UPDATE orchestrator_run",
    "UPDATE orchestrator_taskrun",
    'INSERT INTO "orchestrator_approval"',
    'INSERT INTO "orchestrator_vote"',
    BEFORE,
    AFTER,
)


class Drive:
    """One run, from a client's wish to its end."""

    def __init__(self, workflow: Workflow, ann: User, key: str) -> None:
        self.workflow, self.ann, self.key = workflow, ann, key

    def go(self) -> None:
        run_id = _insist(lambda: self.start().pk)
        _once(lambda: take_turn(claiming=ClaimRequest("never seen again", 1, run_id=run_id)))
        self.carry_on()
        _work()

    def start(self) -> Run:
        return engine.start(self.workflow, idempotency_key=self.key)

    def carry_on(self) -> None:
        clock.tick(timezone.now() + timedelta(seconds=61))
        _work()
        _insist(self._decide)

    def _decide(self) -> None:
        for pk in Approval.objects.filter(status="open").values_list("pk", flat=True):
            try:
                engine.decide(pk, "approve", user=self.ann)
            except ConflictError as error:
                assert error.code == "already_decided"

    def finish(self) -> Run:
        """What fresh processes and a patient client do."""
        run = self.start()
        for _ in range(10):
            if run.status in RUN_ENDED:
                return run
            self.carry_on()
            run.refresh_from_db()
        raise AssertionError(f"The run does not end: {states(run)}")


def _work() -> None:
    worker.Worker("w").run_until(lambda _idle: True)


def _insist(act: Callable[[], Any]) -> Any:
    """A client that is told to try again does, and its next request finds a connection that works."""
    try:
        return act()
    except OperationalError:
        close_old_connections()
        return act()


def _once(act: Callable[[], Any]) -> None:
    try:
        act()
    except OperationalError:
        close_old_connections()


@pytest.fixture
def workflow(monkeypatch: pytest.MonkeyPatch) -> Workflow:
    monkeypatch.setattr(worker, "AWAY_SECONDS", 0.001)
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(attempts, "AWAY_SECONDS", (0.001,))
    without_flushing(monkeypatch)
    vault.put("crm", "hunter2")
    engine.save_workflow(CHILD)
    return engine.save_workflow(FLOW)


@pytest.mark.parametrize("kind", ["lost", "died"])
def test_a_run_ends_the_same_whichever_statement_fails(
    kind: Kind, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults, ann = install(monkeypatch), person("ann", "approver")
    at, step = (1, 1) if EVERY_FAULT else (1 if kind == "lost" else 2, 2)
    _fail_at(at, kind, faults, Drive(workflow, ann, key=f"{kind} {at}"))
    while faults.struck:
        at += step
        _fail_at(at, kind, faults, Drive(workflow, ann, key=f"{kind} {at}"))
    assert not [sql for sql in SENT if not any(met.startswith(sql) for met in faults.met)]


def _fail_at(at: int, kind: Kind, faults: Faults, drive: Drive) -> None:
    OrmQ.objects.all().delete()
    plan_for.cache_clear()
    try:
        with faults.failing(at, kind, of=every):
            drive.go()
    except Died:
        faults.revive()
    where = f"{kind} at {at}: {faults.met[at - 1] if faults.struck else 'nothing'}"
    _assert_wake_ups(where)
    _assert_right(drive.finish(), where)


def _assert_wake_ups(where: str) -> None:
    """What can be claimed was told of in the transaction that made it so."""
    if "orm" in settings.Q_CLUSTER and Run.objects.filter(claimable=True).exists():
        assert OrmQ.objects.exists(), where


def _assert_right(run: Run, where: str) -> None:
    assert states(run) == dict.fromkeys(FLOW["tasks"], "completed"), where
    family = Run.objects.filter(pk__gte=run.pk)
    assert [one.status for one in family] == ["completed", "completed"], where
    last = run.tasks.get(key="d").output
    assert (last["n"], last["big"]) == (7, True), where
    completed = Event.objects.filter(run__in=family, type="task.completed")
    assert completed.count() == len(FLOW["tasks"]) + len(CHILD["tasks"]), where
    assert Vote.objects.filter(approval__run=run).count() == 1, where
    assert_invariants(list(family))
