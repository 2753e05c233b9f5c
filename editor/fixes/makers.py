"""For each code that can be mended without a decision, the ways to mend it, the best first. What they come to is tried
before it is offered, so that a maker need not think of everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from editor.fixes.places import Case, Operation, Place, standing_at
from editor.fixes.spelling import Change, member_changed, references_in, respelled, text_changed
from editor.operations.documents import ABSENT
from orchestrator.definition import language
from orchestrator.definition.names import is_key, nearest
from orchestrator.definition.rules.reachability import SETTLED

Way = tuple[str, list[Operation]]  # its label, and what it does
Maker = Callable[[Case], Iterator[Way]]

_UNTITLED: Final = "Untitled workflow"
_REMOVE: Final = "Remove the connection"


# Dependencies


def _unknown_dependency(case: Case) -> Iterator[Way]:
    name, hint = case.value, case.issue.hint
    if not isinstance(name, str):
        return
    if hint:
        yield f"Change to {hint}", [case.disconnect(name), case.connect(hint)]
    yield _REMOVE, [case.disconnect(name)]


def _self_dependency(case: Case) -> Iterator[Way]:
    yield _REMOVE, [case.disconnect(case.key)]


def _named_twice(case: Case) -> Iterator[Way]:
    if case.below[:1] == ("dependencies",) and isinstance(case.value, str):
        yield "Name it once", [case.disconnect(case.value), case.connect(case.value)]


def _not_upstream(case: Case) -> Iterator[Way]:
    """Of all that this text names, for which of them was meant the finding does not say."""
    named = dict.fromkeys(_tasks_named(case.value))
    known = [name for name in named if name in case.scene.tasks and name != case.key]
    missing = [name for name in known if not case.is_upstream(name)]
    if missing:
        yield f"Run it after {' and '.join(missing)}", [case.connect(name) for name in missing]


# Names in expressions


def _unknown_task(case: Case) -> Iterator[Way]:
    hint = case.issue.hint
    if isinstance(case.value, dict) and case.value.get("type") == "dependency":
        changed: Any = {**case.value, "task": hint}
    else:
        wrong = [name for name in _tasks_named(case.value) if name not in case.scene.tasks]
        meant = {name: hint for name in wrong if hint and nearest(name, case.scene.tasks) == hint}
        changed = _respelled(case.value, member_changed("tasks", meant))
    if hint and changed != case.value:
        operations = [case.put(case.below, changed)]
        yield f"Change to {hint}", operations
        yield f"Change to {hint} and run after it", [*operations, case.connect(hint)]


def _undeclared(case: Case) -> Iterator[Way]:
    names = [one.path[0] for one in _references(case.value) if one.root == "params" and one.path]
    declared = case.scene.definition.get("parameters")
    wrong = sorted({name for name in names if not isinstance(declared, dict) or name not in declared})
    hint = case.issue.hint
    if hint and isinstance(declared, dict):
        meant = {name: hint for name in wrong if nearest(name, declared) == hint}
        yield (
            f"Change to {hint}",
            [case.put(case.below, _respelled(case.value, member_changed("params", meant)))],
        )
    if wrong and all(map(is_key, wrong)):
        said = ", ".join(wrong)
        operations = [
            {"op": "set", "field": ["parameters", name], "value": {"type": "any"}} for name in wrong
        ]
        yield f"Declare {said}", operations


def _unknown_member(case: Case) -> Iterator[Way]:
    hint = case.issue.hint
    roots = (("tasks", 2, language.TASK_MEMBERS), ("workflow", 1, language.WORKFLOW_MEMBERS))
    for root, depth, known in roots:
        paths = [one.path for one in _references(case.value) if one.root == root and len(one.path) >= depth]
        wrong = {path[depth - 1] for path in paths} - set(known)
        meant = {name: hint for name in wrong if hint and hint == _member_meant(name, known)}
        changed = _respelled(case.value, member_changed(root, meant, depth))
        if meant and changed != case.value:
            yield f"Change to {hint}", [case.put(case.below, changed)]


def _member_meant(name: str, known: tuple[str, ...]) -> str:
    """Older definitions call a task's output its result."""
    return "output" if name == "result" and "output" in known else nearest(name[:100], known)


def _no_such_status(case: Case) -> Iterator[Way]:
    hint = case.issue.hint
    if isinstance(case.value, dict):
        changed: Any = {**case.value, "status": hint}
    else:
        changed = _respelled(
            case.value, text_changed(lambda word: hint if _status_meant(word) == hint else "")
        )
    if hint:
        yield f"Change to {hint}", [case.put(case.below, changed)]


def _status_meant(word: str) -> str:
    return "" if word in SETTLED or len(word) > 100 else nearest(word, SETTLED)


def _references(value: Any) -> Sequence[Any]:
    found = references_in(value) if isinstance(value, str) else ()
    return sorted(found, key=lambda one: one.position)


