"""From a signal to moves on the board."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from orchestrator.definition.normal import approver_names
from orchestrator.planning.board import Board
from orchestrator.planning.claiming import start
from orchestrator.planning.failing import attempt_failed, attempt_lost, give_back, give_up
from orchestrator.planning.ladder import Rung, next_due, rungs_of
from orchestrator.planning.machine import RUN_ENDED, TASK_SETTLED, RunStatus, TaskStatus, WaitReason
from orchestrator.planning.opening import too_large
from orchestrator.planning.people import told
from orchestrator.planning.queueing import make_ready
from orchestrator.planning.quorum import Ballot, Verdict, verdict
from orchestrator.planning.signals import (
    AgentAppeared,
    AttemptSignal,
    Begin,
    Cancel,
    ChildEnded,
    ChildStarted,
    Decided,
    Due,
    Failed,
    Lost,
    Pause,
    Released,
    Resume,
    RunDue,
    Signal,
    Succeeded,
    Taken,
    TaskSignal,
    Told,
)
from orchestrator.planning.state import CastVote, CloseApproval, Escalate, TaskState


def handle(board: Board, signal: Signal) -> None:
    """Apply one signal. One that no longer fits changes nothing; an outcome or a cancel refused leaves an event."""
    if isinstance(signal, AttemptSignal):
        _outcome(board, signal)
    elif isinstance(signal, TaskSignal):
        task = board.by_id.get(signal.task_id)
        if task is not None:
            _TASK_HANDLERS[type(signal)](board, task, cast("Any", signal))
    else:
        _RUN_HANDLERS[type(signal)](board, cast("Any", signal))


# Attempts


def _outcome(board: Board, signal: AttemptSignal) -> None:
    task = board.by_id.get(signal.task_id)
    if task is None or task.status is not TaskStatus.RUNNING or task.claim != signal.claim:
        _refuse(board, task, signal)
        return
    if signal.input is not None:
        task.input = signal.input
    if isinstance(signal, Succeeded):
        _succeeded(board, task, signal)
    elif isinstance(signal, Failed):
        error = signal.error or {"code": "failed", "message": "The task failed."}
        attempt_failed(
            board,
            task,
            error,
            retryable=signal.retryable,
            retry_after=signal.retry_after,
            actor=signal.actor,
        )
    elif isinstance(signal, ChildStarted):
        _child_started(board, task, signal)
    elif isinstance(signal, Released):
        give_back(board, task, "released", signal.actor)
    elif isinstance(signal, Lost):
        attempt_lost(board, task, signal.actor)


def _refuse(board: Board, task: TaskState | None, signal: AttemptSignal) -> None:
    kind = type(signal).__name__.lower()
    if task is not None:
        board.note("outcome.refused", task, signal.actor, outcome=kind, late_claim=signal.claim)
    if isinstance(signal, ChildStarted) and (task is None or task.status in TASK_SETTLED):
        # Nobody will ever wait for it. Of a task that goes on the next attempt may: the clock sees to the rest.
        board.abandoned_children.append(signal.child_id)
    board.conflicts.append("The attempt is no longer this worker's; its outcome was refused.")


def _succeeded(board: Board, task: TaskState, signal: Succeeded) -> None:
    task.output = signal.output
    task.error = None
    board.settle(task, TaskStatus.COMPLETED)
    checkpoint = board.plan.tasks[task.key].checkpoint
    extra = {"checkpoint": checkpoint} if checkpoint and task.index < 0 else {}
    board.note("task.completed", task, signal.actor, **extra)


def _child_started(board: Board, task: TaskState, signal: ChildStarted) -> None:
    # What limits the attempt limits the wait only if the definition gave a timeout: people may be asked in the child.
    limit = task.timeout_at if board.plan.tasks[task.key].limits_wait else None
    board.end_wait(task)
    task.child_id = signal.child_id
    board.move(task, TaskStatus.WAITING, WaitReason.CHILD)
    task.due_at = task.timeout_at = limit
    board.note("task.waiting", task, signal.actor, reason=WaitReason.CHILD.value, child=signal.child_id)


# The clock, children, agents


def _due(board: Board, task: TaskState, _signal: Due) -> None:
    now = board.world.now
    if task.due_at is None or task.due_at > now:
        return
    if task.status is TaskStatus.RUNNING:
        if task.timeout_at is not None and task.timeout_at <= now:
            _timed_out(board, task)
        else:
            attempt_lost(board, task)
    elif task.status is TaskStatus.WAITING:
        _WAIT_ENDS.get(task.reason, _forget)(board, task)


def _timed_out(board: Board, task: TaskState) -> None:
    seconds = board.plan.tasks[task.key].timeout_seconds
    message = f"The attempt took longer than its timeout of {seconds:g} seconds."
    board.abandon_child(task)
    attempt_failed(board, task, {"code": "timeout", "message": message}, actor="clock")


def _retry_due(board: Board, task: TaskState) -> None:
    _queue_again(board, task, "retry")


def _queue_again(board: Board, task: TaskState, reason: str) -> None:
    make_ready(board, task)
    if task.status is TaskStatus.READY:
        board.note("task.ready", task, "clock", reason=reason)


def _approval_due(board: Board, task: TaskState) -> None:
    asked, climbed = task.input or {}, _state_of(task).get("rungs", 0)
    rungs, now = rungs_of(asked.get("escalation")), board.world.now
    is_over = task.timeout_at is not None and task.timeout_at <= now
    if climbed < len(rungs) and not is_over:
        _climb(board, task, rungs[climbed], climbed + 1)
    else:
        _expire(board, task)


def _climb(board: Board, task: TaskState, rung: Rung, climbed: int) -> None:
    """The request reaches the next rung; it goes on waiting."""
    state, asked = _state_of(task), task.input or {}
    task.output = {**state, "rungs": climbed, "escalated": [*state.get("escalated", []), *rung.to]}
    assert task.started_at is not None
    task.due_at = next_due(asked.get("escalation"), climbed, task.started_at, task.timeout_at)
    board.changed[task.place] = task
    board.escalated.append(Escalate(task, rung.to))
    if rung.to:
        board.note("approval.escalated", task, "clock", to=list(rung.to))
    else:
        board.note("approval.reminded", task, "clock")


def _state_of(task: TaskState) -> dict[str, Any]:
    """Of a request that is open: who has voted, how many rungs are behind, who was asked on them."""
    return task.output if isinstance(task.output, dict) else {}


def _expire(board: Board, task: TaskState) -> None:
    gate = board.plan.tasks[task.key].gate
    board.closed.append(CloseApproval(task, "expired"))
    board.note("approval.expired", task, "clock")
    task.output = {"decision": "expired", "by": [], "comment": ""}
    if gate is not None and gate.on_timeout == "approve":
        board.settle(task, TaskStatus.COMPLETED)
        board.note("task.completed", task, "clock", decision="expired")
    else:
        give_up(board, task, {"code": "expired", "message": "Nobody decided in time."}, "clock")


def _forget(board: Board, task: TaskState) -> None:
    task.due_at = None
    board.changed[task.place] = task


_WAIT_ENDS: dict[str, Callable[[Board, TaskState], None]] = {
    WaitReason.RETRY: _retry_due,
    WaitReason.APPROVAL: _approval_due,
    WaitReason.CHILD: _timed_out,
}


def _agent_appeared(board: Board, task: TaskState, _signal: AgentAppeared) -> None:
    if task.status is TaskStatus.WAITING and task.reason == WaitReason.AGENT:
        _queue_again(board, task, "agent")


def _taken(board: Board, task: TaskState, signal: Taken) -> None:
    waits = task.status is TaskStatus.WAITING and task.reason == WaitReason.AGENT
    if not waits or not board.may_start(task):
        board.conflicts.append("This task does not wait for an agent any more.")
        return
    board.move(task, TaskStatus.READY)
    task.ready_at = task.ready_at or board.world.now
    start(board, task, f"agent:{signal.agent}", f"agent:{signal.agent}")
    board.taken.append(task)


def _child_ended(board: Board, task: TaskState, signal: ChildEnded) -> None:
    waiting = task.status is TaskStatus.WAITING and task.reason == WaitReason.CHILD
    if not waiting or task.child_id != signal.child_id:
        return
    task.output = {"run": signal.child_id, "status": signal.status, "output": signal.output}
    if signal.is_too_large:
        give_up(board, task, too_large(f"run #{signal.child_id}"))
    elif signal.status == RunStatus.COMPLETED:
        board.settle(task, TaskStatus.COMPLETED)
        board.note("task.completed", task, child=signal.child_id)
    else:
        cause = (signal.error or {}).get("message", "")
        message = f"Run #{signal.child_id}, which this task started, ended {signal.status}. {cause}".strip()
        give_up(board, task, {"code": f"child_{signal.status}", "message": message})


# People


def _decided(board: Board, task: TaskState, signal: Decided) -> None:
    if task.status is not TaskStatus.WAITING or task.reason != WaitReason.APPROVAL:
        board.conflicts.append("This request is no longer open.")
        return
    ballots = ballots_of(task)
    if any(ballot.user_id == signal.user_id for ballot in ballots) and not signal.override:
        board.conflicts.append("You have decided on this already; it waits for others.")
        return
    mine = Ballot(
        signal.user_id, signal.username, signal.names, signal.decision == "approve", signal.for_username
    )
    status = _status_after(board, task, signal, [*ballots, mine])
    if not status:
        _keep_open(board, task, signal, [*ballots, mine])
        return
    approved = status == "approved"
    board.closed.append(
        CloseApproval(task, status, signal.user_id, signal.comment, signal.override, signal.for_id)
    )
    told = _told_for(signal)
    board.note(
        f"approval.{status}", task, signal.actor, comment=signal.comment, override=signal.override, **told
    )
    agreed = [one for one in (*ballots, mine) if one.approves is approved]
    task.output = {"decision": status, "by": [one.username for one in agreed], "comment": signal.comment}
    if absent := [one.in_place_of for one in agreed if one.in_place_of]:
        task.output["for"] = absent
    if approved:
        board.settle(task, TaskStatus.COMPLETED)
        board.note("task.completed", task, signal.actor, decision=status)
        return
    who = f"{signal.username} for {signal.for_username}" if signal.for_username else signal.username
    said = f": {signal.comment}" if signal.comment else "."
    give_up(board, task, {"code": "rejected", "message": f"{who} rejected it{said}"}, signal.actor)


def ballots_of(task: TaskState) -> list[Ballot]:
    """What was decided so far on a request that is open."""
    return [Ballot.of(one) for one in _state_of(task).get("votes", [])]


def _status_after(board: Board, task: TaskState, signal: Decided, ballots: list[Ballot]) -> Verdict:
    # Who was asked on a rung decides for those who did not.
    if signal.override or set(signal.names) & set(_state_of(task).get("escalated", [])):
        return "approved" if signal.decision == "approve" else "rejected"
    gate, asked = board.plan.tasks[task.key].gate, task.input or {}
    veto = gate is None or gate.veto
    return verdict(asked.get("quorum"), approver_names(asked.get("approvers")), ballots, veto=veto)


def _keep_open(board: Board, task: TaskState, signal: Decided, ballots: list[Ballot]) -> None:
    """Others are still asked. Who has voted stands where the decision will."""
    task.output = {**_state_of(task), "votes": [ballot.as_json() for ballot in ballots]}
    decision = "approved" if signal.decision == "approve" else "rejected"
    board.votes.append(CastVote(task, decision, signal.user_id, signal.comment, signal.for_id))
    board.changed[task.place] = task
    told = _told_for(signal)
    board.note("approval.voted", task, signal.actor, decision=decision, comment=signal.comment, **told)


def _told_for(signal: Decided) -> dict[str, str]:
    """In whose place it was decided, for the record."""
    return {"on_behalf_of": signal.for_username} if signal.for_username else {}


# Runs


def _begin(board: Board, signal: Begin) -> None:
    board.move_run(RunStatus.RUNNING)
    board.run.started_at = board.world.now
    board.note("workflow.started", actor=signal.actor)
    for planned in board.plan.roots:
        board.open_later(planned.key)


def _pause(board: Board, signal: Pause) -> None:
    if board.run.status is not RunStatus.RUNNING:
        board.conflicts.append(f"Only a running run can be paused; this one is {board.run.status}.")
        return
    board.move_run(RunStatus.PAUSED)
    board.note("workflow.paused", actor=signal.actor)


def _resume(board: Board, signal: Resume) -> None:
    if board.run.status is not RunStatus.PAUSED:
        board.conflicts.append(f"Only a paused run can be resumed; this one is {board.run.status}.")
        return
    board.run.error = None if (board.run.error or {}).get("code") == "engine_error" else board.run.error
    board.move_run(RunStatus.RUNNING)
    board.note("workflow.resumed", actor=signal.actor)


def _cancel(board: Board, signal: Cancel) -> None:
    if board.run.status in RUN_ENDED:
        if board.run.status is not RunStatus.CANCELLED:
            board.note("cancel.refused", actor=signal.actor, status=board.run.status.value)
        board.conflicts.append(f"The run has already {_ended(board.run.status)}.")
        return
    reason = signal.reason or "The run was cancelled."
    _stop_all(board, RunStatus.CANCELLED, {"code": "cancelled", "message": reason})
    board.note("workflow.cancelled", actor=signal.actor, reason=signal.reason)


def _ended(status: RunStatus) -> str:
    return "been cancelled" if status is RunStatus.CANCELLED else status.value


def _run_due(board: Board, _signal: RunDue) -> None:
    deadline = board.run.deadline_at
    if board.run.status in RUN_ENDED or deadline is None or deadline > board.world.now:
        return
    error = {
        "code": "timeout",
        "message": f"The run took longer than {board.plan.timeout_seconds:g} seconds.",
    }
    _stop_all(board, RunStatus.FAILED, error)
    board.note("workflow.failed", actor="clock", error=error)


def _stop_all(board: Board, status: RunStatus, error: dict[str, Any]) -> None:
    """Settle every task that is not; the run ends first, so that nothing opens behind them."""
    board.run.error = error
    board.run.epoch += 1
    board.move_run(status)
    unsettled = [task for task in board.tasks.values() if task.status in _STOPPABLE]
    for task in unsettled:
        if task.status is TaskStatus.WAITING and task.reason == WaitReason.APPROVAL:
            board.closed.append(CloseApproval(task, "cancelled"))
        board.abandon_child(task)
        board.settle(task, TaskStatus.CANCELLED)
        board.note("task.cancelled", task)
    board.drop_propagation()


_STOPPABLE = frozenset({TaskStatus.PENDING, TaskStatus.READY, TaskStatus.RUNNING, TaskStatus.WAITING})

_TASK_HANDLERS: dict[type[Signal], Callable[[Board, TaskState, Any], None]] = {
    Due: _due,
    AgentAppeared: _agent_appeared,
    Taken: _taken,
    ChildEnded: _child_ended,
    Decided: _decided,
    Told: told,
}
_RUN_HANDLERS: dict[type[Signal], Callable[[Board, Any], None]] = {
    Begin: _begin,
    Pause: _pause,
    Resume: _resume,
    Cancel: _cancel,
    RunDue: _run_due,
}
