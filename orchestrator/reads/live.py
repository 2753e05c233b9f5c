"""What a page that watches a run is told: the state now, and what has happened since the number it has.

The websocket, the polling fallback and the first render of the page all take it from here, so that *page + messages =
fresh page* holds by construction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from django.db.models import Count, Q

from orchestrator.models import Approver, Event, Run, TaskRun
from orchestrator.planning.machine import TASK_SETTLED, RunStatus, TaskStatus, WaitReason
from orchestrator.reads.history import event_line
from orchestrator.reads.outline import Outline, TaskOutline, outline_of
from orchestrator.reads.states import (
    LEGEND,
    Look,
    TaskFacts,
    iso,
    run_look,
    task_look,
    task_state,
)

LONGEST_GAP: Final = 500
_MOST_NAMES: Final = 3
_WAKES_MANY: Final = frozenset({"workflow.resumed", "workflow.cancelled"})
_COLUMNS: Final = (
    "pk",
    "key",
    "status",
    "reason",
    "attempt",
    "agent_id",
    "started_at",
    "finished_at",
    "due_at",
    "child_id",
    "items_left",
)


def live(run: Run, since: int = 0) -> dict[str, Any]:
    """The message for a page that knows the run up to event `since`.

    `snapshot` is true when the page is too far behind, or ahead: then all tasks are in it and no events.
    """
    run = Run.objects.defer("params").get(pk=run.pk)
    shape = outline_of(run.version_id)
    snapshot = since <= 0 or since > run.seq or run.seq - since > LONGEST_GAP
    events = [] if snapshot else list(Event.objects.filter(run_id=run.pk, seq__gt=since, seq__lte=run.seq))
    everything = snapshot or any(event.type in _WAKES_MANY for event in events)
    looks = task_looks(run, shape, None if everything else {event.task for event in events if event.task})
    return {
        "v": 1,
        "run": run.pk,
        "seq": run.seq,
        "status": run.status,
        "snapshot": snapshot,
        "events": [event_line(event, shape).as_dict() for event in events],
        "tasks": {
            key: look.as_dict() | {"line": line_of(shape.tasks[key], look, shape)}
            for key, look in looks.items()
        },
        "counts": counts(run.pk),
        "facts": facts(run),
    }


def line_of(task: TaskOutline, look: Look, shape: Outline) -> str:
    """The second line of a task in the list: its state, and who does it or what it comes after."""
    if look.state == "queued" and task.dependencies:
        names = [shape.name_of(key) for key in task.dependencies[:2]]
        more = len(task.dependencies) - len(names)
        return f"{look.word}, after {' and '.join(names)}{f' and {more} more' if more else ''}"
    return ", ".join(part for part in (look.word, look.agent or task.agent or task.label) if part)


def facts(run: Run) -> dict[str, Any]:
    """The header of the run page."""
    look = run_look(run.status)
    return {
        "state": look.state,
        "word": look.word,
        "settled": run.total - run.unsettled,
        "total": run.total,
        "waiting": ", ".join(dict.fromkeys(name for _, name in waiting_on(run)[:_MOST_NAMES])),
        "since": iso(run.started_at or run.created_at),
        "finished": iso(run.finished_at),
    }


def telling(reasons: Iterable[str]) -> str:
    """Of several reasons to wait the one to show: what needs somebody before what goes on by itself."""
    found = set(reasons)
    ranked = (WaitReason.PERSON, WaitReason.APPROVAL, WaitReason.AGENT, WaitReason.RETRY, WaitReason.CHILD)
    return next((reason for reason in ranked if reason in found), "")


def counts(run_id: int) -> dict[str, int]:
    """How many tasks are in each visual state, in the order of the legend."""
    grouped = (
        TaskRun.objects.filter(run_id=run_id, index=-1)
        .order_by()
        .values_list("status", "reason")
        .annotate(number=Count("pk"))
    )
    found: Counter[str] = Counter()
    for status, reason, number in grouped:
        found[task_state(status, reason)] += number
    return {state: found[state] for state in LEGEND}


def waiting_on(run: Run) -> list[tuple[str, str]]:
    """Reason and name of what the run's waiting tasks wait for, a few at most."""
    if run.status not in {RunStatus.RUNNING, RunStatus.PAUSED}:
        return []
    rows = TaskRun.objects.filter(run_id=run.pk, status=TaskStatus.WAITING).exclude(reason=WaitReason.ITEMS)
    found = list(rows.order_by("order", "index").values("pk", "reason", "agent_id", "child_id", "key")[:10])
    names = deciders(row["pk"] for row in found if row["reason"] == WaitReason.APPROVAL)
    return [(row["reason"], _waits_on(row, names)) for row in found]