def _tasks_named(value: Any) -> list[str]:
    if isinstance(value, dict) and isinstance(value.get("expression"), str):
        value = value["expression"]
    return [one.path[0] for one in _references(value) if one.root == "tasks" and one.path]


def _respelled(value: Any, change: Change) -> Any:
    """A text, or a condition that holds it."""
    if isinstance(value, dict) and isinstance(value.get("expression"), str):
        return {**value, "expression": respelled(value["expression"], change)}
    return respelled(value, change) if isinstance(value, str) else value


# Fields and their values


def _misspelt(case: Case) -> Iterator[Way]:
    """A field or a parameter that is called otherwise. Of the whole there are only such as are known."""
    hint, value = case.issue.hint, case.value
    right: Place = (*case.below[:-1], hint)
    if not hint or value is ABSENT or not (case.key or len(case.place) > 1):
        return
    if standing_at(case.root, right) in (ABSENT, None):
        yield f"Change to {hint}", [case.take(case.below), *_given(case, right, value)]


def _given(case: Case, place: Place, value: Any) -> list[Operation]:
    """Some fields have operations of their own."""
    match place if case.key else ():
        case ("dependencies",):
            names = value if isinstance(value, list) else [value]
            return [case.connect(name) for name in names]
        case ("action",):
            return [_action(case, value)]
        case ("position",):
            return [{"op": "move", "positions": {case.key: value}}]
    return [case.put(place, value)]


def _nearest_choice(case: Case) -> Iterator[Way]:
    if case.issue.hint and case.value is not ABSENT:
        yield f"Change to {case.issue.hint}", [case.put(case.below, case.issue.hint)]


def _nearest_action(case: Case) -> Iterator[Way]:
    if not case.issue.hint:
        return
    if case.below == ("action",):
        yield f"Change to {case.issue.hint}", [_action(case, case.issue.hint)]
    elif case.below == ("compensation", "action"):
        yield from _nearest_choice(case)


def _required(case: Case) -> Iterator[Way]:
    if case.place == ("name",):
        title = (
            str(case.scene.definition.get("id") or "")
            .replace("_", " ")
            .replace("-", " ")
            .strip()
            .capitalize()
        )
        yield f"Call it {title or _UNTITLED}", [case.put(case.place, title or _UNTITLED)]
    elif case.below == ("action",) and case.key:
        yield "Make it an agent task", [_action(case, language.AGENT_TASK)]


def _action(case: Case, action: Any) -> Operation:
    """The parameters stay: they were meant for it."""
    given = case.root.get("parameters")
    kept = {"parameters": given} if isinstance(given, dict) and given else {}
    return {"op": "action", "key": case.key, "action": action, **kept}


# The whole


def _first_step(_case: Case) -> Iterator[Way]:
    task = {"name": "First step", "action": language.AGENT_TASK}
    yield "Add a first step", [{"op": "add", "key": "first_step", "task": task}]


def _sets(label: str, place: Place, value: Any) -> Maker:
    def make(case: Case) -> Iterator[Way]:
        if case.key:
            yield label, [case.put(place, value)]

    return make


def _no_join(case: Case) -> Iterator[Way]:
    yield "Remove the join", [case.take(("join",))]


_WAIT_FOR_ALL: Final = _sets("Wait for all, whatever they did", ("join",), "all_settled")

# These are right by themselves, as long as they can be done.
CERTAIN: Final = frozenset(
    {
        *(
            "branches_exclude",
            "duplicate",
            "failure_never_seen",
            "join_never_met",
            "join_without_dependencies",
        ),
        *("no_condition", "no_deadline", "self_dependency", "unknown_dependency", "unreachable"),
    }
)
MAKERS: Final[dict[str, Maker]] = {
    "branches_exclude": _sets("Go on after either", ("join",), "any_succeeded"),
    "duplicate": _named_twice,
    "failure_never_seen": _WAIT_FOR_ALL,
    "join_never_met": _WAIT_FOR_ALL,
    "join_without_dependencies": _no_join,
    "no_condition": _sets("Make it sequential", ("execution_mode",), "sequential"),
    "no_deadline": _sets("Give it 24 hours", ("parameters", "timeout_seconds"), language.DAY),
    "no_tasks": _first_step,
    "not_in_enum": _nearest_choice,
    "not_upstream": _not_upstream,
    "required": _required,
    "self_dependency": _self_dependency,
    "status_never": _no_such_status,
    "undeclared_parameter": _undeclared,
    "unknown_action": _nearest_action,
    "unknown_dependency": _unknown_dependency,
    "unknown_field": _misspelt,
    "unknown_member": _unknown_member,
    "unknown_parameter": _misspelt,
    "unknown_task": _unknown_task,
    "unknown_type": _nearest_choice,
    "unreachable": _WAIT_FOR_ALL,
}
