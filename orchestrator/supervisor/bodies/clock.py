"""The clock: settles what is due, until it is told to stop."""

from __future__ import annotations

import signal
import threading

import django

django.setup()

from orchestrator import clock, processes  # noqa: E402 - Django must be up
from orchestrator.models import Process  # noqa: E402


def run(_socket: int | None = None) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    clock.run_forever(stop, beat=lambda: processes.beat(Process.Kind.CLOCK))
    processes.leave(Process.Kind.CLOCK)
