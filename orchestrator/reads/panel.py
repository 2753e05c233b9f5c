"""Everything about one task of a run: what the task panel shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User

from orchestrator.models import Approval, Artifact, Event, LogLine, Run, TaskRun, Vote
from orchestrator.planning.machine import WaitReason
from orchestrator.reads.delegations import decided_for
from orchestrator.reads.fixes import Fix, verbs_for
from orchestrator.reads.history import EventLine, actor_name, event_line
from orchestrator.reads.levels import level_in_words
from orchestrator.reads.live import deciders, items_settled
from orchestrator.reads.outline import Outline, TaskOutline, outline_of
from orchestrator.reads.recent import seconds
from orchestrator.reads.shown import Entry, Text, as_text, entries
from orchestrator.reads.states import Look, State, TaskFacts, clock, task_look
from orchestrator.reads.why import why_task

_MOST_LINES: Final = 200
_LINES_AT_A_GLANCE: Final = 6
_MOST_ITEMS: Final = 100
_MOST_EVENTS: Final = 100
_MOST_ARTIFACTS: Final = 100
_ENDINGS: Final[dict[str, State]] = {
    "task.completed": "success",
    "task.failed": "failed",
    "task.retrying": "failed",
    "task.skipped": "failed",
    "task.cancelled": "cancelled",
    "task.reset": "cancelled",
}


@dataclass(slots=True)
class Attempt:
    """One try: who made it, how long it took, how it ended."""

    number: int
    state: State
    started_at: datetime
    worker: str
    ended_at: datetime | None = None
    error: str = ""

    @property
    def name(self) -> str:
        return "First" if self.number <= 1 else f"Retry {self.number - 1}"

    @property
    def took(self) -> str:
        length = seconds(self.started_at, self.ended_at)
        return clock(length) if length is not None else ""


@dataclass(frozen=True, slots=True)
class Item:
    index: int
    look: Look
    value: str


@dataclass(frozen=True, slots=True)
class Panel:
    """The facts of one task run. `verbs` is what a person may tell it in the state it is in."""

    run: Run
    row: TaskRun
    task: TaskOutline
    look: Look
    place: int
    total: int
    why: str
    fix: str
    fixes: tuple[Fix, ...]
    input: list[Entry]
    output: Text | None
    attempts: list[Attempt]
    log: list[LogLine]
    history: list[EventLine]
    items: list[Item]
    approval: Approval | None
    decided_for: User | None
    followers: list[TaskOutline]
    before: list[TaskOutline]
    artifacts: list[Artifact]

    @property
    def verbs(self) -> tuple[str, ...]:
        return verbs_for(self.run.status, self.row.status, self.row.reason)

    @property
    def took(self) -> str:
        length = seconds(self.row.started_at, self.row.finished_at)
        return clock(length) if length is not None else ""

    @property
    def queued(self) -> str:
        """How long it was ready before somebody took it."""
        length = seconds(self.row.ready_at, self.row.started_at)
        return clock(length) if length is not None and length >= 1 else ""

    @property
    def error(self) -> dict[str, Any]:
        return self.row.error or {}

    @property
    def retry_rule(self) -> str:
        """How failed attempts are repeated, in a few words."""
        if not self.task.retries:
            return "no retries"
        times = "1 retry" if self.task.retries == 1 else f"{self.task.retries} retries"
        backoff = "" if self.task.retry_backoff == 1 else f" × {self.task.retry_backoff:g}"
        return f"{times}, {self.task.retry_delay:g} s{backoff}"

    @property
    def raw_parameters(self) -> dict[str, Any]:
        """The parameters as the definition has them, expressions and all."""
        return dict(self.task.parameters)

    @property
    def parameters(self) -> Text:
        """The parameters a retry would use, as text."""
        return as_text(self.edited if self.edited is not None else self.raw_parameters)

    @property
    def level(self) -> str:
        """Which level of the approval is asked, of several."""
        return level_in_words(self.approval) if self.approval else ""

    @property
    def asked(self) -> list[Entry]:
        """What the approvers are shown beside the question."""
        return entries(self.approval.data) if self.approval else []

    @property
    def votes(self) -> list[Vote]:
        """What came with the decisions on the request, for those that had anything beside them."""
        if self.approval is None:
            return []
        rows = self.approval.votes.select_related("person").order_by("at")
        return [vote for vote in rows if any(vote.fields.values()) or vote.edits]

    @property
    def last_lines(self) -> list[LogLine]:
        return self.log[-_LINES_AT_A_GLANCE:]

    @property
    def edited(self) -> dict[str, Any] | None:
        return self.row.override


def task_panel(run: Run, key: str, index: int = -1) -> Panel:
    """Raises TaskRun.DoesNotExist."""
    shape = outline_of(run.version_id)
    row = TaskRun.objects.get(run_id=run.pk, key=key, index=index)
    row.run = run
    task = shape.tasks[key]
    events = _events(row)
    approval = _approval(row)
    blocking = why_task(row)
    return Panel(
        run=run,
        row=row,
        task=task,
        look=_look(row, task),
        place=task.order + 1,
        total=len(shape.tasks),
        why=blocking.sentence if blocking else "",
        fix=blocking.fix if blocking else "",
        fixes=blocking.fixes if blocking else (),
        input=entries(row.input),
        # Until it is decided an approval keeps there how far it has come, which its request shows.
        output=None if row.output is None or row.reason == WaitReason.APPROVAL else as_text(row.output),
        attempts=attempts_of(events),
        log=_log(row),
        history=_lines(events, shape),
        items=_items(row),
        approval=approval,
        decided_for=_decided_for(approval),
        followers=shape.followers(key),
        before=[shape.tasks[name] for name in task.dependencies],
        artifacts=list(row.artifacts.order_by("-pk")[:_MOST_ARTIFACTS]),
    )


def _events(row: TaskRun) -> list[Event]:
    """The latest events of the task, oldest first."""
    rows = Event.objects.filter(run_id=row.run_id, task=row.key, index=row.index).order_by("-seq")
    return list(reversed(rows[:_MOST_EVENTS]))


def _lines(events: Sequence[Event], shape: Outline) -> list[EventLine]:
    return [event_line(event, shape) for event in reversed(events)]


def attempts_of(events: Sequence[Event]) -> list[Attempt]:
    """The tries that these events tell of, newest first."""
    found: list[Attempt] = []
    for event in events:
        if event.type == "task.started":
            number = int(event.data.get("attempt") or len(found) + 1)
            found.append(Attempt(number, "running", event.at, actor_name(event.actor)))
        elif found and found[-1].state == "running" and (ending := _ending(event)):
            last = found[-1]
            last.state, last.ended_at = ending, event.at
            last.error = str((event.data.get("error") or {}).get("message") or "")
        elif found and found[-1].state == "running" and event.type == "task.ready":
            found[-1].state, found[-1].ended_at, found[-1].error = "cancelled", event.at, "given back"
    return found[::-1]


def _ending(event: Event) -> State | None:
    """How this event ends a try; one that failed for good may leave the task with a person."""
    given_up = event.type == "task.waiting" and event.data.get("reason") == WaitReason.PERSON
    return "failed" if given_up else _ENDINGS.get(event.type)


def _log(row: TaskRun) -> list[LogLine]:
    return list(reversed(LogLine.objects.filter(task_run=row).order_by("-pk")[:_MOST_LINES]))


def _approval(row: TaskRun) -> Approval | None:
    return Approval.objects.filter(task_run=row).order_by("-pk").first()


def _decided_for(approval: Approval | None) -> User | None:
    closed = [approval.pk] if approval and approval.decided_by_id else []
    return next(iter(decided_for(closed).values()), None)


def _look(row: TaskRun, task: TaskOutline) -> Look:
    names = deciders([row.pk]) if row.reason == WaitReason.APPROVAL else {}
    items = items_settled(row.run_id, [row.key]) if row.reason == WaitReason.ITEMS else {}
    return task_look(
        TaskFacts(
            status=row.status,
            reason=row.reason,
            attempt=row.attempt,
            retries=task.retries,
            agent=row.agent_id,
            started_at=row.started_at,
            finished_at=row.finished_at,
            due_at=row.due_at,
            error=row.error,
            waits_on=names.get(row.pk, f"#{row.child_id}" if row.child_id else ""),
            items=items.get(row.key, (0, 0)),
        )
    )


def _items(row: TaskRun) -> list[Item]:
    if row.index >= 0:
        return []
    rows = TaskRun.objects.filter(run_id=row.run_id, key=row.key, index__gte=0).order_by("index")
    shown = rows.values("index", "status", "reason", "attempt", "started_at", "finished_at", "due_at", "item")
    return [_item(values) for values in shown[:_MOST_ITEMS]]


def _item(values: dict[str, Any]) -> Item:
    index, value = values.pop("index"), values.pop("item")
    text = as_text(value).text
    return Item(index, task_look(TaskFacts(**values)), text if len(text) <= 80 else text[:80] + "…")
