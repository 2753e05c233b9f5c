"""An attempt from the claim to its outcome: parameters resolved, the action carried out, the result checked.

Nothing here holds a transaction open while the action executes.
"""

from __future__ import annotations

import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from threading import Event
from typing import Any, TypeVar

import jsonschema_rs
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from orchestrator import actions
from orchestrator.actions.base import ActionError, Call, StartChild
from orchestrator.actions.cell import DiedError
from orchestrator.actions.cell import execute as execute_apart
from orchestrator.database import is_away
from orchestrator.definition import DefinitionError, strict_json
from orchestrator.definition.expressions import ExpressionError
from orchestrator.definition.templates import Template, compile_template
from orchestrator.engine import rows
from orchestrator.engine.children import start_child
from orchestrator.engine.limits import OUTPUT_BYTES
from orchestrator.engine.parameters import unsealed
from orchestrator.engine.turn import Claim
from orchestrator.models import Secret
from orchestrator.planning.opening import task_facts
from orchestrator.planning.signals import AttemptSignal, ChildStarted, Failed, Lost, Released, Succeeded
from orchestrator.secrets import Redactor, SecretError, unseal

logger = logging.getLogger(__name__)

MAX_ERROR_LENGTH = 4000
MAX_ERROR_CODE_LENGTH = 100
MAX_LOG_LENGTH = 4000
MAX_LOG_LINES = 5000  # of one attempt
AWAY_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)  # between tries while the database is away

T = TypeVar("T")
SUSPECT = 2  # deaths of workers after which a task is carried out in a process of its own


@dataclass(slots=True, eq=False)
class Attempt:
    """One try of a task in this process. `stop` is set when it lost its lease or the run was cancelled."""

    claim: Claim
    tasks: Mapping[str, Any]
    worker: str
    started: float = field(default_factory=time.monotonic)
    stop: Event = field(default_factory=Event)
    log: list[tuple[datetime, str, str]] = field(default_factory=list)
    logged: int = 0
    actor: str = ""  # who carries it out; the worker when empty
    redactor: Redactor = field(default_factory=lambda: Redactor(()))
    claimed: float = field(default_factory=time.monotonic)
    seconds_taken: float = 0.0
    begun: bool = False

    def begin(self) -> None:
        """A thread takes it up: only now its time runs."""
        self.begun = True
        self.started = time.monotonic()

    def end(self) -> None:
        self.seconds_taken = time.monotonic() - self.started

    @property
    def waited(self) -> float:
        """How long it has been waiting for a thread; 0 once one has taken it up."""
        return 0.0 if self.begun else time.monotonic() - self.claimed

    @property
    def idempotency_key(self) -> str:
        task = self.claim.task
        return f"{task.run_id}:{task.label}:{task.epoch}"

    def seconds_left(self) -> float:
        return self.claim.planned.timeout_seconds - (time.monotonic() - self.started)

    def write_log(self, level: str, message: str) -> None:
        self.logged += 1
        if self.logged > MAX_LOG_LINES + 1:
            return
        if self.logged > MAX_LOG_LINES:
            level = "warning"
            message = f"An attempt logs at most {MAX_LOG_LINES:,} lines; what follows is not kept."
        text = self.redactor.text(str(message))[:MAX_LOG_LENGTH].replace("\x00", "")
        self.log.append((timezone.now(), level, text))

    def fence(self) -> dict[str, Any]:
        task = self.claim.task
        actor = self.actor or f"worker:{self.worker}"
        return {"run_id": task.run_id, "task_id": task.id, "claim": task.claim, "actor": actor}


def attempts_for(claims: Sequence[Claim], worker: str) -> list[Attempt]:
    """The claims with what their parameters read of other tasks, fetched at once for all."""
    wanted = sorted({(c.task.run_id, key) for c in claims for key in _reads(c)})
    facts: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in rows.tasks_by_key(wanted) if wanted else ():
        facts[row.run_id][row.key] = task_facts(row)
    return [Attempt(claim, facts.get(claim.task.run_id, {}), worker) for claim in claims]


def _reads(claim: Claim) -> Iterable[str]:
    if claim.task.override is None:
        return claim.planned.reads
    references = compile_template(claim.task.override).references
    return {reference.path[0] for reference in references if reference.root == "tasks" and reference.path}


def carry_out(attempt: Attempt) -> AttemptSignal:
    """Do the task; whatever happens becomes an outcome, with every secret taken out of it."""
    shown: Any = None
    try:
        parameters, shown = parameters_of(attempt)
        return outcome_of(attempt, _executed(attempt, parameters), shown)
    except Exception as error:  # noqa: BLE001 - an action may raise anything; all of it is an outcome
        return failure_of(attempt, error, shown)


def failure_of(attempt: Attempt, error: Exception, shown: Any = None) -> AttemptSignal:
    """The outcome of an attempt in which this was raised."""
    match error:
        case DiedError():
            return Lost(**attempt.fence(), input=shown)
        case ActionError():
            return failed(attempt, error.code, error.message, shown, error.retryable, error.retry_after)
        case ExpressionError() | DefinitionError():
            return failed(attempt, "parameter_error", str(error), shown, retryable=False)
        case SecretError():
            return failed(attempt, "secret_error", str(error), shown)
    if is_away(error):
        # A secret or a child run could not be had: no fault of the task, which is to be given out again.
        return Released(**attempt.fence())
    # The text goes through the redactor; a traceback may hold what it cannot know.
    logger.warning("%s raised %s", attempt.idempotency_key, type(error).__name__)
    return failed(attempt, "exception", f"{type(error).__name__}: {error}", shown)


