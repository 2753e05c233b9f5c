"""Named checkpoints: each name once, and a rollback names one that can have been recorded by then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.definition.issues import Issue, at, show
from orchestrator.definition.names import did_you_mean, nearest
from orchestrator.definition.rules.draft import Draft, mapping


def check_checkpoints(draft: Draft) -> Iterator[Issue]:
    """The names of checkpoints are unique."""
    for key, name in _names(draft).items():
        first = _recorders(draft)[name]
        if first != key:
            text = f"The task '{first}' records a checkpoint {show(name)} already; give each its own name."
            yield Issue(at(draft.paths[key], "checkpoint"), "duplicate", text)


def check_rollbacks(draft: Draft) -> Iterator[Issue]:
    """A rollback goes to a checkpoint that exists, and that does not lie behind the task itself."""
    for key, task in draft.tasks.items():
        yield from _target(draft, mapping(task.get("on_failure")), at(draft.paths[key], "on_failure"), key)
    settings = mapping(draft.data.get("settings"))
    yield from _target(draft, mapping(settings.get("on_failure")), "settings.on_failure", None)


def _target(draft: Draft, failure: Mapping[str, Any], path: str, task: str | None) -> Iterator[Issue]:
    name = failure.get("checkpoint")
    if failure.get("action") != "rollback" or not isinstance(name, str):
        return
    recorders = _recorders(draft)
    recorder = recorders.get(name)
    if recorder is None:
        hint = nearest(name[:100], recorders)
        text = f"No task records a checkpoint {show(name)}.{did_you_mean(hint)}"
        yield Issue(at(path, "checkpoint"), "unknown_checkpoint", text, hint=hint)
    elif task is not None and (recorder == task or draft.ancestry.is_upstream(task, recorder)):
        text = f"The checkpoint {show(name)} is recorded only after this task completed; name an earlier one."
        yield Issue(at(path, "checkpoint"), "checkpoint_too_late", text)


def _names(draft: Draft) -> dict[str, str]:
    """The checkpoint of each task that records a named one."""
    given = {key: task.get("checkpoint") for key, task in draft.tasks.items()}
    return {
        key: key if name is True else name
        for key, name in given.items()
        if name is True or isinstance(name, str)
    }


def _recorders(draft: Draft) -> dict[str, str]:
    """Which task records each named checkpoint: the first, where there are several."""
    return {name: key for key, name in reversed(_names(draft).items())}
