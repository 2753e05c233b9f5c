"""Measures in a database that is configured for it: `python -m tests.chaos.crowd_driver ROWS BOUND`."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - Django must be up
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from orchestrator import clock, database, engine, tokens, worker  # noqa: E402
from orchestrator.engine.turn import ClaimRequest, take_turn  # noqa: E402
from orchestrator.models import Approval, Event, LogLine, Run, TaskRun, Workflow  # noqa: E402
from orchestrator.planning.machine import RUN_ENDED, RunStatus  # noqa: E402
from orchestrator.planning.signals import Succeeded  # noqa: E402
from tests import crowds  # noqa: E402
from tests.benchmarks import served  # noqa: E402
from tests.engine.flows import flow, task  # noqa: E402

ROUNDS = 40
REPEATED = 5  # a median of few is of its moment: the smallest of several medians is of the thing itself
FEW_COPIES = 200
CROWD, TASKS_OF_CROWD, LARGE = 500, 20, 5_000
LONGEST_SECONDS = 900.0

Figures = dict[str, float]


def main(rows: int, bound: float) -> int:
    database.migrate()
    call_command("collectstatic", interactive=False, verbosity=0)
    world = _World()
    quiet = world.measure()
    world.add_old(rows)
    beside = world.measure()
    _say(f"{_rows():,} rows")
    with served.serving():
        ids = _start_crowd()
        during = world.measure(repeated=1)
        unfinished = _wait_for(ids)
    _say(_table(quiet, beside, during))
    slower = [name for name, value in beside.items() if value > quiet[name] * (1 + bound)]
    problems = [f"{name} is slower by {beside[name] / quiet[name] - 1:.0%}" for name in slower]
    if unfinished:
        problems.append(f"{unfinished} runs of the crowd have not completed")
    _say("\n".join(problems) or "The crowd slows nobody.")
    return 1 if problems else 0


@dataclass
class _Places:
    run: int
    approval: int


class _World:
    """A small database as of any day, and what is done in it."""

    def __init__(self) -> None:
        self.user = User.objects.create_user("ann", is_superuser=True, is_staff=True)
        self.past = [self._ended(definition) for definition in _definitions()]
        crowds.leave_room()
        for run in self.past:
            crowds.add_copies(run, FEW_COPIES)
        self.wide = _workflow("wide", {f"w{n}": _task() for n in range(4_000)})
        self.busy = engine.start(self.wide, user=self.user)
        engine.pause(self.busy.pk)
        asking = [engine.start(self.past[1].workflow) for _ in range(5)]
        worker.Worker("crowd").run_until(lambda _idle: True)
        self.places = _Places(
            asking[0].pk, Approval.objects.filter(run=asking[0]).values_list("pk", flat=True)[0]
        )
        self.client = Client()
        self.client.force_login(self.user)
        _, token = tokens.issue(self.user, "crowd")
        self.bearer = {"Authorization": f"Bearer {token}"}

    def _ended(self, workflow: Workflow) -> Run:
        run = engine.start(workflow, user=self.user)
        worker.Worker("crowd").run_until(lambda _idle: True)
        for pk in Approval.objects.filter(status=Approval.Status.OPEN).values_list("pk", flat=True):
            engine.decide(pk, "approve", user=self.user)
        worker.Worker("crowd").run_until(lambda _idle: True)
        run.refresh_from_db()
        crowds.make_old(run)
        return run

    def add_old(self, rows: int) -> None:
        """Copies until there are so many rows, each kind of run as often as the others."""
        before = _rows()
        for run in self.past:
            crowds.add_copies(run, 10)
        together = (_rows() - before) / 10
        for run in self.past:
            crowds.add_copies(run, max(1, int(rows / together)))

    def measure(self, repeated: int = REPEATED) -> Figures:
        found: dict[str, list[float]] = {}
        for _ in range(repeated):
            for name, act in self._acts().items():
                found.setdefault(name, []).append(_median(act))
            found.setdefault("turn", []).append(self._turn())
        return {name: min(values) for name, values in found.items()}

    def _acts(self) -> dict[str, Callable[[], object]]:
        pages = {
            "home": "/",
            "runs": "/runs/",
            "runs under way": "/runs/?show=active",
            "runs by name": "/runs/?q=asks",
            "a run": f"/runs/{self.places.run}/",
            "inbox": "/approvals/",
            "workflows": "/workflows/",
            "admin: events": "/admin/orchestrator/event/",
        }
        lists = {"API runs": "/api/runs", "API approvals": "/api/approvals?status=open"}
        return {
            "tick": lambda: clock.tick(orphans=True),
            "claim": lambda: take_turn(claiming=ClaimRequest("nobody", 1, run_id=self.busy.pk)),
            **{name: lambda p=path: self._get(p) for name, path in pages.items()},  # type: ignore[misc]
            **{name: lambda p=path: self._get(p, **self.bearer) for name, path in lists.items()},  # type: ignore[misc]
        }

    def _get(self, path: str, **headers: str) -> None:
        answer = self.client.get(path, headers=headers)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")

    def _turn(self) -> float:
        """Record one outcome and claim the next, in a run that nobody else touches."""
        run = engine.start(self.past[0].workflow)
        asking, taken = ClaimRequest("crowd", 1, run_id=run.pk), []
        claims = take_turn(claiming=asking).claims
        while claims:
            held = claims[0].task
            outcome = Succeeded(run_id=run.pk, task_id=held.id, claim=held.claim, actor="worker:crowd")
            began = time.perf_counter()
            claims = take_turn([outcome], claiming=asking).claims
            taken.append(time.perf_counter() - began)
        return statistics.median(taken)


def _task(*after: str) -> dict[str, object]:
    return task(*after, agent_id="system")


def _workflow(key: str, tasks: dict[str, object]) -> Workflow:
    return engine.save_workflow(flow(tasks, name=key), key=key)


def _definitions() -> Sequence[Workflow]:
    """A chain that is long enough to measure turns in, and one that asks."""
    gate = task("a", action="approval_gate", parameters={"approvers": ["ann"]})
    return [
        _workflow("chain", {f"t{n}": _task(*([f"t{n - 1}"] if n else [])) for n in range(40)}),
        _workflow("asks", {"a": _task(), "g": gate, "b": _task("g")}),
    ]


def _start_crowd() -> list[int]:
    small = _workflow("crowd", {f"c{n}": _task() for n in range(TASKS_OF_CROWD)})
    large = _workflow("large", {f"l{n}": _task() for n in range(LARGE)})
    return [engine.start(large).pk, *(engine.start(small).pk for _ in range(CROWD))]


def _wait_for(ids: Sequence[int]) -> int:
    """How many have not completed when all have ended, or after too long."""
    deadline = timezone.now() + timedelta(seconds=LONGEST_SECONDS)
    while Run.objects.filter(pk__in=ids).exclude(status__in=RUN_ENDED).exists() and timezone.now() < deadline:
        time.sleep(0.5)
    return len(ids) - Run.objects.filter(pk__in=ids, status=RunStatus.COMPLETED).count()


def _rows() -> int:
    return sum(model.objects.count() for model in (Run, TaskRun, Event, LogLine, Approval))


def _median(act: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS // 4):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _table(quiet: Figures, beside: Figures, during: Figures) -> str:
    lines = [f"{'median ms':<16}{'quiet':>10}{'old rows':>10}{'':>8}{'under load':>12}"]
    for name, value in quiet.items():
        grown = beside[name] / value - 1
        lines.append(
            f"{name:<16}{1000 * value:>10.2f}{1000 * beside[name]:>10.2f}{grown:>+8.0%}{1000 * during[name]:>12.2f}"
        )
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), float(sys.argv[2])))
