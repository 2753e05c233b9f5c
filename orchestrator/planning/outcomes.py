"""From a signal to moves on the board."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from orchestrator.planning import gates
from orchestrator.planning.asking import (
    fields_so_far,
    fields_told,
    has_changed_since,
    outcome_of,
    take_edits,
    unanswered,
    with_fields,
)
from orchestrator.planning.board import Board
from orchestrator.planning.claiming import start
from orchestrator.planning.failing import attempt_failed, attempt_lost, give_back, give_up
from orchestrator.planning.ladder import rungs_of
from orchestrator.planning.levels import EXPIRED, PASSED, Request
from orchestrator.planning.machine import RUN_ENDED, TASK_SETTLED, RunStatus, TaskStatus, WaitReason
from orchestrator.planning.opening import too_large
from orchestrator.planning.people import told
from orchestrator.planning.queueing import make_ready
from orchestrator.planning.quorum import Ballot
from orchestrator.planning.recalling import note_override, recall, recall_error
from orchestrator.planning.sending_back import send_back
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
    Recalled,
    Released,
    Resume,
    RunDue,
    Signal,
    Succeeded,
    Taken,
    TaskSignal,
    Told,
)
from orchestrator.planning.state import CastVote, CloseApproval, Given, TaskState
from orchestrator.planning.stopping import close_question
from orchestrator.planning.talking import TALK_HANDLERS


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
    """Something happens on each level whose time has come: its next rung, or what follows when nobody has decided."""
    request, now = gates.request_of(board, task), board.world.now
    for place in request.open:
        due_at = request.due_of(place)
        if due_at is None or due_at > now:
            continue
        climbed = _climbed(board, task, request, place)
        if climbed is None:
            _expire(board, task, request, place)
            return
        request = climbed
    gates.tell(board, task, request)
    gates.keep(board, task, request)


def _climbed(board: Board, task: TaskState, request: Request, place: int) -> Request | None:
    """The request with a rung more behind; None when the time of the level is over and there is nobody else to ask."""
    level, standing = request.levels[place], request.standings[place]
    rungs = rungs_of(level.escalation)
    is_over = standing.deadline_at is not None and standing.deadline_at <= board.world.now
    if not is_over and standing.rungs < len(rungs):
        return gates.climb(board, task, request, place, rungs[standing.rungs])
    return gates.lead_on(board, task, request, place) if level.on_timeout == "escalate" else None


def _expire(board: Board, task: TaskState, request: Request, place: int) -> None:
    outcome = request.levels[place].on_timeout
    if outcome == "escalate" and gates.can_pass(request):
        gates.move_on(board, task, request, place, PASSED, "clock")
        return
    if outcome == "approve" and not gates.is_last(request, place):
        gates.move_on(board, task, request, place, EXPIRED, "clock")
        return
    request = request.standing(place, status=EXPIRED)
    gates.tell(board, task, request, decided=[place])
    board.closed.append(CloseApproval(task, "expired", level=request.levels[place].number))
    board.note("approval.expired", task, "clock")
    left_open = unanswered(task.input or {}, outcome)
    said = {"decision": "expired", "by": [], "comment": "", **left_open}
    task.output = {**said, **gates.told_by_level(request)}
    if outcome == "approve":
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
    request = gates.request_of(board, task)
    place = gates.place_of(request, signal)
    if isinstance(place, str):
        board.conflicts.append(place)
        return
    if has_changed_since(task, signal):
        board.conflicts.append("What is asked has changed since it was shown; look at it again.")
        return
    if signal.decision == "send_back":
        send_back(board, task, signal, request, place)
        return
    given, request = take_edits(board, task, signal, request)
    if place not in request.open:  # the levels before it are asked again
        _cast(board, task, signal, gates.ballot_of(request, place, signal), given, void=True)
        return
    filled = fields_so_far(task, signal)
    task.output = with_fields(task, filled)
    request = gates.with_ballot(request, place, signal)
    status = gates.status_after(request, place, signal)
    if not status:
        _keep_open(board, task, signal, request, given)
    elif status == "approved" and not signal.override and not gates.is_last(request, place):
        _next_level(board, task, signal, request, place, given)
    else:
        _close(board, task, signal, request.standing(place, status=status), status, given, filled)


def _close(
    board: Board,
    task: TaskState,
    signal: Decided,
    request: Request,
    status: str,
    given: Given,
    filled: dict[str, Any],
) -> None:
    """The request is decided."""
    approved, mine = status == "approved", request.ballots[-1]
    gates.tell(board, task, request)
    board.closed.append(
        CloseApproval(
            task, status, signal.user_id, signal.comment, signal.override, signal.for_id, mine.level, given
        )
    )
    told = _told_for(signal) | gates.where(request, mine.level) | fields_told(given)
    if signal.override:
        note_override(board, task, signal, status, request)
    board.note(
        f"approval.{status}", task, signal.actor, comment=signal.comment, override=signal.override, **told
    )
    agreed = [one for one in request.ballots if one.approves is approved]
    by = [one.username for one in agreed]
    task.output = {"decision": status, "by": by, "comment": signal.comment, **gates.told_by_level(request)}
    if absent := [one.in_place_of for one in agreed if one.in_place_of]:
        task.output["for"] = absent
    task.output |= outcome_of(task.input or {}, status, filled, task.output["by"])
    if approved:
        board.settle(task, TaskStatus.COMPLETED)
        board.note("task.completed", task, signal.actor, decision=status)
        return
    who = f"{signal.username} for {signal.for_username}" if signal.for_username else signal.username
    said = f": {signal.comment}" if signal.comment else "."
    give_up(board, task, {"code": "rejected", "message": f"{who} rejected it{said}"}, signal.actor)


def _next_level(
    board: Board, task: TaskState, signal: Decided, request: Request, place: int, given: Given
) -> None:
    """The level is approved, and others are asked."""
    request = close_question(board, task, request)
    _cast(board, task, signal, request.ballots[-1], given)
    gates.move_on(
        board,
        task,
        request,
        place,
        "approved",
        signal.actor,
        comment=signal.comment,
        **_told_for(signal),
        **fields_told(given),
    )


def _keep_open(board: Board, task: TaskState, signal: Decided, request: Request, given: Given) -> None:
    """Others are still asked. Who has voted stands where the decision will."""
    mine = request.ballots[-1]
    gates.tell(board, task, request)
    gates.keep(board, task, request)
    _cast(board, task, signal, mine, given)
    told = _told_for(signal) | gates.where(request, mine.level) | fields_told(given)
    decision = "approved" if mine.approves else "rejected"
    board.note("approval.voted", task, signal.actor, decision=decision, comment=signal.comment, **told)


def _cast(
    board: Board, task: TaskState, signal: Decided, mine: Ballot, given: Given, *, void: bool = False
) -> None:
    decision, who = (
        "approved" if mine.approves else "rejected",
        (signal.user_id, signal.comment, signal.for_id),
    )
    board.votes.append(CastVote(task, decision, *who, mine.level, given, void))


def _told_for(signal: Decided) -> dict[str, str]:
    """In whose place it was decided, for the record."""
    return {"on_behalf_of": signal.for_username} if signal.for_username else {}


def _recalled(board: Board, task: TaskState, signal: Recalled) -> None:
    if recall(board, task, signal) == "cancel":
        _stop_all(board, RunStatus.CANCELLED, recall_error(signal))
        board.note("workflow.cancelled", actor=signal.actor, reason=signal.reason)


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
    Recalled: _recalled,
    Told: told,
    **TALK_HANDLERS,
}
_RUN_HANDLERS: dict[type[Signal], Callable[[Board, Any], None]] = {
    Begin: _begin,
    Pause: _pause,
    Resume: _resume,
    Cancel: _cancel,
    RunDue: _run_due,
}
