"""Fields of a task and of the whole definition, its notes and its groups, as operations change them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from editor.operations.documents import ABSENT, as_map, got, is_names, put, without
from editor.operations.errors import OperationError
from editor.operations.graph import Definition, is_number, known, tasks_of
from orchestrator.definition import language
from orchestrator.definition.issues import show
from orchestrator.definition.names import KEY_RULE, did_you_mean, is_key, nearest

# These have operations of their own, which keep what hangs together.
_OWN = {"dependencies": "connect and disconnect", "position": "move", "action": "action"}
_TOP_FIELDS = tuple(
    field.name for field in language.TOP_FIELDS if field.name not in ("tasks", "version", "id")
)
_NUMBER, _TEXT, _NAMES, _FLAG = "a number", "text", "a list of keys", "true or false"
_NOTE_FIELDS = {
    "text": _TEXT,
    "color": _TEXT,
    **dict.fromkeys(("x", "y", "width", "height"), _NUMBER),
}
_GROUP_FIELDS = {"name": _TEXT, "color": _TEXT, "tasks": _NAMES, "folded": _FLAG}
_IS: dict[str, Callable[[Any], bool]] = {
    _TEXT: lambda value: isinstance(value, str),
    _NUMBER: is_number,
    _NAMES: is_names,
    _FLAG: lambda value: isinstance(value, bool),
}
_CANVAS = ("metadata", "canvas")


def set_field(definition: Definition, field: Sequence[str], value: Any, key: str | None = None) -> Definition:
    """A field of a task, or of the whole definition where no task is named."""
    path = _place(definition, field, key)
    found: Definition = put(_with_way(definition, path), path, value)
    return found


def unset_field(definition: Definition, field: Sequence[str], key: str | None = None) -> Definition:
    """The field is as if it had never been set. Setting back what is not there changes nothing."""
    path = _place(definition, field, key)
    if got(definition, path) is ABSENT:
        return definition
    found: Definition = without(definition, path)
    return found


def replace_action(
    definition: Definition, key: str, action: str, parameters: Mapping[str, Any] | None = None
) -> Definition:
    """Another action in the same place: connections, name and settings stay, the parameters are the new action's."""
    path = ("tasks", known(definition, key))
    found = put(definition, (*path, "action"), action)
    if parameters:
        found = put(found, (*path, "parameters"), dict(parameters))
    elif got(found, (*path, "parameters")) is not ABSENT:
        found = without(found, (*path, "parameters"))
    whole: Definition = found
    return whole


def note(definition: Definition, name: str, note: Mapping[str, Any] | None) -> Definition:
    """A note on the canvas: written, changed, or with null taken away."""
    return _on_canvas(definition, "notes", name, note, _NOTE_FIELDS)


def group(definition: Definition, name: str, group: Mapping[str, Any] | None) -> Definition:
    """A named group of tasks: made, changed, or with null dissolved."""
    found = _on_canvas(definition, "groups", name, group, _GROUP_FIELDS)
    for key in group.get("tasks", ()) if group else ():
        known(definition, key)
    return found


def _on_canvas(
    definition: Definition, kind: str, name: str, value: Mapping[str, Any] | None, fields: Mapping[str, str]
) -> Definition:
    if not is_key(name):
        raise OperationError("bad_key", f"{show(name)} cannot be an id: it is {KEY_RULE}.", "metadata.canvas")
    path = (*_CANVAS, kind, name)
    if value is None:
        if got(definition, path) is ABSENT:
            raise OperationError(
                "unknown_note", f"There is none of the id {show(name)}.", f"metadata.canvas.{kind}"
            )
        gone: Definition = without(definition, path)
        return gone
    for field in value:
        _refuse_unknown(field, fields)
        if not _IS[fields[field]](value[field]):
            raise OperationError("wrong_type", f"{field} must be {fields[field]}.", ".".join((*path, field)))
    found: Definition = put(_with_way(definition, path), path, dict(value))
    return found


def _place(definition: Definition, field: Sequence[str], key: str | None) -> tuple[str, ...]:
    if not field:
        raise OperationError("missing_field", "Name the field: a list of keys, outermost first.", "field")
    if key is None:
        _refuse_unknown(field[0], _TOP_FIELDS)
        return tuple(field)
    if field[0] in _OWN:
        raise OperationError(
            "wrong_operation", f"{field[0]} is changed by {_OWN[field[0]]}.", f"tasks.{key}.{field[0]}"
        )
    return ("tasks", known(definition, key), *field)


def _with_way(definition: Definition, path: Sequence[str]) -> Definition:
    """The maps on the way there, made where there are none."""
    for length in range(1, len(path)):
        value = got(definition, path[:length])
        if value is ABSENT or value is None:
            definition = put(definition, path[:length], {})
        elif as_map(value) is None or isinstance(value, list):
            where = ".".join(path[:length])
            raise OperationError("not_a_map", f"{where} holds no map, so nothing can be set below it.", where)
    return definition


def _refuse_unknown(name: str, fields: Collection[str]) -> None:
    if name not in fields:
        hint = nearest(name, fields)
        raise OperationError("unknown_field", f"There is no field {show(name)}.{did_you_mean(hint)}", name)


def copied(definition: Definition, keys: Sequence[str]) -> dict[str, Any]:
    """Tasks as they go to the clipboard: with the connections between them, without those to others."""
    chosen = {key: tasks_of(definition)[known(definition, key)] for key in keys}
    return {
        key: {**task, "dependencies": [one for one in task.get("dependencies", ()) if one in chosen]}
        for key, task in chosen.items()
    }
