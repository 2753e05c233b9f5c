"""Work that agents fetch: a lease from the moment it is taken up until its outcome.

An agent holds a task as a worker does, under a fence and for as long as it shows signs of life. What comes after the
lease has gone to somebody else changes nothing and is told so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from orchestrator import conf
from orchestrator.definition import DefinitionError
from orchestrator.definition.expressions import ExpressionError
from orchestrator.engine import rows
from orchestrator.engine.agent_resources import chosen
from orchestrator.engine.agents import FAILURES_UNTIL_QUARANTINE, PEOPLE
from orchestrator.engine.attempts import (
    MAX_LOG_LENGTH,
    MAX_LOG_LINES,
    Attempt,
    attempts_for,
    failed,
    failure_of,
    outcome_of,
    parameters_of,
)
from orchestrator.engine.limits import REASON_LENGTH, check_text
from orchestrator.engine.plans import plan_for
from orchestrator.engine.points import committing
from orchestrator.engine.turn import Claim, take_turn
from orchestrator.exceptions import ConflictError, InvalidError, NotFoundError
from orchestrator.models import Agent, Lease, TaskRun
from orchestrator.planning.machine import RunStatus, TaskStatus, WaitReason
from orchestrator.planning.signals import AttemptSignal, Failed, Released, Signal, Taken
from orchestrator.secrets import SecretError

MOST_AT_ONCE: Final = 50
LOOKS: Final = 3
TAKING: Final = 0x7A6B  # of the locks that PostgreSQL keeps for whoever asks for one by number
LEVELS: Final = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Assignment:
    """A task in the hands of an agent: what it is to do, in clear, and until when it is its."""

    lease: Lease
    run: int
    workflow: str
    task: str
    index: int
    attempt: int
    parameters: dict[str, Any]
    idempotency_key: str
    lease_until: datetime
    timeout_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sign:
    """What an agent learns when it shows that it is alive."""

    lease_until: datetime | None
    is_cancelled: bool = False


def waiting_for(addresses: Sequence[str] | None) -> QuerySet[TaskRun]:
    """Tasks that wait for an agent with one of these addresses, or for any, and could start now; the one that waits
    longest first."""
    waits = TaskRun.objects.filter(status=TaskStatus.WAITING, reason=WaitReason.AGENT)
    if addresses is not None:
        waits = waits.filter(agent_id__in=addresses)
    return waits.filter(
        Q(sequential=False) | Q(run__sequential_busy=0), run__status=RunStatus.RUNNING
    ).order_by("id")


def take(agent: Agent, most: int = 1) -> list[Assignment]:
    """Up to `most` tasks that wait for this agent, as far as it has room and resources; none while it is drained or in
    quarantine."""
    if agent.state != Agent.State.ACTIVE or not waiting_for(agent.addresses).exists():
        return []  # most who ask: no transaction is begun for them
    if free_capacity(agent) <= 0:
        return []
    with committing("take"):
        _alone(agent)
        claims = _claims(agent, min(most, MOST_AT_ONCE, free_capacity(agent)))
        leases = _leases(agent, claims)
    return _assigned(agent, leases, claims)


def _alone(agent: Agent) -> None:
    """Let nobody else take up work for the same agent until the transaction ends: what it has room for is counted once.

    SQLite has one writer anyhow. No row is locked: whoever settles work locks the run first and the agent then.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [TAKING, agent.pk % 2**31])


def _claims(agent: Agent, room: int) -> list[Claim]:
    """Where others look at the same moment the first look may find what they get; the next one, under the lock of that
    run, does not."""
    claims: list[Claim] = []
    for _ in range(LOOKS):
        reserved = [claim.planned.resources for claim in claims]
        found = chosen(agent, waiting_for(agent.addresses), room - len(claims), reserved)
        signals: list[Signal] = [Taken(run_id=run, task_id=task, agent=agent.key) for task, run in found]
        claims += take_turn(signals).claims if signals else []
        if not signals or len(claims) >= room:
            break
    return claims


def free_capacity(agent: Agent) -> int:
    """How many tasks it could take up beside those it holds."""
    return agent.capacity - held_by(agent).count()


def held_by(agent: Agent) -> QuerySet[Lease]:
    """The leases of this agent that hold."""
    return agent.leases.filter(ended_at=None, task_run__status=TaskStatus.RUNNING, task_run__claim=F("claim"))


def _leases(agent: Agent, claims: Sequence[Claim]) -> list[Lease]:
    now = timezone.now()
    return Lease.objects.bulk_create(
        Lease(
            agent=agent,
            task_run_id=claim.task.id,
            claim=claim.task.claim,
            attempt=claim.task.attempt,
            taken_at=now,
        )
        for claim in claims
    )


def _assigned(agent: Agent, leases: Sequence[Lease], claims: Sequence[Claim]) -> list[Assignment]:
    """Outside of the transaction: a secret may have to be had. What cannot be given out has failed."""
    given, wrong = [], []
    for lease, attempt in zip(leases, attempts_for(claims, agent.key), strict=True):
        try:
            parameters, _ = parameters_of(attempt)
            given.append(_assignment(lease, attempt, parameters))
        except Exception as error:  # noqa: BLE001 - whatever keeps it from being given out is its outcome
            wrong.append((lease, failure_of(attempt, error)))
    for lease, outcome in wrong:
        _settle(lease, outcome, Lease.Outcome.FAILED)
    return given


