"""Carrying a run in the process of the command itself, for when no worker is up."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from django.db import connection

from orchestrator.clock import tick
from orchestrator.models import Run
from orchestrator.planning.machine import RUN_ENDED
from orchestrator.worker import STOP_SECONDS, Worker, worker_name

_TICK_SECONDS = 1.0
_GRACE_SECONDS = 2.0


@dataclass
class Carrier:
    """A worker for the run and one for each run that it started, and the clock they need.

    Other runs of the same database are left alone. Use it as a context, and call `step` often.
    """

    run_id: int
    _workers: dict[int, tuple[Worker, threading.Thread]] = field(default_factory=dict)
    _done: threading.Event = field(default_factory=threading.Event)
    _next_tick: float = 0.0

    def __enter__(self) -> Carrier:
        self.step()
        return self

    def step(self) -> None:
        """Let time pass for what is due, and take up runs that were started meanwhile."""
        if time.monotonic() >= self._next_tick:
            tick()
            self._next_tick = time.monotonic() + _TICK_SECONDS
        for run_id in self._uncarried():
            worker = Worker(f"{worker_name()}:{run_id}", run_id=run_id, stop_asked=self._done.is_set)
            thread = threading.Thread(
                target=self._carry, args=(worker,), name=f"baton-run-{run_id}", daemon=True
            )
            self._workers[run_id] = worker, thread
            thread.start()

    def _uncarried(self) -> list[int]:
        known = [self.run_id, *self._workers]
        started = Run.objects.filter(parent__run_id__in=known).exclude(status__in=RUN_ENDED)
        found = {self.run_id, *started.values_list("pk", flat=True)}
        return sorted(found - set(self._workers))

    def _carry(self, worker: Worker) -> None:
        try:
            worker.run_until(lambda _idle: _has_ended(worker.run_id))
        finally:
            connection.close()

    def __exit__(self, *_error: object) -> None:
        """Stop claiming and let attempts finish for a while; a worker gives back what then still runs."""
        self._done.set()
        deadline = time.monotonic() + STOP_SECONDS + _GRACE_SECONDS
        for _worker, thread in self._workers.values():
            thread.join(max(0.0, deadline - time.monotonic()))


def _has_ended(run_id: int | None) -> bool:
    return Run.objects.filter(pk=run_id, status__in=RUN_ENDED).exists()
