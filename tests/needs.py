"""What a test may need that is not there: it is skipped and says why, or fails where REQUIRE_ALL=1 promises it is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator

import pytest
from django.db import connection
from redis import Redis
from redis.exceptions import RedisError

REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"


def chromium() -> str | None:
    """The path of a Chromium or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def redis_url() -> str:
    """A Redis for tests: the one that is named, or a database of its own in the one of this machine."""
    sharer = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return os.environ.get("REDIS_URL") or f"redis://127.0.0.1:6379/{15 - sharer}"


def _no_browser() -> str:
    return "" if chromium() else "there is no Chromium on this machine"


def _no_redis() -> str:
    try:
        with Redis.from_url(redis_url(), socket_connect_timeout=1) as client:
            client.ping()
    except RedisError as error:
        return f"Redis does not answer: {error}"
    return ""


# Mark → why the test cannot run, '' when it can.
NEEDS: dict[str, Callable[[], str]] = {"browser": _no_browser, "redis": _no_redis}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of what only PostgreSQL does belong to the run with a DATABASE_URL of one, and not to another."""
    if connection.vendor == "postgresql":
        return
    elsewhere = [item for item in items if item.get_closest_marker("postgres")]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark, why_not in NEEDS.items():
        if item.get_closest_marker(mark) and (reason := why_not()):
            pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = (
            f"{item.nodeid} was skipped though REQUIRE_ALL=1: {call.excinfo and call.excinfo.value}"
        )
    return report
