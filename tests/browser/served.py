"""A whole Baton with its demo, started for the browser tests with a data directory and a port of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_FOREIGN = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "BATON_DEBUG")


@dataclass(frozen=True, slots=True)
class Served:
    """Where it answers, the password of the demo's people, and how its command line reaches it."""

    url: str
    password: str
    env: Mapping[str, str]

    def baton(self, *words: str) -> str:
        """What the command prints."""
        return _run(self.env, *words)


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """A Baton that is up until the block ends; what it says goes to up.log in the folder."""
    env = _environment(folder)
    port = _free_port()
    password: str = json.loads(_run(env, "demo", "--json"))["password"]
    with (folder / "up.log").open("wb") as log, _keeper(env, port, log.fileno()) as keeper:
        try:
            _wait_until_up(keeper, port, folder / "up.log")
            yield Served(f"http://127.0.0.1:{port}", password, env)
        finally:
            _end(keeper)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    data = str(folder / "data")
    return {**kept, "BATON_DATA_DIR": data, "BATON_DEMO": "1", "BATON_DEMO_SECONDS": "0.3"}


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "orchestrator.cli", *words]


def _run(env: Mapping[str, str], *words: str) -> str:
    done = subprocess.run(_command(*words), env=env, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, f"baton {' '.join(words)} failed: {done.stdout}{done.stderr}"
    return done.stdout


def _keeper(env: Mapping[str, str], port: int, log: int) -> subprocess.Popen[bytes]:
    command = _command("up", "--port", str(port))
    return subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)


def _end(keeper: subprocess.Popen[bytes]) -> None:
    keeper.send_signal(signal.SIGTERM)
    try:
        keeper.wait(30)
    finally:
        with suppress(ProcessLookupError):  # nothing of the group was left, as it should be
            os.killpg(keeper.pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _wait_until_up(keeper: subprocess.Popen[bytes], port: int, log: Path, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and keeper.poll() is None:
        if _answers(port):
            return
        time.sleep(0.1)
    raise TimeoutError(f"baton up did not come up: {log.read_text()[-2000:]}")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
