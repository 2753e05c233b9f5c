"""Measures one database, in a process configured for it: `python -m tests.benchmarks.measure ROUNDS [ONLY]`."""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
django.setup()

from django.db import transaction  # noqa: E402 - Django must be up
from django.utils import timezone  # noqa: E402

from orchestrator import database, engine  # noqa: E402
from orchestrator.dispatch import wake  # noqa: E402
from orchestrator.engine.turn import take_turn  # noqa: E402
from orchestrator.models import Run, TaskRun, Workflow  # noqa: E402
from orchestrator.planning.machine import RUN_ENDED, RunStatus  # noqa: E402
from orchestrator.planning.signals import Resume  # noqa: E402
from tests.benchmarks import flows, growth, raw, served  # noqa: E402

CHAIN, WIDTH, DIAMONDS, STARTS = 500, 1000, 200, 30
IDLE_SECONDS = 15.0
LONGEST_SECONDS = 120.0

Figures = dict[str, float]


def main(rounds: int, only: str) -> Figures:
    database.migrate()
    figures: Figures = {}
    with served.serving() as keeper:
        parts: dict[str, Callable[[], Figures]] = {
            "idle": lambda: idle(keeper),
            "throughput": lambda: throughput(rounds),
            "latency": latency,
        }
        for name, part in parts.items():
            if only in name:
                figures |= part()
    if only in "growth":
        figures |= growth.growth()
    return {name: round(value, 4) for name, value in figures.items()}


def idle(keeper: int) -> Figures:
    """What `baton up` costs while there is nothing to do."""
    time.sleep(5)
    before, began = served.cpu_seconds(keeper), time.monotonic()
    time.sleep(IDLE_SECONDS)
    used = (served.cpu_seconds(keeper) - before) / (time.monotonic() - began)
    return {"idle_cpu_percent": 100 * used, "rss_mb": served.memory_mb(keeper)}


def throughput(rounds: int) -> Figures:
    """Tasks a second through the workers, and as a part of the raw commits measured beside them."""
    shapes: dict[str, tuple[Workflow | None, int]] = {
        "chain": (flows.chain(CHAIN), 1),
        "fan": (flows.fan(WIDTH), 1),
        "diamonds": (flows.diamond(), DIAMONDS),
        "montage": (flows.montage(), 1),
    }
    found: dict[str, list[float]] = {name: [] for name in ("raw", *shapes)}
    for _ in range(rounds):
        found["raw"].append(raw.commits_per_second())
        for name, (workflow, runs) in shapes.items():
            if workflow is not None:
                found[name].append(tasks_per_second(workflow, runs))
    medians = {name: statistics.median(values) for name, values in found.items() if values}
    commits = medians.pop("raw")
    figures = {"raw_commits_per_s": commits}
    for name, speed in medians.items():
        figures |= {f"{name}_per_s": speed, f"{name}_ratio": speed / commits}
    return figures


def tasks_per_second(workflow: Workflow, runs: int) -> float:
    """Runs that stand ready are let go at once; the time is that until the last has ended."""
    ids = [_ready_run(workflow) for _ in range(runs)]
    began = timezone.now()
    take_turn([Resume(run_id=run) for run in ids])
    wake()
    _wait_for(ids)
    ended = Run.objects.filter(pk__in=ids).order_by("-finished_at").values_list("finished_at", flat=True)[0]
    if Run.objects.filter(pk__in=ids).exclude(status=RunStatus.COMPLETED).exists():
        raise RuntimeError("A run that was measured has not completed.")
    return TaskRun.objects.filter(run_id__in=ids).count() / (ended - began).total_seconds()


def _ready_run(workflow: Workflow) -> int:
    with transaction.atomic():
        run = engine.start(workflow)
        engine.pause(run.pk)
    return run.pk


def _wait_for(ids: Sequence[int]) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while Run.objects.filter(pk__in=ids).exclude(status__in=RUN_ENDED).exists():
        if time.monotonic() > deadline:
            raise TimeoutError("The runs do not end.")
        time.sleep(0.02)


def latency() -> Figures:
    """Runs of one task at odd moments, from the call to the task's start; then the steps of a chain that is alone."""
    chance = random.Random(7)
    workflow = flows.wide(1)
    starts = [_start_seconds(workflow, chance.uniform(0.1, 4)) for _ in range(STARTS)]
    steps = _steps(flows.chain(100))
    return {**_spread("start", starts), **_spread("step", steps)}


def _start_seconds(workflow: Workflow, pause: float) -> float:
    time.sleep(pause)
    asked = timezone.now()
    run = engine.start(workflow)
    _wait_for([run.pk])
    begun: datetime = run.tasks.values_list("started_at", flat=True)[0]
    return (begun - asked).total_seconds()


def _steps(workflow: Workflow) -> list[float]:
    run = engine.start(workflow)
    _wait_for([run.pk])
    moments = list(run.tasks.order_by("started_at").values_list("started_at", flat=True))
    return [(after - before).total_seconds() for before, after in pairwise(moments)]


def _spread(name: str, seconds: list[float]) -> Figures:
    parts = statistics.quantiles(seconds, n=20)
    return {f"{name}_p50_ms": 1000 * statistics.median(seconds), f"{name}_p95_ms": 1000 * parts[18]}


if __name__ == "__main__":
    found: dict[str, Any] = main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
    print(json.dumps(found))
