"""What every test gets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.engine import points
from orchestrator.engine.plans import plan_for

pytest_plugins = ("tests.needs",)


@pytest.fixture(autouse=True)
def _nothing_left_over() -> Iterator[None]:
    """Ids are given again in the next test; what was kept by id must not be."""
    plan_for.cache_clear()
    yield
    points.disarm()
