"""The operations by name, with the fields each takes: a message is checked against them before it is carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from editor.operations import fields, graph, pasting
from editor.operations.errors import OperationError
from editor.operations.graph import Definition
from orchestrator.definition.issues import show
from orchestrator.definition.names import did_you_mean, nearest

MAX_OPERATIONS = 1_000  # in one batch


@dataclass(frozen=True, slots=True)
class Operation:
    """`run(definition, **fields)` gives the new definition. `takes` maps fields to their types; those in `optional` may
    be left out, those in `nullable` may be null."""

    run: Callable[..., Definition]
    takes: Mapping[str, str]
    optional: frozenset[str] = frozenset()
    nullable: frozenset[str] = frozenset()


_EDGE = {"from": "text", "to": "text"}
# How the functions call a field whose name is a word of Python's own.
_CALLED = {"from": "origin", "id": "name"}

OPERATIONS: dict[str, Operation] = {
    "add": Operation(graph.add, {"key": "text", "task": "map", "before": "text"}, frozenset({"before"})),
    "remove": Operation(graph.remove, {"key": "text"}),
    "remove_joined": Operation(graph.remove_joined, {"key": "text"}),
    "connect": Operation(graph.connect, _EDGE),
    "disconnect": Operation(graph.disconnect, _EDGE),
    "splice": Operation(graph.splice, {"key": "text", **_EDGE}),
    "set": Operation(
        fields.set_field,
        {"key": "text", "field": "path", "value": "any"},
        frozenset({"key"}),
        frozenset({"value"}),
    ),
    "unset": Operation(fields.unset_field, {"key": "text", "field": "path"}, frozenset({"key"})),
    "rename": Operation(graph.rename, {"key": "text", "to": "text"}),
    "action": Operation(
        fields.replace_action,
        {"key": "text", "action": "text", "parameters": "map"},
        frozenset({"parameters"}),
    ),
    "move": Operation(graph.move, {"positions": "map"}),
    "order": Operation(graph.order, {"key": "text", "before": "text"}, frozenset({"before"})),
    "note": Operation(fields.note, {"id": "text", "note": "map"}, nullable=frozenset({"note"})),
    "group": Operation(fields.group, {"id": "text", "group": "map"}, nullable=frozenset({"group"})),
    "paste": Operation(pasting.paste, {"tasks": "map", "by": "map"}, frozenset({"by"})),
}

_TYPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "text": (lambda value: isinstance(value, str), "text"),
    "map": (lambda value: isinstance(value, dict), "a map"),
    "path": (
        lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
        "a list of keys",
    ),
    "any": (lambda _: True, "a value"),
}


def carry_out(definition: Definition, operations: Sequence[Any]) -> Definition:
    """The definition after all of these, or none: raises OperationError, whose `index` says at which."""
    if len(operations) > MAX_OPERATIONS:
        raise OperationError("too_many", f"At most {MAX_OPERATIONS:,} operations go in one batch.", "ops")
    for index, message in enumerate(operations):
        try:
            definition = _carried_out(definition, message)
        except OperationError as refusal:
            refusal.index = index
            raise
    return definition


def _carried_out(definition: Definition, message: Any) -> Definition:
    operation = _operation(message)
    given = {name: value for name, value in message.items() if name != "op"}
    for name in given:
        if name not in operation.takes:
            hint = nearest(name, operation.takes)
            raise OperationError(
                "unknown_field", f"{message['op']} takes no {show(name)}.{did_you_mean(hint)}", name
            )
    values = {
        _CALLED.get(name, name): _value(message, name, kind, operation)
        for name, kind in operation.takes.items()
        if name in given or name not in operation.optional
    }
    return operation.run(definition, **values)


def _operation(message: Any) -> Operation:
    name = message.get("op") if isinstance(message, dict) else None
    if not isinstance(name, str):
        raise OperationError("missing_field", 'Each operation is a map with its name as "op".', "op")
    if name not in OPERATIONS:
        hint = nearest(name, OPERATIONS)
        raise OperationError(
            "unknown_operation", f"There is no operation {show(name)}.{did_you_mean(hint)}", "op"
        )
    return OPERATIONS[name]


def _value(message: Mapping[str, Any], name: str, kind: str, operation: Operation) -> Any:
    if name not in message:
        raise OperationError("missing_field", f"{message['op']} needs {name}.", name)
    value = message[name]
    is_right, said = _TYPES[kind]
    if not is_right(value) and not (value is None and name in operation.nullable):
        raise OperationError("wrong_type", f"{name} of {message['op']} must be {said}.", name)
    return value
