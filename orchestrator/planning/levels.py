"""The levels of an approval gate: who is asked on each, how each of them stands, and for which of them a vote counts.

A gate that names its approvers has one level. What is asked stands in the `input` of its task, how far it has come in the
`output`, until the decision takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol

from orchestrator.definition.normal import approver_names
from orchestrator.planning import quorum
from orchestrator.planning.business import Calendar, calendar_of, later
from orchestrator.planning.decidable import TOGETHER
from orchestrator.planning.ladder import next_due
from orchestrator.planning.quorum import Ballot, Verdict

WAITING: Final = "waiting"  # its turn has not come
OPEN: Final = "open"
APPROVED: Final = "approved"
REJECTED: Final = "rejected"
EXPIRED: Final = "expired"  # nobody decided in time, which its gate takes for approval
PASSED: Final = "passed"  # nobody decided in time, so the next level was asked instead
STATUSES: Final = (WAITING, OPEN, APPROVED, REJECTED, EXPIRED, PASSED)


class Keeps(Protocol):
    """The row of a task, as far as it keeps what is asked and how far that has come."""

    @property
    def input(self) -> Any: ...

    @property
    def output(self) -> Any: ...

    @property
    def started_at(self) -> datetime | None: ...

    @property
    def timeout_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Level:
    """One level as it is asked: nothing in it is open any more but who decides."""

    number: int
    name: str
    approvers: tuple[str, ...]
    quorum: Any = None
    veto: bool = True
    escalation: Any = None
    seconds: float | None = None
    on_timeout: str = "reject"

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "approvers": list(self.approvers),
            "quorum": self.quorum,
            "veto": self.veto,
            "escalation": self.escalation,
            "timeout_seconds": self.seconds,
            "on_timeout": self.on_timeout,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """How a level stands. `rungs` of its ladder are behind; `escalated` were asked on them."""

    status: str = WAITING
    asked_at: datetime | None = None
    deadline_at: datetime | None = None
    rungs: int = 0
    escalated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """Everything a gate asks and was told so far."""

    levels: tuple[Level, ...]
    standings: tuple[Standing, ...]
    ballots: tuple[Ballot, ...] = ()
    together: bool = False
    listed: bool = False  # whether the gate has its levels in a list
    calendar: Calendar | None = None
    stands: bool = False  # whether its clock does, while a question is open

    @property
    def open(self) -> list[int]:
        """The places of the levels that are asked now."""
        return [place for place, one in enumerate(self.standings) if one.status == OPEN]

    @property
    def behind(self) -> list[int]:
        """The places of the levels that are decided."""
        return [place for place, one in enumerate(self.standings) if one.status not in {OPEN, WAITING}]

    @property
    def at(self) -> int:
        """The number of the first level that is asked now; of the last that was when none is."""
        asked = [place for place, one in enumerate(self.standings) if one.status != WAITING]
        return self.levels[self.open[0] if self.open else asked[-1]].number

    @property
    def deadline_at(self) -> datetime | None:
        """When the time of the first open level is over."""
        return _earliest(self.standings[place].deadline_at for place in self.open)

    @property
    def due_at(self) -> datetime | None:
        """When something happens next if nobody decides; while the clock stands nothing does."""
        return None if self.stands else _earliest(self.due_of(place) for place in self.open)

    def due_of(self, place: int) -> datetime | None:
        level, standing = self.levels[place], self.standings[place]
        assert standing.asked_at is not None
        return next_due(
            level.escalation, standing.rungs, standing.asked_at, standing.deadline_at, self.calendar
        )

    def named(self, place: int) -> set[str]:
        """Who may decide on this level: those it names and those who were asked on its rungs."""
        return {*self.levels[place].approvers, *self.standings[place].escalated}

    def ballots_of(self, place: int) -> list[Ballot]:
        return [one for one in self.ballots if one.level == self.levels[place].number]

    def verdict(self, place: int) -> Verdict:
        level = self.levels[place]
        return quorum.verdict(level.quorum, level.approvers, self.ballots_of(place), veto=level.veto)

    def standing(self, place: int, **changed: Any) -> Request:
        """The same request with a level that stands otherwise."""
        now = list(self.standings)
        now[place] = replace(now[place], **changed)
        return replace(self, standings=tuple(now))

    def asking(self, place: int, now: datetime) -> Request:
        """The same request with this level asked."""
        return self.standing(place, status=OPEN, asked_at=now, deadline_at=self.end_of(place, now))

    def later_by(self, seconds: float) -> Request:
        """The same request with its clock running, and all that lies ahead of it so many seconds later."""
        moved = tuple(self._moved(one, seconds) if one.status == OPEN else one for one in self.standings)
        return replace(self, standings=moved, stands=False)

    def _moved(self, one: Standing, seconds: float) -> Standing:
        if seconds <= 0 or one.asked_at is None:
            return one
        deadline_at = later(one.deadline_at, seconds, self.calendar) if one.deadline_at else None
        return replace(one, asked_at=later(one.asked_at, seconds, self.calendar), deadline_at=deadline_at)

    def with_ballots(self, ballots: tuple[Ballot, ...]) -> Request:
        return replace(self, ballots=ballots)

    def end_of(self, place: int, start: datetime) -> datetime | None:
        seconds = self.levels[place].seconds
        return later(start, seconds, self.calendar) if seconds is not None else None

    def next(self) -> int | None:
        """The place of the level whose turn it is; None when none waits for its turn."""
        waiting = (place for place, one in enumerate(self.standings) if one.status == WAITING)
        return None if self.open else next(waiting, None)

    def has_voted(self, *people: int | None) -> Ballot | None:
        """The ballot that one of these people cast, or that was cast in their place."""
        return next((one for one in self.ballots if one.people & {*people} - {None}), None)

    def name_of(self, place: int) -> str:
        return self.levels[place].name

    # Between the rows and this

    def kept(self) -> dict[str, Any]:
        """What the row of the task keeps of how far it has come."""
        votes = {"votes": [one.as_json() for one in self.ballots]} if self.ballots else {}
        if self.listed:
            return {**votes, "levels": [_standing_out(one) for one in self.standings]}
        (only,) = self.standings
        climbed = {"rungs": only.rungs, "escalated": list(only.escalated)} if only.rungs else {}
        return {**votes, **climbed}

    def decisions(self) -> list[dict[str, Any]]:
        """What was decided on each level, for the output of the gate."""
        return [self._decision(place) for place in range(len(self.levels))]

    def _decision(self, place: int) -> dict[str, Any]:
        status, cast = self.standings[place].status, self.ballots_of(place)
        decided = status if status not in {OPEN, WAITING} else ""
        agreed = [one for one in cast if one.approves is (decided != REJECTED)]
        found = {"level": self.levels[place].number, "name": self.name_of(place), "decision": decided}
        return {**found, "by": [one.username for one in agreed]}

    def snapshot(self) -> list[dict[str, Any]]:
        """How the levels stand, for whoever looks at the request; nothing where the gate names its approvers."""
        return [self._shown(place) for place in range(len(self.levels))] if self.listed else []

    def _shown(self, place: int) -> dict[str, Any]:
        level, standing = self.levels[place], self.standings[place]
        given, needed = quorum.progress(level.quorum, level.approvers, self.ballots_of(place))
        return {
            **_standing_out(standing),
            "level": level.number,
            "name": level.name,
            "approvers": list(level.approvers),
            "quorum": quorum.said(level.quorum, level.approvers),
            "on_timeout": level.on_timeout,
            "given": given,
            "needed": needed,
            "by": [one.username for one in self.ballots_of(place)],
        }


def first_asked(request: Request, now: datetime) -> Request:
    """The request of a gate that was reached just now: of its levels the first is asked, or all of them at once."""
    waiting = [place for place, one in enumerate(request.standings) if one.status == WAITING]
    for place in waiting if request.together else waiting[:1]:
        request = request.asking(place, now)
    return request


def request_in(task: Keeps, *, veto: bool, on_timeout: str) -> Request:
    """The request that a waiting task keeps. Its gate says what holds for one that names its approvers."""
    state = task.output if isinstance(task.output, dict) else {}
    request = not_asked(task.input or {}, veto=veto, on_timeout=on_timeout)
    ballots = tuple(Ballot.of(one) for one in state.get("votes", []))
    request = replace(request, ballots=ballots, stands=bool(state.get("question")))
    if request.listed:
        return replace(request, standings=tuple(_standing_in(one) for one in state["levels"]))
    rungs, escalated = state.get("rungs", 0), tuple(state.get("escalated", ()))
    asked_at = datetime.fromisoformat(state["asked_at"]) if state.get("asked_at") else task.started_at
    only = Standing(OPEN, asked_at, task.timeout_at, rungs, escalated)
    return replace(request, standings=(only,))


def not_asked(asked: Mapping[str, Any], *, veto: bool, on_timeout: str) -> Request:
    """What is asked, before anybody was."""
    listed = asked.get("levels")
    levels = (
        tuple(_level_in(number, one) for number, one in enumerate(listed, 1))
        if listed
        else (only_level(asked, veto, on_timeout, asked.get("timeout_seconds")),)
    )
    return Request(
        levels,
        (Standing(),) * len(levels),
        together=asked.get("order") == TOGETHER,
        listed=bool(listed),
        calendar=calendar_of(asked.get("business_hours")),
    )


def only_level(asked: Mapping[str, Any], veto: bool, on_timeout: str, seconds: float | None) -> Level:
    names = tuple(approver_names(asked.get("approvers")))
    return Level(1, "", names, asked.get("quorum"), veto, asked.get("escalation"), seconds, on_timeout)


def levels_of(given: Sequence[Mapping[str, Any]], usual: Level) -> list[Level]:
    """The levels as a definition has them; what one does not say is as the gate has it."""
    return [
        Level(
            number,
            str(one.get("name") or f"Level {number}"),
            tuple(approver_names(one.get("approvers"))),
            one.get("quorum", usual.quorum),
            one.get("veto", usual.veto) is not False,
            one.get("escalation", usual.escalation),
            one.get("timeout_seconds", usual.seconds),
            one.get("on_timeout") or usual.on_timeout,
        )
        for number, one in enumerate(given, 1)
    ]


def _level_in(number: int, stored: Mapping[str, Any]) -> Level:
    return Level(
        number,
        stored["name"],
        tuple(stored["approvers"]),
        stored["quorum"],
        stored["veto"],
        stored["escalation"],
        stored["timeout_seconds"],
        stored["on_timeout"],
    )


def _standing_out(one: Standing) -> dict[str, Any]:
    return {
        "status": one.status,
        "asked_at": one.asked_at.isoformat() if one.asked_at else None,
        "deadline_at": one.deadline_at.isoformat() if one.deadline_at else None,
        "rungs": one.rungs,
        "escalated": list(one.escalated),
    }


def _standing_in(stored: Mapping[str, Any]) -> Standing:
    asked_at, deadline_at = stored["asked_at"], stored["deadline_at"]
    return Standing(
        stored["status"],
        datetime.fromisoformat(asked_at) if asked_at else None,
        datetime.fromisoformat(deadline_at) if deadline_at else None,
        stored["rungs"],
        tuple(stored["escalated"]),
    )


def _earliest(moments: Iterable[datetime | None]) -> datetime | None:
    return min((one for one in moments if one is not None), default=None)
