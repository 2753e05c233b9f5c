"""What every test gets."""

from __future__ import annotations

import os

import pytest

from orchestrator.engine import points
from orchestrator.engine.plans import plan_for


@pytest.fixture(autouse=True)
def _nothing_left_over():
    """Ids are given again in the next test; what was kept by id must not be."""
    plan_for.cache_clear()
    yield
    points.disarm()


def pytest_runtest_makereport(item, call):
    """Under REQUIRE_ALL=1 a test that would skip for a missing service, browser or file fails instead."""
    if (
        os.environ.get("REQUIRE_ALL") == "1"
        and call.excinfo is not None
        and call.excinfo.errisinstance(pytest.skip.Exception)
    ):
        call.excinfo = pytest.ExceptionInfo.from_exc_info(
            (
                AssertionError,
                AssertionError(f"REQUIRE_ALL=1 forbids to skip: {call.excinfo.value}"),
                call.excinfo.tb,
            )
        )
