"""Why a run, or one of its tasks, does not go on, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils import timezone

from orchestrator.engine.agent_resources import needs_of
from orchestrator.models import Approval, Process, Question, Run, TaskRun
from orchestrator.permissions import Person
from orchestrator.planning import quorum
from orchestrator.planning.board import HANDLED
from orchestrator.planning.levels import Request as LevelsAsked
from orchestrator.planning.levels import request_in
from orchestrator.planning.machine import RUN_ENDED, TASK_SETTLED, RunStatus, TaskStatus, WaitReason
from orchestrator.planning.stand_ins import LAID_IN
from orchestrator.reads import fixes
from orchestrator.reads.agent_waits import AgentWait, Candidate, candidates, wait_of
from orchestrator.reads.fixes import Fix
from orchestrator.reads.health import HEARD_WITHIN
from orchestrator.reads.live import deciders
from orchestrator.reads.outline import Outline, outline_of

_MOST = 20  # answers about one run; a fan-out of thousands has one cause
_ACTIVE = (TaskStatus.READY, TaskStatus.RUNNING, TaskStatus.WAITING)


@dataclass(frozen=True, slots=True)
class Blocking:
    """One answer. `task` is empty when it is about the run; `fix` is a sentence, empty when there is nothing to do but wait,
    and `fixes` are what can be done."""

    task: str
    reason: str
    sentence: str
    fix: str = ""
    fixes: tuple[Fix, ...] = ()
    index: int = -1

    def as_dict(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "index": self.index,
            "reason": self.reason,
            "sentence": self.sentence,
            "fix": self.fix,
            "fixes": [{"text": one.text, "action": one.action, "command": one.command} for one in self.fixes],
        }


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the answers need beside the row itself, read once for all of them."""

    run: Run
    shape: Outline
    deciders: dict[int, str]
    is_worker_up: bool
    agents: Sequence[Candidate]
    approvals: dict[int, int]  # the open request of each task run
    questions: dict[int, Question]  # the open question about each of these requests

    def question_about(self, row: TaskRun) -> Question | None:
        return self.questions.get(self.approvals.get(row.pk, 0))

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
    open_ = Approval.objects.filter(task_run__in=asked, status=Approval.Status.OPEN)
    requests = dict(open_.values_list("task_run_id", "pk")) if asked else {}
    shape, up = outline_of(run.version_id), is_worker_up()
    return _Scene(run, shape, deciders(asked), up, agents, requests, _open_questions(requests.values()))


def _open_questions(requests: Collection[int]) -> dict[int, Question]:
    if not requests:
        return {}
    found = Question.objects.filter(approval__in=requests, outcome=Question.Outcome.OPEN)
    return {one.approval_id: one for one in found.select_related("asked_by", "asked_of")}


def is_worker_up() -> bool:
    """Whether a worker has lately shown a sign of life."""
    since = timezone.now() - HEARD_WITHIN
    return Process.objects.filter(kind=Process.Kind.WORKER, beat_at__gte=since).exists()


def _about_run(run: Run) -> list[Blocking]:
    if run.status == RunStatus.PAUSED:
        cause = _message(run.error)
        sentence = f"The run is paused.{' ' + cause if cause else ''}"
        fix = f"Let it go on: baton resume {run.pk}"
        return [Blocking("", "paused", sentence, fix, (fixes.resume(run),))]
    if run.status == RunStatus.CANCELLED:
        sentence = _message(run.error) or "The run was cancelled."
        fix = f"Start it anew: baton start {run.workflow.key}"
        return [Blocking("", "cancelled", sentence, fix, (fixes.start_anew(run),))]
    if (
        run.status == RunStatus.FAILED
        and (run.error or {}).get("code") == "timeout"
        and "task" not in (run.error or {})
    ):
        fix = "Allow it more time in the workflow's settings, and start it anew."
        mends = (fixes.edit_workflow(run), fixes.start_anew(run))
        return [Blocking("", "timeout", _message(run.error), fix, mends)]
    return []


