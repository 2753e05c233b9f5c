"""The workers: a django-q2 cluster that proves, over its whole way, that messages still go through.

A worker killed while it waits for a message dies with the lock of the queue, and no other ever gets one again. So the
cluster sends itself a message every few seconds: broker → pusher → worker → monitor. Only what has come out at the
end, past a guard that is awake, counts as a sign of life; a worker in the middle of long work gives its own. After one was
replaced, the guard itself sees to it that something comes through soon, and otherwise ends the cluster.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import time
import uuid
from typing import Any

import django

django.setup()

from django.utils import timezone  # noqa: E402 - Django must be up
from django_q.brokers import Broker, get_broker  # noqa: E402
from django_q.cluster import Cluster  # noqa: E402
from django_q.signals import post_execute, post_execute_in_worker, pre_execute  # noqa: E402
from django_q.signing import SignedPackage  # noqa: E402

from orchestrator import processes, worker  # noqa: E402, F401 - what a worker needs is there before it is forked
from orchestrator.dispatch import Arrivals  # noqa: E402
from orchestrator.models import Process  # noqa: E402
from orchestrator.supervisor import fate, shared, titles  # noqa: E402

logger = logging.getLogger(__name__)

PULSE_SECONDS = 4.0
WAIT_SECONDS = 0.5  # for news of a message, before a look at whether to stop
GUARD_PATIENCE = 10.0
DOUBT_SECONDS = 1.0  # between two pulses until the first has come through to who is new
CLOGGED_SECONDS = 6.0
TROUBLE_SECONDS = 1.0
PULSE = "orchestrator.supervisor.bodies.workers.pulse"
_LOOK = 1.0


def run(_socket: int | None = None) -> None:
    """Work until SIGTERM; also returns, for the keeper to start it anew, when the cluster has died."""
    fate.bind_forks()
    titles.title_forks(shared.born)
    gc.collect()
    gc.freeze()  # what all have in common is neither looked through nor copied in the workers
    processes.speak_for_cluster()
    pre_execute.connect(_message_taken)
    post_execute_in_worker.connect(_result_handed)
    post_execute.connect(_result_heard)
    cluster = Cluster(broker=PulsingBroker(get_broker()))
    # After the cluster, which sets handlers of its own: they would stop it in the middle of whatever goes on.
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    cluster.start()
    while cluster.sentinel.is_alive() and not stop.wait(_LOOK):
        pass
    _end(cluster)


def _end(cluster: Cluster) -> None:
    shared.announce_stop()
    cluster.stop()
    processes.leave(Process.Kind.WORKER)


def pulse() -> None:
    """What a worker does for a pulse: it has come this far."""


class PulsingBroker:
    """A broker that, in between, hands out pulses; they never enter the queue that clusters share."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._arrivals = Arrivals()
        self._pulsed = -PULSE_SECONDS

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    def dequeue(self) -> list[tuple[int | None, str]] | None:
        now = time.monotonic()
        if now - self._pulsed < (DOUBT_SECONDS if shared.in_doubt() else PULSE_SECONDS):
            return self._next_message()
        self._pulsed = now
        return [(None, _pulse_message())]

    def _next_message(self) -> list[tuple[int | None, str]] | None:
        try:
            messages = self._broker.dequeue() if self._arrivals.wait(WAIT_SECONDS) else None
        except Exception as error:  # noqa: BLE001 - a broker's client raises what it likes
            # Left to itself the pusher would end, and only be back ten seconds later.
            logger.warning("The queue does not answer: %s", error)
            time.sleep(TROUBLE_SECONDS)
            return None
        if messages:
            self._arrivals.taken()
        return messages

    def set_stat(self, *_: object) -> None:
        """The guard reports here on every round; nobody reads what it says, but that it does counts."""
        shared.guard_passed()
        if shared.clogged_for() > CLOGGED_SECONDS and not shared.stopping():
            logger.error("A process died with the lock of a queue: the cluster ends, to be started anew")
            os._exit(1)


def _pulse_message() -> str:
    message = {
        "id": uuid.uuid4().hex,
        "name": "pulse",
        "func": PULSE,
        "args": (),
        "kwargs": {},
        "started": timezone.now(),
    }
    return SignedPackage.dumps(message)


def _message_taken(**_: object) -> None:
    shared.message_taken()


def _result_handed(**_: object) -> None:
    shared.result_handed()


def _result_heard(task: dict[str, Any], **_: object) -> None:
    shared.result_heard()
    if task["func"] == PULSE and shared.guard_age() < GUARD_PATIENCE:
        processes.beat(Process.Kind.WORKER)
