"""Three clocks find the same two hundred due items at the same moment: each is handled, and none twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from orchestrator import clock, engine
from orchestrator.engine.turn import ClaimRequest, take_turn
from orchestrator.models import Approval, Run, TaskRun
from tests.engine.flows import Crank, event_types, failed, flow, task
from tests.engine.racing import LONG, PATIENCE, TIMEOUT, Act, arena
from tests.invariants import assert_invariants

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(TIMEOUT)]

CLOCKS = 3
EACH = 34
ROUNDS = 10 if LONG else 1
LATER = timedelta(seconds=61)  # past every lease, delay, timeout and deadline below

GATE = {"approvers": ["ann"], "timeout_seconds": 30}
# What comes due, the run in which it does, and all that happens in it but starts: the last by the clock, once.
KINDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "retry": (flow({"a": task(retry_count=1, retry_delay=10)}), ["task.retrying", "task.ready"]),
    "lease": (flow({"a": task()}), ["task.ready"]),
    "timeout": (flow({"a": task(timeout_seconds=5)}), ["task.failed", "workflow.failed"]),
    "first timeout": (flow({"a": task(timeout_seconds=5, retry_count=1)}), ["task.retrying"]),
    "approval": (
        flow({"a": task(action="approval_gate", parameters=GATE)}),
        ["approval.required", "approval.expired", "task.failed", "workflow.failed"],
    ),
    "deadline": (
        flow({"a": task()}, settings={"timeout_seconds": 30}),
        ["task.cancelled", "workflow.failed"],
    ),
}
ITEMS = EACH * len(KINDS)


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
            assert due_by(crank.now) == ITEMS
            found = three.at_once(*meeting(crank, monkeypatch))
            assert found == [ITEMS] * CLOCKS, found
            assert due_by(crank.now) == 0
            for name, started in runs.items():
                assert_each_was_handled_once(name, started)
            put_away()
    record_property("due items", ROUNDS * ITEMS)


def due_runs(crank: Crank, name: str, workflow: Any) -> list[Run]:
    runs = [crank.start_of(workflow) for _ in range(EACH)]
    if name == "deadline":
        return runs  # of these the whole run is due, so nothing in it shall be
    while claims := crank.turn(claim=EACH).claims:
        crank.turn(*[failed(claim) for claim in claims if name == "retry"])
    return runs


def due_by(moment: datetime) -> int:
    """How many items a clock finds due then."""
    tasks = TaskRun.objects.filter(due_at__lte=moment)
    return tasks.count() + Run.objects.filter(deadline_at__lte=moment).count()


def meeting(crank: Crank, monkeypatch: pytest.MonkeyPatch) -> list[Act]:
    """Ticks of clocks of which none settles due tasks, or due runs, before all have found them.

    What a clock has made ready is taken up at once, so that the next clock finds it at work again.
    """
    line = threading.Barrier(CLOCKS, timeout=PATIENCE)

    def settle(*given: Any, **named: Any) -> Any:
        line.wait()
        result = take_turn(*given, **named)
        take_turn(claiming=ClaimRequest("w", ITEMS, runs=ITEMS), now=crank.now)
        return result

    monkeypatch.setattr(clock, "take_turn", settle)
    return [partial(clock.tick, crank.now)] * CLOCKS


def assert_each_was_handled_once(name: str, runs: list[Run]) -> None:
    expected = ["workflow.started", *KINDS[name][1]]
    happened = Counter(tuple(type_ for type_ in event_types(run) if type_ != "task.started") for run in runs)
    assert happened == {tuple(expected): EACH}, name
    if name == "approval":
        assert set(Approval.objects.filter(run__in=runs).values_list("status", flat=True)) == {"expired"}
    if name == "deadline":
        assert {run.error["code"] for run in Run.objects.filter(pk__in=[run.pk for run in runs])} == {
            "timeout"
        }
    assert_invariants(runs)


def put_away() -> None:
    """What goes on after this round would be due, or claimed, in the next."""
    for run in Run.objects.filter(status="running"):
        engine.cancel(run.pk)