def _waits_on(row: dict[str, Any], names: dict[int, str]) -> str:
    match row["reason"]:
        case WaitReason.APPROVAL:
            return names.get(row["pk"], "an approval")
        case WaitReason.AGENT:
            return f"agent {row['agent_id']}"
        case WaitReason.CHILD:
            return f"run #{row['child_id']}"
        case WaitReason.RETRY:
            return "a retry"
    return "a person"


def deciders(task_run_ids: Iterable[int]) -> dict[int, str]:
    """Who may decide the open approval of each task run, in a few words."""
    ids = list(task_run_ids)
    if not ids:
        return {}
    asked = Approver.objects.filter(approval__task_run_id__in=ids, approval__status="open", done=False)
    rows = asked.order_by("level", "pk")
    named: dict[int, list[str]] = {}
    for task_run_id, name in rows.values_list("approval__task_run_id", "name"):
        named.setdefault(task_run_id, []).append(name.removeprefix("group:"))
    return {task_run_id: in_short(names) for task_run_id, names in named.items()}


def in_short(names: Sequence[str]) -> str:
    """Two names as they are, more as the first and a number."""
    return " or ".join(names) if len(names) <= 2 else f"{names[0]} or {len(names) - 1} more"


def task_looks(run: Run, shape: Outline, keys: Collection[str] | None = None) -> dict[str, Look]:
    """The look of the run's tasks, of all or of those named, in definition order."""
    chosen = TaskRun.objects.filter(run_id=run.pk, index=-1)
    chosen = chosen if keys is None else chosen.filter(key__in=keys)
    rows = list(chosen.order_by("order").values(*_COLUMNS))
    errors = dict(
        chosen.filter(status=TaskStatus.FAILED).values_list("key", "error") if _any_failed(rows) else ()
    )
    names = deciders(row["pk"] for row in rows if row["reason"] == WaitReason.APPROVAL)
    items = items_settled(run.pk, [row["key"] for row in rows if row["reason"] == WaitReason.ITEMS])
    return {row["key"]: _look(row, shape, names, items, errors.get(row["key"])) for row in rows}


def _any_failed(rows: Iterable[dict[str, Any]]) -> bool:
    return any(row["status"] == TaskStatus.FAILED for row in rows)


def items_settled(run_id: int, keys: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Of each for_each task, how many items have settled and how many there are."""
    if not keys:
        return {}
    rows = TaskRun.objects.filter(run_id=run_id, key__in=keys, index__gte=0).order_by().values("key")
    counted = rows.annotate(total=Count("pk"), done=Count("pk", filter=Q(status__in=TASK_SETTLED)))
    return {key: (done, total) for key, done, total in counted.values_list("key", "done", "total")}


def _look(
    row: dict[str, Any],
    shape: Outline,
    names: dict[int, str],
    items: dict[str, tuple[int, int]],
    error: dict[str, Any] | None,
) -> Look:
    planned = shape.tasks.get(row["key"])
    waits_on = names.get(row["pk"], "")
    if row["child_id"] and row["reason"] == WaitReason.CHILD:
        waits_on = f"#{row['child_id']}"
    return task_look(
        TaskFacts(
            status=row["status"],
            reason=row["reason"],
            attempt=row["attempt"],
            retries=planned.retries if planned else 0,
            agent=row["agent_id"],
            started_at=row["started_at"],
            finished_at=row["finished_at"],
            due_at=row["due_at"],
            error=error,
            waits_on=waits_on,
            items=items.get(row["key"], (0, 0)),
        )
    )
