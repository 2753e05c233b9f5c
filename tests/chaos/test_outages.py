"""The outages in their short form: one restart of PostgreSQL and one flush of Redis while ten runs go on."""

from __future__ import annotations

import pytest

from tests.chaos.outages import Plan, outages
from tests.chaos.servers import missing
from tests.needs import REQUIRE_ALL

SHORT = Plan(
    seconds=5.0,
    runs=10,
    every=(2.5, 3.0),
    down=(2.0, 2.0),
    flushes=1,
    stops=0,
    freezes=0,
    finish=120.0,  # whoever took an attempt and did not hear that it was stored holds it for a lease of 60 s
    lookers=1,
)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_restart_of_postgresql_and_a_flush_of_redis_lose_nothing_and_are_told_in_words() -> None:
    if not REQUIRE_ALL:
        pytest.skip(
            "it starts two servers and a whole Baton, which takes half a minute; REQUIRE_ALL=1 runs it"
        )
    if why := missing():
        pytest.skip(why)
    report = outages(SHORT)
    assert report.problems == []
    assert (report.restarts, report.flushes) == (1, 1)
    assert (report.runs["runs"], report.runs["completed"]) == (10, 10)
    assert set(report.answers["by_status"]) == {200, 503}
    assert set(report.answers["while_away"]) <= {
        503
    }  # a machine that is very busy may answer none in that time
