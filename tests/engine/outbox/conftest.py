"""A postbox of their own for each test, and agents that have a folder in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from orchestrator.engine import agents, registry
from tests.engine.outbox.desks import Desk


@pytest.fixture
def postbox(settings: Settings, tmp_path: Path) -> Iterator[Path]:
    settings.BATON = {**settings.BATON, "POSTBOX": tmp_path / "postbox"}
    yield tmp_path / "postbox"
    registry.forget()


@pytest.fixture
def hire(postbox: Path) -> Callable[..., Desk]:
    def register(key: str, **given: Any) -> Desk:
        agent = agents.register(key, transport="outbox", kind="human", **{"capacity": 5, **given})
        return Desk(agent, postbox / key / "outbox.json")

    return register


@pytest.fixture
def ann(hire: Callable[..., Desk]) -> Desk:
    return hire("ann")
