"""The baton command on an empty data directory, as a process of its own."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Baton = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BATON_", "DJANGO_"))}
    kept.pop("DATABASE_URL", None)
    kept.pop("REDIS_URL", None)
    return {**kept, "BATON_DATA_DIR": str(tmp_path / "data"), "BATON_DEMO": "1", "BATON_DEMO_SECONDS": "0"}


def popen(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "orchestrator.cli", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


@pytest.fixture
def baton(environment: dict[str, str]) -> Baton:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        process = popen(environment, *words)
        out, err = process.communicate(timeout=100)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    return run


def test_a_template_is_created_and_carried_out_on_an_empty_data_directory(
    baton: Baton, tmp_path: Path
) -> None:
    made = baton("create", "sequential_pipeline", "--json")
    assert (made.returncode, json.loads(made.stdout)["id"]) == (0, "sequential_pipeline"), made.stderr
    ended = baton("start", "sequential_pipeline", "--wait", "--json")
    assert (ended.returncode, json.loads(ended.stdout)["status"]) == (0, "completed"), ended.stderr
    assert (tmp_path / "data" / "baton.sqlite3").exists()
    assert stat.S_IMODE((tmp_path / "data" / "keys" / "secret_key").stat().st_mode) == 0o600


def test_commands_that_begin_together_make_the_database_once(environment: dict[str, str]) -> None:
    together = [popen(environment, "list", "--json") for _ in range(3)]
    results = [(process.communicate(timeout=100), process.returncode) for process in together]
    assert [code for _, code in results] == [0, 0, 0], results
    assert sum("Made the database" in err for (_, err), _ in results) == 1


def test_an_error_is_one_sentence_without_a_trace(baton: Baton) -> None:
    missing = baton("status", "nothing-here")
    assert missing.returncode == 3
    assert missing.stdout == ""
    assert missing.stderr.splitlines()[-1] == "Error: There is no workflow 'nothing-here'."
    assert baton("start").returncode == 2
    assert "Traceback" not in missing.stderr


def test_bad_settings_are_a_sentence_too(environment: dict[str, str]) -> None:
    process = popen({**environment, "BATON_WORKERS": "many"}, "list")
    _, err = process.communicate(timeout=100)
    assert process.returncode == 1
    assert err.startswith("Error: Baton cannot start with these settings.")
    assert "Traceback" not in err
