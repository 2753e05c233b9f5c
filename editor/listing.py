"""A draft as an ordered list of steps, for people and screen readers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from editor.drafts import DisputeError
from editor.fixes import Fix, fixed
from editor.operations.documents import ABSENT
from editor.operations.graph import dependencies_of, order_of_work, tasks_of
from orchestrator import actions
from orchestrator.definition import Issue

_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Listed:
    """One step: its place in the order of work, what it runs after by name, and what is wrong with it."""

    key: str
    number: int
    name: str
    action: str
    kind: str
    icon: str
    agent: str
    after: tuple[str, ...]
    mode: str
    problems: tuple[Issue, ...]
    open: bool


def steps(draft: Mapping[str, Any], issues: Sequence[Issue], open_key: str) -> list[Listed]:
    """Every task after those it waits for; in definition order where they wait for each other."""
    definition = dict(draft)
    tasks = tasks_of(definition)
    found = _by_task(tasks, issues)
    return [
        _listed(definition, key, number, found.get(key, ()), key == open_key)
        for number, key in enumerate(order_of_work(definition), start=1)
    ]


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding, the key and the name of the step it is about, '' where it is about the whole, and what mends it at once:
    what the button says and the operations it posts, as text."""

    issue: Issue
    key: str
    name: str
    label: str = ""
    operations: str = ""


def problems(draft: Mapping[str, Any], issues: Iterable[Issue]) -> tuple[list[Problem], list[Problem]]:
    """What keeps the draft from being published, and what is advice."""
    definition = dict(draft)
    found = [_problem(definition, issue, fix) for issue, fix in fixed(definition, issues, actions.schemas())]
    errors = [one for one in found if one.issue.severity == "error"]
    return errors, [one for one in found if one.issue.severity != "error"]


def _problem(definition: dict[str, Any], issue: Issue, fix: Fix | None) -> Problem:
    key = _step_of(definition, issue)
    mend = (fix.label, json.dumps(list(fix.ops))) if fix else ("", "")
    return Problem(issue, key, _name_of(definition, key) if key else "", *mend)


def operation(draft: Mapping[str, Any], verb: str, key: str) -> dict[str, Any] | None:
    """What a button beside a step asks for; None where there is nothing to do."""
    if verb in ("remove", "remove_joined"):
        return {"op": verb, "key": key}
    keys = list(tasks_of(dict(draft)))
    if verb not in ("up", "down") or key not in keys:
        return None
    place = keys.index(key)
    if verb == "up":
        return {"op": "order", "key": key, "before": keys[place - 1]} if place else None
    behind = keys[place + 2 : place + 3]
    return {"op": "order", "key": key, **({"before": behind[0]} if behind else {})}


def told(error: DisputeError) -> list[dict[str, str]]:
    """Both sides of each dispute in words."""
    return [
        {"place": ".".join(one.path), "by": one.by, "mine": shown(one.mine), "theirs": shown(one.theirs)}
        for one in error.disputes
    ]


def shown(value: Any) -> str:
    """A value in a line, cut where it is long."""
    if value is ABSENT:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _by_task(tasks: Iterable[str], issues: Iterable[Issue]) -> dict[str, list[Issue]]:
    found: dict[str, list[Issue]] = {key: [] for key in tasks}
    for issue in issues:
        if key := _step_of({"tasks": found}, issue):
            found[key].append(issue)
    return found


def _step_of(definition: dict[str, Any], issue: Issue) -> str:
    parts = issue.path.split(".", 2)
    is_there = len(parts) > 1 and parts[0] == "tasks" and parts[1] in tasks_of(definition)
    return parts[1] if is_there else ""


def _listed(
    definition: dict[str, Any], key: str, number: int, problems: Sequence[Issue], is_open: bool
) -> Listed:
    task = tasks_of(definition)[key]
    task = task if isinstance(task, dict) else {}
    known = actions.ACTIONS.get(str(task.get("action")))
    action = actions.get(str(task.get("action"))) if known else None
    return Listed(
        key=key,
        number=number,
        name=str(task.get("name") or key),
        action=action.label if action else str(task.get("action") or "no action"),
        kind=action.kind if action else "work",
        icon=action.icon if action else "i-triangle-alert",
        agent=str(task.get("agent_id") or "system") if task.get("action") == "agent_task" else "",
        after=tuple(_name_of(definition, one) for one in dependencies_of(definition, key)),
        mode=str(task.get("execution_mode") or "sequential"),
        problems=tuple(problems),
        open=is_open,
    )


def _name_of(definition: dict[str, Any], key: str) -> str:
    task = tasks_of(definition).get(key)
    return str(task.get("name") or key) if isinstance(task, dict) else key
