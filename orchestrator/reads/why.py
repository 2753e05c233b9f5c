"""Why a run, or one of its tasks, does not go on, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from orchestrator.definition.normal import approver_names
from orchestrator.models import Process, Run, TaskRun
from orchestrator.planning import quorum
from orchestrator.planning.board import HANDLED
from orchestrator.planning.machine import RUN_ENDED, TASK_SETTLED, RunStatus, TaskStatus, WaitReason
from orchestrator.planning.stand_ins import LAID_IN
from orchestrator.reads.agent_waits import Candidate, candidates, waits_because
from orchestrator.reads.health import HEARD_WITHIN
from orchestrator.reads.live import deciders
from orchestrator.reads.outline import Outline, outline_of

_MOST = 20  # answers about one run; a fan-out of thousands has one cause
_ACTIVE = (TaskStatus.READY, TaskStatus.RUNNING, TaskStatus.WAITING)


@dataclass(frozen=True, slots=True)
class Blocking:
    """One answer. `task` is empty when it is about the run; `fix` is empty when there is nothing to do but wait."""

    task: str
    reason: str
    sentence: str
    fix: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"task": self.task, "reason": self.reason, "sentence": self.sentence, "fix": self.fix}


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the answers need beside the row itself, read once for all of them."""

    run: Run
    shape: Outline
    deciders: dict[int, str]
    is_worker_up: bool
    agents: Sequence[Candidate]

    def name(self, row: TaskRun) -> str:
        name = f"'{self.shape.name_of(row.key)}'"
        return name if row.index < 0 else f"Item {row.index + 1} of {name}"


def why(run: Run) -> list[Blocking]:
    """What holds the run up, or what made it fail; empty for one that completed."""
    answers = _about_run(run)
    statuses = (TaskStatus.FAILED,) if run.status in RUN_ENDED else (*_ACTIVE, TaskStatus.FAILED)
    if run.status in {RunStatus.COMPLETED, RunStatus.CANCELLED}:
        return answers
    rows = TaskRun.objects.filter(run_id=run.pk, status__in=statuses)
    # Items answer for their group, and a failure that a later task provided for holds nothing up.
    rows = rows.exclude(reason__in=(WaitReason.ITEMS, HANDLED))
    chosen = list(rows.order_by("order", "index")[:_MOST])
    scene = _scene(run, chosen)
    return [*answers, *(_answer(row, scene) for row in chosen)]


def why_task(task_run: TaskRun) -> Blocking | None:
    """Why this task is where it is; None when there is nothing to explain."""
    scene = _scene(task_run.run, [task_run])
    if task_run.status == TaskStatus.PENDING:
        return _pending(task_run, scene)
    if task_run.status in {TaskStatus.COMPLETED, TaskStatus.CANCELLED}:
        return None
    return _answer(task_run, scene)


def _scene(run: Run, rows: Sequence[TaskRun]) -> _Scene:
    asked = [row.pk for row in rows if row.reason == WaitReason.APPROVAL]
    agents = candidates() if any(row.reason == WaitReason.AGENT for row in rows) else []
    return _Scene(run, outline_of(run.version_id), deciders(asked), is_worker_up(), agents)


def is_worker_up() -> bool:
    """Whether a worker has lately shown a sign of life."""
    since = timezone.now() - HEARD_WITHIN
    return Process.objects.filter(kind=Process.Kind.WORKER, beat_at__gte=since).exists()


def _about_run(run: Run) -> list[Blocking]:
    if run.status == RunStatus.PAUSED:
        cause = _message(run.error)
        sentence = f"The run is paused.{' ' + cause if cause else ''}"
        return [Blocking("", "paused", sentence, f"Let it go on: baton resume {run.pk}")]
    if run.status == RunStatus.CANCELLED:
        sentence = _message(run.error) or "The run was cancelled."
        return [Blocking("", "cancelled", sentence, f"Start it anew: baton start {run.workflow.key}")]
    if (
        run.status == RunStatus.FAILED
        and (run.error or {}).get("code") == "timeout"
        and "task" not in (run.error or {})
    ):
        fix = "Allow it more time in the workflow's settings, and start it anew."
        return [Blocking("", "timeout", _message(run.error), fix)]
    return []


def _answer(row: TaskRun, scene: _Scene) -> Blocking:
    key = row.reason if row.status == TaskStatus.WAITING else row.status
    sentence, fix = _ANSWERS[key](row, scene)
    return Blocking(row.key, key, sentence, fix)


def _message(error: Any) -> str:
    return str(error.get("message") or error.get("code") or "") if isinstance(error, dict) else ""


def _pending(row: TaskRun, scene: _Scene) -> Blocking:
    planned = scene.shape.tasks[row.key]
    rows = TaskRun.objects.filter(run_id=row.run_id, index=-1, key__in=planned.dependencies)
    open_ = [scene.name(one) for one in rows.exclude(status__in=TASK_SETTLED).order_by("order")[:5]]
    return Blocking(
        row.key, "pending", f"{scene.name(row)} waits for {', '.join(open_) or 'the run to begin'}."
    )


