"""The clock of a request stands while a question is open, and goes on from where it stood.

What the row of the task keeps of it: `output.question` while one is open, with the moment since when the clock stands; and
`output.asked_at`, from when the time of a gate without levels is counted once it has stood. While it stands nothing is due.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from orchestrator.planning import gates
from orchestrator.planning.board import Board
from orchestrator.planning.business import elapsed
from orchestrator.planning.levels import Request
from orchestrator.planning.state import TaskState
from orchestrator.planning.talk import CloseQuestion


def question_of(task: TaskState) -> Mapping[str, Any] | None:
    """The open question of a request that waits; None while its clock runs."""
    found = gates.state_of(task).get("question")
    return found if isinstance(found, dict) else None


def stop(board: Board, task: TaskState, **facts: Any) -> None:
    """The clock stands from now on; `facts` say who asked whom."""
    since = board.world.now.isoformat()
    task.output = {**gates.state_of(task), "question": {**facts, "since": since}}
    task.due_at = None
    board.changed[task.place] = task


def go_on(board: Board, task: TaskState) -> None:
    """The clock goes on: everything that lies ahead comes later by as long as it stood."""
    request = released(board, task)
    gates.tell(board, task, request)
    gates.keep(board, task, request)


def close_question(board: Board, task: TaskState, request: Request) -> Request:
    """Before others are asked: what those of this level wanted to know they need no more, and the next has its whole time."""
    if question_of(task) is None or request.together:
        return request
    board.talk.append(CloseQuestion(task))
    ballots = request.ballots
    return released(board, task).with_ballots(ballots)


def released(board: Board, task: TaskState) -> Request:
    """The request with its clock running again; the question is gone from the row, which has yet to be stored."""
    request, question = gates.request_of(board, task), question_of(task)
    assert question is not None
    stood = elapsed(datetime.fromisoformat(question["since"]), board.world.now, request.calendar)
    request = request.later_by(stood)
    task.output = {name: value for name, value in gates.state_of(task).items() if name != "question"}
    if not request.listed:
        first = request.standings[0].asked_at
        task.output["asked_at"] = first.isoformat() if first else None
    return request
