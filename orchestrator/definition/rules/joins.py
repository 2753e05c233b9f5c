"""What is certain, before any run, about tasks that will never run.

Certain is only this: a condition without references that is false, and what follows from it. A task that is skipped
counts as neither completed nor failed, so `all_succeeded` with one such dependency, or `any_succeeded` or
`first_succeeded` with no other kind, can never be met. That a task fails is never certain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from orchestrator.definition.issues import Issue, at, warning
from orchestrator.definition.rules.draft import Draft, sequence


def check_joins(draft: Draft) -> Iterator[Issue]:
    """Joins can be met, and stand where there is something to join."""
    never = set(draft.switched_off)
    for key in draft.order:
        task, needed, path = draft.tasks[key], draft.edges[key], draft.paths[key]
        if key in never:
            text = "A condition of this task is always false, so it is always skipped."
            yield warning(at(path, "conditions"), "never_runs", text)
        elif not sequence(task.get("dependencies")) and task.get("join") is not None:
            text = "A join says nothing where there are no dependencies: the task runs at once."
            yield warning(at(path, "join"), "join_without_dependencies", text)
        elif is_never_met(task, needed, never):
            never.add(key)
            yield _unmet(task, needed, never, path)


def is_never_met(task: Mapping[str, Any], needed: list[str], never: Collection[str]) -> bool:
    """Whether its join cannot be met, since these tasks never complete."""
    match task.get("join", "any_succeeded"):
        case "all_succeeded":
            return any(name in never for name in needed)
        case "any_succeeded" | "first_succeeded":
            return bool(needed) and all(name in never for name in needed)
    return False


def _unmet(task: Mapping[str, Any], needed: list[str], never: set[str], path: str) -> Issue:
    culprits = ", ".join(f"'{name}'" for name in needed if name in never)
    text = (
        f"The join {task.get('join', 'any_succeeded')} can never be met, for {culprits} will never run. "
        "Change the condition there, or join all_settled here."
    )
    return Issue(at(path, "join"), "join_never_met", text)
