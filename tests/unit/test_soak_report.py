"""What a soak makes of its measurements."""

from __future__ import annotations

import pytest

from tests.chaos.soak_report import Figures, problems, table


def test_a_disk_that_is_slower_for_everybody_is_not_held_against_it() -> None:
    slower = figures([100.0] * 12, [0.010, 0.010, 0.012, 0.015, 0.020, 0.020])
    slower.commits = [[0.001] * 5, [0.001] * 5, [0.0015] * 5, [0.002] * 5, [0.002] * 5, [0.002] * 5]
    assert problems(slower) == []
    assert "raw commits" in table(slower)
    slower.commits = [[0.001] * 5] * 6
    assert any("p95 between tasks grew" in problem for problem in problems(slower))


def figures(web: list[float], steps: list[float]) -> Figures:
    found = Figures()
    for megabytes in web:
        found.note_memory({"web": megabytes, "clock": 50.0})
    found.steps = [[step] * 40 for step in steps]
    return found


def test_what_stays_as_it_was_is_no_problem() -> None:
    calm = figures([100.0, 104.0] * 6, [0.010, 0.011] * 3)
    assert problems(calm) == []
    assert "web" in table(calm) and "p95" in table(calm)


@pytest.mark.parametrize(
    ("web", "steps", "said"),
    [
        ([100.0 + 3 * n for n in range(12)], [0.01] * 6, "web grew from 104.5 to 128.5 MB"),
        ([100.0] * 12, [0.010, 0.011, 0.012, 0.013, 0.014, 0.015], "p95 between tasks grew"),
        ([100.0] * 3, [0.01] * 6, "too short"),
        ([100.0] * 12, [0.01], "too short"),
    ],
)
def test_what_creeps_up_is_told(web: list[float], steps: list[float], said: str) -> None:
    assert any(said in problem for problem in problems(figures(web, steps)))
