"""A person sends a request back to an earlier task: it, and everything behind it, is done again under a new epoch.

What the levels before have approved stands if the same is asked of the same people again; whatever else was decided is void.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from orchestrator.planning import gates
from orchestrator.planning.board import HANDLED, Board
from orchestrator.planning.levels import APPROVED, EXPIRED, Request
from orchestrator.planning.machine import RunStatus, TaskStatus, WaitReason
from orchestrator.planning.quorum import Ballot
from orchestrator.planning.signals import Decided
from orchestrator.planning.state import CloseApproval, TaskState
from orchestrator.planning.taking_back import behind, forget_handling, reset, reset_counts

MOST_ROUNDS: Final = 50
_RECORD: Final = "sent_back"
_ACTIVE: Final = frozenset({TaskStatus.READY, TaskStatus.RUNNING, TaskStatus.WAITING})
_SHOWN: Final = ("title", "instructions", "data")


def send_back(board: Board, task: TaskState, signal: Decided, request: Request, place: int) -> None:
    """Close the request and open the earlier task again; what does not allow it is a conflict, in words."""
    if problem := _refusal(board, task, signal.to):
        board.conflicts.append(problem)
        return
    level = request.levels[place].number
    gates.tell(board, task, request)
    board.closed.append(
        CloseApproval(
            task, "sent_back", signal.user_id, signal.comment, signal.override, signal.for_id, level
        )
    )
    told = {"on_behalf_of": signal.for_username} if signal.for_username else {}
    told |= gates.where(request, level)
    board.note("approval.sent_back", task, signal.actor, to=signal.to, comment=signal.comment, **told)
    record = _record(task, request, signal)
    _take_back(board, signal.to, task.key)
    task.input = {_RECORD: record}
    board.open_later(signal.to)


def _refusal(board: Board, task: TaskState, to: str) -> str:
    gate, target = board.plan.tasks[task.key].gate, board.tasks.get((to, -1))
    if gate is None or to not in gate.send_back_to or target is None:
        allowed = ", ".join(gate.send_back_to) if gate else ""
        return f"This cannot be sent back to {to!r}; {f'it can to {allowed}.' if allowed else 'its gate allows none.'}"
    if target.status is not TaskStatus.COMPLETED:
        return f"{to} is {target.status}, so there is nothing of it to be done again."
    if _round(task) >= MOST_ROUNDS:
        return f"It was sent back {MOST_ROUNDS - 1} times already; approve or reject it."
    return ""


def _round(task: TaskState) -> int:
    return int((task.input or {}).get("round", 1))


# What stands


def _record(task: TaskState, request: Request, signal: Decided) -> dict[str, Any]:
    """What the gate must remember until it asks again."""
    asked = task.input or {}
    stands = [place for place, one in enumerate(request.standings) if one.status in {APPROVED, EXPIRED}]
    return {
        "by": signal.username,
        "comment": signal.comment,
        "round": _round(task) + 1,
        "shown": {name: asked.get(name) for name in _SHOWN},
        "levels": {str(place): request.levels[place].as_json() for place in stands},
        "statuses": {str(place): request.standings[place].status for place in stands},
        "votes": [one.as_json() for place in stands for one in request.ballots_of(place)],
    }


def record_of(task: TaskState) -> dict[str, Any]:
    """What a gate that was sent back remembers; nothing where it is asked for the first time."""
    found = (task.input or {}).get(_RECORD)
    return found if isinstance(found, dict) else {}


def with_what_stands(request: Request, content: Mapping[str, Any], record: Mapping[str, Any]) -> Request:
    """The request, not asked yet, with the levels that have approved the very same before."""
    if not record or not request.listed or record["shown"] != {one: content.get(one) for one in _SHOWN}:
        return request
    places = [place for place, one in enumerate(request.levels) if _is_same(place, one.as_json(), record)]
    numbers = {request.levels[place].number for place in places}
    ballots = tuple(one for one in map(Ballot.of, record["votes"]) if one.level in numbers)
    for place in places:
        request = request.standing(place, status=record["statuses"][str(place)])
    return replace(request, ballots=ballots)


def _is_same(place: int, level: dict[str, Any], record: Mapping[str, Any]) -> bool:
    return bool(record["levels"].get(str(place)) == level)


# Taking back


def _take_back(board: Board, to: str, gate: str) -> None:
    """The task and all behind it are pending again. What is done there at the moment is fenced, and asked is withdrawn."""
    following = behind(board, to)
    keys = [to, *following]
    for key in keys:
        forget_handling(board, key)
    for key in keys:
        row = board.tasks[key, -1]
        _stop_items(board, key)
        if row.status is not TaskStatus.PENDING:
            _withdraw(board, row, own=key == gate)
            board.note("task.reset", row, after=to, reason="sent back")
            reset(board, row)
    board.forget_arrivals(following)
    reset_counts(board, set(keys), following)
    _mend_error(board, keys)


def _stop_items(board: Board, key: str) -> None:
    for item in board.items(key):
        if item.status in _ACTIVE:
            _withdraw(board, item, own=False)
            board.move(item, TaskStatus.CANCELLED)
            board.note("task.cancelled", item, reason="sent back")
    board.remove_items(key)


def _withdraw(board: Board, row: TaskState, *, own: bool) -> None:
    """What others were asked or started for it is of no use any more."""
    if row.status is not TaskStatus.WAITING:
        return
    board.abandon_child(row)
    if row.reason == WaitReason.APPROVAL and not own:
        board.closed.append(CloseApproval(row, "cancelled"))


def _mend_error(board: Board, keys: Sequence[str]) -> None:
    """The run's error is that of a task which has failed, and not of one that is done again."""
    if (board.run.error or {}).get("task") not in keys or board.run.status is RunStatus.FAILED:
        return
    failed = (
        row for row in board.tasks.values() if row.status is TaskStatus.FAILED and row.reason != HANDLED
    )
    board.run.error = next(({"task": row.key, **(row.error or {})} for row in failed if row.index < 0), None)
