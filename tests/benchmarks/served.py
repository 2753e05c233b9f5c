"""The whole of `baton up`, started for a measurement: its processes, their processor time and memory."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.models import Process
from tests.benchmarks.memory import pss_kb

_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def serving() -> Iterator[int]:
    """The process id of a `baton up` that is up, until the block ends."""
    port = _free_port()
    command = [sys.executable, "-m", "orchestrator.cli", "up", "--port", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=sys.stderr, start_new_session=True
    ) as keeper:
        try:
            _wait_until_up(port)
            yield keeper.pid
        finally:
            keeper.send_signal(signal.SIGTERM)
            keeper.wait(60)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _wait_until_up(port: int, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if _answers(port) and Process.objects.filter(kind=Process.Kind.WORKER).exists():
            return
        time.sleep(0.1)
    raise TimeoutError("baton up did not come up")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def family(root: int) -> list[int]:
    """The process and everything below it."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (fields := _stat(int(folder.name))):
            parents.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """What all of them have used so far."""
    return sum((int(fields[11]) + int(fields[12])) / _TICKS for pid in family(root) if (fields := _stat(pid)))


def memory_mb(root: int) -> float:
    """What they have in memory, shared pages counted in proportion."""
    return sum(pss_kb(pid) for pid in family(root)) / 1024


def parent(pid: int) -> int:
    """The process that started it, 0 when it is gone."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
