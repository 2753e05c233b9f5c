"""Why a task waits for its agent, as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.reads.agent_waits import Candidate, waits_because

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def one(**given: Any) -> Candidate:
    usual = {"key": "rover", "addresses": frozenset({"rover", "pool:x"}), "state": "active", "seen_at": NOW}
    return Candidate(**{**usual, "held": 0, "capacity": 2, **given})


@pytest.mark.parametrize(
    ("everybody", "cause", "fix"),
    [
        ([], ", which nobody serves", "baton agents register x"),
        ([one(addresses=frozenset({"rover"}))], ", which nobody serves", "baton agents register x"),
        ([one(state="draining")], "where all is draining", "baton agents activate rover"),
        ([one(state="quarantined")], "where all is quarantined", "baton agents activate rover"),
        ([one(seen_at=None)], "offline (never heard of)", "Start rover"),
        ([one(seen_at=NOW - timedelta(hours=2))], "last heard of 2026-05-04 10:00 UTC", "Start rover"),
        ([one(held=2)], "no room (rover holds 2 of 2)", "capacity"),
        ([one(held=2), one(key="other")], "takes it up in a moment", ""),
        ([one(state="draining"), one(key="other", held=1)], "other takes it up", ""),
        ([one(seen_at=None, is_person=True)], "rover finds it in My tasks", ""),
    ],
)
def test_why(everybody: list[Candidate], cause: str, fix: str) -> None:
    told, mends = waits_because("pool:x", everybody, NOW)
    assert cause in told
    assert (fix in mends) if fix else mends == ""
