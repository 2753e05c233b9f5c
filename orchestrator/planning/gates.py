"""How a request goes on from one level to the next: by votes, and by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from orchestrator.planning import decidable
from orchestrator.planning.board import Board
from orchestrator.planning.decidable import need_of
from orchestrator.planning.ladder import Rung, rungs_of
from orchestrator.planning.levels import APPROVED, OPEN, WAITING, Request, request_in
from orchestrator.planning.quorum import Ballot, Verdict
from orchestrator.planning.signals import Decided
from orchestrator.planning.state import Asking, Escalate, Stands, TaskState


def request_of(board: Board, task: TaskState) -> Request:
    """What the task asks, and how far that has come."""
    gate = board.plan.tasks[task.key].gate
    assert gate is not None
    return request_in(task, veto=gate.veto, on_timeout=gate.on_timeout)


def state_of(task: TaskState) -> dict[str, Any]:
    """What the row of an open request keeps: who has voted, which rungs are behind, how its levels stand."""
    return task.output if isinstance(task.output, dict) else {}


# Whose vote counts where


def place_of(request: Request, signal: Decided) -> int | str:
    """The place of the level that a vote is for; in words why there is none."""
    if signal.override:
        return request.open[0]
    if cast := request.has_voted(signal.user_id, signal.for_id):
        return _voted_before(request, cast, signal)
    names = set(signal.names)
    # Who may speak for nobody is not asked on a level that has just been opened; only a gate without levels never moves on.
    places = [place for place in request.open if names & request.named(place) or not request.listed]
    if not places:
        return _too_late(request)
    if signal.decision != "approve":
        return places[0]
    free = [place for place in places if not _strands(request, place, signal)]
    return free[0] if free else _needed_later(request, places[0], signal)


def _voted_before(request: Request, cast: Ballot, signal: Decided) -> str:
    whose = "You have" if cast.user_id == signal.user_id else f"{cast.username} has"
    if cast.user_id != signal.user_id and cast.in_place_of and cast.in_place_of_id == signal.user_id:
        return f"{cast.username} has decided on this in your place."
    open_numbers = {request.levels[place].number for place in request.open}
    if cast.level in open_numbers:
        return f"{whose} decided on this already; it waits for others."
    name = request.name_of(cast.level - 1)
    return f"{whose} decided on level {cast.level}, {name}; one person decides on one level."


def _too_late(request: Request) -> str:
    """The level on which this person was asked has been decided a moment ago."""
    last = request.ballots[-1] if request.ballots else None
    if last is None:
        return "You are not asked on the level that is open."
    verb = "approved" if last.approves else "rejected"
    return (
        f"{last.username} {verb} level {last.level}, {request.name_of(last.level - 1)}; it asks others now."
    )


def ballot_of(request: Request, place: int, signal: Decided) -> Ballot:
    return Ballot(
        signal.user_id,
        signal.username,
        signal.names,
        signal.decision == "approve",
        signal.for_username,
        signal.for_id,
        request.levels[place].number,
    )


def with_ballot(request: Request, place: int, signal: Decided) -> Request:
    return replace(request, ballots=(*request.ballots, ballot_of(request, place, signal)))


def _strands(request: Request, place: int, signal: Decided) -> bool:
    """Whether this vote takes the last person from a level that only they can decide."""
    after = with_ballot(request, place, signal)
    return not decidable.lacking(_needs(request)) and bool(decidable.lacking(_needs(after)))


def _needs(request: Request) -> list[decidable.Need]:
    """What the levels still take, of whom: those who have voted are gone."""
    voted = {name for one in request.ballots for name in (one.username, one.in_place_of)}
    return [
        need_of(
            level.name,
            level.quorum,
            level.approvers,
            more=bool(request.standings[place].escalated) or any(r.to for r in rungs_of(level.escalation)),
            given=_approvals(request, place),
            gone=voted,
        )
        for place, level in enumerate(request.levels)
        if request.standings[place].status in {OPEN, WAITING} and request.verdict(place) != APPROVED
    ]


def _approvals(request: Request, place: int) -> int:
    return sum(one.approves for one in request.ballots_of(place))


def _needed_later(request: Request, place: int, signal: Decided) -> str:
    needs = _needs(with_ballot(request, place, signal))
    names = " and ".join(f"“{needs[one].name}”" for one in decidable.lacking(needs))
    return f"You are needed for {names}, and one person decides on one level: let another decide on this one."


def status_after(request: Request, place: int, signal: Decided) -> Verdict:
    """What the level has come to with this vote, which is among the ballots; of an override the whole request."""
    # Who was asked on a rung decides for those who did not.
    if signal.override or set(signal.names) & set(request.standings[place].escalated):
        return "approved" if signal.decision == "approve" else "rejected"
    return request.verdict(place)


# From level to level


def after_level(request: Request, place: int, status: str, now: datetime) -> tuple[Request, list[int]]:
    """The request once a level is behind, and the places of the levels that are asked now because of it."""
    request = request.standing(place, status=status)
    following = None if request.together else request.next()
    return (request, []) if following is None else (request.asking(following, now), [following])


def keep(board: Board, task: TaskState, request: Request) -> None:
    """Store how far an open request has come in the row of its task."""
    task.output = {**state_of(task), **request.kept()}
    task.timeout_at, task.due_at = request.deadline_at, request.due_at
    board.changed[task.place] = task


def tell(
    board: Board, task: TaskState, request: Request, *, decided: Sequence[int] = (), asked: Sequence[int] = ()
) -> None:
    """Let those who look at the request see how its levels stand, and ask those whose turn it is. Comes before `keep`."""
    has_new_deadline = bool(request.open) and request.deadline_at != task.timeout_at
    if not request.listed and not has_new_deadline:
        return
    numbers = tuple(request.levels[one].number for one in decided)
    board.stands.append(
        Stands(task, request.at, request.snapshot(), request.deadline_at, numbers, asking(request, asked))
    )


def asking(request: Request, places: Sequence[int]) -> tuple[Asking, ...]:
    return tuple(Asking(request.levels[one].number, request.levels[one].approvers) for one in places)


def move_on(
    board: Board, task: TaskState, request: Request, place: int, status: str, actor: str, **told: Any
) -> None:
    """A level is behind, and others are asked or were already; the request stays open."""
    level = request.levels[place]
    request, asked = after_level(request, place, status, board.world.now)
    tell(board, task, request, decided=[place], asked=asked)
    keep(board, task, request)
    board.note(f"approval.level_{status}", task, actor, level=level.number, name=level.name, **told)
    for one in asked:
        note_asked(board, task, request, one)


def note_asked(board: Board, task: TaskState, request: Request, place: int) -> None:
    level, deadline = request.levels[place], request.standings[place].deadline_at
    board.note(
        "approval.required",
        task,
        title=str((task.input or {}).get("title", board.plan.tasks[task.key].name))[:300],
        deadline=deadline.isoformat() if deadline else None,
        level=level.number,
        levels=len(request.levels),
        name=level.name,
    )


def where(request: Request, level: int) -> dict[str, Any]:
    """On which level something happened, for the record of a gate that has several."""
    return {"level": level, "name": request.name_of(level - 1)} if request.listed else {}


def told_by_level(request: Request) -> dict[str, Any]:
    """What was decided on each level, for the output of a gate that has several."""
    return {"levels": request.decisions()} if request.listed else {}


def is_last(request: Request, place: int) -> bool:
    """Whether nothing is left to decide once this level is approved."""
    others = (one for number, one in enumerate(request.standings) if number != place)
    return all(one.status not in {OPEN, WAITING} for one in others)


# The clock


def climb(board: Board, task: TaskState, request: Request, place: int, rung: Rung) -> Request:
    """A level reaches its next rung; it goes on waiting."""
    standing = request.standings[place]
    request = request.standing(place, rungs=standing.rungs + 1, escalated=(*standing.escalated, *rung.to))
    number = request.standings[place].rungs
    board.escalated.append(Escalate(task, rung.to, request.levels[place].number, number))
    where = {"level": request.levels[place].number} if request.listed else {}
    if rung.to:
        board.note("approval.escalated", task, "clock", to=list(rung.to), **where)
    else:
        board.note("approval.reminded", task, "clock", **where)
    return request


def lead_on(board: Board, task: TaskState, request: Request, place: int) -> Request | None:
    """The time of a level that escalates is over: its next rung that asks others, with as much time again."""
    level, standing = request.levels[place], request.standings[place]
    rungs = rungs_of(level.escalation)
    following = next((n for n in range(standing.rungs, len(rungs)) if rungs[n].to), None)
    if following is None:
        return None
    request = request.standing(place, rungs=following, deadline_at=request.end_of(place, board.world.now))
    return climb(board, task, request, place, rungs[following])


def can_pass(request: Request) -> bool:
    """Whether the next level may decide instead of one whose time is over."""
    return not request.together and any(one.status == WAITING for one in request.standings)
