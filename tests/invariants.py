"""The invariants of the engine, checked over the database after every engine, crash and chaos test.

Each check gives sentences; none of them is allowed. The numbers are those of the list of invariants in the design.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from orchestrator.engine.plans import plan_for
from orchestrator.events import verify_chain
from orchestrator.models import Approval, Event, Run, TaskRun, Vote
from orchestrator.planning.asking import seal_of
from orchestrator.planning.machine import RUN_ENDED, TASK_SETTLED, RunStatus, TaskStatus

STARTED = "task.started"
ATTEMPT_ENDS = {
    "task.completed",
    "task.failed",
    "task.retrying",
    "task.skipped",
    "task.cancelled",
    "task.ready",
    "task.waiting",
    "task.reset",
}
FOLDED = {
    "task.started": "running",
    "task.completed": "completed",
    "task.failed": "failed",
    "task.skipped": "skipped",
    "task.cancelled": "cancelled",
    "task.retrying": "waiting",
    "task.waiting": "waiting",
    "approval.required": "waiting",
    "task.ready": "queued",
    "task.reset": "queued",
}
SETTLED_FOR_GOOD = {"task.completed", "task.skipped", "task.cancelled"}
RUN_FOLDED = {
    "workflow.started": "running",
    "workflow.paused": "paused",
    "workflow.resumed": "running",
    "workflow.completed": "completed",
    "workflow.failed": "failed",
    "workflow.cancelled": "cancelled",
}


def assert_invariants(runs: list[Run] | None = None) -> None:
    problems = [
        problem for run in (runs if runs is not None else Run.objects.all()) for problem in violations(run)
    ]
    assert not problems, "\n".join(problems)


def violations(run: Run) -> Iterator[str]:
    run.refresh_from_db()
    tasks = list(run.tasks.order_by("order", "index"))
    events = list(run.events.order_by("seq"))
    for check in (_stuck, _history, _once, _fenced, _folded, _order, _budget, _counters, _dependencies):
        for problem in check(run, tasks, events):
            yield f"run {run.pk} ({run.status}): {check.__name__[1:]}: {problem}"
    for problem in _approvals(run):
        yield f"run {run.pk}: approvals: {problem}"


def _stuck(run: Run, tasks: list[TaskRun], _events: list[Event]) -> Iterator[str]:
    """I1: a run that has not ended has something that will carry it on."""
    if run.status in RUN_ENDED:
        for task in tasks:
            if task.status not in TASK_SETTLED:
                yield f"it has ended and {task} is {task.status}"
    if run.status in RUN_ENDED or run.status == RunStatus.PAUSED:
        return
    for task in tasks:
        alive = (
            task.status == TaskStatus.READY
            or (task.status == TaskStatus.RUNNING and task.due_at is not None)
            or task.status == TaskStatus.WAITING
        )
        if alive:
            return
    yield "nothing in it can ever happen"


def _history(run: Run, _tasks: list[TaskRun], events: list[Event]) -> Iterator[str]:
    """I2, I7: numbers without gaps, a chain that verifies, one end for each start."""
    if [event.seq for event in events] != list(range(1, run.seq + 1)):
        yield "event numbers have gaps"
    broken = verify_chain(run.pk, run.digest)
    if broken:
        yield f"chain breaks at {broken.seq}: {broken.problem}"
    starts: Counter[tuple[str, int, int, int]] = Counter()
    ends: Counter[tuple[str, int, int, int]] = Counter()
    open_claims: set[tuple[str, int, int, int]] = set()
    for event in events:
        # The items of a task that is opened again are new rows, whose claims begin anew.
        epoch = event.data.get("epoch", 0) if event.index >= 0 else 0
        claim = (event.task, event.index, event.data.get("claim", 0), epoch)
        if event.type == STARTED:
            starts[claim] += 1
            open_claims.add(claim)
        elif event.type in ATTEMPT_ENDS and claim in open_claims:
            ends[claim] += 1
            open_claims.discard(claim)
    for claim, count in starts.items():
        if count > 1:
            yield f"{claim} started {count} times"
    running = {
        (t.key, t.index, t.claim, t.epoch if t.index >= 0 else 0)
        for t in _tasks
        if t.status == TaskStatus.RUNNING
    }
    removed = {(key, index) for key, index, *_ in open_claims} - {(t.key, t.index) for t in _tasks}
    if {claim for claim in open_claims if claim[:2] not in removed} != running:
        yield f"starts without an end {sorted(open_claims)} are not what runs {sorted(running)}"


def _once(_run: Run, _tasks: list[TaskRun], events: list[Event]) -> Iterator[str]:
    """I2: a place has one outcome, until somebody opens it again; what failed may still be settled by hand."""
    settled: dict[str, dict[int, str]] = defaultdict(dict)
    for event in events:
        before = settled[event.task].get(event.index)
        if event.type == "task.reset" or event.data.get("reason") == "retry by hand":
            settled[event.task].pop(event.index, None)
            if event.index < 0:
                settled[event.task].clear()
        elif before and event.type in {STARTED, "task.failed", *SETTLED_FOR_GOOD}:
            yield f"{event.task}[{event.index}] has {event.type} ({event.seq}) after {before}"
        elif event.type in SETTLED_FOR_GOOD:
            settled[event.task][event.index] = event.type


def _fenced(_run: Run, _tasks: list[TaskRun], events: list[Event]) -> Iterator[str]:
    """I5: an outcome counts only from the worker that holds the claim."""
    holders: dict[tuple[str, int, int], str] = {}
    for event in events:
        place = (event.task, event.index, event.data.get("claim", 0))
        if event.type == STARTED:
            holders[place] = event.actor
        elif (
            event.type in ATTEMPT_ENDS
            and event.actor.startswith("worker:")
            and holders.get(place) != event.actor
        ):
            yield f"{event.actor} ended {place}, which {holders.get(place)} held"


def _folded(run: Run, tasks: list[TaskRun], events: list[Event]) -> Iterator[str]:
    """I2: the status is what the events say."""
    state: dict[tuple[str, int], str] = defaultdict(lambda: "queued")
    status = "created"
    for event in events:
        status = RUN_FOLDED.get(event.type, status)
        if event.type in FOLDED:
            state[event.task, event.index] = FOLDED[event.type]
        if event.type == "task.reset" or (
            event.type == "task.ready" and event.data.get("reason") == "retry by hand"
        ):
            for place in [p for p in state if p[0] == event.task and p[1] >= 0 and event.index < 0]:
                del state[place]
    if status != run.status:
        yield f"its events say {status}"
    for task in tasks:
        kept = "queued" if task.status in {TaskStatus.PENDING, TaskStatus.READY} else task.status
        if state[task.key, task.index] != kept:
            yield f"{task} is {task.status}, its events say {state[task.key, task.index]}"


def _order(run: Run, _tasks: list[TaskRun], events: list[Event]) -> Iterator[str]:
    """I3: nothing starts before what it depends on has settled; I8: nothing starts after the end."""
    plan = plan_for(run.version_id)
    settled: set[str] = set()
    ended = False
    for event in events:
        ended = ended or event.type == "workflow.cancelled"
        if event.type == STARTED:
            if ended:
                yield f"{event.task} started after the run was cancelled"
            planned = plan.tasks[event.task]
            missing = set(planned.dependencies) - settled
            if missing and not (
                planned.join == "first_succeeded" and len(missing) < len(planned.dependencies)
            ):
                yield f"{event.task} started before {sorted(missing)}"
        if event.index < 0 and event.type in {
            "task.completed",
            "task.failed",
            "task.skipped",
            "task.cancelled",
        }:
            settled.add(event.task)
        elif event.type in {"task.reset"} or event.data.get("reason") == "retry by hand":
            settled.discard(event.task)


def _budget(run: Run, _tasks: list[TaskRun], events: list[Event]) -> Iterator[str]:
    """I4: no more attempts than the policy allows; what died three times is not given out again."""
    plan = plan_for(run.version_id)
    attempts: dict[tuple[str, int, int], set[int]] = defaultdict(set)
    losses: Counter[tuple[str, int, int]] = Counter()
    for event in events:
        place = (event.task, event.index, event.data.get("epoch", 0))
        if event.type == STARTED:
            attempts[place].add(event.data["attempt"])
        elif event.type == "task.ready":
            losses[place] += event.data.get("reason") == "lost"
    for place, numbers in attempts.items():
        allowed = plan.tasks[place[0]].retry.count + 1
        if max(numbers) > allowed or len(numbers) > allowed:
            yield f"{place} was attempted {sorted(numbers)} times, {allowed} are allowed"
        if losses[place] > 2:
            yield f"{place} was given out again after {losses[place]} workers had died on it"


def _counters(run: Run, tasks: list[TaskRun], _events: list[Event]) -> Iterator[str]:
    """What the run counts is what its rows say."""
    whole = [task for task in tasks if task.index < 0]
    statuses = Counter(task.status for task in whole)
    ready = [task for task in tasks if task.status == TaskStatus.READY]
    running = [task for task in tasks if task.status == TaskStatus.RUNNING]
    expected = {
        "total": len(whole),
        "unsettled": sum(task.status not in TASK_SETTLED for task in whole),
        "completed": statuses[TaskStatus.COMPLETED],
        "failed": statuses[TaskStatus.FAILED],
        "skipped": statuses[TaskStatus.SKIPPED],
        "executing": len(running),
        "sequential_busy": sum(task.sequential for task in running),
        "ready_sequential": sum(task.sequential for task in ready),
        "ready_parallel": sum(not task.sequential for task in ready),
    }
    for name, value in expected.items():
        if getattr(run, name) != value:
            yield f"{name} is {getattr(run, name)}, the rows say {value}"
    if run.sequential_busy > 1:
        yield "two sequential tasks execute at once"
    limit = plan_for(run.version_id).max_parallel
    if limit is not None and len(running) > limit:
        yield f"{len(running)} tasks execute, {limit} are allowed"


def _dependencies(run: Run, tasks: list[TaskRun], _events: list[Event]) -> Iterator[str]:
    """The counters on a task's row are those of its dependencies' rows."""
    if run.status in RUN_ENDED:
        return
    plan = plan_for(run.version_id)
    rows = {task.key: task for task in tasks if task.index < 0}
    for key, task in rows.items():
        waits = sum(rows[d].status not in TASK_SETTLED for d in plan.tasks[key].dependencies)
        if task.waits_for != waits:
            yield f"{key} waits for {task.waits_for}, the rows say {waits}"
    for key, task in rows.items():
        if task.status == TaskStatus.WAITING and task.reason == "items":
            left = sum(t.key == key and t.index >= 0 and t.status not in TASK_SETTLED for t in tasks)
            if left != task.items_left or left == 0:
                yield f"{key} has {task.items_left} items left, the rows say {left}"


def _approvals(run: Run) -> Iterator[str]:
    """I6: one decision for each request; open exactly while its task waits."""
    for approval in Approval.objects.filter(run=run).select_related("task_run"):
        yield from _votes(approval)
        if approval.status == "open" and approval.content_hash != seal_of(approval.task_run.input or {}):
            yield f"{approval.pk} is sealed as something else than it asks"
        waiting = approval.task_run.status == TaskStatus.WAITING and approval.task_run.reason == "approval"
        latest = not Approval.objects.filter(task_run=approval.task_run_id, pk__gt=approval.pk).exists()
        if (approval.status == "open") != (waiting and latest):
            yield f"{approval.pk} is {approval.status}, its task is {approval.task_run.status}"


def _votes(approval: Approval) -> Iterator[str]:
    """One decision on each level that takes one, and one level for each person."""
    asked = approval.task_run.input or {}
    cast = list(
        Vote.objects.filter(approval=approval, override=False, voided_at=None).values_list("level", "person")
    )
    on_level = Counter(level for level, _ in cast)
    levels = asked.get("levels") or [asked]
    for number, level in enumerate(levels, 1):
        is_any = level.get("quorum") in (None, "any") and level.get("veto") is not False
        if is_any and on_level[number] > 1:
            yield f"{approval.pk} was decided {on_level[number]} times on level {number}"
    for person, count in Counter(person for _, person in cast).items():
        if count > 1:
            yield f"person {person} decided {count} times on {approval.pk}"
    if approval.levels and approval.status == "open":
        stands = [one["status"] for one in approval.levels]
        if stands[approval.level - 1] != "open":
            yield f"{approval.pk} is at level {approval.level} of {stands}"
