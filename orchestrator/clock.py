"""The clock: finds what is due and settles it through turns.

Any number of clocks may run: what one has settled is no longer due when the other's turn has the lock. A part that
fails is logged and the others go on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import OperationalError, connection
from django.utils import timezone

from orchestrator import conf
from orchestrator.dispatch import wake
from orchestrator.engine.aftermath import cancel_orphans, wake_parents
from orchestrator.engine.agent_work import note_lost
from orchestrator.engine.artifacts import sweep_artifacts
from orchestrator.engine.attachments import sweep_attachments
from orchestrator.engine.leases import anything_claimable
from orchestrator.engine.trials import end_old_trials, forget_trials
from orchestrator.engine.turn import served, take_turn
from orchestrator.models import Run, TaskRun
from orchestrator.planning.machine import TaskStatus, WaitReason
from orchestrator.planning.signals import AgentAppeared, Due, RunDue, Signal

logger = logging.getLogger(__name__)

BATCH = 200
ORPHANS_EVERY = 30  # ticks; so often test runs are tidied up, too
SWEEP_EVERY = 3600  # ticks between two looks for files that nobody knows


def tick(now: datetime | None = None, *, orphans: bool = True, sweep: bool = False) -> int:
    """Settle everything that is due; how many items there were."""
    moment = now or timezone.now()
    parts: list[Callable[[], int]] = [
        lambda: _settle(_due_tasks(moment), moment),
        lambda: _settle(_due_runs(moment), moment),
        lambda: _settle(_served_now(), moment),
        wake_parents,
        _wake_workers,
    ]
    if orphans:
        parts += [note_lost, cancel_orphans, lambda: end_old_trials(moment), lambda: forget_trials(moment)]
    if sweep:
        parts += [sweep_artifacts, sweep_attachments]
    return sum(_guarded(part) for part in parts)


def _guarded(part: Callable[[], int]) -> int:
    try:
        return part()
    except OperationalError as error:
        logger.warning("The clock could not reach the database: %s", error)
        connection.close()
    except Exception:
        logger.exception("A part of the clock failed; the others go on")
    return 0


def _settle(signals: list[Signal], now: datetime) -> int:
    if signals:
        take_turn(signals, now=now)
    return len(signals)


def _due_tasks(now: datetime) -> list[Signal]:
    due = TaskRun.objects.filter(due_at__lte=now).order_by("due_at")
    return [Due(run_id=run, task_id=task) for task, run in due.values_list("pk", "run_id")[:BATCH]]


def _due_runs(now: datetime) -> list[Signal]:
    due = Run.objects.filter(deadline_at__lte=now).order_by("deadline_at")
    return [RunDue(run_id=run) for run in due.values_list("pk", flat=True)[:BATCH]]


def _served_now() -> list[Signal]:
    """Tasks that waited for an agent which somebody serves by now."""
    waiting = TaskRun.objects.filter(status=TaskStatus.WAITING, reason=WaitReason.AGENT)
    agents = [
        agent for agent in waiting.order_by().values_list("agent_id", flat=True).distinct() if served(agent)
    ]
    if not agents:
        return []
    found = waiting.filter(agent_id__in=agents).values_list("pk", "run_id")[:BATCH]
    return [AgentAppeared(run_id=run, task_id=task) for task, run in found]


def _wake_workers() -> int:
    """A wake-up that was lost is sent again."""
    if anything_claimable():
        wake()
    return 0


def run_forever(stop: threading.Event, beat: Callable[[], None] | None = None) -> None:
    """Tick until told to stop. `beat` is called after each tick: the process's sign of life."""
    ticks = 0
    while not stop.is_set():
        tick(orphans=ticks % ORPHANS_EVERY == 0, sweep=ticks % SWEEP_EVERY == 0)
        ticks += 1
        if beat:
            beat()
        stop.wait(conf.tick_seconds())
