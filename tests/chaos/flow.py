"""The workflow of the kills and stops, and what must be true of its runs whatever died meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model

from orchestrator import database, engine, tokens
from orchestrator.models import Run
from orchestrator.planning.machine import RunStatus
from tests.chaos import recorder
from tests.invariants import violations

KEY = "chaos"
TASKS = ("first", "left", "right", "last")


def right_answer(n: int) -> int:
    return 3 * n + 3


def prepare() -> str:
    """Tables, the workflow and a person; the token with which its runs are started."""
    database.migrate()
    user = get_user_model().objects.create_superuser("olga", password="correct horse battery")
    engine.save_workflow(_definition(), key=KEY, user=user)
    return tokens.issue(user, "chaos")[1]


def _definition() -> dict[str, Any]:
    """A diamond. `right` fails as often as asked and is tried again, for which the clock is needed."""
    again = {"retry_count": 1, "retry_delay": 0.2}
    after_first = {"seconds": "{{ params.seconds }}", "stubborn": "{{ params.stubborn }}"}
    tasks = {
        "first": _task("params.n", seconds=0.05),
        "left": _task("tasks.first.output.value * 2", "first", **after_first),
        "right": {**_task("tasks.first.output.value + 3", "first", fails="{{ params.fails }}"), **again},
        "last": _task("tasks.left.output.value + tasks.right.output.value", "left", "right", seconds=0.05),
    }
    parameters = {
        "n": {"type": "integer", "required": True},
        "seconds": {"type": "number", "default": 0.2},
        "stubborn": {"type": "boolean", "default": False},
        "fails": {"type": "integer", "default": 0},
    }
    return {"name": "Chaos", "version": "2.0.0", "parameters": parameters, "tasks": tasks}


def _task(value: str, *after: str, **parameters: Any) -> dict[str, Any]:
    return {
        "action": "agent_task",
        "agent_id": "recorder",
        "execution_mode": "parallel",
        "dependencies": list(after),
        "parameters": {"value": "{{ " + value + " }}", **parameters},
        "retry_count": 0,  # a death must cost no attempt
    }


@dataclass
class Verdict:
    """What was found wrong: outcomes that are missing, outcomes that are there twice, and everything in sentences."""

    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)


def judge(runs: Iterable[int]) -> Verdict:
    verdict, calls = Verdict(), recorder.calls()
    for run in Run.objects.filter(pk__in=list(runs)):
        verdict.problems += violations(run)
        _judge_outcomes(run, verdict)
        _judge_calls(run, calls, verdict)
    return verdict


def _judge_outcomes(run: Run, verdict: Verdict) -> None:
    completed = Counter(run.events.filter(type="task.completed").values_list("task", flat=True))
    lost = [key for key in TASKS if not completed[key]]
    doubled = [key for key in TASKS if completed[key] > 1]
    verdict.lost += len(lost)
    verdict.doubled += len(doubled)
    if lost or doubled or run.status != RunStatus.COMPLETED:
        found = dict(run.tasks.values_list("key", "status"))
        verdict.problems.append(f"{run} is {run.status}: {lost=} {doubled=} {found}")
        return
    answer, right = run.tasks.get(key="last").output["value"], right_answer(run.params["n"])
    if answer != right:
        verdict.problems.append(f"{run} says {answer}, and {right} is right")


def _judge_calls(run: Run, calls: Counter[str], verdict: Verdict) -> None:
    """Every attempt was made at least once, and none that the history does not know."""
    started = Counter(run.events.filter(type="task.started").values_list("task", flat=True))
    for key in TASKS:
        made = calls[f"{run.pk}:{key}:{run.tasks.get(key=key).epoch}"]
        if not 1 <= made <= started[key]:
            verdict.problems.append(f"{run}: {key} was called {made} times and started {started[key]} times")
