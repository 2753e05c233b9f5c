"""Whom of several agents a task goes to first, and what fits beside what is held: tables."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.planning.queueing import Standing, order_of
from orchestrator.planning.resources import amounts_of, fits, free_of, total_of


def one(load: float = 0.0, **given: Any) -> Standing:
    return Standing(load=load, **given)


GOOD, POOR = {"done": 40, "settled": 40}, {"done": 10, "settled": 40}

ORDERS: list[tuple[str, dict[str, Standing], str]] = [
    ("the least busy", {"a": one(0.5), "b": one(0.0)}, "ba"),
    ("more room", {"a": one(free=1), "b": one(free=5)}, "ba"),
    ("longest wait", {"a": one(since=9.0), "b": one(since=2.0)}, "ba"),
    ("the more reliable", {"a": one(**POOR), "b": one(**GOOD)}, "ba"),
    ("the faster", {"a": one(**GOOD, typical=60.0), "b": one(**GOOD, typical=10.0)}, "ba"),
    (
        "reliable rather than fast",
        {"a": one(done=1, settled=40, typical=9.0), "b": one(**GOOD, typical=10.0)},
        "ba",
    ),
    ("fast though busy", {"a": one(0.0, **GOOD, typical=60.0), "b": one(0.9, **GOOD, typical=10.0)}, "ba"),
    ("new beside good", {"a": one(), "b": one(**GOOD)}, "ba"),
    ("new beside poor", {"a": one(**POOR), "b": one()}, "ba"),
    ("one failure is no verdict", {"a": one(done=0, settled=1), "b": one(0.5)}, "ab"),
    ("nothing known of anybody", {"a": one(since=1.0), "b": one(since=2.0), "c": one(since=0.0)}, "cab"),
    ("took nothing just now", {"a": one(**GOOD, is_idle_call=True), "b": one(0.9, **POOR)}, "ba"),
    ("all took nothing", {"a": one(0.5, is_idle_call=True), "b": one(is_idle_call=True)}, "ba"),
    ("nobody", {}, ""),
]


@pytest.mark.parametrize(
    ("standings", "expected"), [row[1:] for row in ORDERS], ids=[row[0] for row in ORDERS]
)
def test_who_is_called_first(standings: dict[str, Standing], expected: str) -> None:
    assert "".join(order_of(standings)) == expected


standing = st.builds(
    Standing,
    load=st.floats(0, 1),
    free=st.integers(0, 1000),
    done=st.integers(0, 50),
    settled=st.integers(50, 100),
    typical=st.none() | st.floats(0, 1e6),
    since=st.floats(0, 1e6),
    is_idle_call=st.booleans(),
)


@given(st.dictionaries(st.integers(), standing, max_size=8))
def test_everybody_has_a_place_whatever_is_known(standings: dict[int, Standing]) -> None:
    ordered = order_of(standings)
    assert sorted(ordered) == sorted(standings)
    assert ordered == order_of(dict(reversed(standings.items()))) or len(set(standings.values())) < len(
        standings
    )


@pytest.mark.parametrize(
    ("needs", "has", "held", "expected"),
    [
        ({}, {"cpu": 1}, [], True),
        ({"cpu": 1}, {"cpu": 1}, [], True),
        ({"cpu": 2}, {"cpu": 1}, [], False),
        ({"cpu": 1}, {"cpu": 2}, [{"cpu": 1}], True),
        ({"cpu": 1}, {"cpu": 2}, [{"cpu": 1}, {"cpu": 0.5}], False),
        ({"cpu": 0.1}, {"cpu": 0.3}, [{"cpu": 0.1}, {"cpu": 0.1}], True),
        ({"cpu": 64, "memory_mb": 1}, {"memory_mb": 1}, [], True),
        ({"cpu": 1, "memory_mb": 2}, {"cpu": 1, "memory_mb": 1}, [], False),
        ({"cpu": 64}, {}, [{"cpu": 64}], True),
    ],
    ids=[
        "nothing",
        "exact",
        "too much",
        "beside",
        "no more",
        "tenths",
        "untold",
        "one of two",
        "tells nothing",
    ],
)
def test_what_fits(needs: Any, has: Any, held: Any, expected: bool) -> None:
    assert fits(needs, free_of(has, total_of(held))) is expected


def test_only_figures_that_are_numbers_are_counted() -> None:
    assert amounts_of({"cpu": "4", "memory_mb": 512, "gpu": 1}) == {"memory_mb": 512.0}
    assert amounts_of({"cpu": True, "memory_mb": 0}) == {}
