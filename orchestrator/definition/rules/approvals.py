"""Approvals that may wait for ever, or that nobody can decide, as far as the definition tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from orchestrator.definition import language
from orchestrator.definition.fields import holds_template
from orchestrator.definition.issues import Issue, at, show, warning
from orchestrator.definition.normal import approver_names
from orchestrator.definition.rules.draft import Draft, mapping

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
        if not ends and _waits_for_ever(task, given):
            text = "Nothing ends this approval if nobody decides: the run may wait for ever. Give it timeout_seconds."
            yield warning(at(path, "timeout_seconds"), "no_deadline", text)
        yield from _deciders(given, at(path, "approvers"))


def _waits_for_ever(task: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    # As the plan has it: null among the parameters takes the task's own timeout away.
    return given.get("timeout_seconds", task.get("timeout_seconds")) is None


def _deciders(given: Mapping[str, Any], path: str) -> Iterator[Issue]:
    names = approver_names(given.get("approvers"))
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
