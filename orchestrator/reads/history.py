"""The events of a run in words: one sentence each, for the event list, the announcements and the task panel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from orchestrator.models import Event, Run
from orchestrator.reads.decisions import edits_said
from orchestrator.reads.outline import Outline, outline_of
from orchestrator.reads.states import State, iso

_STATES: Final[dict[str, State]] = {
    "workflow.started": "running",
    "workflow.paused": "paused",
    "workflow.resumed": "running",
    "workflow.completed": "success",
    "workflow.failed": "failed",
    "workflow.cancelled": "cancelled",
    "task.ready": "queued",
    "task.reset": "queued",
    "task.started": "running",
    "task.waiting": "waiting",
    "task.retrying": "retrying",
    "task.completed": "success",
    "task.failed": "failed",
    "task.skipped": "skipped",
    "task.cancelled": "cancelled",
    "approval.required": "waiting",
    "approval.voted": "waiting",
    "approval.reminded": "waiting",
    "approval.escalated": "waiting",
    "approval.level_approved": "success",
    "approval.level_expired": "success",
    "approval.level_passed": "waiting",
    "approval.sent_back": "retrying",
    "approval.approved": "success",
    "approval.rejected": "failed",
    "approval.expired": "failed",
    "approval.cancelled": "cancelled",
    "approval.edited": "waiting",
    "approval.overridden": "waiting",
    "approval.recalled": "cancelled",
    "outcome.refused": "cancelled",
    "cancel.refused": "cancelled",
}
_SENTENCES: Final[dict[str, str]] = {
    "workflow.started": "The run started",
    "workflow.paused": "The run was paused",
    "workflow.resumed": "The run was resumed",
    "workflow.completed": "The run completed",
    "workflow.failed": "The run failed",
    "workflow.cancelled": "The run was cancelled",
    "task.ready": "{task} is ready again",
    "task.reset": "{task} was taken back",
    "task.started": "{task} started",
    "task.waiting": "{task} waits",
    "task.retrying": "{task} will be tried again",
    "task.completed": "{task} completed",
    "task.failed": "{task} failed",
    "task.skipped": "{task} was skipped",
    "task.cancelled": "{task} was cancelled",
    "approval.required": "{task} asks for a decision",
    "approval.voted": "{task} got a vote",
    "approval.reminded": "{task} still waits for a decision",
    "approval.escalated": "{task} asks others, too",
    "approval.level_approved": "{task}: {name} approved",
    "approval.level_expired": "{task}: {name} did not decide in time, which counts as approval",
    "approval.level_passed": "{task}: {name} did not decide in time, the next level is asked",
    "approval.sent_back": "{task} was sent back",
    "approval.approved": "{task} was approved",
    "approval.rejected": "{task} was rejected",
    "approval.expired": "{task} was not decided in time",
    "approval.cancelled": "{task} was withdrawn",
    "approval.commented": "{task} was commented on",
    "approval.edited": "What {task} asks was changed",
    "approval.overridden": "{task} was decided over those who were asked",
    "approval.recalled": "{task} was recalled",
    "approval.question_asked": "{task} waits for the answer to a question",
    "approval.question_answered": "The question on {task} was answered",
    "approval.question_withdrawn": "The question on {task} was withdrawn",
    "outcome.refused": "A late outcome of {task} was refused",
    "cancel.refused": "The run had ended before it could be cancelled",
}
SYSTEM: Final = "System"
PEOPLE: Final = "People"
_ASKS_PEOPLE: Final = frozenset({"person", "approval"})
_WAITS: Final = {
    "agent": "{task} waits for agent {agent}",
    "child": "{task} waits for run #{child}",
    "items": "{task} works through {items} items",
    "person": "{task} failed and waits for a person",
}
_SKIPS: Final = {
    "condition": "its condition does not hold",
    "join": "nothing before it leads here",
    "failed": "after it failed",
}
_STAND_INS: Final = {
    "pin": "as it is pinned",
    "past": "as in a past run",
    "mock": "as it was made up for this test run",
    "nothing": "taken to have, for this test run",
}


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event as it is read. `detail` is the second line: an error, a comment, a reason."""

    seq: int
    type: str
    task: str
    index: int
    state: State
    sentence: str
    detail: str
    actor: str
    at: datetime
    attempt: int
    lane: str = ""
    label: str = ""

    @property
    def glyph(self) -> str:
        return f"g-{self.state}"

    def as_dict(self) -> dict[str, Any]:
        """As the live feed sends it."""
        return {
            "seq": self.seq,
            "t": self.type,
            "task": self.task,
            "index": self.index,
            "state": self.state,
            "word": self.sentence,
            "attempt": self.attempt,
            "at": iso(self.at),
            "lane": self.lane,
            "label": self.label,
        }


