"""The lines of the inbox: its folders, what is searched for, pages of it, in a bounded number of queries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import Count, F, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from orchestrator.models import Approval, Approver, Question, WorkflowVersion
from orchestrator.planning.delegation import Asked, Decider, Right, right_of
from orchestrator.reads.delegations import decided_for
from orchestrator.reads.keyset import moment_place, parse_moment_place, parse_number
from orchestrator.reads.live import in_short
from orchestrator.reads.states import Look, approval_look

WAYS: Final = ("mine", "groups", "delegated")
FOLDERS: Final = ("", *WAYS, "all", "decided")
DUE: Final = {"overdue": "Overdue", "today": "Due today", "week": "Due within 7 days", "none": "No deadline"}
TESTS: Final = {"none": "Without test runs", "only": "Only test runs"}
PAGE: Final = 50
SECTION: Final = 25  # lines of one heading, where there are several
WINDOW: Final = 2_000  # closed requests that one search looks through
MOST_CHOICES: Final = 100
SOON: Final = timedelta(hours=4)
LIMITED: Final = timedelta(days=90)  # of what was decided, for those who do not see all of it
_MOST_WORDS: Final = 6
_UNDATED: Final = "none"

Reader = tuple[Decider, Sequence[Decider]]


@dataclass(frozen=True, slots=True)
class Mail:
    """A line of the inbox. `in_place_of` is whom the reader would decide for, `decided_for` whom somebody decided for."""

    approval: Approval
    look: Look
    names: str
    in_place_of: str = ""
    decided_for: User | None = None
    may_decide: bool = False
    stands: bool = False  # its clock does: a question is open

    @property
    def due_soon(self) -> bool:
        deadline = self.approval.deadline_at
        runs = self.approval.status == "open" and not self.stands
        return runs and deadline is not None and deadline - timezone.now() < SOON


@dataclass(frozen=True, slots=True)
class InboxQuery:
    """What the inbox is asked for. `who` is "me" for what the reader decided, `by` a user name."""

    show: str = ""
    who: str = ""
    text: str = ""
    workflow: str = ""
    by: str = ""
    due: str = ""
    tests: str = ""
    after: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether it leaves out anything of its folder."""
        return replace(self, after="", show="", who="") != InboxQuery()

    @property
    def number(self) -> int:
        """The number of the run that the text may be, 0 when it is none."""
        return parse_number(self.text.removeprefix("#"))

    @property
    def address(self) -> str:
        """The part of an address that asks for this: "?show=all&q=desk", or nothing."""
        named = {"show": self.show, "who": self.who, "q": self.text, "workflow": self.workflow, "by": self.by}
        rest = {"due": self.due, "tests": self.tests, "after": self.after}
        given = {name: value for name, value in (named | rest).items() if value}
        return f"?{urlencode(given)}" if given else ""

    def without(self, *names: str) -> str:
        """The same address without some of it."""
        return replace(self, **dict.fromkeys(names, ""), after="").address

    def at(self, **values: str) -> str:
        return replace(self, **{"after": "", **values}).address


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under one heading; `more` says that there are others in the folder of this name."""

    name: str
    mails: list[Mail]
    more: bool = False

    @property
    def hint(self) -> str:
        """What the lines have in common: whom they ask."""
        if self.name == "delegated":
            names = dict.fromkeys(mail.in_place_of for mail in self.mails if mail.in_place_of)
            return f"for {in_short(list(names))}" if names else ""
        return ""


@dataclass(frozen=True, slots=True)
class Folders:
    """How many lie in each."""

    mine: int
    groups: int
    delegated: int
    all: int
    questions: int = 0  # put to the reader

    @property
    def asked(self) -> int:
        """All that asks the reader."""
        return self.mine + self.groups + self.delegated + self.questions


@dataclass(frozen=True, slots=True)
class InboxPage:
    """What one page shows. `searched` says that it looked no further than `after`, and there may be more behind."""

    sections: list[Section]
    after: str = ""
    searched: bool = False

    @property
    def mails(self) -> list[Mail]:
        return [mail for section in self.sections for mail in section.mails]


# The lines


def mails(rows: QuerySet[Approval], reader: Reader | None = None, most: int = PAGE) -> list[Mail]:
    """The lines for these requests, in their order; two queries, and one more if some are closed.

    `reader` is who reads them, with those in whose place they decide.
    """
    return _lines(list(_with_names(rows)[:most]), reader)


def _with_names(rows: QuerySet[Approval]) -> QuerySet[Approval]:
    return rows.select_related("run__workflow", "run__started_by", "decided_by").defer(
        "run__workflow__draft", "run__params", "data"
    )


def _lines(found: Sequence[Approval], reader: Reader | None) -> list[Mail]:
    asked = _asked([approval.pk for approval in found])
    decided = decided_for(approval.pk for approval in found if approval.decided_by_id)
    standing, authors = _standing(found), _authors(found) if reader else {}
    return [
        replace(
            _line(one, asked.get(one.pk, []), decided.get(one.pk), reader, authors.get(one.run.version_id)),
            stands=one.pk in standing,
        )
        for one in found
    ]


def _authors(found: Sequence[Approval]) -> dict[int, int | None]:
    """Who published what runs, where they may not decide on it."""
    versions = {one.run.version_id for one in found if not one.allow_author}
    return dict(WorkflowVersion.everything.filter(pk__in=versions).values_list("pk", "created_by_id"))


def _standing(found: Sequence[Approval]) -> set[int]:
    """Those of them on which a question is open; one query if any is open."""
    ids = [one.pk for one in found if one.status == Approval.Status.OPEN]
    if not ids:
        return set()
    questions = Question.objects.filter(approval__in=ids, outcome=Question.Outcome.OPEN)
    return set(questions.values_list("approval_id", flat=True))


def _line(
    approval: Approval,
    asked: Sequence[Asked],
    decided_for: User | None,
    reader: Reader | None,
    author: int | None,
) -> Mail:
    right = _right(approval, asked, reader, author)
    return Mail(
        approval,
        approval_look(approval.status),
        in_short([one.name.removeprefix("group:") for one in asked] or ["nobody"]),
        right.of.shown if right.of else "",
        decided_for,
        right.may,
    )


def _right(approval: Approval, asked: Sequence[Asked], reader: Reader | None, author: int | None) -> Right:
    if reader is None or approval.status != Approval.Status.OPEN:
        return Right("nobody")
    requester = None if approval.allow_requester else approval.run.started_by_id
    return right_of(*reader, asked, requester, None if approval.allow_author else author)


def _asked(approval_ids: Iterable[int]) -> dict[int, list[Asked]]:
    found: dict[int, list[Asked]] = {}
    rows = Approver.objects.filter(approval_id__in=list(approval_ids), done=False).order_by("level", "pk")
    for approval_id, *asked in rows.values_list("approval_id", "user_id", "name", "group_id"):
        found.setdefault(approval_id, []).append(Asked(*asked))
    return found


# The folders


def folders(
    waiting: QuerySet[Approval], visible: QuerySet[Approval], questions: QuerySet[Approval] | None = None
) -> Folders:
    """In three queries. `waiting` are `permissions.approvals_by_way`, `questions` those on which the reader was asked."""
    ways = dict(waiting.order_by().values_list("way").annotate(n=Count("pk")))
    counts = {way: ways.get(way, 0) for way in WAYS}
    put = questions.count() if questions is not None else 0
    return Folders(**counts, all=_open(visible).count(), questions=put)


def open_page(
    rows: QuerySet[Approval],
    query: InboxQuery,
    reader: Reader,
    now: datetime | None = None,
    questions: QuerySet[Approval] | None = None,
) -> InboxPage:
    """A page of open requests, the soonest first: of one folder, or some of each way for `show` "".

    Before those come the `questions`: requests on which the reader was asked something.
    """
    put = [] if query.show or questions is None else _put(questions, query, reader, now)
    rows = _narrowed(_open(rows), query, now or timezone.now())
    if query.show:
        return _one_folder(rows, query, reader)
    found = {way: list(_with_names(_soonest(rows.filter(way=way)))[: SECTION + 1]) for way in WAYS}
    lines = iter(_lines([one for way in WAYS for one in found[way][:SECTION]], reader))
    sections = [
        Section(way, [next(lines) for _ in found[way][:SECTION]], len(found[way]) > SECTION) for way in WAYS
    ]
    return InboxPage([*put, *(section for section in sections if section.mails)])


def _put(
    questions: QuerySet[Approval], query: InboxQuery, reader: Reader, now: datetime | None
) -> list[Section]:
    rows = _soonest(_narrowed(questions, query, now or timezone.now()))
    found = _lines(list(_with_names(rows)[:SECTION]), reader)
    return [Section("asked", found)] if found else []


def _one_folder(rows: QuerySet[Approval], query: InboxQuery, reader: Reader) -> InboxPage:
    rows = rows.filter(way=query.show) if query.show in WAYS else rows
    found = list(_with_names(_soonest(_after_deadline(rows, query.after)))[: PAGE + 1])
    lines = _lines(found[:PAGE], reader)
    after = _deadline_place(found[PAGE - 1]) if len(found) > PAGE else ""
    return InboxPage([Section(query.show, lines)] if lines else [], after)


def decided_page(rows: QuerySet[Approval], query: InboxQuery, now: datetime | None = None) -> InboxPage:
    """A page of closed requests, the last closed first. A search looks through so many of them at a time."""
    rows = _after_decision(_newest(rows.exclude(status=Approval.Status.OPEN)), query.after)
    end = None
    if query.narrowed:
        end = rows.values_list("decided_at", "pk")[WINDOW - 1 : WINDOW].first()
        window = Approval.objects.filter(pk__in=rows.values("pk")[:WINDOW])
        rows = _newest(_narrowed(window, replace(query, due=""), now or timezone.now()))
    found = list(_with_names(rows)[: PAGE + 1])
    lines = _lines(found[:PAGE], None)
    after = _decision_place(found[PAGE - 1]) if len(found) > PAGE else moment_place(*end) if end else ""
    searched = bool(end) and len(found) <= PAGE
    return InboxPage([Section("decided", lines)] if lines else [], after, searched)


def decided_by(rows: QuerySet[Approval], user_id: int) -> QuerySet[Approval]:
    """Those of these on which this person has voted."""
    return rows.filter(votes__person=user_id)


def lately(rows: QuerySet[Approval], now: datetime | None = None) -> QuerySet[Approval]:
    """What was closed not too long ago: to look for the few that somebody may see among all would take too long."""
    return rows.filter(decided_at__gte=(now or timezone.now()) - LIMITED)


def workflows_of(rows: QuerySet[Approval]) -> list[tuple[str, str]]:
    """The workflows of open requests, by name: what to choose from."""
    found = _open(rows).order_by("run__workflow__name")
    return list(found.values_list("run__workflow__key", "run__workflow__name").distinct()[:MOST_CHOICES])


def requesters_of(rows: QuerySet[Approval]) -> list[tuple[str, str]]:
    """Who started the runs of open requests: user name, and the name that people read."""
    names = ("username", "first_name", "last_name")
    found = _open(rows).filter(run__started_by__isnull=False).order_by("run__started_by__username")
    people = found.values_list(*(f"run__started_by__{name}" for name in names)).distinct()[:MOST_CHOICES]
    return [(username, f"{first} {last}".strip() or username) for username, first, last in people]


def _open(rows: QuerySet[Approval]) -> QuerySet[Approval]:
    return rows.filter(status=Approval.Status.OPEN)


# What is searched for


def _narrowed(rows: QuerySet[Approval], query: InboxQuery, now: datetime) -> QuerySet[Approval]:
    if query.workflow:
        rows = rows.filter(run__workflow__key=query.workflow)
    if query.by:
        rows = rows.filter(run__started_by__username=query.by)
    if query.tests:
        rows = rows.filter(run__is_trial=query.tests == "only")
    if query.due:
        rows = rows.filter(_due(query.due, now))
    return rows.annotate(said=Cast("data", TextField())).filter(*_says(query)) if query.text else rows


def _says(query: InboxQuery) -> Iterator[Q]:
    """Each word must stand somewhere: in the title, in what is decided on, in the workflow's or the requester's name."""
    if query.number:
        yield _word(query.text) | Q(run=query.number)
        return
    for word in query.text.split()[:_MOST_WORDS]:
        yield _word(word)


def _word(word: str) -> Q:
    places = ("title", "instructions", "run__workflow__name", *_REQUESTER)
    # Data is stored as JSON, in which letters beyond ASCII are written by their number.
    found = Q(said__icontains=json.dumps(word)[1:-1])
    for place in places:
        found |= Q(**{f"{place}__icontains": word})
    return found


_REQUESTER: Final = tuple(f"run__started_by__{name}" for name in ("username", "first_name", "last_name"))


def _due(due: str, now: datetime) -> Q:
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    match due:
        case "overdue":
            return Q(deadline_at__lt=now)
        case "today":
            return Q(deadline_at__lt=midnight + timedelta(days=1))
        case "week":
            return Q(deadline_at__lt=midnight + timedelta(days=8))
    return Q(deadline_at=None)


# The order, and the place where the next page goes on


def _soonest(rows: QuerySet[Approval]) -> QuerySet[Approval]:
    return rows.order_by(F("deadline_at").asc(nulls_last=True), "pk")


def _newest(rows: QuerySet[Approval]) -> QuerySet[Approval]:
    return rows.filter(decided_at__isnull=False).order_by("-decided_at", "-pk")


def _deadline_place(last: Approval) -> str:
    return moment_place(last.deadline_at, last.pk) if last.deadline_at else f"{_UNDATED}_{last.pk}"


def _after_deadline(rows: QuerySet[Approval], after: str) -> QuerySet[Approval]:
    undated, _, pk = after.partition("_")
    if undated == _UNDATED and parse_number(pk):
        return rows.filter(deadline_at=None, pk__gt=parse_number(pk))
    place = parse_moment_place(after)
    if place is None:
        return rows
    later = Q(deadline_at__gt=place[0]) | Q(deadline_at=place[0], pk__gt=place[1]) | Q(deadline_at=None)
    return rows.filter(later)


def _decision_place(last: Approval) -> str:
    assert last.decided_at is not None  # `_newest` leaves out what has none
    return moment_place(last.decided_at, last.pk)


def _after_decision(rows: QuerySet[Approval], after: str) -> QuerySet[Approval]:
    place = parse_moment_place(after)
    if place is None:
        return rows
    earlier = Q(decided_at__lt=place[0]) | Q(decided_at=place[0], pk__lt=place[1])
    return rows.filter(earlier, decided_at__lte=place[0])


def as_query(given: Any) -> InboxQuery:
    """From an address; what is no folder or filter is left out."""
    show, due, tests = given.get("show", ""), given.get("due", ""), given.get("tests", "")
    return InboxQuery(
        show=show if show in FOLDERS else "",
        who="me" if given.get("who") == "me" and show == "decided" else "",
        text=given.get("q", "").strip().replace("\x00", "")[:200],
        workflow=given.get("workflow", "").replace("\x00", "")[:80],
        by=given.get("by", "").replace("\x00", "")[:150],
        due=due if due in DUE else "",
        tests=tests if tests in TESTS else "",
        after=given.get("after", ""),
    )
