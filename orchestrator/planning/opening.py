"""What happens to a task whose dependencies allow it: conditions, for_each, gates, inline checks, the queue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.definition.expressions import ExpressionError, holds
from orchestrator.definition.fields import has_type
from orchestrator.definition.issues import DefinitionError, Issue, show
from orchestrator.definition.language import NAME_LENGTH
from orchestrator.definition.templates import MAX_WEIGHT, is_heavier_than
from orchestrator.planning.asking import content_faults
from orchestrator.planning.board import HANDLED, Board
from orchestrator.planning.business import faults_of as business_faults
from orchestrator.planning.decidable import MAX_PATIENCE, quorum_faults
from orchestrator.planning.decidable import faults_of as level_faults
from orchestrator.planning.failing import give_up
from orchestrator.planning.gates import asking, note_asked
from orchestrator.planning.inline import evaluate_check
from orchestrator.planning.ladder import faults_of as escalation_faults
from orchestrator.planning.levels import first_asked, levels_of, not_asked, only_level
from orchestrator.planning.machine import TaskStatus, WaitReason
from orchestrator.planning.plan import APPROVAL_GATE, CONDITION_CHECK, Gate, PlanTask
from orchestrator.planning.queueing import make_ready
from orchestrator.planning.sending_back import record_of, with_what_stands
from orchestrator.planning.stand_ins import LAID_IN, STAND_IN, laid_in
from orchestrator.planning.state import OpenApproval, TaskState

MAX_ITEMS = 5000
MAX_APPROVERS = 100
MAX_TITLE = 300
_FAILED = {"code": "failed", "message": "What stands in for it says that it failed."}


def context_of(board: Board, keys: Iterable[str]) -> dict[str, Any]:
    """The roots an expression of this run may name, with these tasks."""
    run = board.run
    return {
        "params": run.params,
        "tasks": {key: task_facts(board.tasks[key, -1]) for key in keys},
        "run": {
            "id": run.id,
            "trigger": run.trigger,
            "started_at": run.started_at.isoformat() if run.started_at else None,
        },
        "workflow": board.plan.facts,
        "now": board.world.now.isoformat(),
    }


def task_facts(task: TaskState) -> dict[str, Any]:
    return {
        "status": task.status.value,
        "output": task.output,
        "error": task.error,
        "attempts": task.attempt,
    }


def open_task(board: Board, task: TaskState, planned: PlanTask) -> None:
    """Decide on a pending task whose join is met. A condition that cannot be evaluated fails the task."""
    context = context_of(board, planned.needs)
    try:
        for condition in planned.conditions:
            if not holds(condition, context):
                _skip(board, task, condition.source)
                return
        agent = str(planned.agent.resolve(context))
        _check_name(agent, "agent_id")
        task.agent_id = agent
        if planned.for_each is not None:
            _expand(board, task, planned, context)
        else:
            _open_one(board, task, planned, context)
    except ExpressionError as error:
        give_up(board, task, {"code": "condition_error", "message": str(error)})
    except DefinitionError as error:
        give_up(board, task, {"code": "parameter_error", "message": str(error)})


def _skip(board: Board, task: TaskState, condition: str) -> None:
    board.settle(task, TaskStatus.SKIPPED, reason="condition")
    board.note("task.skipped", task, reason="condition", condition=condition)


def _expand(board: Board, task: TaskState, planned: PlanTask, context: dict[str, Any]) -> None:
    assert planned.for_each is not None
    items = planned.for_each.evaluate(context)
    if not isinstance(items, list) or len(items) > MAX_ITEMS:
        message = f"for_each must give a list of at most {MAX_ITEMS} items; it gave {_describe(items)}."
        give_up(board, task, {"code": "for_each_error", "message": message})
        return
    task.started_at = board.world.now
    task.items_left = len(items)
    board.move(task, TaskStatus.WAITING, WaitReason.ITEMS)
    board.note("task.waiting", task, reason=WaitReason.ITEMS.value, items=len(items))
    board.saw_group(task.key)
    for index, item in enumerate(items):
        _open_item(
            board, board.create_item(task, index, item), planned, {**context, "item": item, "index": index}
        )
    if not items:
        board.fold_later(task.key)


def _describe(value: Any) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else type(value).__name__


def reopen_item(board: Board, item: TaskState, planned: PlanTask) -> None:
    """Decide anew on one item of a for_each task; the rows its conditions need are on the board."""
    context = context_of(board, planned.needs)
    _open_item(board, item, planned, {**context, "item": item.item, "index": item.index})


def _open_item(board: Board, item: TaskState, planned: PlanTask, context: dict[str, Any]) -> None:
    try:
        for condition in planned.item_conditions:
            if not holds(condition, context):
                _skip(board, item, condition.source)
                return
        _open_one(board, item, planned, context)
    except ExpressionError as error:
        give_up(board, item, {"code": "condition_error", "message": str(error)})


def _open_one(board: Board, task: TaskState, planned: PlanTask, context: dict[str, Any]) -> None:
    if planned.action == STAND_IN:
        _stand_in(board, task)
    elif planned.action == CONDITION_CHECK:
        _check_inline(board, task, planned, context)
    elif planned.action == APPROVAL_GATE:
        _ask(board, task, planned, context)
    else:
        make_ready(board, task)


def _check_inline(board: Board, task: TaskState, planned: PlanTask, context: dict[str, Any]) -> None:
    result = evaluate_check(dict(planned.raw_parameters), context)
    task.attempt = 1
    task.started_at = board.world.now
    task.output = result["output"]
    if result["failed"]:
        give_up(board, task, dict(result["failed"]))
        return
    board.settle(task, TaskStatus.COMPLETED)
    board.note("task.completed", task, inline=True)


def _stand_in(board: Board, task: TaskState) -> None:
    """The outcome that was laid in for it. Nothing is attempted; a failure leads to what a failure leads to, unless the
    run it is taken from had gone on from it."""
    given = laid_in(task.item)
    task.started_at = board.world.now
    task.output = given.output
    if given.outcome == "completed":
        board.settle(task, TaskStatus.COMPLETED)
        board.note("task.completed", task, stand_in=given.source)
    elif given.outcome == "skipped":
        reason = "failed" if given.provided else LAID_IN
        board.settle(task, TaskStatus.SKIPPED, reason=reason, provided=given.provided)
        board.note("task.skipped", task, reason=reason, stand_in=given.source)
    elif given.provided:
        task.error = given.error
        board.settle(task, TaskStatus.FAILED, reason=HANDLED)
        board.note("task.failed", task, error=given.error, stand_in=given.source)
    else:
        give_up(board, task, given.error or _FAILED)


def _ask(board: Board, task: TaskState, planned: PlanTask, context: dict[str, Any]) -> None:
    gate = planned.gate
    assert gate is not None
    content = gate.content.resolve(context)
    _check_content(content)
    seconds = _patience(gate, context)
    if seconds is not None:
        content["timeout_seconds"] = seconds
    if hours := content.pop("business_hours", None):
        content["business_hours"] = board.world.business_hours.as_json() if hours is True else hours
    if content.get("levels"):
        usual = only_level(content, gate.veto, gate.on_timeout, seconds)
        content["levels"] = [one.as_json() for one in levels_of(content["levels"], usual)]
    task.attempt += 1
    task.started_at = board.world.now
    record, task.input = record_of(task), content
    if record:
        content["round"] = record["round"]
    blank = not_asked(content, veto=gate.veto, on_timeout=gate.on_timeout)
    request = first_asked(with_what_stands(blank, content, record), board.world.now)
    task.output = request.kept() or None
    task.timeout_at, task.due_at = request.deadline_at, request.due_at
    board.move(task, TaskStatus.WAITING, WaitReason.APPROVAL)
    board.opened.append(
        OpenApproval(
            task,
            content,
            gate.on_timeout,
            gate.allow_requester,
            request.deadline_at,
            gate.allow_author,
            request.at,
            request.snapshot(),
            asking(request, request.open),
            tuple(request.levels[place].number for place in request.behind),
            gate.send_back_to,
        )
    )
    if request.listed:
        for place in request.open:
            note_asked(board, task, request, place)
        return
    deadline = task.timeout_at.isoformat() if task.timeout_at else None
    board.note(
        "approval.required",
        task,
        title=str(content.get("title", planned.name))[:MAX_TITLE],
        deadline=deadline,
    )


def _check_content(content: dict[str, Any]) -> None:
    """What a parameter gave must fit where it is kept, and may ask for more than there are."""
    faults = [
        *escalation_faults(content.get("escalation"), "parameters.escalation"),
        *level_faults(content, "parameters"),
        *business_faults(content.get("business_hours"), "parameters.business_hours"),
    ]
    faults += content_faults(content)
    if "levels" not in content:
        faults += quorum_faults(content.get("quorum"), content.get("approvers"), "parameters.quorum")
    if faults:
        raise DefinitionError(faults)
    for place, one in enumerate(content.get("levels") or []):
        _check_approvers(one.get("approvers"), f"parameters.levels[{place}].approvers")
    _check_approvers(content.get("approvers"), "parameters.approvers")


def _check_approvers(approvers: Any, path: str) -> None:
    names = approvers.split(",") if isinstance(approvers, str) else approvers
    if not isinstance(names, list):
        return
    if len(names) > MAX_APPROVERS:
        message = f"A request names at most {MAX_APPROVERS} approvers; these are {len(names)}. Name a group."
        raise DefinitionError([Issue(path, "out_of_range", message)])
    for name in names:
        _check_name(str(name).strip(), path)


def _check_name(name: str, path: str) -> None:
    if len(name) > NAME_LENGTH:
        message = f"A name has at most {NAME_LENGTH} characters; this one, {show(name)}, has {len(name):,}."
        raise DefinitionError([Issue(path, "out_of_range", message)])


def _patience(gate: Gate, context: dict[str, Any]) -> float | None:
    """Seconds until the request expires, None for never; what a parameter gave is checked here for the first time."""
    seconds = gate.timeout.resolve(context)
    if seconds is None:
        return None
    if not has_type(seconds, "number") or not 1 <= seconds <= MAX_PATIENCE:
        message = f"The timeout of an approval is from 1 second to 31 days; it is {show(seconds)}."
        raise DefinitionError([Issue("parameters.timeout_seconds", "out_of_range", message)])
    return float(seconds)


def too_large(whose: str) -> dict[str, str]:
    """The error of a task whose output is put together from several that each were allowed."""
    size = MAX_WEIGHT // 1024**2
    message = f"The outputs of {whose} are larger than {size} MiB together. Let each give less, or write files and give their paths."
    return {"code": "output_too_large", "message": message}


def fold(board: Board, group: TaskState) -> None:
    """All items of a for_each task have settled: gather their outputs in order, or fail."""
    items = board.items(group.key)
    group.output = [item.output if item.status is TaskStatus.COMPLETED else None for item in items]
    if group.items_failed:
        message = f"{group.items_failed} of {len(items)} items failed."
        give_up(board, group, {"code": "items_failed", "message": message})
        return
    if is_heavier_than(group.output, MAX_WEIGHT):
        group.output = None
        give_up(board, group, too_large("the items"))
        return
    board.settle(group, TaskStatus.COMPLETED)
    board.note("task.completed", group, items=len(items))
