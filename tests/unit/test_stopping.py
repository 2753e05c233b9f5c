"""The clock of a request that stands and goes on: whatever is asked when, it runs as long as its deadline is."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.planning.business import Calendar, calendar_of, elapsed, later
from orchestrator.planning.machine import TaskStatus, WaitReason
from orchestrator.planning.state import TaskState
from orchestrator.planning.stopping import go_on, question_of, stop
from tests.engine.flows import EPOCH

DEADLINE = 1_000
SPANS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 5_000)), max_size=8)
RUNGS = st.lists(st.integers(1, 1_200), max_size=4)
GATE = SimpleNamespace(veto=True, on_timeout="reject")
HOURS = {"days": ["mon", "tue", "thu"], "from": "09:00", "to": "17:00", "timezone": "Europe/Berlin"}


def waiting(rungs: list[int], seconds: float = DEADLINE, hours: Any = None) -> TaskState:
    row = TaskState(1, 1, "ask", -1, 0, TaskStatus.WAITING, WaitReason.APPROVAL)
    row.started_at, row.timeout_at = EPOCH, later(EPOCH, seconds, calendar_of(hours))
    row.input = {"approvers": ["ann"], "escalation": [{"after_seconds": one} for one in rungs]}
    row.input |= {"business_hours": hours} if hours else {}
    row.due_at = row.timeout_at
    return row


def board(moment: Any) -> Any:
    plan = SimpleNamespace(tasks=defaultdict(lambda: SimpleNamespace(gate=GATE)))
    return SimpleNamespace(world=SimpleNamespace(now=moment), plan=plan, changed={}, stands=[], talk=[])


@given(SPANS, RUNGS)
def test_what_runs_before_the_timeout_is_the_deadline(spans: list[tuple[int, int]], rungs: list[int]) -> None:
    """Each span: how long the clock runs before a question, and how long it then stands."""
    row, now, ran, stopped = waiting(rungs), 0, 0, False
    for running, standing in spans:
        if ran + running >= DEADLINE:
            break
        now, ran, stopped = now + running, ran + running, True
        stop(board(EPOCH + timedelta(seconds=now)), row, uid="q")
        assert row.due_at is None
        now += standing
        go_on(board(EPOCH + timedelta(seconds=now)), row)
        assert question_of(row) is None
    assert row.timeout_at == EPOCH + timedelta(seconds=now + DEADLINE - ran)
    assert row.started_at == EPOCH  # what the timeline shows does not move
    if stopped:
        assert row.due_at == EPOCH + timedelta(seconds=now + min([*rungs, DEADLINE]) - ran)


@given(st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 400_000)), max_size=6))
def test_of_business_hours_too(spans: list[tuple[int, int]]) -> None:
    calendar, seconds = calendar_of(HOURS), 30 * 3600
    row, now, stood = waiting([], seconds, HOURS), EPOCH, 0.0
    for running, standing in spans:
        start = now + timedelta(seconds=running)
        assert row.timeout_at is not None
        if start >= row.timeout_at:
            break
        now = start + timedelta(seconds=standing)
        stop(board(start), row, uid="q")
        go_on(board(now), row)
        stood += elapsed(start, now, calendar)
    assert elapsed(EPOCH, row.timeout_at, calendar) - stood == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-30T08:00", "2026-11-30T10:00", 2.0),  # a Monday; nine o'clock there is eight here
        ("2026-11-30T06:00", "2026-11-30T23:00", 8.0),
        ("2026-11-30T15:00", "2026-12-01T09:00", 2.0),
        ("2026-12-02T00:00", "2026-12-02T23:59", 0.0),  # a day off
        ("2026-11-27T00:00", "2026-12-04T00:00", 24.0),
        ("2026-11-30T10:00", "2026-11-30T09:00", 0.0),
    ],
    ids=["morning", "a day", "over night", "day off", "a week", "backwards"],
)
def test_how_much_business_lies_between(start: str, end: str, hours: float) -> None:
    from datetime import UTC, datetime

    first, last = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (start, end))
    calendar = calendar_of(HOURS)
    assert isinstance(calendar, Calendar)
    assert elapsed(first, last, calendar) == hours * 3600


def test_votes_and_rungs_are_kept() -> None:
    row = waiting([5, 10])
    votes = [{"user": 1, "by": "bob", "for": ["bob"], "decision": "approved"}]
    row.output = {"votes": votes, "rungs": 1, "escalated": ["boss"]}
    stop(board(EPOCH + timedelta(seconds=7)), row, uid="q")
    go_on(board(EPOCH + timedelta(seconds=17)), row)
    kept = {name: row.output[name] for name in ("votes", "rungs", "escalated")}
    assert kept == {"votes": votes, "rungs": 1, "escalated": ["boss"]}
    assert row.due_at == EPOCH + timedelta(seconds=20)


def test_a_clock_of_another_machine_that_goes_slow_takes_no_time_away() -> None:
    row = waiting([])
    stop(board(EPOCH + timedelta(seconds=100)), row, uid="q")
    go_on(board(EPOCH + timedelta(seconds=90)), row)
    assert row.timeout_at == EPOCH + timedelta(seconds=DEADLINE)
