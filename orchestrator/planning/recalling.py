"""What happens to a request beside a decision: who started the run takes it back, or somebody decides over those asked."""

from __future__ import annotations

from typing import Any

from orchestrator.planning.board import Board
from orchestrator.planning.failing import give_up
from orchestrator.planning.levels import WAITING, Request
from orchestrator.planning.machine import TaskStatus, WaitReason
from orchestrator.planning.signals import Decided, Recalled
from orchestrator.planning.state import CloseApproval, TaskState


def recall(board: Board, task: TaskState, signal: Recalled) -> str:
    """Close the request. Gives what becomes of the run: "cancel", or "" where the gate has failed and that says it all."""
    if task.status is not TaskStatus.WAITING or task.reason != WaitReason.APPROVAL:
        board.conflicts.append("This request is no longer open.")
        return ""
    gate = board.plan.tasks[task.key].gate
    board.closed.append(CloseApproval(task, "recalled", signal.user_id, signal.reason, by_vote=False))
    board.note("approval.recalled", task, signal.actor, comment=signal.reason)
    task.output = {"decision": "recalled", "by": [signal.username], "comment": signal.reason}
    if gate is not None and gate.on_recall == "cancel":
        board.settle(task, TaskStatus.CANCELLED)
        board.note("task.cancelled", task, signal.actor)
        return "cancel"
    give_up(board, task, recall_error(signal), signal.actor)
    return ""


def recall_error(signal: Recalled) -> dict[str, Any]:
    said = f": {signal.reason}" if signal.reason else "."
    return {"code": "recalled", "message": f"{signal.username} recalled the request{said}"}


def note_override(board: Board, task: TaskState, signal: Decided, status: str, request: Request) -> None:
    """On record by itself, so that those who were asked can be told of it."""
    asked = [
        name
        for level, standing in zip(request.levels, request.standings, strict=True)
        if standing.status != WAITING
        for name in (*level.approvers, *standing.escalated)
    ]
    told = {"decision": status, "reason": signal.comment, "asked": list(dict.fromkeys(asked))}
    board.note("approval.overridden", task, signal.actor, **told)
