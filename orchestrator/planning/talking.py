"""What is said of a request: it goes on record, and a question stops the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.planning.board import Board
from orchestrator.planning.machine import TaskStatus, WaitReason
from orchestrator.planning.signals import Signal
from orchestrator.planning.state import TaskState
from orchestrator.planning.stopping import go_on, question_of, stop
from orchestrator.planning.talk import (
    Answered,
    Asked,
    Commented,
    EndQuestion,
    Handed,
    NewComment,
    NewQuestion,
    Withdrew,
)

CLOSED = "This request is no longer open."
ENDED = "This question is no longer open."


def _commented(board: Board, task: TaskState, signal: Commented) -> None:
    """Anybody may say anything at any time: nothing follows from it."""
    board.talk.append(NewComment(signal))
    board.note("approval.commented", task, signal.actor, comment=signal.text, **_facts(signal))


def _asked(board: Board, task: TaskState, signal: Asked) -> None:
    if problem := _cannot_ask(board, task, signal):
        board.conflicts.append(problem)
        return
    stop(board, task, uid=signal.uid, by=signal.username, of=signal.of_username)
    board.talk.append(NewQuestion(signal))
    said = {"comment": signal.text, "of": signal.of_username}
    board.note("approval.question_asked", task, signal.actor, **said, **_facts(signal))


def _cannot_ask(board: Board, task: TaskState, signal: Asked) -> str:
    if not _is_open(task, signal):
        return CLOSED
    if question := question_of(task):
        return f"{question['by']} has asked {question['of']} already. Wait for the answer, or withdraw that question first."
    # The clock has not looked yet: what is over is not stopped any more.
    if task.timeout_at is not None and task.timeout_at <= board.world.now:
        return "The time to decide on this request is over."
    return ""


def _answered(board: Board, task: TaskState, signal: Answered) -> None:
    if _end(board, task, signal):
        board.note("approval.question_answered", task, signal.actor, comment=signal.text, **_facts(signal))


def _withdrew(board: Board, task: TaskState, signal: Withdrew) -> None:
    if _end(board, task, signal):
        board.note("approval.question_withdrawn", task, signal.actor, **_facts(signal))


def _end(board: Board, task: TaskState, signal: Answered | Withdrew) -> bool:
    """Whether the question was open until now; the clock then goes on."""
    question = question_of(task) if _is_open(task, signal) else None
    if question is None or question["uid"] != signal.uid:
        board.conflicts.append(ENDED)
        return False
    go_on(board, task)
    board.talk.append(EndQuestion(signal))
    return True


def _is_open(task: TaskState, signal: Handed) -> bool:
    waits = task.status is TaskStatus.WAITING and task.reason == WaitReason.APPROVAL
    return waits and task.epoch == signal.epoch


def _facts(said: Handed) -> dict[str, Any]:
    """What goes on record with it: of which request it is, which files came with it."""
    files = {"files": [one.as_json() for one in said.files]} if said.files else {}
    return {"epoch": said.epoch, **files}


TALK_HANDLERS: dict[type[Signal], Callable[[Board, TaskState, Any], None]] = {
    Commented: _commented,
    Asked: _asked,
    Answered: _answered,
    Withdrew: _withdrew,
}
