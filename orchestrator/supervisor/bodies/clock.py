"""The clock: settles what is due, until it is told to stop. The postman goes round beside it, on disks that may be slow."""

from __future__ import annotations

import signal
import threading

import django

django.setup()

from orchestrator import clock, processes  # noqa: E402 - Django must be up
from orchestrator.agents.outbox import postman  # noqa: E402
from orchestrator.models import Process  # noqa: E402

_LAST_ROUND = 5.0  # seconds for it to come to an end


def run(_socket: int | None = None) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    postman.hold_all()
    rounds = threading.Thread(target=postman.run_forever, args=(stop,), name="baton-postman", daemon=True)
    rounds.start()
    clock.run_forever(stop, beat=lambda: processes.beat(Process.Kind.CLOCK))
    rounds.join(_LAST_ROUND)
    processes.leave(Process.Kind.CLOCK)