def event_line(event: Event, shape: Outline) -> EventLine:
    data = event.data or {}
    return EventLine(
        seq=event.seq,
        type=event.type,
        task=event.task,
        index=event.index,
        state="running" if data.get("reason") == "items" else _STATES.get(event.type, "queued"),
        sentence=_sentence(event, shape.name_of(event.task), data),
        detail=_detail(event.type, data),
        actor=_who(event),
        at=event.at,
        attempt=int(data.get("attempt") or 0),
        lane=lane_of(event, shape) if event.task else "",
        label=label_of(event, shape) if event.task else "",
    )


def lane_of(event: Event, shape: Outline) -> str:
    """Who is busy, or waited for: an agent by name, System or People."""
    planned = shape.tasks.get(event.task)
    waits_for_people = event.type == "task.waiting" and event.data.get("reason") in _ASKS_PEOPLE
    if event.type == "approval.required" or waits_for_people:
        return PEOPLE
    if planned is None or planned.action != "agent_task":
        return SYSTEM
    agent = str(event.data.get("agent") or planned.agent or "system")
    return SYSTEM if agent == "system" else agent


def label_of(event: Event, shape: Outline) -> str:
    """What stands on the bar of a try: the task, or which retry it is."""
    attempt = int(event.data.get("attempt") or 0)
    name = shape.name_of(event.task) + (f" {event.index + 1}" if event.index >= 0 else "")
    return name if attempt <= 1 else f"{name}, retry {attempt - 1}"


def _sentence(event: Event, task: str, data: dict[str, Any]) -> str:
    name = task if event.index < 0 else f"{task}, item {event.index + 1}"
    if event.type == "task.waiting":
        pattern = _WAITS.get(str(data.get("reason")), _SENTENCES[event.type])
    else:
        pattern = _SENTENCES.get(event.type, event.type.replace(".", " ").replace("_", " "))
    words = {name: data.get(name, "?") for name in ("agent", "child", "items", "name")}
    return pattern.format(task=name, **words)


def _detail(type_: str, data: dict[str, Any]) -> str:
    error = data.get("error")
    if isinstance(error, dict) and error.get("message"):
        return str(error["message"])
    if data.get("stand_in"):
        return _STAND_INS.get(str(data["stand_in"]), "")
    if type_ == "approval.edited":
        again = ", ".join(map(str, data.get("void") or ()))
        return edits_said(data.get("edits") or ()) + (f"; asked again: {again}" if again else "")
    if type_ == "task.skipped":
        return _SKIPS.get(str(data.get("reason")), str(data.get("reason") or ""))
    if type_ == "task.started" and int(data.get("attempt") or 0) > 1:
        return f"attempt {data['attempt']}"
    if type_ == "approval.required" and data.get("levels"):
        return f"level {data['level']} of {data['levels']}: {data['name']}"
    if data.get("by_hand"):
        return f"by hand{': ' + str(data['reason']) if data.get('reason') else ''}"
    return str(data.get("comment") or "") or (
        "" if type_ == "task.waiting" else str(data.get("reason") or "")
    )


def _who(event: Event) -> str:
    """Who did it and, of what was decided by delegation, for whom: bob for alice."""
    name, other = actor_name(event.actor), (event.data or {}).get("on_behalf_of")
    return f"{name} for {other}" if other else name


def actor_name(actor: str) -> str:
    """`user:alice` is alice; the engine itself has no name worth a line."""
    kind, _, name = actor.partition(":")
    if kind in {"user", "cli"}:
        return name
    return {"worker": f"worker {name}", "clock": "the clock", "engine": ""}.get(kind, actor)


@dataclass(frozen=True, slots=True)
class EventPage:
    """A stretch of a run's history, newest first; `older` is the seq to go on before, None at the beginning."""

    lines: list[EventLine]
    older: int | None


def events_before(run: Run, before: int | None = None, *, size: int = 50) -> EventPage:
    """The `size` events before that number, or the last ones."""
    rows = Event.objects.filter(run_id=run.pk).order_by("-seq")
    rows = rows.filter(seq__lt=before) if before else rows
    found = list(rows[: size + 1])
    shape = outline_of(run.version_id)
    lines = [event_line(event, shape) for event in found[:size]]
    return EventPage(lines, lines[-1].seq if len(found) > size else None)
