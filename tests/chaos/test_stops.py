"""The short form of `stops`: once, on SQLite, with tasks that finish in the time they are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import databases, stops


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_baton_that_is_stopped_at_work_and_started_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with databases.environment("sqlite") as environment:
        seen = stops.stop(environment, 1, 2.0, stubborn=False, log=str(tmp_path / "up.log"))
    assert seen["problems"] == []
    assert seen == seen | {"stops": 1, "lost": 0, "doubled": 0}