def _answer(row: TaskRun, scene: _Scene) -> Blocking:
    key = row.reason if row.status == TaskStatus.WAITING else row.status
    sentence, fix = _ANSWERS[key](row, scene)
    return Blocking(row.key, key, sentence, fix, tuple(_mends(row, key, scene)), row.index)


def _mends(row: TaskRun, key: str, scene: _Scene) -> list[Fix]:
    """What can be done about it."""
    match key:
        case TaskStatus.READY if not scene.is_worker_up:
            return [fixes.WORKERS]
        case TaskStatus.RUNNING if row.worker.startswith("agent:"):
            return [fixes.open_agent(row.worker.removeprefix("agent:"))]
        case WaitReason.AGENT:
            return fixes.of_agent_wait(scene.run, row, _wait_of(row, scene))
        case WaitReason.APPROVAL if row.pk in scene.approvals:
            question = scene.question_about(row)
            answer = [fixes.answer(question)] if question else []
            return [*answer, fixes.decide(row, scene.approvals[row.pk])]
        case WaitReason.CHILD if row.child_id:
            return [fixes.open_run(row.child_id)]
        case WaitReason.RETRY:
            return fixes.told(scene.run, row, now="Retry now")
        case WaitReason.PERSON | TaskStatus.FAILED:
            return fixes.told(scene.run, row)
    return []


def for_person(user: Person, run: Run, answers: Sequence[Blocking]) -> list[Blocking]:
    """The same answers with only what this person may do."""
    allowed = fixes.offered(user, run, [one.fixes for one in answers])
    return [replace(one, fixes=some) for one, some in zip(answers, allowed, strict=True)]


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
    found = _wait_of(row, scene)
    cause = found.cause
    if row.sequential and scene.run.sequential_busy and not found.fix:
        cause = "; it takes its turn after another sequential task"
    return f"{scene.name(row)} waits for the agent {row.agent_id}{cause}.", found.fix


def _wait_of(row: TaskRun, scene: _Scene) -> AgentWait:
    needs = needs_of(scene.run.version_id, row.key)
    return wait_of(row.agent_id, scene.agents, timezone.now(), needs)


def _approval(row: TaskRun, scene: _Scene) -> tuple[str, str]:
    end = row.timeout_at or row.due_at
    until = f" until {end:%Y-%m-%d %H:%M} UTC" if end else ""
    who = scene.deciders.get(row.pk, "somebody") + _level(request_in(row, veto=True, on_timeout=""))
    if question := scene.question_about(row):
        return _unanswered(row, scene, question, who)
    fix = f"Decide: baton approve {row.run_id} --task {row.key} (or baton reject)."
    return f"{scene.name(row)} waits for the decision of {who}{until}.{_quorum(row)}", fix


def _unanswered(row: TaskRun, scene: _Scene, question: Question, who: str) -> tuple[str, str]:
    sentence = (
        f"{scene.name(row)} waits for {question.asked_of} to answer a question of {question.asked_by}; its clock "
        f"stands until then. The decision is that of {who}.{_quorum(row)}"
    )
    return sentence, f"Answer: baton answer {question.approval_id} TEXT."


def _quorum(row: TaskRun) -> str:
    """How many it takes and how many there are, where one is not enough."""
    request = request_in(row, veto=True, on_timeout="")
    level, ballots = request.levels[request.at - 1], request.ballots_of(request.at - 1)
    given, needed = quorum.progress(level.quorum, level.approvers, ballots)
    return f" It takes {quorum.said(level.quorum, level.approvers)}; {given} so far." if needed > 1 else ""


def _level(request: LevelsAsked) -> str:
    """Which levels are asked, of a gate that has several."""
    if not request.listed:
        return ""
    names = " and ".join(request.name_of(place) for place in request.open)
    return f" (level {request.at} of {len(request.levels)}: {names})"


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
