"""Inside the servers of the outages: what is prepared before, and what must be true after.

`python -m tests.chaos.outage_flow prepare|verify` writes one JSON object. Its workflow adds numbers up along a graph
of ten tasks, so that a step that is lost, doubled or read too early shows in the last one. Nothing in it is retried: an
outage must cost no attempt.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

GRAPH: dict[str, tuple[str, ...]] = {
    "t0": (),
    "t1": ("t0",),
    "t2": ("t0",),
    "t3": ("t0",),
    "t4": ("t1", "t2"),
    "t5": ("t2", "t3"),
    "t6": ("t4", "t5"),
    "t7": ("t6",),
    "t8": ("t6",),
    "t9": ("t7", "t8"),
}
CHILD = "t8"  # is done by a run of its own
SECRETIVE = "t5"  # reads a secret
SLOW = ("t1", "t4", "t7")  # take a moment, so that outages find them under way
KEY = "outages"


def right_answer(n: int) -> int:
    values: dict[str, int] = {}
    for place, (name, before) in enumerate(GRAPH.items()):
        values[name] = place + (sum(values[earlier] for earlier in before) if before else n)
    return values["t9"]


def prepare() -> dict[str, str]:
    """Tables, workflows, a person with a token and a session."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    from orchestrator import database, engine, tokens, vault

    database.migrate()
    user = get_user_model().objects.create_superuser("olga", password="correct horse battery")
    vault.put("chaos", "a secret nobody prints")
    child = {"only": _task((), "{{ params.n }}")}
    numbered = {"parameters": {"n": {"type": "integer", "required": True}}, "version": "2.0.0"}
    engine.save_workflow({"name": "Child", **numbered, "tasks": child}, key="outage-child", user=user)
    engine.save_workflow({"name": "Outages", **numbered, "tasks": _tasks()}, key=KEY, user=user)
    client = Client()
    client.force_login(user)
    _, token = tokens.issue(user, "chaos")
    return {"token": token, "session": client.cookies[settings.SESSION_COOKIE_NAME].value}


def _tasks() -> dict[str, Any]:
    return {name: _named(name, place) for place, name in enumerate(GRAPH)}


def _named(name: str, place: int) -> dict[str, Any]:
    before = GRAPH[name]
    terms = [_value(earlier) for earlier in before] or ["params.n"]
    sum_ = "{{ " + " + ".join([str(place), *terms]) + " }}"
    if name == CHILD:
        given = {"workflow_id": "outage-child", "parameters": {"n": sum_}, "wait": True}
        return {**_task(before, sum_), "action": "workflow_trigger", "parameters": given}
    task = _task(before, sum_, seconds=0.5 if name in SLOW else 0)
    if name == SECRETIVE:
        task["parameters"]["key"] = "{{ secrets.chaos }}"
    return task


def _value(name: str) -> str:
    return f"tasks.{name}.output.output.only.n" if name == CHILD else f"tasks.{name}.output.n"


def _task(before: tuple[str, ...], number: str, seconds: float = 0) -> dict[str, Any]:
    return {
        "action": "agent_task",
        "agent_id": "demo",
        "execution_mode": "parallel",
        "dependencies": list(before),
        "parameters": {"seconds": seconds, "result": {"n": number}},
        "retry_count": 0,
    }


def verify() -> dict[str, Any]:
    """What is wrong with the runs, in sentences, and what the outages cost them."""
    from orchestrator.models import Event, Run
    from tests.invariants import violations

    problems = [problem for run in Run.objects.all() for problem in violations(run)]
    asked = list(Run.objects.filter(workflow__key=KEY).order_by("pk"))
    for run in asked:
        problems += list(_wrong(run))
    given_back = Event.objects.filter(type="task.ready").values_list("data", flat=True)
    reasons = Counter(data.get("reason") for data in given_back)
    return {
        "problems": problems,
        "runs": len(asked),
        "completed": sum(run.status == "completed" for run in asked),
        "given_back": dict(reasons),
        "refused": Event.objects.filter(type="outcome.refused").count(),
    }


def _wrong(run: Any) -> Iterator[str]:
    if run.status != "completed":
        errors = [found for found in run.tasks.values_list("key", "status", "error") if found[2]]
        yield f"run {run.pk} is {run.status}: {errors}"
        return
    answer = run.tasks.get(key="t9").output["n"]
    if answer != right_answer(run.params["n"]):
        yield f"run {run.pk} says {answer}, and {right_answer(run.params['n'])} is right"
    outcomes = run.events.filter(type="task.completed").order_by("task").values_list("task", flat=True)
    if list(outcomes) != sorted(GRAPH):
        yield f"run {run.pk} has the outcomes {list(outcomes)}"


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
    django.setup()
    sys.stdout.write(json.dumps({"prepare": prepare, "verify": verify}[sys.argv[1]]()) + "\n")