def _assignment(lease: Lease, attempt: Attempt, parameters: dict[str, Any]) -> Assignment:
    task = attempt.claim.task
    assert task.due_at is not None
    return Assignment(
        lease=lease,
        run=task.run_id,
        workflow=str(attempt.claim.workflow["name"]),
        task=task.key,
        index=task.index,
        attempt=task.attempt,
        parameters=parameters,
        idempotency_key=attempt.idempotency_key,
        lease_until=task.due_at,
        timeout_at=task.timeout_at,
    )


def assignment_of(lease: Lease) -> Assignment | None:
    """What was given out under this lease, once more; None when it holds no longer. Raises whatever keeps it from being
    given out, which `fail` makes its outcome."""
    attempt = _attempt(lease)
    if attempt is None or not still_held(lease).exists():
        return None
    parameters, _ = parameters_of(attempt)
    return _assignment(lease, attempt, parameters)


def find_lease(agent: Agent, lease_id: int) -> Lease:
    """A lease that this agent has or had. Raises NotFoundError."""
    lease = agent.leases.select_related("agent", "task_run").filter(pk=lease_id).first()
    if lease is None:
        raise NotFoundError(f"You hold no lease {lease_id}.")
    return lease


def keep_alive(lease: Lease) -> Sign:
    """Hold the lease for as long again. Raises ConflictError when it is somebody else's by now."""
    until = timezone.now() + timedelta(seconds=conf.lease_seconds())
    if lease.task_run.timeout_at is not None:
        until = min(until, lease.task_run.timeout_at)
    with committing("heartbeat"):
        held = still_held(lease).update(due_at=until)
    if held:
        return Sign(until)
    if lease.task_run.status == TaskStatus.CANCELLED:
        with committing("lease"):
            _end(lease, Lease.Outcome.LOST)
        return Sign(None, is_cancelled=True)
    raise lease_lost(lease)


def write_log(lease: Lease, lines: Sequence[tuple[str, str]]) -> None:
    """Add lines, each of a level and a text, to the log of the task. What is above the bound of an attempt is not kept."""
    attempt = _attempt(lease)
    if attempt is None or not still_held(lease).exists():
        raise lease_lost(lease)
    _prepare_redactor(attempt)
    attempt.logged = lease.logged
    for level, message in lines:
        if level not in LEVELS:
            raise InvalidError(f"A level is one of {', '.join(LEVELS)}.")
        attempt.write_log(level, message[:MAX_LOG_LENGTH])
    with committing("log"):
        rows.insert_lines(
            [(lease.task_run_id, lease.attempt, at, level, text) for at, level, text in attempt.log]
        )
        Lease.objects.filter(pk=lease.pk).update(logged=min(attempt.logged, MAX_LOG_LINES + 1))


def complete(lease: Lease, output: Any) -> None:
    """The task is done. Raises InvalidError when the output is not what was agreed, which ends the attempt as a failed
    one, and ConflictError when the lease is somebody else's by now."""
    attempt = _attempt_to_settle(lease)
    outcome = outcome_of(attempt, output, _prepare_redactor(attempt))
    if isinstance(outcome, Failed) and outcome.error is not None:
        _settle(lease, outcome, Lease.Outcome.FAILED)
        raise InvalidError(outcome.error["message"], code=outcome.error["code"])
    _settle(lease, outcome, Lease.Outcome.COMPLETED)


def fail(lease: Lease, message: str, *, code: str = "agent_failed", retryable: bool = True) -> None:
    """The attempt failed; `retryable` says whether another may do better."""
    check_text(message, "message", REASON_LENGTH * 4)
    check_text(code, "code", 100)
    attempt = _attempt_to_settle(lease)
    shown = _prepare_redactor(attempt)
    _settle(lease, failed(attempt, code, message, shown, retryable), Lease.Outcome.FAILED)


def release(lease: Lease) -> None:
    """Give the task back undone; the attempt does not count."""
    attempt = _attempt_to_settle(lease)
    _settle(lease, Released(**attempt.fence()), Lease.Outcome.RELEASED)


def _settle(lease: Lease, outcome: AttemptSignal, how: Lease.Outcome) -> None:
    with committing("lease"):
        refused = bool(take_turn([outcome]).conflicts)
        _end(lease, Lease.Outcome.LOST if refused else how)
    if refused:
        raise lease_lost(lease)


