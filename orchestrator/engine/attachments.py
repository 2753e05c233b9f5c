"""Files beside a request: kept with what is said of it, gone with its run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from orchestrator import files
from orchestrator.engine.points import committing
from orchestrator.engine.uploads import Upload, store_all
from orchestrator.exceptions import ConflictError
from orchestrator.models import Approval, Attachment, Run
from orchestrator.planning.talk import FileFacts

AREA: Final = "attachments"
MOST_ATTACHMENTS: Final = 20  # of one request
_SWEPT_AFTER: Final = timedelta(days=1)


@contextmanager
def keeping(approval: Approval, uploads: Sequence[Upload]) -> Iterator[tuple[FileFacts, ...]]:
    """Keeps these files; within it their rows are made. Should that fail, none of them is left.

    Raises InvalidError on a file that is empty or too large, ConflictError when there are too many.
    """
    if not uploads:
        yield ()
        return
    _check_room(approval, len(uploads))
    stored = store_all(uploads, AREA)
    named = zip(uploads, stored, strict=True)
    facts = tuple(FileFacts(one.key, files.tidy_name(up.name), *_known(one)) for up, one in named)
    with files.keeping(*stored), committing("attachments"):
        # Under the run's lock, so that two who attach at once do not go over the number together.
        list(Run.objects.select_for_update(no_key=True).filter(pk=approval.run_id).values("pk"))
        _check_room(approval, len(uploads))
        yield facts


def _known(stored: files.Stored) -> tuple[int, str, str]:
    return stored.size, stored.sha256, stored.content_type


def _check_room(approval: Approval, more: int) -> None:
    there = approval.attachments.count()
    if there + more <= MOST_ATTACHMENTS:
        return
    message = (
        f"A request has at most {MOST_ATTACHMENTS} files, and this one has {there}. "
        "Put several into one, such as a zip file."
    )
    raise ConflictError(message, code="too_many_files")


@receiver(post_delete, sender=Attachment)
def _gone(instance: Attachment, **_: Any) -> None:
    """The row went with its run; its file follows once that is certain."""
    transaction.on_commit(partial(files.remove, [instance.key]))


def sweep_attachments() -> int:
    """Remove files that a crash left without a row; how many."""
    return files.sweep(AREA, _with_rows, older_than=_SWEPT_AFTER)


def _with_rows(keys: Sequence[str]) -> Collection[str]:
    return set(Attachment.objects.filter(key__in=keys).values_list("key", flat=True))
