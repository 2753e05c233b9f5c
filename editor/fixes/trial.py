"""Ways to mend a finding tried out: what cannot be done, changes nothing or brings an error is not offered."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from editor.fixes.makers import CERTAIN, MAKERS
from editor.fixes.places import Case, Operation, Scene, place_of
from editor.operations import OperationError, carry_out
from editor.operations.graph import tasks_of
from orchestrator.definition import CURRENT, Issue, check
from orchestrator.definition.fields import ParameterSchema

MOST_FIXES: Final = (
    100  # of the errors of a draft, and of its warnings: the others are offered once some are done
)
_WORD: Final = re.compile(r"[A-Za-z][\w-]*")
_AROUND: Final = ("id", "name", "version", "parameters", "settings")
_ANY: Final = {"action": "agent_task"}
Actions = Mapping[str, ParameterSchema]


@dataclass(frozen=True, slots=True)
class Fix:
    """One link: what it says, and the operations that it posts."""

    label: str
    ops: tuple[Operation, ...]

    def as_json(self) -> dict[str, Any]:
        return {"label": self.label, "ops": list(self.ops)}


def with_fixes(definition: Any, issues: Iterable[Issue], actions: Actions) -> list[dict[str, Any]]:
    """The findings as JSON; those that can be mended at once have a `fix` with its label and operations."""
    return [
        issue.as_dict() | ({"fix": fix.as_json()} if fix else {})
        for issue, fix in fixed(definition, issues, actions)
    ]


def fixed(definition: Any, issues: Iterable[Issue], actions: Actions) -> Iterator[tuple[Issue, Fix | None]]:
    """Each finding with the best way to mend it at once, None where there is none."""
    # A draft of an older schema is not what was looked at, but what it was migrated to.
    current = isinstance(definition, dict) and definition.get("version", CURRENT) == CURRENT
    scene, offered = Scene(definition, actions) if current else None, Counter[str]()
    for issue in issues:
        fix = _best(scene, issue) if scene and offered[issue.severity] < MOST_FIXES else None
        offered[issue.severity] += fix is not None
        yield issue, fix


def fix_of(definition: Any, issue: Issue, actions: Actions) -> Fix | None:
    """The best way to mend this one. `actions` are the parameter schemas that there are."""
    return next(fixed(definition, [issue], actions))[1]


def _best(scene: Scene, issue: Issue) -> Fix | None:
    make, place = MAKERS.get(issue.code), place_of(issue.path)
    if make is None or place is None:
        return None
    case = Case(scene, issue, place)
    return next((Fix(label, tuple(ops)) for label, ops in make(case) if _mends(case, ops)), None)


def _mends(case: Case, operations: list[Operation]) -> bool:
    before = case.scene.definition
    try:
        after = carry_out(before, operations)
    except OperationError:
        return False
    if case.issue.code in CERTAIN:
        return True
    more = [operation["from"] for operation in operations if operation["op"] == "connect"]
    return after != before and _is_better(case, _looked_at(case, before), _looked_at(case, after, more))


def _is_better(case: Case, before: Sequence[Issue], after: Sequence[Issue]) -> bool:
    """The finding is gone, or there is one less of its kind in its place; and there is no other error."""
    own = (case.issue.code, case.issue.path)
    were, are = Counter(map(_mark, before)), Counter(map(_mark, after))
    errors = Counter(_mark(one) for one in after if one.severity == "error")
    return are[own] < max(were[own], 1) and not errors - were


def _mark(issue: Issue) -> tuple[str, str]:
    return issue.code, issue.path


def _looked_at(case: Case, definition: dict[str, Any], more: Sequence[str] = ()) -> Sequence[Issue]:
    """What is wrong with the task by itself, or with all that is no task: to check the whole once more for each way would
    take as long as checking it a hundred times."""
    task = tasks_of(definition).get(case.key)
    if not isinstance(task, dict):
        part = {**definition, "tasks": {"any": _ANY}} if len(tasks_of(definition)) > 1 else definition
    else:
        rest: dict[str, Any] = {name: definition[name] for name in _AROUND if name in definition}
        words = dict.fromkeys(_WORD.findall(json.dumps(task)))
        named = [one for one in words if one in case.scene.tasks and case.is_upstream(one, more)]
        part = {
            **rest,
            "tasks": {**dict.fromkeys(named, _ANY), case.key: {**task, "dependencies": named}},
        }
    return check(part, actions=case.scene.actions).issues
