"""What every test gets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from orchestrator.engine import points
from orchestrator.engine.plans import plan_for

pytest_plugins = ("tests.needs",)

# How long one example takes says more of how busy the machine is than of the code.
settings.register_profile("calm", deadline=None)
settings.load_profile("calm")


@pytest.fixture(autouse=True)
def _nothing_left_over() -> Iterator[None]:
    """Ids are given again in the next test; what was kept by id must not be."""
    plan_for.cache_clear()
    yield
    points.disarm()
