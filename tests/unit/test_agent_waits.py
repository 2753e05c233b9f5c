"""Why a task waits for its agent, as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.reads.agent_waits import Candidate, wait_of, waits_because

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


@pytest.mark.parametrize(
    ("everybody", "needs", "kind", "cause"),
    [
        ([one(has={"cpu": 2})], {"cpu": 4}, "too_large", "needs 4 processors and none has as much (rover has 2 processors)"),
        ([one(has={"cpu": 2}), one(key="big", has={"cpu": 4})], {"cpu": 4}, "soon", "big takes it up"),
        ([one(has={"cpu": 2}), one(key="big", has={"cpu": 4}, seen_at=None)], {"cpu": 4}, "offline", "offline"),
        ([one(has={"cpu": 2}, state="draining")], {"cpu": 4}, "too_large", "none has as much"),
        ([one(has={"cpu": 2}, reserved={"cpu": 1.5})], {"cpu": 1}, "short", "until 1 processor is free (rover has 0.5"),
        ([one(has={"cpu": 2}, held=2)], {"cpu": 1}, "full", "no room"),
        ([one(has={"memory_mb": 10})], {"cpu": 64}, "soon", "takes it up"),
        (
            [one(has={"cpu": 1, "memory_mb": 10})],
            {"cpu": 2, "memory_mb": 20_000},
            "too_large",
            "2 processors and 20,000 MB of memory",
        ),
    ],
    ids=["too large", "another", "that one is away", "drained", "short", "full", "untold", "both"],
)  # fmt: skip
def test_what_it_needs(everybody: list[Candidate], needs: dict[str, float], kind: str, cause: str) -> None:
    found = wait_of("pool:x", everybody, NOW, needs)
    assert (found.kind, cause in found.cause) == (kind, True), found.cause
