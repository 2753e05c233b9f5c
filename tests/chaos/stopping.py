"""`baton up` stopped and started again while runs go on. In a process of its own, configured for one database.

`python -m tests.chaos.stopping <rounds> <log> <seconds> <stubborn>`: each round some task works for `seconds`, and with
`stubborn` = 1 will not be stopped before. Prints one JSON object as its last line.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import django

if __name__ == "__main__":
    django.setup()

from orchestrator.models import Event, Run, TaskRun
from orchestrator.planning.machine import RUN_ENDED, TaskStatus
from tests.chaos import flow
from tests.chaos.baton import STOP_SECONDS, Baton
from tests.chaos.roles import STEADY_PACE
from tests.chaos.trickle import Trickle
from tests.chaos.waiting import end_in_order, found_within

PATIENCE = 60.0


@dataclass
class Seen:
    stops: int = 0
    slowest: float = 0.0
    released: int = 0
    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)


def measure(rounds: int, log: Path, seconds: float, *, stubborn: bool) -> Seen:
    seen = Seen()
    baton, token = Baton(log, workers=2), flow.prepare()
    try:
        baton.start()
        with Trickle(baton.url, token, STEADY_PACE) as trickle:
            for _ in range(rounds):
                _stop_under_load(baton, trickle, seconds, stubborn, seen)
                baton.start()
            found_within(PATIENCE + seconds, lambda: _ended(trickle.started))
            _judge(trickle, seen)
    finally:
        baton.end()
    return seen


def _stop_under_load(baton: Baton, trickle: Trickle, seconds: float, stubborn: bool, seen: Seen) -> None:
    long = trickle.later(seconds=seconds, stubborn=stubborn).result(PATIENCE)
    at_work = TaskRun.objects.filter(run=long or 0, key="left", status=TaskStatus.RUNNING)
    if not found_within(PATIENCE, at_work.exists):
        seen.problems.append("nothing was at work when it was to be stopped")
    took = baton.stop()
    seen.stops += 1
    seen.slowest = max(seen.slowest, round(took, 1))
    if took > STOP_SECONDS:
        seen.problems.append(f"it took {took:.0f} s to stop")
    _look_at_what_is_left(baton, seen)


def _look_at_what_is_left(baton: Baton, seen: Seen) -> None:
    """No process, and no task that a process seems to hold."""
    if left := baton.strays():
        seen.problems.append(f"alive after the stop: {[one.title for one in left]}")
    held = TaskRun.objects.filter(status=TaskStatus.RUNNING).values_list("run_id", "key")
    if held:
        seen.problems.append(f"neither finished nor released: {list(held)}")


def _judge(trickle: Trickle, seen: Seen) -> None:
    verdict = flow.judge(list(trickle.started))
    seen.lost, seen.doubled = verdict.lost, verdict.doubled
    seen.problems += verdict.problems + trickle.problems
    given_back = Event.objects.filter(type="task.ready").values_list("data", flat=True)
    seen.released = sum(data.get("reason") == "released" for data in given_back)


def _ended(runs: list[int]) -> bool:
    return not Run.objects.filter(pk__in=runs).exclude(status__in=RUN_ENDED).exists()


if __name__ == "__main__":
    end_in_order()
    rounds, log, seconds, stubborn = sys.argv[1:]
    found = measure(int(rounds), Path(log), float(seconds), stubborn=stubborn == "1")
    sys.stdout.write(json.dumps(asdict(found)) + "\n")
