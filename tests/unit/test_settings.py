"""What the settings make of the environment: how long a server that is gone is waited for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ASK = """
import json
from orchestrator import settings
print(json.dumps({
    "options": settings.DATABASES["default"]["OPTIONS"],
    "cache": settings.CACHES["default"].get("LOCATION", ""),
    "queue": settings.Q_CLUSTER.get("redis", ""),
}))
"""


def settings_with(folder: Path, **environment: str) -> dict[str, Any]:
    given = {**os.environ, "BATON_DATA_DIR": str(folder), **environment}
    done = subprocess.run([sys.executable, "-c", ASK], env=given, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_postgresql_that_is_gone_without_a_word_is_noticed_within_seconds(tmp_path: Path) -> None:
    options = settings_with(tmp_path, DATABASE_URL="postgresql://baton@db/baton?connect_timeout=3")["options"]
    assert options["connect_timeout"] == 3  # the address has the last word
    assert options["tcp_user_timeout"] <= 30_000
    assert options["keepalives_idle"] + options["keepalives_interval"] * options["keepalives_count"] <= 30


@pytest.mark.parametrize(
    ("url", "connect", "answer"),
    [("redis://cache:6379/3", "2", "5"), ("redis://cache:6379/3?socket_timeout=9", "2", "9")],
)
def test_a_redis_is_waited_for_no_longer_than_a_few_seconds(
    tmp_path: Path, url: str, connect: str, answer: str
) -> None:
    found = settings_with(tmp_path, DATABASE_URL="", REDIS_URL=url)
    for address in (found["cache"], found["queue"]):
        start, _, query = address.partition("?")
        assert start == "redis://cache:6379/3"
        assert f"socket_connect_timeout={connect}" in query
        assert f"socket_timeout={answer}" in query
        assert query.count("socket_timeout") == 1


def test_without_redis_no_address_is_made_up(tmp_path: Path) -> None:
    found = settings_with(tmp_path, DATABASE_URL="", REDIS_URL="")
    assert (found["cache"], found["queue"]) == ("", "")
