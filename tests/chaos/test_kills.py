"""The short form of `kills`: each role once, in one Baton on SQLite."""

from __future__ import annotations

import pytest

from tests.chaos import databases, kills
from tests.chaos.roles import NAMES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROLES = [
    name for name in NAMES if name != "keeper"
]  # it takes another start; the stops and the long form make it


@pytest.fixture(scope="module")
def tallies(tmp_path_factory: pytest.TempPathFactory) -> kills.Tallies:
    log = tmp_path_factory.mktemp("kills") / "up.log"
    with databases.environment("sqlite", BATON_STALL_SECONDS="8") as environment:
        return kills.kill(environment, rounds=1, log=str(log), roles=ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_lost_doubled_or_left_behind_when_it_dies(role: str, tallies: kills.Tallies) -> None:
    assert role in tallies, f"it was not reached: {tallies}"
    assert tallies[role]["problems"] == []
    assert tallies[role] == tallies[role] | {"kills": 1, "lost": 0, "doubled": 0, "orphans": 0}
