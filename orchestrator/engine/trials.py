"""Test runs of drafts: a hidden version, tasks that something stands in for, a run that counts nowhere and is removed.

Nothing else of the engine knows of them: from their first turn on they are runs like any other.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.utils import timezone

from orchestrator import actions
from orchestrator.definition import CURRENT, DefinitionError, Issue, Report, check
from orchestrator.definition.issues import at
from orchestrator.engine.lifecycle import cancel, run_of_key, start_version
from orchestrator.engine.parameters import check_parameters
from orchestrator.engine.points import committing
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import Run, Workflow, WorkflowVersion
from orchestrator.planning.plan import compile_plan
from orchestrator.planning.stand_ins import STAND_IN, StandIn

KEPT: Final = timedelta(days=7)  # after their end, and after their start if they never end
BATCH: Final = 20  # removed in one go: each may have thousands of rows
MAX_LAID_IN: Final = 8 * 1024**2  # bytes of JSON that stand in for tasks of one test run
_NAMED: Final = 3
_ENDED: Final = f"A test run is ended after {KEPT.days} days."


def check_trial(data: Any, stand_ins: Collection[str]) -> Report:
    """As `check_definition`, for a definition in which something stands in for these tasks, and for no others."""
    report = check(data, actions=actions.schemas_of_trials())
    if report.definition is None:
        return report
    tasks = report.definition.tasks
    text = f"There is no action '{STAND_IN}': only a test run puts it in the place of a task."
    odd = [
        Issue(at(at("tasks", key), "action"), "unknown_action", text)
        for key, task in tasks.items()
        if (task.action == STAND_IN) != (key in stand_ins)
    ]
    return Report(None, (*report.issues, *odd)) if odd else report


def start_trial(
    workflow: Workflow,
    data: Mapping[str, Any],
    stand_ins: Mapping[str, StandIn],
    params: Mapping[str, Any] | None = None,
    *,
    rev: int,
    user: User | None = None,
    note: str = "",
    idempotency_key: str | None = None,
    now: datetime | None = None,
) -> Run:
    """Start a test run of this definition, which was made of the draft at `rev`.

    Each of `stand_ins` is for a task whose action is `stand_in`. Raises DefinitionError, or InvalidError on parameters
    that do not fit and on too much that stands in.
    """
    report = check_trial(data, stand_ins)
    definition = report.definition
    if definition is None:
        raise DefinitionError(report.errors)
    if idempotency_key and (known := run_of_key(workflow, idempotency_key)):
        return known
    check_parameters(compile_plan(definition), params or {})
    laid_in = {key: one.as_json() for key, one in stand_ins.items()}
    _refuse_too_much(laid_in)
    # By itself, before the run: plans are kept by the number of their version, which must not be given out twice.
    with committing("trial"):
        version = WorkflowVersion.everything.create(
            workflow=workflow,
            number=None,
            draft_rev=rev,
            definition=definition.data,
            schema_version=CURRENT,
            note=note[:500],
            created_by=user,
        )
    return start_version(
        version,
        params,
        user=user,
        idempotency_key=idempotency_key,
        stand_ins=laid_in,
        now=now,
        is_trial=True,
    )


def _refuse_too_much(laid_in: Mapping[str, Any]) -> None:
    sizes = {key: len(json.dumps(one, ensure_ascii=False).encode()) for key, one in laid_in.items()}
    whole = sum(sizes.values())
    if whole > MAX_LAID_IN:
        largest = ", ".join(sorted(sizes, key=lambda key: -sizes[key])[:_NAMED])
        text = (
            f"What stands in for tasks comes to {whole / 1024**2:.1f} MiB, and a test run takes "
            f"{MAX_LAID_IN // 1024**2}. Pin smaller outputs; the largest are those of {largest}."
        )
        raise InvalidError(text, code="too_large")


def end_old_trials(now: datetime | None = None) -> int:
    """Cancel those that have gone on for as long as an ended one is kept."""
    before = (now or timezone.now()) - KEPT
    going = Run.objects.filter(is_trial=True, finished_at=None, created_at__lt=before)
    found = list(going.order_by("created_at").values_list("pk", flat=True)[:BATCH])
    for pk in found:
        try:
            cancel(pk, reason=_ENDED)
        except ConflictError:  # it has ended meanwhile
            continue
    return len(found)


def forget_trials(now: datetime | None = None) -> int:
    """Remove those that ended long ago, with their events and hidden versions; how many."""
    before = (now or timezone.now()) - KEPT
    old = Run.objects.filter(is_trial=True, finished_at__lt=before).order_by("finished_at")
    found = list(old.values_list("pk", flat=True)[:BATCH])
    for pk in found:
        with committing("forget trial"):
            Run.objects.filter(pk=pk).delete()
    _forget_versions(before)
    return len(found)


def _forget_versions(before: datetime) -> None:
    """Those whose runs are gone, or that were made just before the process died."""
    unused = WorkflowVersion.everything.filter(number=None, runs=None, created_at__lt=before)
    found = list(unused.order_by("created_at").values_list("pk", flat=True)[:BATCH])
    if found:
        with committing("forget trial"):
            WorkflowVersion.everything.filter(pk__in=found).delete()
