"""Feeds a `baton up` at a steady rate with small runs of all kinds, and takes its measurements: `… MINUTES RATE`."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import cycle, pairwise

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - Django must be up
from django.utils import timezone  # noqa: E402

from orchestrator import database, engine  # noqa: E402
from orchestrator.exceptions import ConflictError  # noqa: E402
from orchestrator.models import Approval, Run, TaskRun, Workflow  # noqa: E402
from orchestrator.planning.machine import RUN_ENDED  # noqa: E402
from tests.benchmarks import growth, raw, served  # noqa: E402
from tests.chaos import soak_report  # noqa: E402
from tests.chaos.memory import by_role  # noqa: E402
from tests.engine.flows import flow, task  # noqa: E402
from tests.invariants import assert_invariants  # noqa: E402

WARM_UP = 180.0
CAPACITY_SECONDS = 20.0
AT_ONCE = 30  # runs under way while the capacity is measured
STEP_SECONDS = 0.25
SAMPLE_SECONDS = 10.0
WINDOW_SECONDS = 30.0
SETTLE_SECONDS = 60.0
CHECKED = 300
COMMITS = 20  # raw ones, each time memory is looked at

_CHAIN = "soak-chain"


def main(minutes: float, rate: float) -> int:
    database.migrate()
    user = User.objects.create_user("ann", is_superuser=True)
    load = Load(user)
    with served.serving() as keeper:
        rate = rate or load.capacity() / 2
        _say(f"steady at {rate:.1f} runs a second for {minutes:g} minutes")
        with raw.committing() as commit:
            figures = load.steady(rate, minutes * 60, lambda: by_role(keeper), commit)
        unfinished = load.settle()
    _say(soak_report.table(figures))
    problems = soak_report.problems(figures)
    if unfinished:
        problems.append(f"{unfinished} runs have not ended")
    assert_invariants(list(Run.objects.order_by("-pk")[:CHECKED]))
    _say("\n".join(problems) or "Nothing crept up.")
    return 1 if problems else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Load:
    """Starts runs in turn of every kind, and decides what they ask."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.kinds: Iterator[Workflow] = cycle(_workflows())
        self.started = 0

    def start(self) -> None:
        engine.start(next(self.kinds))
        self.started += 1

    def decide(self) -> None:
        for pk in Approval.objects.filter(status=Approval.Status.OPEN).values_list("pk", flat=True)[:50]:
            try:
                engine.decide(pk, "approve" if pk % 4 else "reject", user=self.user)
            except ConflictError:
                continue

    def capacity(self) -> float:
        """Runs a second that end while there is always enough to do."""
        began, before = time.monotonic(), _ended()
        while time.monotonic() - began < CAPACITY_SECONDS:
            for _ in range(AT_ONCE - Run.objects.exclude(status__in=RUN_ENDED).count()):
                self.start()
            self.decide()
            time.sleep(0.05)
        return (_ended() - before) / (time.monotonic() - began)

    def steady(
        self,
        rate: float,
        seconds: float,
        memory: Callable[[], dict[str, float]],
        commit: Callable[[], None],
    ) -> soak_report.Figures:
        figures = soak_report.Figures()
        began, first = time.monotonic(), self.started
        warm_up = min(WARM_UP, seconds / 4)
        next_sample, next_window, since = warm_up, warm_up + WINDOW_SECONDS, None
        while (passed := time.monotonic() - began) < seconds:
            for _ in range(int(rate * passed) - (self.started - first)):
                self.start()
            self.decide()
            if passed >= next_sample:
                since = since or timezone.now()
                figures.note_memory(memory())
                figures.commits.append([growth.seconds(commit) for _ in range(COMMITS)])
                next_sample += SAMPLE_SECONDS
            if since is not None and passed >= next_window:
                until = timezone.now() - timedelta(seconds=5)
                figures.steps.append(_steps(since, until))
                since, next_window = until, next_window + WINDOW_SECONDS
            time.sleep(STEP_SECONDS)
        return figures

    def settle(self) -> int:
        """Let everything end; how many runs did not."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (left := Run.objects.exclude(status__in=RUN_ENDED).count()) and time.monotonic() < deadline:
            self.decide()
            time.sleep(0.5)
        return left


def _ended() -> int:
    return Run.objects.filter(status__in=RUN_ENDED).count()


def _workflows() -> list[Workflow]:
    """Chains, a diamond, one that asks, one that is retried, one that fails in the end."""
    tries = {"retry_count": 2, "retry_delay": 0.5}
    asks = task("a", action="approval_gate", parameters={"approvers": ["ann"]})
    chain = {f"t{n}": task(*([f"t{n - 1}"] if n else [])) for n in range(5)}
    sides = {side: task("top") for side in ("left", "middle", "right")}
    shapes = {
        "soak-diamond": {"top": task(), **sides, "bottom": task(*sides)},
        _CHAIN: chain,
        "soak-asks": {"a": task(), "g": asks, "b": task("g")},
        "soak-retried": {"a": task(parameters={"fail_times": 1}, **tries), "b": task("a")},
        "soak-fails": {"a": task(), "b": task("a", parameters={"fail_times": 9}, **tries), "c": task("b")},
    }
    made = {key: engine.save_workflow(flow(tasks, name=key), key=key) for key, tasks in shapes.items()}
    return [
        made["soak-diamond"],
        made[_CHAIN],
        made["soak-asks"],
        made[_CHAIN],
        made["soak-retried"],
        made["soak-fails"],
    ]


def _steps(since: datetime, until: datetime) -> list[float]:
    """Seconds from the start of a task to that of the next in the chains that ended in this time; they do nothing."""
    runs = Run.objects.filter(
        status__in=["completed"], finished_at__gte=since, finished_at__lt=until, workflow__key=_CHAIN
    )
    rows = TaskRun.objects.filter(run_id__in=list(runs.values_list("pk", flat=True)[:500])).order_by(
        "run_id", "order"
    )
    by_run: dict[int, list[datetime]] = defaultdict(list)
    for run_id, start in rows.values_list("run_id", "started_at"):
        if start is not None:
            by_run[run_id].append(start)
    return [(after - before).total_seconds() for one in by_run.values() for before, after in pairwise(one)]


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), float(sys.argv[2])))