def _end(lease: Lease, how: Lease.Outcome) -> None:
    """Note how it ended, and what that says of the agent; within the caller's transaction."""
    ended = Lease.objects.filter(pk=lease.pk, ended_at=None).update(ended_at=timezone.now(), outcome=how)
    agent = Agent.objects.filter(pk=lease.agent_id)
    if ended and how == Lease.Outcome.COMPLETED:
        agent.exclude(failures_in_a_row=0).update(failures_in_a_row=0)
    elif ended and how in (Lease.Outcome.FAILED, Lease.Outcome.LOST) and not _is_cancelled(lease):
        # A person who declines has answered.
        agent.exclude(kind__in=PEOPLE).update(failures_in_a_row=F("failures_in_a_row") + 1)
        many = Q(failures_in_a_row__gte=FAILURES_UNTIL_QUARANTINE, state=Agent.State.ACTIVE)
        agent.filter(many).update(state=Agent.State.QUARANTINED)


def _is_cancelled(lease: Lease) -> bool:
    """Whether the task was taken away from the agent, for no fault of its."""
    return TaskRun.objects.filter(pk=lease.task_run_id, status=TaskStatus.CANCELLED).exists()


def note_lost() -> int:
    """End the leases of tasks that have gone on without their agents; how many there were."""
    gone = Lease.objects.filter(ended_at=None).exclude(
        task_run__status=TaskStatus.RUNNING, task_run__claim=F("claim")
    )
    found = list(gone[:200])
    for lease in found:
        with committing("lease"):
            _end(lease, Lease.Outcome.LOST)
    return len(found)


def still_held(lease: Lease) -> QuerySet[TaskRun]:
    """The row of the task while it runs under this lease."""
    return TaskRun.objects.filter(pk=lease.task_run_id, claim=lease.claim, status=TaskStatus.RUNNING)


def lease_lost(lease: Lease) -> ConflictError:
    """What whoever comes too late is told."""
    text = f"Lease {lease.pk} is no longer yours: the task was given to another, has ended, or was cancelled."
    return ConflictError(text, code="lease_lost")


def _attempt(lease: Lease) -> Attempt | None:
    """The attempt as this lease knows it; None when the row of the task is gone."""
    attempt = _attempt_of(lease.task_run_id, lease.agent.key)
    if attempt is not None:
        # The fence is that of the lease, whoever holds the task now.
        attempt.claim.task.claim, attempt.claim.task.attempt = lease.claim, lease.attempt
    return attempt


def _attempt_of(task_run_id: int, agent: str) -> Attempt | None:
    task = next(iter(rows.tasks_by_id([task_run_id])), None)
    if task is None:
        return None
    (run,) = rows.runs_by_id([task.run_id])
    plan = plan_for(run.version_id)
    (attempt,) = attempts_for([Claim(run, task, plan.tasks[task.key], plan.facts)], agent)
    attempt.actor = f"agent:{agent}"
    return attempt


def _attempt_to_settle(lease: Lease) -> Attempt:
    attempt = _attempt(lease)
    if attempt is None:
        raise lease_lost(lease)
    return attempt


def _prepare_redactor(attempt: Attempt) -> Any:
    """Know the secrets that the agent was given; what it was given, without them."""
    try:
        return parameters_of(attempt)[1]
    except Exception:  # noqa: BLE001 - it was told when the task was given out; by now a secret may be gone
        return None


# Work of people, who do not fetch it and hold nothing: they do it and say so.


def hand_in(
    agent: Agent, task_run: TaskRun, output: Any, beside: Callable[[Lease], None] = lambda _lease: None
) -> None:
    """A person has done it. Raises InvalidError when that is not what was agreed, which leaves it open, and ConflictError
    when somebody else was first. `beside` stores what comes with it, in the same transaction."""
    attempt = _waiting(task_run)
    outcome = outcome_of(attempt, output, None)
    if isinstance(outcome, Failed) and outcome.error is not None:
        raise InvalidError(outcome.error["message"], code=outcome.error["code"])
    with committing("hand in"):
        lease = _taken_up(agent, task_run)
        beside(lease)
        complete(lease, output)


def decline(agent: Agent, task_run: TaskRun, reason: str) -> None:
    """A person cannot do it, and says why; nobody else is asked."""
    with committing("hand in"):
        fail(_taken_up(agent, task_run), reason, code="declined", retryable=False)


def shown_parameters(task_run: TaskRun) -> Any:
    """What somebody who is to do it is told, secrets masked. Raises InvalidError with what keeps it from being told."""
    attempt = _waiting(task_run)
    try:
        return parameters_of(attempt)[1]
    except (ExpressionError, DefinitionError, SecretError) as error:
        raise InvalidError(f"What this task is given cannot be told: {error}") from None


def _waiting(task_run: TaskRun) -> Attempt:
    attempt = _attempt_of(task_run.pk, "")
    if attempt is None or task_run.status != TaskStatus.WAITING or task_run.reason != WaitReason.AGENT:
        raise ConflictError("This task does not wait to be done any more.", code="not_waiting")
    return attempt


def _taken_up(agent: Agent, task_run: TaskRun) -> Lease:
    result = take_turn([Taken(run_id=task_run.run_id, task_id=task_run.pk, agent=agent.key)])
    if not result.claims:
        raise ConflictError("This task does not wait to be done any more.", code="not_waiting")
    (lease,) = _leases(agent, result.claims)
    lease.agent, lease.task_run = agent, task_run
    return lease
