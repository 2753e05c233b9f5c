"""Where a task goes that may be carried out: into the queue of the workers, or to whoever fetches it."""

from __future__ import annotations

from orchestrator.planning.board import Board
from orchestrator.planning.machine import TaskStatus, WaitReason
from orchestrator.planning.plan import AGENT_TASK
from orchestrator.planning.state import TaskState


def make_ready(board: Board, task: TaskState) -> None:
    """Queue a task, or let it wait for its agent when no worker serves that one."""
    if board.plan.tasks[task.key].action == AGENT_TASK and not board.world.served(task.agent_id):
        if (task.status, task.reason) != (TaskStatus.WAITING, WaitReason.AGENT):
            board.move(task, TaskStatus.WAITING, WaitReason.AGENT)
            board.note("task.waiting", task, reason=WaitReason.AGENT.value, agent=task.agent_id)
        return
    board.move(task, TaskStatus.READY)
    task.ready_at = board.world.now
    task.due_at = None
