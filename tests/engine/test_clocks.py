"""Three clocks find the same two hundred due items at the same moment: each is handled, and none twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from orchestrator import clock, engine
from orchestrator.engine.turn import take_turn
from orchestrator.models import Approval, Event, Run, TaskRun
from tests.engine.flows import Crank, failed, flow, task
from tests.engine.racing import LONG, PATIENCE, TIMEOUT, Act, arena
from tests.invariants import assert_invariants

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(TIMEOUT)]

CLOCKS = 3
EACH = 40
ROUNDS = 10 if LONG else 1
LATER = timedelta(seconds=61)  # past every lease, delay, timeout and deadline below

GATE = {"approvers": ["ann"], "timeout_seconds": 30}
# What comes due, the run in which it does, and the event by which the clock settles it.
KINDS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "retry": (flow({"a": task(retry_count=1, retry_delay=10)}), "task.ready", {"reason": "retry"}),
    "lease": (flow({"a": task()}), "task.ready", {"reason": "lost"}),
    "timeout": (flow({"a": task(timeout_seconds=5)}), "task.failed", {}),
    "approval": (flow({"a": task(action="approval_gate", parameters=GATE)}), "approval.expired", {}),
    "deadline": (flow({"a": task()}, settings={"timeout_seconds": 30}), "workflow.failed", {}),
}


def test_three_clocks_at_once_handle_each_due_item_once(
    monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    crank = Crank()
    workflows = {name: engine.save_workflow({**kind[0], "name": name}) for name, kind in KINDS.items()}
    with arena(CLOCKS) as three:
        for _ in range(ROUNDS):
            runs = {name: due_runs(crank, name, workflow) for name, workflow in workflows.items()}
            assert due_by(crank.now) == 0
            crank.now += LATER
            assert due_by(crank.now) == EACH * len(KINDS)
            found = three.at_once(*meeting(crank, monkeypatch))
            assert found == [EACH * len(KINDS)] * CLOCKS, found
            for name, started in runs.items():
                assert_each_was_handled_once(name, started)
            assert due_by(crank.now) == 0
            assert_invariants([run for started in runs.values() for run in started])
            put_away()
    record_property("due items", ROUNDS * EACH * len(KINDS))


def due_runs(crank: Crank, name: str, workflow: Any) -> list[Run]:
    runs = [crank.start_of(workflow) for _ in range(EACH)]
    if name == "deadline":
        return runs  # of these the whole run is due, so nothing in it shall be
    while claims := crank.turn(claim=EACH).claims:
        crank.turn(*[failed(claim) for claim in claims if name == "retry"])
    return runs


def due_by(moment: datetime) -> int:
    """How many items a clock finds due then."""
    return (
        TaskRun.objects.filter(due_at__lte=moment).count()
        + Run.objects.filter(deadline_at__lte=moment).count()
    )


def meeting(crank: Crank, monkeypatch: pytest.MonkeyPatch) -> list[Act]:
    """Ticks of clocks of which none settles due tasks, or due runs, before all have found them."""
    line = threading.Barrier(CLOCKS, timeout=PATIENCE)

    def settle(*given: Any, **named: Any) -> Any:
        line.wait()
        return take_turn(*given, **named)

    monkeypatch.setattr(clock, "take_turn", settle)
    return [lambda: clock.tick(crank.now)] * CLOCKS


def assert_each_was_handled_once(name: str, runs: list[Run]) -> None:
    _, type_, data = KINDS[name]
    events = Event.objects.filter(run__in=runs, type=type_)
    handled = Counter(event.run_id for event in events if data.items() <= event.data.items())
    assert handled == Counter({run.pk: 1 for run in runs}), name
    if name == "approval":
        assert set(Approval.objects.filter(run__in=runs).values_list("status", flat=True)) == {"expired"}


def put_away() -> None:
    """What goes on after this round would be due, or claimed, in the next."""
    for run in Run.objects.filter(status="running"):
        engine.cancel(run.pk)
