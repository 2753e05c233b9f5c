"""What tasks of a past run came to, for a test run that takes them up."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db.models import QuerySet

from orchestrator.models import Run, TaskRun, Workflow
from orchestrator.planning.machine import TaskStatus
from orchestrator.planning.stand_ins import Outcome, StandIn
from orchestrator.reads.keyset import newest_of

_OUTCOMES: Final[dict[str, Outcome]] = {
    TaskStatus.COMPLETED: "completed",
    TaskStatus.FAILED: "failed",
    TaskStatus.SKIPPED: "skipped",
}


def outcomes_of(run_id: int, keys: Collection[str]) -> dict[str, StandIn]:
    """Of those of these tasks that came to something; of the others nothing is known.

    A run went on from what had failed in it, so what stands in for that is provided for.
    """
    rows = TaskRun.objects.filter(run_id=run_id, index=-1, key__in=keys, status__in=list(_OUTCOMES))
    found = rows.order_by("order").values_list("key", "status", "reason", "output", "error")
    return {
        key: StandIn(
            "past", _OUTCOMES[status], output, error, status == TaskStatus.FAILED or reason == "failed"
        )
        for key, status, reason, output, error in found
    }


def past_runs(visible: QuerySet[Run], workflow: Workflow, count: int = 10) -> list[Run]:
    """The newest of these runs that are of the workflow, test runs among them: each may be taken up."""
    rows = newest_of(visible, workflow.pk).select_related("version").defer("version__definition", "params")
    return list(rows[:count])
