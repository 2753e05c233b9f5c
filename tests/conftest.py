"""What every test gets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django_q.brokers import get_broker
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker

from orchestrator import actions
from orchestrator.actions import Call
from orchestrator.engine import attempts, points, registry
from orchestrator.engine.plans import plan_for
from orchestrator.reads.outline import outline_of

pytest_plugins = ("tests.needs",)

# How long one example takes says more of how busy the machine is than of the code.
hypothesis_settings.register_profile("calm", deadline=None)
hypothesis_settings.load_profile("calm")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Threads that serve for as long as their process keep a connection each, beside which PostgreSQL drops no database."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            others = "datname = current_database() AND pid <> pg_backend_pid()"
            cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")


@pytest.fixture(autouse=True)
def _nothing_left_over() -> Iterator[None]:
    """Ids are given again in the next test; what was kept by id must not be."""
    plan_for.cache_clear()
    outline_of.cache_clear()
    registry.forget()
    if settings.REDIS_URL:
        get_broker().purge_queue()  # the database's own queue goes with the database
    yield
    points.disarm()


@pytest.fixture(autouse=True)
def _lost_attempts_stay_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test plays the death of a worker nobody has died; a process of its own would know nothing of the test."""

    def execute(action: str, call: Call) -> Any:
        return actions.get(action).execute(call)

    monkeypatch.setattr(attempts, "execute_apart", execute)
