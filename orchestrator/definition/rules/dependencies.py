"""Dependencies: they name other tasks, each once, and no task waits for itself by a detour."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.definition.graph import cycles
from orchestrator.definition.issues import Issue, at, show
from orchestrator.definition.names import did_you_mean
from orchestrator.definition.rules.draft import Draft, sequence

_SHOWN_OF_A_LOOP = 12


def check_dependencies(draft: Draft) -> Iterator[Issue]:
    """Each dependency names another task that exists, once."""
    keys_by_id = {task["id"]: key for key, task in draft.tasks.items() if isinstance(task.get("id"), str)}
    for key, task in draft.tasks.items():
        seen: set[str] = set()
        for index, name in enumerate(sequence(task.get("dependencies"))):
            if not isinstance(name, str):
                continue
            path = at(at(draft.paths[key], "dependencies"), index)
            if name == key:
                text = "A task cannot depend on itself; remove this dependency."
                yield Issue(path, "self_dependency", text)
            elif name in seen:
                yield Issue(path, "duplicate", f"{show(name)} is named twice; remove one of them.")
            elif name not in draft.tasks:
                yield _unknown(draft, name, path, keys_by_id)
            seen.add(name)


def check_loops(draft: Draft) -> Iterator[Issue]:
    """No tasks wait for each other in a loop; one is named for each tangle."""
    for loop in cycles(draft.edges, draft.components):
        dependencies = sequence(draft.tasks[loop[0]].get("dependencies"))
        path = at(at(draft.paths[loop[0]], "dependencies"), dependencies.index(loop[1]))
        text = f"These tasks wait for each other for ever: {_drawn(loop)}. Remove one of these dependencies."
        yield Issue(path, "cycle", text)


def _unknown(draft: Draft, name: str, path: str, keys_by_id: dict[str, str]) -> Issue:
    hint = keys_by_id.get(name) or draft.task_names.nearest(name)
    text = f"There is no task {show(name)}.{did_you_mean(hint)}"
    return Issue(path, "unknown_dependency", text, hint=hint)


def _drawn(loop: list[str]) -> str:
    if len(loop) > _SHOWN_OF_A_LOOP:
        loop = [*loop[: _SHOWN_OF_A_LOOP - 2], f"… ({len(loop) - _SHOWN_OF_A_LOOP + 1} more)", loop[-1]]
    return " -> ".join(loop)