def _patiently(attempt: Attempt, ask: Callable[[], T]) -> T:
    """What the database answers, asked again while it is away: that is not the task's failure."""
    for seconds in AWAY_SECONDS:
        try:
            return ask()
        except (OperationalError, InterfaceError) as error:
            logger.warning("%s waits for the database: %s", attempt.idempotency_key, error)
            connection.close()
            if attempt.stop.wait(seconds):
                break
    return ask()


def _executed(attempt: Attempt, parameters: dict[str, Any]) -> Any:
    action, call = attempt.claim.planned.action, _call(attempt, parameters)
    if attempt.claim.task.losses >= SUSPECT:
        # Workers have died while they held this: it may be what kills, and then must not take others with it again.
        return execute_apart(action, call)
    return actions.get(action).execute(call)


# Parameters


def parameters_of(attempt: Attempt) -> tuple[dict[str, Any], Any]:
    """The resolved parameters, and the same with secrets masked."""
    claim = attempt.claim
    override = claim.task.override
    template = claim.planned.parameters if override is None else compile_template(override)
    params, secret_values = unsealed(claim.run.params)
    secrets = _patiently(attempt, lambda: _secrets(template))
    attempt.redactor = Redactor([*secret_values, *secrets.values()])
    resolved = template.resolve(_context(attempt, params, secrets))
    schema = actions.get(claim.planned.action).parameters
    issues = [
        issue for issue in schema.check(resolved, "parameters", resolved=True) if issue.severity == "error"
    ]
    if issues:
        raise DefinitionError(issues)
    return schema.with_defaults(resolved), attempt.redactor.value(resolved)


def _secrets(template: Template) -> dict[str, Any]:
    names = template.secret_names
    if not names:
        return {}
    stored = Secret.objects.filter(name__in=names).values_list("name", "ciphertext")
    return {name: unseal(ciphertext, f"secret:{name}") for name, ciphertext in stored}


def _context(attempt: Attempt, params: dict[str, Any], secrets: dict[str, Any]) -> dict[str, Any]:
    run, task = attempt.claim.run, attempt.claim.task
    context: dict[str, Any] = {
        "params": params,
        "tasks": dict(attempt.tasks),
        "secrets": secrets,
        "run": {
            "id": run.id,
            "trigger": run.trigger,
            "started_at": run.started_at.isoformat() if run.started_at else None,
        },
        "workflow": attempt.claim.workflow,
        "now": timezone.now().isoformat(),
    }
    return context if task.index < 0 else {**context, "item": task.item, "index": task.index}


def _call(attempt: Attempt, parameters: dict[str, Any]) -> Call:
    task = attempt.claim.task
    return Call(
        task_key=task.key,
        index=task.index,
        attempt=task.attempt,
        agent_id=task.agent_id,
        parameters=parameters,
        idempotency_key=attempt.idempotency_key,
        seconds_left=attempt.seconds_left,
        cancelled=attempt.stop.is_set,
        log=attempt.write_log,
        # The worker extends every lease it holds by itself; a callable's heartbeat is where it learns to stop.
        heartbeat=_nothing,
        run={"id": task.run_id, "workflow": attempt.claim.workflow["name"]},
    )


def _nothing() -> None:
    return None


# Outcomes


def outcome_of(attempt: Attempt, result: Any, shown: Any) -> AttemptSignal:
    """What this result makes of the attempt: a success, a failure if it is not what was agreed, a child to wait for."""
    if isinstance(result, StartChild):
        wish = result
        child = _patiently(attempt, lambda: start_child(attempt.claim, wish))
        if result.wait:
            return ChildStarted(**attempt.fence(), input=shown, child_id=child.pk)
        result = {"run": child.pk, "status": "started"}
    problem = _output_problem(attempt.claim, result)
    if problem:
        return failed(attempt, "output_invalid", problem, shown)
    return Succeeded(**attempt.fence(), input=shown, output=attempt.redactor.value(result))


def _output_problem(claim: Claim, output: Any) -> str:
    issues = strict_json.check_value(output, "output", max_bytes=OUTPUT_BYTES)
    if issues:
        return issues[0].message
    schema = claim.planned.output_schema
    if schema is None:
        return ""
    for error in _validator(json.dumps(schema, sort_keys=True)).iter_errors(output):
        place = "".join(f"[{part!r}]" for part in error.instance_path)
        return f"The output does not meet output_schema: output{place}: {error.message}"
    return ""


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    return jsonschema_rs.validator_for(json.loads(schema))


def failed(
    attempt: Attempt,
    code: str,
    message: str,
    shown: Any,
    retryable: bool = True,
    retry_after: float | None = None,
) -> Failed:
    """The outcome of an attempt that failed, with every secret taken out of what is said of it."""
    text = attempt.redactor.text(message).replace("\x00", "")[:MAX_ERROR_LENGTH]
    return Failed(
        **attempt.fence(),
        input=shown,
        error={"code": code[:MAX_ERROR_CODE_LENGTH], "message": text},
        retryable=retryable,
        retry_after=retry_after,
    )
