"""The clock: settles what is due, until it is told to stop. Beside it the postman goes round, on disks that may be slow, and
notices are sent, through servers that may be."""

from __future__ import annotations

import signal
import threading
import time

import django

django.setup()

from orchestrator import clock, processes  # noqa: E402 - Django must be up
from orchestrator.agents.outbox import postman  # noqa: E402
from orchestrator.models import Process  # noqa: E402
from orchestrator.notices import sender  # noqa: E402

_LAST_ROUND = 5.0  # seconds for it to come to an end


def run(_socket: int | None = None) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    postman.hold_all()
    rounds = [
        threading.Thread(target=postman.run_forever, args=(stop,), name="baton-postman", daemon=True),
        *sender.threads(stop),
    ]
    for one in rounds:
        one.start()
    clock.run_forever(stop, beat=lambda: processes.beat(Process.Kind.CLOCK))
    until = time.monotonic() + _LAST_ROUND
    for one in rounds:
        one.join(max(0.0, until - time.monotonic()))
    processes.leave(Process.Kind.CLOCK)
