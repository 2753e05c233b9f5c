"""Approvals that may wait for ever, or that nobody can decide, as far as the definition tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from orchestrator.definition import language
from orchestrator.definition.fields import holds_template
from orchestrator.definition.issues import Issue, at, show, warning
from orchestrator.definition.normal import approver_names, levels_of_gate
from orchestrator.definition.rules.draft import Draft, mapping, sequence

_GROUP: Final = "group:"
# How other fields name who is no person: no name of a user has a colon.
_NO_PERSON: Final = ("pool:", "can:", "user:", "agent:", "role:")


def check_approvals(draft: Draft) -> Iterator[Issue]:
    """Each approval ends some day, and there is somebody who can decide it."""
    ends = mapping(draft.data.get("settings")).get("timeout_seconds") is not None
    for key, task in draft.tasks.items():
        if task.get("action") != language.APPROVAL_GATE:
            continue
        given, path = mapping(task.get("parameters")), at(draft.paths[key], "parameters")
        for where, level in levels_of_gate(given, path):
            if not ends and _waits_for_ever(task, given, level):
                text = "Nothing ends this approval if nobody decides: the run may wait for ever. Give it timeout_seconds."
                yield warning(at(where, "timeout_seconds"), "no_deadline", text)
            yield from _deciders(level, given, at(where, "approvers"))


def check_send_back(draft: Draft) -> Iterator[Issue]:
    """An approval is sent back to what lies before it; one of many items cannot take back what all of them follow."""
    for key, task in draft.tasks.items():
        if task.get("action") != language.APPROVAL_GATE:
            continue
        targets = sequence(mapping(task.get("parameters")).get("send_back_to"))
        path = at(at(draft.paths[key], "parameters"), "send_back_to")
        if targets and task.get("for_each") is not None:
            text = "An approval with for_each asks once for each item and cannot be sent back; put it into a task of its own."
            yield Issue(path, "cannot_send_back", text)
        for place, target in enumerate(targets):
            if isinstance(target, str) and not _lies_before(draft, target, key):
                text = (
                    f"{show(target)} is no task upstream of {show(key)}, so this cannot be sent back to it."
                )
                yield Issue(at(path, place), "not_upstream", text)


def _lies_before(draft: Draft, target: str, key: str) -> bool:
    return target in draft.tasks and draft.ancestry.is_upstream(target, key)


def _waits_for_ever(task: Mapping[str, Any], given: Mapping[str, Any], level: Mapping[str, Any]) -> bool:
    # As the plan has it: null among the parameters takes the task's own timeout away.
    usual = given.get("timeout_seconds", task.get("timeout_seconds"))
    return level.get("timeout_seconds", usual) is None


def _deciders(level: Mapping[str, Any], given: Mapping[str, Any], path: str) -> Iterator[Issue]:
    names = approver_names(level.get("approvers"))
    if not names or any(holds_template(name) for name in names):
        return
    if all(name.startswith(_NO_PERSON) for name in names):
        text = f"Nobody can decide this: {show(names[0])} is no person. Name a user as they sign in, or group:name."
        yield warning(path, "no_person", text)
    elif len(names) == 1 and not names[0].startswith(_GROUP) and given.get("allow_requester") is not True:
        text = (
            f"If {show(names[0])} starts the run, nobody may decide this: name another approver or a group, or set "
            "allow_requester."
        )
        yield warning(path, "sole_approver", text)
