"""The shape of a definition: its fields, their types and ranges, names that may be shown, keys that may be keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from orchestrator.definition import language
from orchestrator.definition.fields import Field, has_type, holds_template, is_among
from orchestrator.definition.issues import ROOT, Issue, at, show, warning
from orchestrator.definition.names import KEY_RULE, RESERVED_KEYS, did_you_mean, is_key, nearest, text_fault
from orchestrator.definition.rules.draft import Draft, mapping, sequence

_SpecialRule = Callable[[Any, str], Iterable[Issue]]
_Table = dict[str, Field]


def check_top(draft: Draft) -> Iterator[Issue]:
    """The fields of the definition itself."""
    yield from _fields(draft.data, ROOT, _TOP)
    name = draft.data.get("name")
    if isinstance(name, str) and not name.strip():
        yield Issue("name", "required", "The name is empty; say what people shall call this workflow.")
    yield from _specials(draft.data, ROOT, _TOP_RULES)


def check_parameters(draft: Draft) -> Iterator[Issue]:
    """The inputs a workflow declares."""
    if len(draft.parameters) > language.MAX_PARAMETERS:
        text = (
            f"A workflow has at most {language.MAX_PARAMETERS} parameters; these are {len(draft.parameters)}."
        )
        yield Issue("parameters", "too_many_parameters", text)
        return
    for name, spec in draft.parameters.items():
        path = at("parameters", name)
        yield from _key(name, path, "parameter")
        if isinstance(spec, dict):
            yield from _fields(spec, path, _PARAMETER)
            yield from _specials(spec, path, _TEXT_RULES)
            yield from _parameter_values(spec, path)
        else:
            yield Issue(
                path,
                "wrong_type",
                f"A parameter is declared as a map like {{type: string}}; this is {show(spec)}.",
            )


def check_settings(draft: Draft) -> Iterator[Issue]:
    """What holds for the whole workflow."""
    settings = mapping(draft.data.get("settings"))
    yield from _fields(settings, "settings", _SETTINGS)
    yield from _specials(settings, "settings", {"on_failure": _on_failure})


def check_tasks(draft: Draft) -> Iterator[Issue]:
    """Each task, field by field."""
    tasks = draft.data.get("tasks")
    if isinstance(tasks, list):
        yield Issue("tasks", "wrong_type", "tasks is a map from key to task, not a list.")
    if tasks == {}:
        yield Issue("tasks", "no_tasks", "There are no tasks; a workflow has at least one.")
    for key, task in mapping(tasks).items():
        path = at("tasks", key)
        yield from _key(key, path, "task")
        if isinstance(task, dict):
            yield from _task(task, path)
        else:
            yield Issue(path, "wrong_type", f"A task is a map; this is {show(task)}.")


def check_task_ids(draft: Draft) -> Iterator[Issue]:
    """An id that tasks share would name none of them."""
    holders: dict[str, str] = {}
    for key, task in draft.tasks.items():
        name = task.get("id")
        if not isinstance(name, str):
            continue
        if name in holders:
            text = f"The task '{holders[name]}' has the id '{name}' already; give each its own."
            yield Issue(at(draft.paths[key], "id"), "duplicate", text)
        holders.setdefault(name, key)


def _task(task: Mapping[str, Any], path: str) -> Iterator[Issue]:
    yield from _fields(task, path, _TASK)
    yield from _specials(task, path, _TASK_RULES)
    if task.get("execution_mode") == "conditional" and not task.get("conditions"):
        text = "A task in conditional mode needs at least one condition; add one, or make it sequential."
        yield Issue(at(path, "conditions"), "no_condition", text)


def _fields(value: Mapping[str, Any], path: str, table: _Table) -> Iterator[Issue]:
    """Whether the fields are known, given where they must be, of the right type and within their bounds."""
    for name, field in table.items():
        if field.required and value.get(name) is None:
            yield Issue(at(path, name), "required", f"'{name}' is missing. {field.description}")
    for name, member in value.items():
        known = table.get(name)
        if known is None:
            yield _unknown_field(name, path, table)
        elif member is not None:
            yield from known.check(member, at(path, name), resolved=True)


def _unknown_field(name: str, path: str, table: _Table) -> Issue:
    hint = nearest(name, table) if len(name) <= 100 else ""
    text = f"There is no field {show(name)} here; it is kept, and ignored.{did_you_mean(hint)}"
    return warning(at(path, name), "unknown_field", text, hint)


def _specials(value: Mapping[str, Any], path: str, rules: Mapping[str, _SpecialRule]) -> Iterator[Issue]:
    for name, rule in rules.items():
        if value.get(name) is not None:
            yield from rule(value[name], at(path, name))


def _key(key: str, path: str, what: str) -> Iterator[Issue]:
    if key in RESERVED_KEYS:
        yield Issue(path, "bad_key", f"A {what} cannot be called {show(key)}: the name is reserved.")
    elif not is_key(key):
        yield Issue(path, "bad_key", f"{show(key)} is no key for a {what}: it must be {KEY_RULE}.")


def _id(value: Any, path: str) -> Iterator[Issue]:
    if isinstance(value, str) and not is_key(value):
        yield Issue(path, "bad_id", f"{show(value)} is no id: it must be {KEY_RULE}.")


def _name(value: Any, path: str) -> Iterator[Issue]:
    yield from _text(value, path, lines=False)
    if holds_template(value):
        yield warning(path, "not_filled", "Names are shown as they are written: {{ }} is not filled in here.")


def _description(value: Any, path: str) -> Iterator[Issue]:
    yield from _text(value, path, lines=True)


def _text(value: Any, path: str, *, lines: bool) -> Iterator[Issue]:
    # A text that is too long was reported as such; looking through it would take as long as it is.
    if isinstance(value, str) and len(value) <= language.DESCRIPTION_LENGTH:
        fault = text_fault(value, lines=lines)
        if fault:
            yield Issue(path, "bad_text", f"This text holds {fault}, which people cannot see; remove it.")


def _agent(value: Any, path: str) -> Iterator[Issue]:
    if not isinstance(value, str) or holds_template(value):
        return
    prefix, colon, name = value.partition(":")
    fault = text_fault(value)
    if fault:
        yield Issue(path, "bad_text", f"This name holds {fault}, which people cannot see; remove it.")
    elif not value.strip() or len(value) > language.NAME_LENGTH:
        yield Issue(path, "bad_agent", f"An agent's name has 1 to {language.NAME_LENGTH} characters.")
    elif colon and (prefix not in ("pool", "can", "group") or not name.strip()):
        text = f"{show(value)} names no agent: write a name, pool:name or can:capability."
        yield Issue(path, "bad_agent", text)


def _names(value: Any, path: str) -> Iterator[Issue]:
    for index, name in enumerate(sequence(value)):
        if not isinstance(name, str):
            text = f"A dependency is the key of a task; this is {show(name)}."
            yield Issue(at(path, index), "wrong_type", text)


def _conditions(value: Any, path: str) -> Iterator[Issue]:
    for index, condition in enumerate(sequence(value)):
        if not isinstance(condition, str):
            text = (
                "A condition is an expression, {type: expression, expression: …} or "
                f"{{type: dependency, task: …, status: …}}; this is {show(condition)}."
            )
            yield Issue(at(path, index), "bad_condition", text)


def _on_failure(value: Any, path: str) -> Iterator[Issue]:
    if isinstance(value, str):
        yield from _FAILURE["action"].check(value, path, resolved=True)
    elif not isinstance(value, dict):
        text = f"on_failure is one of {', '.join(language.ON_FAILURE)}, or a map with an action; this is {show(value)}."
        yield Issue(path, "wrong_type", text)
    else:
        yield from _fields(value, path, _FAILURE)
        if value.get("action") in ("fail", "skip", "manual") and value.get("checkpoint") is not None:
            yield warning(
                at(path, "checkpoint"), "no_rollback", "The checkpoint is only used with action: rollback."
            )


def _compensation(value: Any, path: str) -> Iterator[Issue]:
    if isinstance(value, dict):
        yield from _fields(value, path, _COMPENSATION)
        yield from _specials(value, path, {"agent_id": _agent})


def _map_of(table: _Table) -> _SpecialRule:
    return lambda value, path: _fields(value, path, table) if isinstance(value, dict) else ()


def _checkpoint(value: Any, path: str) -> Iterator[Issue]:
    if isinstance(value, bool):
        return
    if not isinstance(value, str):
        yield Issue(path, "wrong_type", f"checkpoint is true, false or a name; this is {show(value)}.")
    elif not is_key(value) or value.startswith("cp-"):
        text = f"{show(value)} cannot name a checkpoint: it must be {KEY_RULE}, and not begin with cp-."
        yield Issue(path, "bad_key", text)


def _parameter_values(spec: Mapping[str, Any], path: str) -> Iterator[Issue]:
    """The default and the choices of a parameter are values of its type."""
    kind = spec.get("type", "string")
    if isinstance(kind, str) and kind in language.TYPE_ALIASES:
        text = f"Write '{language.TYPE_ALIASES[kind]}' for '{kind}'."
        yield Issue(at(path, "type"), "unknown_type", text, hint=language.TYPE_ALIASES[kind])
    if kind not in language.PARAMETER_TYPES:
        return
    choices = sequence(spec.get("enum"))
    for index, choice in enumerate(choices):
        if not has_type(choice, kind):
            yield Issue(at(at(path, "enum"), index), "wrong_type", f"{show(choice)} is not of type {kind}.")
    default = spec.get("default")
    if default is None:
        return
    where = at(path, "default")
    if spec.get("secret") is True:
        text = "A secret parameter has no default: it would stand in the definition for all to read."
        yield Issue(where, "secret_default", text)
    elif not has_type(default, kind):
        yield Issue(where, "wrong_type", f"The default {show(default)} is not of type {kind}.")
    elif choices and not is_among(default, choices):
        yield Issue(where, "not_in_enum", f"The default {show(default)} is none of the values in enum.")


def _table(fields: tuple[Field, ...]) -> _Table:
    return {field.name: field for field in fields}


_TOP = _table(language.TOP_FIELDS)
_PARAMETER = _table(language.PARAMETER_FIELDS)
_SETTINGS = _table(language.SETTINGS_FIELDS)
_TASK = _table(language.TASK_FIELDS)
_FAILURE = _table(language.ON_FAILURE_FIELDS)
_COMPENSATION = _table(language.COMPENSATION_FIELDS)

_TEXT_RULES: dict[str, _SpecialRule] = {"name": _name, "description": _description}
_TOP_RULES: dict[str, _SpecialRule] = {**_TEXT_RULES, "id": _id}
_TASK_RULES: dict[str, _SpecialRule] = {
    **_TEXT_RULES,
    "id": _id,
    "agent_id": _agent,
    "dependencies": _names,
    "conditions": _conditions,
    "on_failure": _on_failure,
    "compensation": _compensation,
    "resources": _map_of(_table(language.RESOURCE_FIELDS)),
    "cache": _map_of(_table(language.CACHE_FIELDS)),
    "checkpoint": _checkpoint,
    "position": _map_of(_table(language.POSITION_FIELDS)),
}
