"""Who is asked in a definition and is not there: what only the database can tell of an approval nobody can decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from django.contrib.auth.models import Group, User

from orchestrator.definition import Issue
from orchestrator.definition.fields import holds_template
from orchestrator.definition.issues import at, show, warning
from orchestrator.definition.language import APPROVAL_GATE, NAME_LENGTH
from orchestrator.definition.normal import approver_names, levels_of_gate, normal_task
from orchestrator.definition.rules.draft import mapping
from orchestrator.permissions import OVERRIDE
from orchestrator.planning.decidable import asks_others

_GROUP = "group:"
_MOST = 500  # names that are looked up: a query does not grow with whatever somebody writes


def check_approvers(data: Any) -> list[Issue]:
    """A warning for each approver who could not decide today. They may come before the run does, so it is no error."""
    named = list(islice(_named(mapping(data)), _MOST))
    names = {name for _, name in named}
    if not names:
        return []
    faults = {**_missing_users(names), **_empty_groups(names)}
    return [
        warning(place, "no_such_approver", f"{faults[name]} Until that changes nobody decides for them.")
        for place, name in named
        if name in faults
    ]


def check_author(data: Any, author: User | None) -> list[Issue]:
    """An error for each approval that only its author could decide, who may not; only an administrator's word would help."""
    if author is None or author.has_perm(OVERRIDE):
        return []
    return [
        Issue(at(where, "approvers"), "only_author", _ONLY_AUTHOR)
        for key, task in mapping(mapping(data).get("tasks")).items()
        if mapping(task).get("action") == APPROVAL_GATE
        for where, level in _decided_by_others(normal_task(task), at(at("tasks", key), "parameters"))
        if approver_names(level.get("approvers")) == [author.get_username()]
        and not asks_others(level.get("escalation"))
    ]


_ONLY_AUTHOR = (
    "Nobody could decide this: you publish this version, and whoever does may not decide on it. Name somebody "
    "else too, or set allow_author."
)


def _decided_by_others(task: Mapping[str, Any], path: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The levels of a gate on which its author does not decide."""
    given = mapping(task.get("parameters"))
    return [] if given.get("allow_author") is True else levels_of_gate(given, path)


def _named(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where each approver stands whose name is in the definition itself."""
    for key, task in mapping(data.get("tasks")).items():
        if mapping(task).get("action") == APPROVAL_GATE:
            given, path = mapping(normal_task(task).get("parameters")), at(at("tasks", key), "parameters")
            for where, level in levels_of_gate(given, path):
                named = _one_by_one(level.get("approvers"), at(where, "approvers"))
                yield from ((place, name) for place, name in named if _is_name(name))


def _one_by_one(approvers: Any, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(approvers, list):
        yield from (
            (at(where, place), name) for place, one in enumerate(approvers) for name in approver_names([one])
        )
    else:
        yield from ((where, name) for name in approver_names(approvers))


def _is_name(name: str) -> bool:
    return len(name) <= NAME_LENGTH and not holds_template(name)


def _missing_users(names: set[str]) -> dict[str, str]:
    users = {name for name in names if not name.startswith(_GROUP)}
    found = set(User.objects.filter(username__in=users, is_active=True).values_list("username", flat=True))
    return {name: f"There is no user {show(name)} who can sign in." for name in users - found}


def _empty_groups(names: set[str]) -> dict[str, str]:
    groups = {name.removeprefix(_GROUP) for name in names if name.startswith(_GROUP)}
    if not groups:
        return {}
    active = Group.objects.filter(name__in=groups, user__is_active=True)
    found = set(active.values_list("name", flat=True))
    return {
        f"{_GROUP}{name}": f"There is nobody in the group {show(name)} who can sign in."
        for name in groups - found
    }
