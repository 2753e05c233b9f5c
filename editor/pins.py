"""Pins as they are stored: what tasks of a draft give in its test runs. They belong to the draft's team, as it does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import QuerySet

from editor.models import Pin
from editor.operations.graph import tasks_of
from editor.trial import stand_in_of
from orchestrator.definition import DefinitionError, Issue
from orchestrator.definition.issues import show
from orchestrator.definition.names import did_you_mean, nearest
from orchestrator.engine.points import committing
from orchestrator.exceptions import ConflictError, InvalidError, NotFoundError
from orchestrator.models import Run, Secret, Workflow
from orchestrator.planning.stand_ins import StandIn
from orchestrator.reads.keyset import newest_of
from orchestrator.reads.outcomes import outcomes_of
from orchestrator.secrets import Redactor, SecretError, mask, unseal

MAX_PINS: Final = 200  # of one workflow
MAX_BYTES: Final = 4 * 1024**2  # of them together
_LAST_LOOKED_AT: Final = 20  # runs, for the last in which a task came to something


def pinned(workflow: Workflow) -> dict[str, Pin]:
    return {pin.task: pin for pin in workflow.pins.select_related("user")}


def stand_ins(workflow: Workflow) -> dict[str, StandIn]:
    """What is pinned, as a test run takes it; what does not fit the draft any more is passed over."""
    found: dict[str, StandIn] = {}
    for task, data in workflow.pins.values_list("task", "data"):
        with suppress(DefinitionError):
            found[task] = stand_in_of(data, "pin", task, action_of(workflow, task))
    return found


def action_of(workflow: Workflow, key: str) -> str:
    task = tasks_of(workflow.draft).get(key)
    return str(task.get("action") or "") if isinstance(task, dict) else ""


def pin(workflow: Workflow, key: str, data: Any, *, user: User, source: str = "") -> Pin:
    """Raises NotFoundError for a task that is not there, InvalidError for what cannot be pinned."""
    known_task(workflow, key)
    try:
        stand_in_of(data, "pin", key, action_of(workflow, key))
    except DefinitionError as error:
        raise InvalidError(error.issues[0].message, error.issues, code=error.issues[0].code) from None
    refuse_secrets({key: data})
    with committing("pin"):
        Workflow.objects.select_for_update().only("pk").get(pk=workflow.pk)
        _refuse_too_much(workflow, key, data)
        given = {"data": data, "user": user, "source": source}
        kept, _ = Pin.objects.update_or_create(workflow=workflow, task=key, defaults=given)
    return kept


def pin_outcome(
    workflow: Workflow, key: str, visible: QuerySet[Run], number: int | None, *, user: User
) -> Pin:
    """Pin what the task came to in that run, or in the last in which it came to something."""
    run_id, found = _outcome(known_task(workflow, key), workflow, visible, number)
    data: dict[str, Any] = {"status": found.outcome, "output": found.output}
    if found.outcome == "failed":
        data["error"] = found.error
    return pin(workflow, key, data, user=user, source=f"run {run_id}")


def unpin(workflow: Workflow, key: str) -> bool:
    """Whether there was one."""
    with committing("unpin"):
        count, _ = workflow.pins.filter(task=key).delete()
    return bool(count)


def follow(workflow: Workflow, renames: Iterable[tuple[str, str]]) -> None:
    """What is pinned goes with a task that is called otherwise now. In the transaction of the change."""
    for old, new in renames:
        if workflow.pins.filter(task=old).exists():
            workflow.pins.filter(task=new).delete()
            workflow.pins.filter(task=old).update(task=new)


def known_task(workflow: Workflow, key: str) -> str:
    tasks = tasks_of(workflow.draft)
    if key not in tasks:
        hint = did_you_mean(nearest(key, tasks)) if len(key) <= 100 else ""
        raise NotFoundError(f"The draft has no task {show(key)}.{hint}", code="unknown_task")
    return key


def refuse_secrets(given: Mapping[str, Any]) -> None:
    """What is given in place of work is stored and shown as it is, so no secret may stand in it.

    Outcomes of runs pass: a secret is masked in them when they are recorded.
    """
    issues = [Issue(key, "secret", text) for key, data in given.items() if (text := _secret_in(data))]
    if issues:
        raise InvalidError(issues[0].message, issues, code="secret")


def _secret_in(data: Any) -> str:
    if mask(data) != data:
        return "This holds a sealed secret, which is not pinned; take it out."
    for name, ciphertext in Secret.objects.values_list("name", "ciphertext"):
        with suppress(SecretError):
            if Redactor([unseal(ciphertext, f"secret:{name}")]).value(data) != data:
                return f"This holds the value of the secret {name}, which is not pinned; put something else there."
    return ""


def _outcome(key: str, workflow: Workflow, visible: QuerySet[Run], number: int | None) -> tuple[int, StandIn]:
    runs = newest_of(visible, workflow.pk)
    runs = runs.filter(pk=number) if number is not None else runs
    ids = list(runs.values_list("pk", flat=True)[:_LAST_LOOKED_AT])
    if number is not None and not ids:
        raise NotFoundError(f"There is no run {number} of this workflow.", code="no_run")
    for run_id in ids:
        if key in (found := outcomes_of(run_id, [key])):
            return run_id, found[key]
    where = f"run {number}" if number is not None else f"the last {_LAST_LOOKED_AT} runs"
    raise ConflictError(f"The task {key} came to nothing in {where}; name another run.", code="no_outcome")


def _refuse_too_much(workflow: Workflow, key: str, data: Any) -> None:
    others = list(workflow.pins.exclude(task=key).values_list("data", flat=True))
    if len(others) >= MAX_PINS:
        raise InvalidError(f"A draft has at most {MAX_PINS} pins; unpin some tasks.", code="too_many")
    size = sum(len(json.dumps(one, ensure_ascii=False).encode()) for one in (*others, data))
    if size > MAX_BYTES:
        text = (
            f"The pins of a draft take at most {MAX_BYTES // 1024**2} MiB together; unpin some tasks first."
        )
        raise InvalidError(text, code="too_large")
