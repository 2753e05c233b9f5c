"""A whole `baton up` that is killed, stopped and started again on the same data, address and log."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

import httpx

from tests.chaos.processes import Seen, family, strays, waits_are_told
from tests.chaos.waiting import found_within

UP_SECONDS = 120.0
STOP_SECONDS = 30.0
KEEPER = "keeper"


class Baton:
    """Configured by the environment of this process. `mark` stands in the environment of all that it starts."""

    def __init__(self, log: Path, workers: int) -> None:
        self.mark = f"BATON_CHAOS={uuid.uuid4().hex}"
        self.url = f"http://127.0.0.1:{_free_port()}"
        self.log = log
        self._workers = workers
        self._keeper: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(timeout=5)

    @property
    def pid(self) -> int:
        return self._keeper.pid if self._keeper else 0

    @property
    def is_kept(self) -> bool:
        return self._keeper is not None and self._keeper.poll() is None

    def start(self) -> None:
        """Returns once every part is there and the web says that it is ready."""
        name, _, value = self.mark.partition("=")
        command = [sys.executable, "-m", "orchestrator.cli", "up", "--port", self.url.rpartition(":")[2]]
        environment = {**os.environ, name: value, "BATON_WORKERS": str(self._workers)}
        with self.log.open("ab") as log:
            self._keeper = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        if not found_within(UP_SECONDS, self.is_whole):
            raise TimeoutError(f"baton up did not come up: {self.log.read_text()[-2000:]}")

    def family(self) -> list[Seen]:
        return family(self.pid)

    def strays(self) -> list[Seen]:
        return strays(self.mark, self.pid)

    def is_whole(self) -> bool:
        """Whether each role is filled, results are waited for and the web is ready."""
        singles = (KEEPER, "web", "clock", "cluster", "sentinel", "monitor", "pusher")
        expected = Counter({**dict.fromkeys(singles, 1), "worker": self._workers})
        found = self.family()
        if Counter(one.role for one in found if one.role in expected) != expected:
            return False
        # A monitor that waits for a lock has inherited that of a dead one.
        listens = any(one.reads_a_pipe for one in found if one.role == "monitor")
        return (listens or not waits_are_told()) and self._is_ready()

    def _is_ready(self) -> bool:
        try:
            return self._client.get(f"{self.url}/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> float:
        """In good order; how many seconds it took. What has not stopped in time is killed."""
        assert self._keeper is not None
        began = time.monotonic()
        self._keeper.send_signal(signal.SIGTERM)
        try:
            self._keeper.wait(2 * STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
        self._keeper.wait()
        return time.monotonic() - began

    def reap(self) -> None:
        """Take note that the keeper was killed."""
        assert self._keeper is not None
        self._keeper.wait(STOP_SECONDS)

    def end(self) -> None:
        if self.is_kept:
            self.stop()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
