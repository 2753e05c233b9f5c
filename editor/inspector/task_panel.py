"""What the inspector shows of one task of a draft."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from editor.inspector.controls import Control, Row, control, every, place, told, within
from editor.inspector.parameters import Suggestions, parameters_of
from editor.operations.graph import dependencies_of, tasks_of
from editor.steps import as_map, as_typed, choices_before
from orchestrator import actions
from orchestrator.definition import Issue, language
from orchestrator.definition.fields import Field
from orchestrator.definition.issues import at
from orchestrator.web.forms import as_json

MOST_OFFERED: Final = 500  # steps to run after, in one list
FAILURES: Final = (("fail", "Fail"), ("skip", "Skip"), ("rollback", "Roll back"), ("manual", "Ask"))

_FIELDS: Final = {field.name: field for field in language.TASK_FIELDS}
_CACHE: Final = {field.name: field for field in language.CACHE_FIELDS}
_RESOURCES: Final = {field.name: field for field in language.RESOURCE_FIELDS}
_SECONDS: Final = "s"
_JOINS: Final = {
    "any_succeeded": "none before it failed and one completed",
    "all_succeeded": "all before it completed",
    "all_settled": "all before it ended, however",
    "first_succeeded": "the first before it completed",
}
_MODES: Final = {
    "sequential": "one at a time",
    "parallel": "beside others",
    "conditional": "if its conditions hold",
}


@dataclass(frozen=True, slots=True)
class TaskPanel:
    """`controls` by the path of their field, joined by dots; the lists hold those whose number differs by action."""

    key: str
    name: str
    label: str
    icon: str
    summary: str
    controls: Mapping[str, Control]
    parameters: Sequence[Control]
    advanced: Sequence[Control]
    undoing: Sequence[Control]
    after: Sequence[tuple[str, str, bool]]
    offered: Sequence[tuple[str, str]]
    more_offered: int
    uses_agent: bool
    failure: Mapping[str, str]
    checkpoints: Sequence[str]
    problems: Sequence[tuple[Issue, Control | None]]

    @property
    def advanced_is_set(self) -> bool:
        return any(one.value or one.members or one.cards or one.problems for one in self.advanced)

    @property
    def failures(self) -> tuple[tuple[str, str], ...]:
        return FAILURES


def task_panel(
    draft: Mapping[str, Any], key: str, issues: Sequence[Issue], suggestions: Suggestions
) -> TaskPanel:
    """`suggestions`: names for fields whose widget is "agent", "people", "workflow" or "template"."""
    definition = dict(draft)
    task, root = tasks_of(definition)[key], at("tasks", key)
    mine = [issue for issue in issues if within(issue.path, root)]
    parameters = list(parameters_of(task, ("parameters",), root, suggestions))
    undoing = list(_undoing(task, root, suggestions))
    fixed = list(_fixed(key, task, root, suggestions))
    found = {one.path: one for one in told([*fixed, *parameters, *undoing], mine)}
    shown = [found[one.path] for one in parameters]
    action, after, before = _action(task), dependencies_of(definition, key), choices_before(draft, key)
    offered = [one for one in before if one[0] not in after]
    return TaskPanel(
        key=key,
        name=str(task.get("name") or key),
        label=action.label if action else str(task.get("action") or "No action"),
        icon=action.icon if action else "i-triangle-alert",
        summary=_summary(definition, key),
        controls={"_".join(path): one for path, one in found.items()},
        parameters=[one for one in shown if not one.advanced],
        advanced=[one for one in shown if one.advanced],
        undoing=[found[one.path] for one in undoing],
        after=[(one, _name(definition, one), one in tasks_of(definition)) for one in after],
        offered=offered[:MOST_OFFERED],
        more_offered=max(0, len(offered) - MOST_OFFERED),
        uses_agent=task.get("action") == language.AGENT_TASK or task.get("agent_id") is not None,
        failure=_failure(definition, task),
        checkpoints=_checkpoints(definition, [one for one, _ in before], task),
        problems=_located(mine, every(found.values())),
    )


def _fixed(key: str, task: Mapping[str, Any], root: str, suggestions: Suggestions) -> Iterator[Control]:
    """The fields that every task has."""

    def plain(name: str, **given: Any) -> Control:
        return control(replace(_FIELDS[name], templated=False), task.get(name), (name,), root, **given)

    yield plain("name", hint="", placeholder=key)
    yield plain("description", rows=6)
    yield _key(key, root)
    yield _choose_action(task.get("action"), ("action",), root)
    yield plain(
        "agent_id",
        label="Agent",
        expression="template",
        suggestions=tuple(suggestions.get("agent", ())),
        placeholder=language.DEFAULT_AGENT,
        hint="An agent, a pool (pool:name) or a capability (can:python).",
    )
    yield _worded(plain("execution_mode", label="Runs"), _MODES)
    yield _worded(plain("join", label="Runs when"), _JOINS)
    yield Control(("dependencies",), at(root, "dependencies"), "Runs after", "after")
    yield _conditions(task.get("conditions"), root)
    yield from _limits(task, root, plain)


def _limits(task: Mapping[str, Any], root: str, plain: Any) -> Iterator[Control]:
    yield Control(
        ("on_failure",), at(root, "on_failure"), "If it still fails", *_shown_failure(task.get("on_failure"))
    )
    yield plain("timeout_seconds", label="Time limit", unit=_SECONDS, hint="Of one attempt.")
    yield plain("retry_count", label="Retries", hint="")
    yield plain("retry_delay", label="First delay", unit=_SECONDS, hint="")
    yield plain("retry_backoff", label="Each longer by", unit="×", hint="")
    yield plain("retry_max_delay", label="Longest delay", unit=_SECONDS, hint="")
    yield plain("for_each", label="For each")
    yield _checkpoint(task.get("checkpoint"), root)
    yield plain("output_schema", expression="")
    for name, field in _CACHE.items():
        given: dict[str, Any] = {"expression": "template"} if name == "key" else {"unit": _SECONDS}
        label = "Tells outputs apart" if name == "key" else "Reuse its output for"
        yield _part(task, "cache", field, root, label=label, required=False, **given)
    yield _part(task, "resources", _RESOURCES["cpu"], root, label="CPU", unit="cores", hint="")
    yield _part(task, "resources", _RESOURCES["memory_mb"], root, label="Memory", unit="MB", hint="")


def _part(task: Mapping[str, Any], of: str, field: Field, root: str, **given: Any) -> Control:
    """A field of a map among the fields of a task."""
    plain = replace(field, templated=False)
    return control(plain, as_map(task.get(of)).get(field.name), (of, field.name), root, **given)


def _key(key: str, root: str) -> Control:
    return Control(("key",), at(root, "id"), "Key", "name", key, op="rename", required=True)


def _choose_action(current: Any, path: tuple[str, ...], root: str, *, op: str = "action") -> Control:
    choices = [(action.name, action.label) for action in actions.all_actions()]
    text = current if isinstance(current, str) else ""
    if text and text not in dict(choices):
        choices.insert(0, (text, f"{text} (not known here)"))
    if not text or op == "compensation":
        choices.insert(0, ("", "Nothing" if op == "compensation" else "Choose an action"))
    label = "Undo it by" if op == "compensation" else "Action"
    known = actions.get(text).summary if text in actions.ACTIONS else ""
    return Control(path, place(root, path), label, "choice", text, known, tuple(choices), op=op)


def _worded(made: Control, words: Mapping[str, str]) -> Control:
    """Choices with what they mean instead of how they are written; the first is what holds when nothing is set."""
    usual = f"{next(iter(words.values()))} (when not set)"
    choices = tuple((value, words.get(value, said) if value else usual) for value, said in made.choices)
    return replace(made, choices=choices)


def _conditions(value: Any, root: str) -> Control:
    """One expression a row; what is no list of such is JSON."""
    where, label = at(root, "conditions"), "Only if"
    rows = [_row(one) for one in value] if isinstance(value, list) else None
    if value is not None and (rows is None or None in rows):
        return Control(("conditions",), where, label, "json", as_json(value), json="list", rows=3)
    said = "All must hold, or the step is skipped."
    members = tuple(row for row in rows or () if row)
    return Control(
        ("conditions",), where, label, "items", hint=said, members=members, expression="expression"
    )


def _row(condition: Any) -> Row | None:
    if isinstance(condition, str):
        return Row(condition)
    if isinstance(condition, dict) and isinstance(condition.get("expression"), str):
        return Row(condition["expression"], around=json.dumps(condition))
    return None


def _checkpoint(value: Any, root: str) -> Control:
    said = "Once it completes a run can be rolled back to here."
    where, label = at(root, "checkpoint"), "Checkpoint"
    if value is not None and not isinstance(value, bool | str):
        return Control(("checkpoint",), where, label, "json", as_json(value), said)
    text = value if isinstance(value, str) else "true" if value else ""
    return Control(("checkpoint",), where, label, "checkpoint", text, said)


def _shown_failure(value: Any) -> tuple[str, str]:
    odd = value is not None and not (isinstance(value, str) or isinstance(as_map(value).get("action"), str))
    return ("json", as_json(value)) if odd else ("failure", "")


def _failure(draft: Mapping[str, Any], task: Mapping[str, Any]) -> dict[str, str]:
    """What holds after the last retry; `inherited` where that is what the workflow says."""
    own = task.get("on_failure")
    given = own if own is not None else as_map(draft.get("settings")).get("on_failure")
    parts = given if isinstance(given, dict) else {"action": given or "fail"}
    words = {name: str(parts.get(name) or "") for name in ("action", "checkpoint", "then")}
    return {**words, "inherited": "" if own is not None else "yes"}


def _checkpoints(draft: dict[str, Any], before: Iterable[str], task: Mapping[str, Any]) -> list[str]:
    """The named checkpoints that can have been recorded before this task, and the one that is set."""
    tasks = tasks_of(draft)
    marks = [(name, as_map(tasks[name]).get("checkpoint")) for name in before]
    names = [name if mark is True else mark for name, mark in marks if mark is True or isinstance(mark, str)]
    chosen = as_map(task.get("on_failure")).get("checkpoint")
    return list(dict.fromkeys([*([chosen] if isinstance(chosen, str) else []), *names]))


def _undoing(task: Mapping[str, Any], root: str, suggestions: Suggestions) -> Iterator[Control]:
    """What undoes the task: an action like any other, with parameters of its own."""
    given = task.get("compensation")
    if given is not None and not isinstance(given, dict):
        yield Control(
            ("compensation",),
            at(root, "compensation"),
            "Undo it by",
            "json",
            as_typed(given) or "",
            json="map",
            rows=3,
        )
        return
    path = ("compensation",)
    yield _choose_action(as_map(given).get("action"), (*path, "action"), root, op="compensation")
    if given:
        field = replace(language.COMPENSATION_FIELDS[1], label="Agent")
        agents = tuple(suggestions.get("agent", ()))
        yield control(
            field, given.get("agent_id"), (*path, "agent_id"), root, expression="template", suggestions=agents
        )
        yield from parameters_of(given, (*path, "parameters"), root, suggestions)


# Words


def _action(task: Mapping[str, Any]) -> actions.Action | None:
    name = task.get("action")
    return actions.get(name) if isinstance(name, str) and name in actions.ACTIONS else None


def _name(draft: dict[str, Any], key: str) -> str:
    return str(as_map(tasks_of(draft).get(key)).get("name") or key)


def _summary(draft: dict[str, Any], key: str) -> str:
    before = dependencies_of(draft, key)
    if not before:
        return "Starts the run."
    return (
        f"Runs after {_name(draft, before[0])}." if len(before) == 1 else f"Runs after {len(before)} steps."
    )


def _located(issues: Iterable[Issue], controls: Iterable[Control]) -> list[tuple[Issue, Control | None]]:
    """Each finding with the control it stands beside."""
    listed = list(controls)
    return [(issue, next((one for one in listed if issue in one.problems), None)) for issue in issues]
