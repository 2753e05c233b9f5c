"""What each task does: its action is known, and is given what that action understands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.definition import language
from orchestrator.definition.issues import Issue, at, show
from orchestrator.definition.names import did_you_mean, nearest
from orchestrator.definition.rules.draft import Draft, mapping


def check_actions(draft: Draft) -> Iterator[Issue]:
    """The action of every task, and its parameters."""
    for key, task in draft.tasks.items():
        yield from _action(draft, task, draft.paths[key])
        if isinstance(task.get("compensation"), dict):
            yield from _action(draft, task["compensation"], at(draft.paths[key], "compensation"))


def check_triggers(draft: Draft) -> Iterator[Issue]:
    """A workflow does not start itself: each run would start another, until the depth cap ends them all."""
    for key, task in draft.tasks.items():
        if task.get("action") != language.WORKFLOW_TRIGGER:
            continue
        target = mapping(task.get("parameters")).get("workflow_id")
        if target is not None and target == draft.data.get("id"):
            path = at(at(draft.paths[key], "parameters"), "workflow_id")
            text = "This workflow would start itself, without end; name another."
            yield Issue(path, "self_trigger", text)


def check_compensations(draft: Draft) -> Iterator[Issue]:
    """What undoes a task runs at once and alone: it cannot ask people, decide, or start workflows."""
    for key, task in draft.tasks.items():
        action = mapping(task.get("compensation")).get("action")
        if action in (language.APPROVAL_GATE, language.CONDITION_CHECK, language.WORKFLOW_TRIGGER):
            path = at(at(draft.paths[key], "compensation"), "action")
            yield Issue(
                path, "cannot_compensate", f"{action} cannot undo a task; use an action that does work."
            )


def _action(draft: Draft, task: Mapping[str, Any], path: str) -> Iterator[Issue]:
    action = task.get("action")
    if not isinstance(action, str):
        return
    schema = draft.actions.get(action)
    if schema is None:
        yield _unknown(draft, action, at(path, "action"))
    elif isinstance(task.get("parameters", {}), dict):
        yield from schema.check(task.get("parameters", {}), at(path, "parameters"))


def _unknown(draft: Draft, action: str, path: str) -> Issue:
    offered = [name for name, schema in draft.actions.items() if not schema.internal]
    hint = nearest(action, offered) if len(action) <= 100 else ""
    advice = did_you_mean(hint) or f" There are {', '.join(offered)}."
    return Issue(path, "unknown_action", f"There is no action {show(action)}.{advice}", hint=hint)
