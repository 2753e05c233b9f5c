"""What a rollback cannot undo: tasks that change the world outside of the run and say nothing of how to take it back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from orchestrator.definition import language
from orchestrator.definition.issues import Issue, at, warning
from orchestrator.definition.rules.checkpoints import named_checkpoints
from orchestrator.definition.rules.draft import Draft, mapping

_WRITING_METHODS: Final = ("POST", "PUT", "PATCH", "DELETE")


def check_reversals(draft: Draft) -> Iterator[Issue]:
    """Where a run may be rolled back, what it did outside can be undone."""
    lasting = {key: what for key, task in draft.tasks.items() if (what := _lasting_effect(task))}
    if not lasting:
        return
    behind, before = _behind_checkpoints(draft, lasting), _before_rollbacks(draft, lasting)
    for key, what in lasting.items():
        if key in behind:
            why = f"the run is rolled back to the checkpoint of '{behind[key]}'"
        elif key in before:
            why = f"'{before[key]}' fails and the run is rolled back"
        else:
            continue
        text = f"This {what}, and nothing takes that back when {why}. Give it a compensation that undoes it."
        yield warning(at(draft.paths[key], "compensation"), "no_compensation", text)


def _behind_checkpoints(draft: Draft, tasks: Iterable[str]) -> dict[str, str]:
    """Those of the tasks that run only after a named checkpoint was recorded, and which task records it."""
    ancestry = draft.ancestry
    recorders = ancestry.bits(key for key, _ in named_checkpoints(draft))
    found = {key: ancestry.above(key) & recorders for key in tasks} if recorders else {}
    return {key: next(ancestry.named(earlier)) for key, earlier in found.items() if earlier}


def _before_rollbacks(draft: Draft, tasks: Collection[str]) -> dict[str, str]:
    """Those of the tasks that have completed when another fails and rolls back to before them, and which that is."""
    failing = [(key, name) for key, (action, name) in _failures(draft) if action == "rollback"]
    if not failing:
        return {}
    ancestry, recorders = draft.ancestry, {name: key for key, name in named_checkpoints(draft)}
    kept = _kept_by_latest(draft, frozenset(recorders.values()))
    left, found = ancestry.bits(tasks), {}
    for key, name in failing:
        keeps = ancestry.up_to(recorders[name]) if name in recorders else kept.get(key, 0)
        exposed = ancestry.above(key) & left & ~keeps
        found.update(dict.fromkeys(ancestry.named(exposed), key))
        left &= ~exposed
    return found


def _failures(draft: Draft) -> Iterator[tuple[str, tuple[str, str]]]:
    return ((key, draft.on_failure(task)) for key, task in draft.tasks.items())


def _kept_by_latest(draft: Draft, recorders: Collection[str]) -> dict[str, int]:
    """For each task what a rollback to the latest checkpoint upstream of it leaves alone."""
    kept: dict[str, int] = {}
    for key in draft.order if recorders else ():
        kept[key] = 0
        for name in draft.edges[key]:
            own = draft.ancestry.up_to(name) if name in recorders else 0
            kept[key] |= kept.get(name, 0) | own
    return kept


def _lasting_effect(task: Mapping[str, Any]) -> str:
    """What it does outside of the run that nothing takes back; '' if it does no such thing, or none that is certain."""
    if task.get("compensation") is not None:
        return ""
    given = mapping(task.get("parameters"))
    match task.get("action"):
        case "api_call" if given.get("method") in _WRITING_METHODS:
            return f"sends a {given['method']}"
        case "file_operation":
            return _lasting_change(given)
        case language.WORKFLOW_TRIGGER if given.get("wait") is False:
            # Of one that is waited for nobody knows here whether it did anything that lasts.
            return "starts a run that goes on by itself"
    return ""


def _lasting_change(given: Mapping[str, Any]) -> str:
    match given.get("operation"):
        case "delete" | "cleanup":
            return "deletes files"
        case "move":
            return "moves a file"
        case "append":
            return "adds to a file"
        case "write" if _may_replace(given, "path"):
            return "may replace a file"
        case "copy" if _may_replace(given, "destination"):
            return "may replace a file"
    return ""


def _may_replace(given: Mapping[str, Any], name: str) -> bool:
    """Not so where the file is the run's own."""
    return given.get("overwrite") is not False and "run.id" not in str(given.get(name))
