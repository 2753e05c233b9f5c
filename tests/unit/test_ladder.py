"""The rungs of a request that nobody decides, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.planning.ladder import Rung, faults_of, next_due, rungs_of

ASKED = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LADDER = [{"after_seconds": 100, "to": "group:managers"}, {"after_seconds": 10}]


def after(seconds: float | None) -> datetime | None:
    return None if seconds is None else ASKED + timedelta(seconds=seconds)


def test_rungs_are_climbed_in_the_order_of_time() -> None:
    assert rungs_of(LADDER) == [Rung(10), Rung(100, ("group:managers",))]
    assert rungs_of(None) == []


@pytest.mark.parametrize(
    ("climbed", "deadline", "due"),
    [(0, None, 10), (1, None, 100), (2, None, None), (0, 5, 5), (1, 50, 50), (2, 500, 500)],
)
def test_when_something_happens_next(climbed: int, deadline: float | None, due: float | None) -> None:
    assert next_due(LADDER, climbed, ASKED, after(deadline)) == after(due)


@pytest.mark.parametrize(
    ("escalation", "places"),
    [
        (None, []),
        (LADDER, []),
        ("{{ params.ladder }}", []),
        ([{"after_seconds": "{{ params.n }}", "to": "{{ params.boss }}"}], []),
        ({}, ["x"]),
        ([1], ["x[0]"]),
        ([{}], ["x[0].after_seconds"]),
        ([{"after_seconds": 0}], ["x[0].after_seconds"]),
        ([{"after_seconds": True}], ["x[0].after_seconds"]),
        ([{"after_seconds": 1, "to": []}], ["x[0].to"]),
        ([{"after_seconds": 1, "to": [1]}], ["x[0].to"]),
        ([{"after_seconds": 1, "whom": "x"}], ["x[0].whom"]),
        ([{"after_seconds": 1}] * 21, ["x"]),
    ],
)
def test_what_is_wrong_is_said_with_its_place(escalation: Any, places: list[str]) -> None:
    assert [issue.path for issue in faults_of(escalation, "x")] == places
