"""Files that agents and people hand in with a task; they are kept with it and go with its run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import IO, Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from orchestrator import conf, files
from orchestrator.definition.issues import Issue
from orchestrator.engine.agent_work import lease_lost, still_held
from orchestrator.engine.plans import plan_for
from orchestrator.engine.points import committing
from orchestrator.engine.uploads import Upload, store_all
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import Artifact, Lease, TaskRun

AREA: Final = "artifacts"
MOST_ARTIFACTS: Final = 50  # of one attempt
_SWEPT_AFTER: Final = timedelta(days=1)


def attach(lease: Lease, name: str, stream: IO[bytes] | Iterable[bytes]) -> Artifact:
    """Keep what the stream gives with the task of this lease; under a name that the attempt has used before, in its place.

    Raises InvalidError when it is too large, empty or badly named, and ConflictError when there are too many or the lease is
    somebody else's by now, also when it becomes so while the file is on its way.
    """
    _check_name(name)
    if not still_held(lease).exists():
        raise lease_lost(lease)
    stored = files.store(stream, conf.file_max_bytes(), area=AREA)
    with files.keeping(stored), committing("artifact"):
        # Held until the commit: a turn that gives the task to another waits, and then this was in time.
        if still_held(lease).select_for_update().first() is None:
            raise lease_lost(lease)
        return _kept(lease, name, stored)


@contextmanager
def keeping(uploads: Sequence[Upload]) -> Iterator[dict[str, files.Stored]]:
    """Keeps what a person hands in with a task, by name; within it `add` makes the rows. Should that fail, none is left.

    Raises InvalidError on a file that is empty or too large, on two of one name, and on too many.
    """
    if len(uploads) > MOST_ARTIFACTS:
        raise InvalidError(_too_many())
    names = [files.tidy_name(one.name) for one in uploads]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise InvalidError(f"Two of the files are called “{doubled}”. Give one of them another name.")
    stored = store_all(uploads, AREA)
    with files.keeping(*stored):
        yield dict(zip(names, stored, strict=True))


def add(lease: Lease, kept: Mapping[str, files.Stored]) -> None:
    """Make the rows of what `keeping` gave, in the transaction in which the task is handed in."""
    for name, stored in kept.items():
        _kept(lease, name, stored)


def of_tasks_before(task_run: TaskRun) -> QuerySet[Artifact]:
    """What the tasks that this one depends on have handed in, for whoever is to do it."""
    before = plan_for(task_run.run.version_id).tasks[task_run.key].dependencies
    return Artifact.objects.filter(task_run__run=task_run.run_id, task_run__key__in=before)


def _too_many() -> str:
    return f"An attempt has at most {MOST_ARTIFACTS} artifacts. Put several into one, such as a zip file."


def _check_name(name: str) -> None:
    if name != files.tidy_name(name):
        message = (
            f"An artifact has the name of a file, without folders and with at most {files.NAME_LENGTH} characters, "
            f"such as {files.tidy_name(name)!r}."
        )
        raise InvalidError(message, [Issue("name", "bad_name", message)], code="bad_name")


def _kept(lease: Lease, name: str, stored: files.Stored) -> Artifact:
    """The row of what is stored; what it takes the place of goes once that is certain."""
    mine = Artifact.objects.filter(task_run=lease.task_run_id, claim=lease.claim)
    known = mine.filter(name=name).first()
    if known is None and mine.count() >= MOST_ARTIFACTS:
        raise ConflictError(_too_many(), code="too_many_artifacts")
    if known is not None:
        transaction.on_commit(partial(files.remove, [known.key]))
    row = known or Artifact(task_run_id=lease.task_run_id, claim=lease.claim, name=name)
    row.attempt, row.by, row.created_at = lease.attempt, lease.agent.key, timezone.now()
    row.key, row.size, row.sha256 = stored.key, stored.size, stored.sha256
    row.content_type = stored.content_type
    row.save()
    return row


@receiver(post_delete, sender=Artifact)
def _gone(instance: Artifact, **_: Any) -> None:
    """The row went, with its run or alone; its file follows once that is certain."""
    transaction.on_commit(partial(files.remove, [instance.key]))


def sweep_artifacts() -> int:
    """Remove files that a crash left without a row; how many."""
    return files.sweep(AREA, _known, older_than=_SWEPT_AFTER)


def _known(keys: Sequence[str]) -> Collection[str]:
    return set(Artifact.objects.filter(key__in=keys).values_list("key", flat=True))