def _ready(row: TaskRun, scene: _Scene) -> tuple[str, str]:
    if not scene.is_worker_up:
        fix = "Start Baton with 'baton up', or a worker alone with 'baton workers'."
        return f"{scene.name(row)} is ready, but no worker is up.", fix
    if row.sequential and scene.run.sequential_busy:
        return f"{scene.name(row)} is ready and takes its turn after another sequential task.", ""
    return f"{scene.name(row)} is ready; a worker takes it as soon as one is free.", ""


def _running(row: TaskRun, scene: _Scene) -> tuple[str, str]:
    since = f" since {row.started_at:%H:%M:%S} UTC" if row.started_at else ""
    who = row.worker or "a worker"
    if not who.startswith("agent:"):
        return f"{scene.name(row)} is being carried out by {who}{since}.", ""
    lease = f" It is given to another if nothing is heard by {row.due_at:%H:%M:%S} UTC." if row.due_at else ""
    return f"{scene.name(row)} is in the hands of the agent {who.removeprefix('agent:')}{since}.{lease}", ""


def _agent(row: TaskRun, scene: _Scene) -> tuple[str, str]:
    cause, fix = waits_because(row.agent_id, scene.agents, timezone.now())
    if row.sequential and scene.run.sequential_busy and not fix:
        cause = "; it takes its turn after another sequential task"
    return f"{scene.name(row)} waits for the agent {row.agent_id}{cause}.", fix


def _approval(row: TaskRun, scene: _Scene) -> tuple[str, str]:
    end = row.timeout_at or row.due_at
    until = f" until {end:%Y-%m-%d %H:%M} UTC" if end else ""
    who = scene.deciders.get(row.pk, "somebody")
    fix = f"Decide: baton approve {row.run_id} --task {row.key} (or baton reject)."
    return f"{scene.name(row)} waits for the decision of {who}{until}.{_quorum(row)}", fix


def _quorum(row: TaskRun) -> str:
    """How many it takes and how many there are, where one is not enough."""
    asked = row.input or {}
    names = approver_names(asked.get("approvers"))
    ballots = [quorum.Ballot.of(one) for one in (row.output or {}).get("votes", [])]
    given, needed = quorum.progress(asked.get("quorum"), names, ballots)
    return f" It takes {quorum.said(asked.get('quorum'), names)}; {given} so far." if needed > 1 else ""


def _child(row: TaskRun, scene: _Scene) -> tuple[str, str]:
    return (
        f"{scene.name(row)} waits for run #{row.child_id}.",
        f"See what that one waits for: baton debug {row.child_id}",
    )


def _retry(row: TaskRun, scene: _Scene) -> tuple[str, str]:
    when = f" at {row.due_at:%H:%M:%S} UTC" if row.due_at else ""
    return (
        f"{scene.name(row)} failed in attempt {row.attempt} and is tried again{when}: {_message(row.error)}",
        "",
    )


def _items(row: TaskRun, scene: _Scene) -> tuple[str, str]:
    return f"{scene.name(row)} has {row.items_left} items to go.", ""


def _person(row: TaskRun, scene: _Scene) -> tuple[str, str]:
    fix = f"Say how it goes on: baton task {row.run_id} {row.key} retry (or skip, fail, complete)."
    return f"{scene.name(row)} failed and waits for a person: {_message(row.error)}", fix


def _failed(row: TaskRun, scene: _Scene) -> tuple[str, str]:
    tries = f" after {row.attempt} attempts" if row.attempt > 1 else ""
    fix = f"Mend the cause, then try it again: baton task {row.run_id} {row.key} retry"
    return f"{scene.name(row)} failed{tries}: {_message(row.error)}", fix


def _skipped(row: TaskRun, scene: _Scene) -> tuple[str, str]:
    causes = {
        "condition": "its condition did not hold",
        "join": "nothing before it leads here",
        LAID_IN: "what stands in for it in this test run was skipped",
    }
    cause = causes.get(row.reason) or _message(row.error) or "a person said so"
    return f"{scene.name(row)} was skipped: {cause}.", ""


_ANSWERS: dict[str, Callable[[TaskRun, _Scene], tuple[str, str]]] = {
    TaskStatus.READY: _ready,
    TaskStatus.RUNNING: _running,
    TaskStatus.FAILED: _failed,
    TaskStatus.SKIPPED: _skipped,
    WaitReason.AGENT: _agent,
    WaitReason.APPROVAL: _approval,
    WaitReason.CHILD: _child,
    WaitReason.RETRY: _retry,
    WaitReason.ITEMS: _items,
    WaitReason.PERSON: _person,
}
