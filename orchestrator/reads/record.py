"""The record of a request: everything that happened to it and was said of it, in the order of time.

It is read from the chain of events, where nothing is changed afterwards; rows only add the names of people and the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Max, OuterRef, Subquery

from orchestrator.models import Approval, Attachment, Event, Question
from orchestrator.reads.decisions import edit_entries, filled_in
from orchestrator.reads.history import actor_name
from orchestrator.reads.shown import Entry

MOST: Final = 500
_PREFIX: Final = "approval."
_OPENED: Final = "approval.required"
_CLOSING: Final = frozenset(
    {"approval.approved", "approval.rejected", "approval.expired", "approval.recalled"}
)
_SENTENCES: Final[dict[str, str]] = {
    _OPENED: "asked for a decision",
    "approval.reminded": "reminded those who are asked",
    "approval.escalated": "asked {to}, too",
    "approval.voted": "{decision}",
    "approval.approved": "approved it",
    "approval.rejected": "rejected it",
    "approval.expired": "closed it: nobody decided in time",
    "approval.cancelled": "withdrew it: the run ended or took another way",
    "approval.level_approved": "approved level {level}",
    "approval.level_expired": "went on: nobody decided on level {level} in time",
    "approval.level_passed": "asked the next level: nobody decided on level {level} in time",
    "approval.sent_back": "sent it back to {to}",
    "approval.commented": "commented",
    "approval.edited": "changed what is asked",
    "approval.overridden": "decided over {to}",
    "approval.recalled": "took it back",
    "approval.question_asked": "asked {of}",
    "approval.question_answered": "answered",
    "approval.question_withdrawn": "withdrew the question",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry. `person` is None for what Baton did; `in_place_of` is for whom somebody decided, and `for_whom` what they are called."""

    seq: int
    type: str
    at: datetime
    person: User | None
    who: str
    sentence: str
    text: str = ""
    in_place_of: str = ""
    for_whom: str = ""
    files: list[Attachment] = field(default_factory=list)
    edits: list[tuple[str, str, str]] = field(default_factory=list)
    filled: list[Entry] = field(default_factory=list)

    @property
    def is_said(self) -> bool:
        """Whether somebody wrote something, which stands by itself; all else is a line between."""
        return bool(self.text or self.files or self.edits or self.filled)


@dataclass(frozen=True, slots=True)
class Record:
    """`earlier`: how many entries before the first one are not shown."""

    lines: list[Line]
    earlier: int = 0

    @property
    def last(self) -> int:
        """The number of the last event in it."""
        return max((line.seq for line in self.lines), default=0)


@dataclass(frozen=True, slots=True)
class Talk:
    """What a page that shows a request is to know of its record: the number of its last event, and how it stands."""

    seq: int
    status: str
    question: int = 0  # the one that is open


def talk_of(approval_id: int, before: Talk | None = None) -> Talk:
    """How it stands now; only events after `before` are read. Raises Approval.DoesNotExist."""
    asked = Question.objects.filter(approval=OuterRef("pk"), outcome=Question.Outcome.OPEN)
    facts = ("status", "run_id", "task_run__key", "task_run__index", Subquery(asked.values("pk")[:1]))
    status, run_id, key, index, question = Approval.objects.values_list(*facts).get(pk=approval_id)
    known = before.seq if before else 0
    rows = Event.objects.filter(run_id=run_id, seq__gt=known, task=key, index=index)
    found = rows.filter(type__startswith=_PREFIX).order_by().aggregate(last=Max("seq"))["last"]
    return Talk(found or known, status, question or 0)


def record_of(approval: Approval) -> Record:
    """The last entries of the request, oldest first; three queries. The approval comes with its run and task run."""
    events = _events(approval)
    shown = events[-MOST:]
    people = _people(approval, shown)
    kept = {one.key: one for one in approval.attachments.all()}
    lines = [_line(approval, event, people, kept) for event in shown]
    if approval.status == Approval.Status.CANCELLED and not any(one.type in _CLOSING for one in lines):
        lines += _withdrawn(approval)
    return Record(lines, len(events) - len(shown))


def _events(approval: Approval) -> list[Event]:
    """Those of this request: a task that is asked again is asked under another epoch."""
    task = approval.task_run
    rows = Event.objects.filter(run_id=approval.run_id, task=task.key, index=task.index)
    found = rows.filter(type__startswith=_PREFIX).order_by("seq")
    return [event for event in found if event.data.get("epoch") == approval.epoch]


def _people(approval: Approval, events: Sequence[Event]) -> dict[str, User]:
    """The people of these events by user name; who started the run is known."""
    names = {actor_name(event.actor) for event in events if event.actor.startswith(("user:", "cli:"))}
    named = (event.data.get(name) for event in events for name in ("of", "on_behalf_of"))
    names |= {str(one) for one in named if one}
    starter = approval.run.started_by
    found = {starter.get_username(): starter} if starter else {}
    if wanted := names - found.keys():
        found |= {one.get_username(): one for one in User.objects.filter(username__in=wanted)}
    return found


def _line(approval: Approval, event: Event, people: dict[str, User], kept: dict[str, Attachment]) -> Line:
    data = event.data
    opens = event.type == _OPENED and data.get("level", 1) == 1
    name = _opener(approval) if opens else actor_name(event.actor)
    person, absent = people.get(name), str(data.get("on_behalf_of") or "")
    return Line(
        seq=event.seq,
        type=event.type,
        at=event.at,
        person=person,
        who=_called(person, name),
        sentence=_sentence(event.type, data, people),
        text=str(data.get("comment") or ""),
        in_place_of=absent,
        for_whom=_called(people.get(absent), absent) if absent else "",
        files=[kept[one["file"]] for one in data.get("files", ()) if one["file"] in kept],
        edits=edit_entries(data.get("edits") or ()),
        filled=filled_in(approval, _decision(event), data.get("fields") or {}),
    )


def _decision(event: Event) -> str:
    return (
        "rejected" if "rejected" in (event.type.partition(".")[2], event.data.get("decision")) else "approved"
    )


def _opener(approval: Approval) -> str:
    return approval.run.started_by.get_username() if approval.run.started_by else ""


def _called(person: User | None, name: str) -> str:
    if person is not None:
        return person.get_full_name() or person.get_username()
    return "Baton" if name in {"", "the clock"} else name


def _sentence(type_: str, data: dict[str, Any], people: dict[str, User]) -> str:
    plain = type_.partition(".")[2].replace("_", " ")
    to = data.get("to") or data.get("asked") or ()
    names = [str(one).removeprefix("group:") for one in ([to] if isinstance(to, str) else to)]
    of = str(data.get("of") or "somebody")
    words = {
        "of": _called(people.get(of), of),
        "to": ", ".join(names),
        "level": f"{data.get('level', '?')}, {data.get('name', '')}".rstrip(", "),
        "decision": str(data.get("decision") or "").rstrip(),
    }
    if type_ == _OPENED and data.get("level", 1) > 1:
        return f"asked level {words['level']}"
    said = _SENTENCES.get(type_, plain).format(**words)
    if void := data.get("void"):
        return f"{said}; {', '.join(map(str, void))} {'is' if len(void) == 1 else 'are'} asked again"
    return f"{said}, over those who were asked" if data.get("override") else said


def _withdrawn(approval: Approval) -> Sequence[Line]:
    if approval.decided_at is None:
        return ()
    type_ = "approval.cancelled"
    return [Line(0, type_, approval.decided_at, None, "Baton", _SENTENCES[type_])]
