"""What follows a turn once it has committed: news for live views, parents of ended runs, runs nobody waits for.

Lost with a dying process, each of these is found again by the clock. The turn only sends `committed`; it does not know
this module, which takes turns itself.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef
from django.dispatch import receiver

from orchestrator.definition.templates import MAX_WEIGHT, is_heavier_than
from orchestrator.engine.children import WAITED_FOR, child_key
from orchestrator.engine.news import committed
from orchestrator.engine.plans import plan_for
from orchestrator.engine.turn import take_turn
from orchestrator.events import announce
from orchestrator.models import Run, TaskRun
from orchestrator.planning.machine import RUN_ENDED, RunStatus, TaskStatus, WaitReason
from orchestrator.planning.signals import Cancel, ChildEnded

logger = logging.getLogger(__name__)

BATCH = 200
_WAITING = {"status": TaskStatus.WAITING, "reason": WaitReason.CHILD}
_GOING = [status for status in RunStatus if status not in RUN_ENDED]

ORPHANED = "The task that started this run no longer waits for it."


@receiver(committed)
def follow(*, news: Sequence[int], ended: Sequence[int], abandoned: Sequence[int], **_: Any) -> None:
    announce(news)
    # A child wakes its parent by a turn of its own: two runs of one family are never locked at once.
    if ended:
        wake_parents(ended)
    if abandoned:
        cancel_children(abandoned)


def wake_parents(child_ids: Sequence[int] | None = None) -> int:
    """Tell tasks that wait for runs which have ended; of all such runs, or of these."""
    # Asked from the side of those that wait: most runs have ended, and nobody waits for them.
    ended = Run.objects.filter(pk=OuterRef("child_id"), status__in=RUN_ENDED)
    waiting = TaskRun.objects.filter(Exists(ended), **_WAITING)
    if child_ids is not None:
        waiting = waiting.filter(child_id__in=child_ids)
    elif not waiting.exists():  # as a rule, and asked each second: a quarter of what it takes to read them
        return 0
    found = list(waiting.order_by().select_related("child")[:BATCH])
    for task in found:
        assert task.child is not None
        take_turn([ended_signal(task, task.child)])
    return len(found)


def ended_signal(task: TaskRun, child: Run) -> ChildEnded:
    output = outputs_of(child)
    return ChildEnded(
        run_id=task.run_id,
        task_id=task.pk,
        child_id=child.pk,
        status=child.status,
        output=output,
        error=child.error,
        is_too_large=output is None,
    )


def outputs_of(run: Run) -> dict[str, object] | None:
    """The outputs of the tasks nothing follows: what the run as a whole gave. None when that is too large for one."""
    leaves = [task.key for task in plan_for(run.version_id).leaves]
    rows = run.tasks.filter(key__in=leaves, index=-1, status=TaskStatus.COMPLETED)
    found: dict[str, object] = {}
    for key, output in rows.values_list("key", "output").iterator(chunk_size=20):
        found[key] = output
        if is_heavier_than(found, MAX_WEIGHT):
            return None
    return found


def cancel_children(child_ids: Sequence[int]) -> None:
    """Cancel runs whose parent no longer waits for them."""
    still_going = Run.objects.filter(pk__in=child_ids).exclude(status__in=RUN_ENDED)
    for run_id in still_going.values_list("pk", flat=True):
        take_turn([Cancel(run_id=run_id, reason=ORPHANED)])


def cancel_orphans() -> int:
    """Runs that somebody waited for and nobody does any more, where the process that should have told them died."""
    found = [*_let_go(), *_never_taken_up()]
    cancel_children(found)
    return len(found)


def _let_go() -> list[int]:
    """The task ended otherwise."""
    let_go = TaskRun.objects.filter(child_id=OuterRef("pk")).exclude(**_WAITING)
    still_going = Run.objects.filter(Exists(let_go), status__in=_GOING)
    return list(still_going.order_by().values_list("pk", flat=True)[:BATCH])


def _never_taken_up() -> list[int]:
    """The attempt that started it ended before the task knew of it, and no other will have the same."""
    going = Run.objects.filter(status__in=_GOING, idempotency_key__startswith=f"{WAITED_FOR}:")
    unknown = going.exclude(waited_by__in=TaskRun.objects.filter(**_WAITING)).select_related("parent")
    return [run.pk for run in unknown[: 5 * BATCH] if not _may_be_taken_up(run)][:BATCH]


def _may_be_taken_up(child: Run) -> bool:
    """Whether the attempt that started it is still at work, or will be given out again."""
    task = child.parent
    if task is None or task.status not in {TaskStatus.READY, TaskStatus.RUNNING}:
        return False
    attempt = task.attempt + (task.status == TaskStatus.READY)
    return child.idempotency_key == child_key(task.pk, task.epoch, attempt)
