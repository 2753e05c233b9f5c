"""What tasks were given and gave when they ran last: the editor shows it beside their settings and tries expressions on it.

Only the newest runs are looked at, test runs among them: how a workflow ran a year ago says little about its draft.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, QuerySet

from orchestrator.models import Run, TaskRun
from orchestrator.planning.machine import TaskStatus
from orchestrator.reads.keyset import newest_of
from orchestrator.reads.shown import Entry, Text, as_text, entries
from orchestrator.reads.states import Look, TaskFacts, task_look
from orchestrator.secrets import is_sealed

RUNS_LOOKED_AT: Final = 25
LONGEST_OUTPUT: Final = 4_000
_SETTLED: Final = (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.SKIPPED)


@dataclass(frozen=True, slots=True)
class PastTask:
    """A task in the newest run in which it got its turn. What is long is cut; the page of the run has all of it."""

    run_id: int
    key: str
    mark: str
    look: Look
    at: datetime | None
    input: list[Entry]
    output: Text | None
    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PastValues:
    """What expressions would find. `run` is the newest run and None before the first; `params` holds no secret; of each
    task in `tasks` it is what it left in the newest run in which it settled, which `runs` names."""

    run: Mapping[str, Any] | None
    params: Mapping[str, Any]
    tasks: Mapping[str, Mapping[str, Any]]
    runs: Mapping[str, int]


def past_task(runs: QuerySet[Run], workflow: int, key: str) -> PastTask | None:
    """`runs` are those that whoever asks may see."""
    had_its_turn = Q(started_at__isnull=False) | Q(status__in=_SETTLED)
    rows = TaskRun.objects.filter(had_its_turn, run_id__in=_newest(runs, workflow), key=key, index=-1)
    row = rows.select_related("run").order_by("-run_id").first()
    return _past(row) if row else None


def past_values(runs: QuerySet[Run], workflow: int, keys: Collection[str]) -> PastValues:
    """Of these tasks; of many, whoever asks should name only those that matter, for an output may be large."""
    newest = _newest(runs, workflow)
    latest = Run.objects.filter(pk__in=newest[:1]).first()
    rows = TaskRun.objects.filter(run_id__in=newest, key__in=keys, index=-1, status__in=_SETTLED)
    # First which rows, then what they hold: most of them are older than another of the same task.
    chosen = dict(rows.order_by("run_id").values_list("key", "pk"))
    found = TaskRun.objects.filter(pk__in=chosen.values())
    tasks = {row.key: (row.run_id, _facts(row)) for row in found}
    return PastValues(
        run=_run(latest) if latest else None,
        params={name: value for name, value in latest.params.items() if not is_sealed(value)}
        if latest
        else {},
        tasks={key: facts for key, (_, facts) in tasks.items()},
        runs={key: run for key, (run, _) in tasks.items()},
    )


def first_item(runs: QuerySet[Run], workflow: int, key: str) -> tuple[Any, ...]:
    """The first item that a task with for_each was given last, in a tuple; an empty one where it was never."""
    rows = TaskRun.objects.filter(run_id__in=_newest(runs, workflow), key=key, index=0)
    return tuple(rows.order_by("-run_id").values_list("item", flat=True)[:1])


def _newest(runs: QuerySet[Run], workflow: int) -> list[int]:
    return list(newest_of(runs, workflow).values_list("pk", flat=True)[:RUNS_LOOKED_AT])


def _past(row: TaskRun) -> PastTask:
    facts = TaskFacts(
        status=row.status,
        reason=row.reason,
        attempt=row.attempt,
        agent=row.agent_id,
        started_at=row.started_at,
        finished_at=row.finished_at,
        due_at=row.due_at,
        error=row.error,
    )
    return PastTask(
        run_id=row.run_id,
        key=row.key,
        mark=row.run.mark,
        look=task_look(facts),
        at=row.finished_at or row.started_at,
        input=entries(row.input),
        output=None if row.output is None else _cut(as_text(row.output)),
        error=row.error or {},
    )


def _cut(text: Text) -> Text:
    return Text(text.text[:LONGEST_OUTPUT], cut=text.cut or len(text.text) > LONGEST_OUTPUT)


def _facts(row: TaskRun) -> dict[str, Any]:
    return {"status": row.status, "output": row.output, "error": row.error, "attempts": row.attempt}


def _run(run: Run) -> dict[str, Any]:
    started = run.started_at.isoformat() if run.started_at else None
    return {"id": run.pk, "trigger": run.trigger, "started_at": started}
