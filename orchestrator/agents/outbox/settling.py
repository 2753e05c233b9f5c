"""What goes from the file into the engine: outcomes and how tasks stand; and why a task is in nobody's hands any more."""

from __future__ import annotations

from collections.abc import Collection

from orchestrator.agents.outbox import entries
from orchestrator.agents.outbox.box import Box, logger
from orchestrator.agents.outbox.merging import Closing
from orchestrator.agents.outbox.outcomes import Saying, sayings, strangers
from orchestrator.agents.outbox.shape import CANCELLED, Outbox
from orchestrator.engine import agent_work
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import Agent, Lease
from orchestrator.planning.machine import TaskStatus

_LEVELS = {"blocked": "warning", "unknown": "warning"}


def held_by(agent: Agent) -> dict[str, Lease]:
    """The leases that hold, by the ids that their tasks have in the file."""
    leases = agent_work.held_by(agent).select_related("agent", "task_run").order_by("pk")
    return {task_id_of(lease): lease for lease in leases}


def task_id_of(lease: Lease) -> str:
    task = lease.task_run
    return entries.task_id_of(task.run_id, task.key, task.index, lease.pk)


def settle(box: Box, content: Outbox, held: dict[str, Lease]) -> dict[str, Closing]:
    """Hand on what the file says of the tasks held; those that have ended are taken out of `held`."""
    closed = {}
    for task_id, saying in sayings(content, held).items():
        if saying.is_final:
            closed[task_id] = _settled(held.pop(task_id), saying)
            box.said.pop(task_id, None)
        elif box.said.get(task_id) != saying:
            _note(held[task_id], saying)
            box.said[task_id] = saying
    return closed


def _settled(lease: Lease, saying: Saying) -> Closing:
    try:
        if saying.status == "completed":
            agent_work.complete(lease, saying.output)
            return Closing("completed", "Completed.")
        agent_work.fail(lease, saying.message, retryable=saying.retryable)
        return Closing("failed", saying.message)
    except InvalidError as error:
        return Closing("failed", f"Not accepted: {error.message}", prevails=True)
    except ConflictError:
        return _closing_of(Lease.objects.select_related("task_run").get(pk=lease.pk))


def _note(lease: Lease, saying: Saying) -> None:
    """Let those who look at the run see how the task stands."""
    if saying.status == "pending" and not saying.message:
        return
    how = "" if saying.status == "unknown" else saying.status.replace("_", " ")
    text = ": ".join(part for part in (how, saying.message) if part)
    try:
        agent_work.write_log(lease, [(_LEVELS.get(saying.status, "info"), text)])
    except ConflictError:
        return  # it has just gone; the next look takes it back


def withdrawn(agent: Agent, box: Box, content: Outbox, known: Collection[str]) -> dict[str, Closing]:
    """The tasks in the file that are the agent's no longer, and why."""
    asked = {
        task_id: entries.lease_in(task_id)
        for task_id in strangers(content, known)
        if task_id not in box.strangers
    }
    numbers = [number for number in asked.values() if number is not None]
    leases = agent.leases.filter(pk__in=numbers).select_related("task_run") if numbers else []
    found = {task_id_of(lease): lease for lease in leases}
    for task_id in asked:
        if task_id not in found and box.is_new_stranger(task_id):
            logger.info("The outbox of %s holds %.100r, which Baton did not give it.", box.key, task_id)
    return {task_id: _closing_of(lease) for task_id, lease in found.items()}


def _closing_of(lease: Lease) -> Closing:
    """How the task ended for this agent. Another clock may have settled it, and not have come to noting it yet."""
    task = lease.task_run
    is_last = task.claim == lease.claim
    if lease.outcome == Lease.Outcome.COMPLETED or (is_last and task.status == TaskStatus.COMPLETED):
        return Closing("completed", "Completed.")
    if lease.outcome == Lease.Outcome.FAILED or (is_last and task.status == TaskStatus.FAILED):
        return Closing("failed", (task.error or {}).get("message") or "Failed.")
    return Closing(CANCELLED, f"Taken back: the task is {task.status} by now, without you.", prevails=True)
