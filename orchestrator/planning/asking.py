"""What a gate asks and what comes back: the seal of what was shown, changed facts, the fields of a form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from orchestrator.definition.decision_form import (
    editable_faults,
    editable_names,
    fields_of,
    filled_in,
    form_faults,
)
from orchestrator.definition.issues import Issue
from orchestrator.planning import gates
from orchestrator.planning.board import Board
from orchestrator.planning.levels import OPEN, WAITING, Request, Standing
from orchestrator.planning.signals import Decided
from orchestrator.planning.state import Edit, EditApproval, Given, TaskState

_SHOWN: Final = ("title", "instructions", "data")
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def seal_of(content: Mapping[str, Any]) -> str:
    """The hash of what is shown: a decision holds for exactly this. A form is part of it where there is one."""
    shown = {name: content.get(name) for name in _SHOWN}
    if content.get("form"):
        shown["form"] = content["form"]
    return hashlib.sha256(_encode(shown).encode()).hexdigest()


def content_faults(content: Mapping[str, Any]) -> list[Issue]:
    """What a parameter gave may be no form, or name facts that are not there."""
    faults = form_faults(content.get("form"), "parameters.form")
    return faults or editable_faults(content.get("editable"), content.get("data"), "parameters.editable")


# Deciding


def has_changed_since(task: TaskState, signal: Decided) -> bool:
    """Whether the person was shown something else than what is asked now."""
    return bool(signal.seal) and signal.seal != seal_of(task.input or {})


def take_edits(board: Board, task: TaskState, signal: Decided, request: Request) -> tuple[Given, Request]:
    """Change the facts as the person did. Who voted before is asked again: they agreed to something else."""
    content = task.input or {}
    shown, edits = seal_of(content), _edits(content.get("data") or {}, signal.edits)
    if not edits:
        return Given(signal.fields, seal=shown), request
    task.input = {**content, "data": {**content["data"], **{edit.name: edit.after for edit in edits}}}
    given = Given(signal.fields, edits, seal_of(task.input), shown)
    void, request = [one.username for one in request.ballots], replace(request, ballots=())
    task.output = {name: one for name, one in gates.state_of(task).items() if name not in ("votes", "fields")}
    board.changed[task.place] = task
    begun, anew, asked = (request, (), []) if signal.override else _begun_anew(request, board.world.now)
    board.edited.append(EditApproval(task, task.input["data"], given.seal, signal.user_id, anew))
    board.note("approval.edited", task, signal.actor, **told_of(given), void=void)
    _ask_again(board, task, begun, asked)
    return given, begun


def _begun_anew(request: Request, now: datetime) -> tuple[Request, tuple[int, ...], list[int]]:
    """Levels that were decided are so no more; with the numbers of those that begin anew, and the places asked at once."""
    behind = [place for place, one in enumerate(request.standings) if one.status not in {OPEN, WAITING}]
    if not behind:
        return request, (), []
    places = behind if request.together else list(range(len(request.levels)))
    asked = behind if request.together else [0]
    standings = [Standing() if place in places else one for place, one in enumerate(request.standings)]
    request = replace(request, standings=tuple(standings))
    for place in asked:
        request = request.asking(place, now)
    return request, tuple(request.levels[place].number for place in places), asked


def _ask_again(board: Board, task: TaskState, request: Request, asked: list[int]) -> None:
    if asked:
        gates.tell(board, task, request, asked=asked)
        gates.keep(board, task, request)
        for place in asked:
            gates.note_asked(board, task, request, place)


def _edits(data: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[Edit, ...]:
    """Those that change something, in the order of the facts."""
    return tuple(
        Edit(name, before, wanted[name])
        for name, before in data.items()
        if name in wanted and not _same(before, wanted[name])
    )


def _same(one: Any, other: Any) -> bool:
    """1.0 is the same number as 1, and true is not."""
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other and isinstance(one, bool) == isinstance(other, bool)
    return _encode(one) == _encode(other)


def told_of(given: Given) -> dict[str, Any]:
    """For the record: what was changed, and the seals before and after."""
    edits = [edit.as_json() for edit in given.edits]
    return {"edits": edits, "seal_shown": given.seal_shown, "seal": given.seal} if edits else {}


def fields_told(given: Given) -> dict[str, Any]:
    return {"fields": given.fields} if given.fields else {}


# What comes out


def fields_so_far(task: TaskState, signal: Decided) -> dict[str, dict[str, Any]]:
    """By user, what each who voted on the request as it stands has filled in, this vote included."""
    return {**gates.state_of(task).get("fields", {}), signal.username: dict(signal.fields)}


def with_fields(task: TaskState, by_user: Mapping[str, Any]) -> Any:
    """The state of a request that stays open, with what was filled in so far; as it is where there is no form."""
    return {**gates.state_of(task), "fields": dict(by_user)} if any(by_user.values()) else task.output


def outcome_of(
    content: Mapping[str, Any], decision: str, by_user: Mapping[str, Any], agreed: Iterable[str]
) -> dict[str, Any]:
    """What tasks behind the gate see beside the decision.

    `fields` holds every field of the form of that decision. Of several who agreed each value is the last that was given,
    and `fields_by` has what each of them gave.
    """
    found: dict[str, Any] = {}
    if content.get("form"):
        asked = fields_of(content["form"], "approve" if decision == "approved" else "reject")
        said = {name: by_user[name] for name in agreed if name in by_user}
        merged = {name: value for one in said.values() for name, value in one.items() if value is not None}
        found["fields"] = filled_in(asked, merged)
        found |= {"fields_by": said} if len(said) > 1 else {}
    if editable_names(content):
        found["data"] = content["data"]
    return found


def unanswered(content: Mapping[str, Any], on_timeout: str) -> dict[str, Any]:
    """The same where nobody decided: the defaults of the form, and the facts as they stand."""
    return outcome_of(content, "approved" if on_timeout == "approve" else "rejected", {}, ())
