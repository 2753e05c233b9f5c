"""Named checkpoints: each name once, and a rollback names one that can have been recorded by then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.definition.issues import Issue, at, show
from orchestrator.definition.names import Suggester, did_you_mean
from orchestrator.definition.rules.draft import Draft, mapping


def check_checkpoints(draft: Draft) -> Iterator[Issue]:
    """The names of checkpoints are unique."""
    recorders: dict[str, str] = {}
    for key, name in named_checkpoints(draft):
        first = recorders.setdefault(name, key)
        if first != key:
            text = f"The task '{first}' records a checkpoint {show(name)} already; give each its own name."
            yield Issue(at(draft.paths[key], "checkpoint"), "duplicate", text)


def check_rollbacks(draft: Draft) -> Iterator[Issue]:
    """A rollback goes to a checkpoint that exists, and that does not lie behind the task itself."""
    # Of several tasks that record the same name, the first.
    recorders = {name: key for key, name in reversed([*named_checkpoints(draft)])}
    names = Suggester(recorders)
    for key, failure, path in _failures(draft):
        name = failure.get("checkpoint")
        if failure.get("action") != "rollback" or not isinstance(name, str):
            continue
        recorder = recorders.get(name)
        if recorder is None:
            hint = names.nearest(name)
            text = f"No task records a checkpoint {show(name)}.{did_you_mean(hint)}"
            yield Issue(at(path, "checkpoint"), "unknown_checkpoint", text, hint=hint)
        elif key is not None and (recorder == key or draft.ancestry.is_upstream(key, recorder)):
            text = f"The checkpoint {show(name)} is recorded only after this task completed; name an earlier one."
            yield Issue(at(path, "checkpoint"), "checkpoint_too_late", text)


def _failures(draft: Draft) -> Iterator[tuple[str | None, Mapping[str, Any], str]]:
    """What follows a failure, of which task, and where that stands; without a task, of them all."""
    for key, task in draft.tasks.items():
        yield key, mapping(task.get("on_failure")), at(draft.paths[key], "on_failure")
    yield None, mapping(mapping(draft.data.get("settings")).get("on_failure")), "settings.on_failure"


def named_checkpoints(draft: Draft) -> Iterator[tuple[str, str]]:
    """Each task that records a named checkpoint, and the name."""
    for key, task in draft.tasks.items():
        name = task.get("checkpoint")
        if name is True or isinstance(name, str):
            yield key, key if name is True else name
