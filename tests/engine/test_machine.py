"""A state machine over the planner and the engine on a moving clock: whatever happens in whatever order, the
invariants hold. Five bugs put in on purpose show that the machine would find them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orchestrator import clock
from orchestrator.engine import plans
from orchestrator.engine.memory import Memory
from orchestrator.models import Approval, TaskRun
from orchestrator.planning import claiming, failing, outcomes
from orchestrator.planning.machine import RUN_ENDED
from orchestrator.planning.signals import Cancel, Decided, Pause, Released, Resume, Told
from tests.engine.flows import Crank, failed, fence, flow, succeeded, task
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)

JOINS = ["any_succeeded", "all_succeeded", "all_settled", "first_succeeded"]


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """DAGs of two to six tasks that use most of what the engine knows."""
    size = draw(st.integers(2, 6))
    tasks: dict[str, Any] = {}
    for number in range(size):
        earlier = list(tasks)
        after = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
        tasks[f"t{number}"] = draw(one_task(after, before(tasks, after)))
    limit = draw(st.sampled_from([None, None, 1, 2]))
    return flow(tasks, settings={"max_parallel": limit} if limit else {})


def before(tasks: dict[str, Any], after: list[str]) -> list[str]:
    """All that lies before a task with these dependencies."""
    found = set(after)
    for key in reversed(tasks):
        if key in found:
            found.update(tasks[key]["dependencies"])
    return sorted(found)


@st.composite
def gates(draw: st.DrawFn, before: list[str]) -> dict[str, Any]:
    """A gate of one level, or of two, which may be sent back to what lies before it."""
    given: dict[str, Any] = {"timeout_seconds": 100, "send_back_to": before}
    if draw(st.booleans()):
        return {**given, "approvers": ["ann"]}
    order = draw(st.sampled_from(["in_order", "together"]))
    outcomes = ["reject", "approve", *(["escalate"] if order == "in_order" else [])]
    first = {"approvers": ["ann", "bob"], "on_timeout": draw(st.sampled_from(outcomes))}
    second = {"approvers": ["bob", "cas"], "quorum": draw(st.sampled_from(["any", 1, "50%"]))}
    return {**given, "levels": [first, second], "order": order}


@st.composite
def one_task(draw: st.DrawFn, after: list[str], before: list[str]) -> dict[str, Any]:
    given: dict[str, Any] = {
        "mode": draw(st.sampled_from(["parallel", "sequential"])),
        "retry_count": draw(st.integers(0, 2)),
        "retry_delay": 10,
        "timeout_seconds": draw(st.sampled_from([30, 3600])),
        "on_failure": draw(st.sampled_from(["fail", "fail", "skip", "manual"])),
    }
    if after:
        given["join"] = draw(st.sampled_from(JOINS))
        if draw(st.integers(0, 3)) == 0:
            given["conditions"] = [
                f"tasks.{after[0]}.status == '{draw(st.sampled_from(['completed', 'failed']))}'"
            ]
    kind = draw(st.sampled_from(["agent", "agent", "agent", "gate", "check", "each"]))
    if kind == "gate":
        given |= {"action": "approval_gate", "parameters": draw(gates(before))}
    elif kind == "check":
        given |= {"action": "condition_check", "parameters": {"checks": {"ok": "1 < 2"}}}
    elif kind == "each":
        given["for_each"] = draw(st.sampled_from(["[]", "[1]", "[1, 2, 3]"]))
    return task(*after, **given)


class EngineMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        wipe()
        self.crank = Crank()
        users = get_user_model().objects
        self.people = {name: users.get_or_create(username=name)[0].pk for name in ("ann", "bob", "cas")}
        self.spent: list[Any] = []

    @initialize(definition=definitions())
    def begin(self, definition: dict[str, Any]) -> None:
        self.run = self.crank.start(definition)

    # What workers do

    @rule(limit=st.integers(1, 5))
    def claim(self, limit: int) -> None:
        self.crank.claim(limit)

    @precondition(lambda self: self.crank.held)
    @rule(data=st.data(), good=st.booleans(), limit=st.integers(0, 2))
    def report(self, data: st.DataObject, good: bool, limit: int) -> None:
        """An outcome of any attempt ever held: in time, late or for the second time."""
        held = data.draw(st.sampled_from(self.crank.held))
        self.crank.turn(succeeded(held, {"n": 1}) if good else failed(held), claim=limit)

    @precondition(lambda self: len(self.crank.held) > 1)
    @rule()
    def report_several_at_once(self) -> None:
        self.crank.turn(*[succeeded(held) for held in self.crank.held[-3:]])

    @precondition(lambda self: self.crank.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.crank.turn(Released(**fence(data.draw(st.sampled_from(self.crank.held)))))

    @rule()
    def a_task_kills_one_worker_after_another(self) -> None:
        for _ in range(4):
            self.crank.claim(1)
            self.crank.later(61)

    # What the clock does

    @rule(seconds=st.sampled_from([0, 1, 11, 31, 61, 200]))
    def time_passes(self, seconds: int) -> None:
        self.crank.later(seconds)

    @rule()
    def a_second_clock_ticks(self) -> None:
        clock.tick(self.crank.now)

    # What people do

    @rule(
        data=st.data(),
        decision=st.sampled_from(["approve", "approve", "reject", "send_back"]),
        name=st.sampled_from(["ann", "bob", "cas"]),
    )
    def decide(self, data: st.DataObject, decision: Any, name: str) -> None:
        requests = list(Approval.objects.order_by("pk"))
        if not requests:
            return
        asked = data.draw(st.sampled_from(requests))
        to = data.draw(st.sampled_from(asked.send_back_to or [""]))
        self.crank.turn(
            Decided(
                run_id=asked.run_id,
                task_id=asked.task_run_id,
                decision=decision,
                actor=f"user:{name}",
                user_id=self.people[name],
                username=name,
                names=(name,),
                to=to,
            )
        )

    @rule()
    def pause(self) -> None:
        self.crank.turn(Pause(run_id=self.run.pk))

    @rule()
    def resume(self) -> None:
        self.crank.turn(Resume(run_id=self.run.pk))

    @rule(sure=st.integers(0, 3))
    def cancel(self, sure: int) -> None:
        if sure == 0:
            self.crank.turn(Cancel(run_id=self.run.pk))

    @rule(data=st.data(), verb=st.sampled_from(["retry", "retry", "skip", "fail", "complete"]))
    def tell(self, data: st.DataObject, verb: Any) -> None:
        rows = list(TaskRun.objects.filter(run=self.run, status__in=["failed", "waiting"]).order_by("pk"))
        if rows:
            row = data.draw(st.sampled_from(rows))
            self.crank.turn(Told(run_id=self.run.pk, task_id=row.pk, verb=verb, actor="user:ann"))

    @invariant()
    def invariants_hold(self) -> None:
        assert_invariants()

    def teardown(self) -> None:
        """However it stands, it can be carried to an end."""
        if not hasattr(self, "run"):
            return
        self.crank.turn(Resume(run_id=self.run.pk))
        for _ in range(60):
            self.run.refresh_from_db()
            if self.run.status in RUN_ENDED:
                return
            self._help_along()
        raise AssertionError(f"Run {self.run.pk} does not end.")

    def _help_along(self) -> None:
        self.crank.later(400)
        self.crank.turn(claim=100)
        live = TaskRun.objects.filter(run=self.run, status="running").values_list("pk", "claim")
        known = {(held.task.id, held.task.claim): held for held in self.crank.held}
        self.crank.turn(*[succeeded(known[place]) for place in live if place in known])
        for row in TaskRun.objects.filter(run=self.run, status="waiting", reason="person"):
            self.crank.turn(Told(run_id=self.run.pk, task_id=row.pk, verb="skip", actor="user:ann"))
        assert_invariants()


def wipe() -> None:
    """Every row of runs and workflows gone, so that one example knows nothing of another."""
    tables = [
        "notice",
        "comment",
        "question",
        "attachment",
        "vote",
        "approver",
        "approval",
        "logline",
        "event",
        "taskrun",
        "run",
        "workflowversion",
        "workflow",
    ]
    with connection.cursor() as cursor:
        for table in tables:
            if connection.vendor == "postgresql":
                cursor.execute(f"TRUNCATE orchestrator_{table} CASCADE")
            else:
                cursor.execute(f"DELETE FROM orchestrator_{table}")
        cursor.execute("DELETE FROM django_q_ormq")
    plans.plan_for.cache_clear()


def explore(examples: int, steps: int = 30, **given: Any) -> None:
    run_state_machine_as_test(
        EngineMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            print_blob=False,
            **given,
        ),
    )


def test_the_invariants_hold_whatever_happens_in_whatever_order():
    explore(60, derandomize=True)


# Six bugs, each of which the machine finds.


def _drop_the_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    def accept_anything(board: Any, signal: Any) -> None:
        row = board.by_id.get(signal.task_id)
        if row is not None and row.status == "running":
            object.__setattr__(signal, "claim", row.claim)
        original(board, signal)

    original = outcomes._outcome
    monkeypatch.setattr(outcomes, "_outcome", accept_anything)


def _count_no_losses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failing, "MAX_LOSSES", 10**6)


def _let_sequential_tasks_run_together(monkeypatch: pytest.MonkeyPatch) -> None:
    original = claiming.start

    def start(board: Any, row: Any, worker: str) -> None:
        original(board, row, worker)
        board.run.sequential_busy = 0

    monkeypatch.setattr(claiming, "start", start)


def _decide_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def decided(board: Any, row: Any, signal: Any) -> None:
        from orchestrator.planning.state import CloseApproval

        board.closed.append(CloseApproval(row, "approved", signal.user_id))
        board.note("approval.approved", row)

    monkeypatch.setitem(outcomes._TASK_HANDLERS, Decided, decided)


def _remember_what_another_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Memory, "recall", lambda *_: None)


def _cancel_only_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop_all(board: Any, status: Any, error: Any) -> None:
        board.move_run(status)

    monkeypatch.setattr(outcomes, "_stop_all", stop_all)


@pytest.mark.parametrize(
    "bug",
    [
        _drop_the_fence,
        _count_no_losses,
        _let_sequential_tasks_run_together,
        _decide_twice,
        _cancel_only_the_run,
        _remember_what_another_has_changed,
    ],
    ids=lambda bug: bug.__name__.strip("_"),
)
def test_a_bug_put_in_on_purpose_is_found(bug, monkeypatch):
    bug(monkeypatch)
    with pytest.raises((AssertionError, IntegrityError)):
        explore(200, phases=[Phase.generate], derandomize=True)
