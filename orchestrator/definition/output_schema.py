"""JSON Schemas written by users: checked when a definition is saved, applied to outputs.

Nothing is ever fetched: a `$ref` points into the schema itself. Patterns run in linear time. What `$ref`s unfold to is
bounded, for validation visits a subschema once for each way that leads to it, and twenty doublings are a million.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from orchestrator.definition.issues import ROOT, Issue, at

MOST_UNFOLDED = 20_000
_MOST_ISSUES = 20
_FOREIGN = ("$dynamicRef", "$recursiveRef", "$id", "$anchor", "$dynamicAnchor")


class SchemaError(Exception):
    """The schema cannot be used; `path` is the place in it."""

    def __init__(self, message: str, path: str = ROOT) -> None:
        super().__init__(message)
        self.path = path


class OutputSchema:
    """A compiled schema. Raises SchemaError if it cannot be used."""

    def __init__(self, schema: dict[str, Any] | bool) -> None:
        _Unfolding(schema).measure()
        try:
            self._validator = jsonschema_rs.validator_for(
                schema, offline=True, pattern_options=jsonschema_rs.RegexOptions()
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            raise SchemaError(f"This is no usable JSON Schema: {_first_line(error)}") from None

    def issues(self, value: Any, path: str = "output") -> list[Issue]:
        """Where the value does not meet the schema; the first twenty places."""
        return [_violation(error, path) for error in islice(self._validator.iter_errors(value), _MOST_ISSUES)]


def _violation(error: Any, path: str) -> Issue:
    for key in error.instance_path:
        path = at(path, key)
    return Issue(path, "output_schema", f"{_first_line(error)}.")


def _first_line(error: Exception) -> str:
    text = str(getattr(error, "message", error)).strip().split("\n", 1)[0]
    return text[:300].rstrip(".")


class _Unfolding:
    """How large a schema is once every `$ref` is replaced by what it points to."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._sizes: dict[str, int] = {}
        self._open: set[str] = set()

    def measure(self) -> None:
        """Raises SchemaError when it is unbounded or too large."""
        if self._size(self._schema, ROOT) > MOST_UNFOLDED:
            text = f"Its $refs unfold to more than {MOST_UNFOLDED:,} parts; make it simpler."
            raise SchemaError(text)

    def _size(self, node: Any, path: str) -> int:
        if isinstance(node, list):
            return sum(self._size(one, at(path, index)) for index, one in enumerate(node))
        if not isinstance(node, dict):
            return 1
        for name in _FOREIGN:
            if isinstance(node.get(name), str) and not (name == "$id" and path == ROOT):
                raise SchemaError(
                    f"{name} is not supported; point with $ref to a place like #/$defs/name.", path
                )
        size = 1 + sum(
            self._size(one, at(path, key)) for key, one in node.items() if key != "$defs" or path != ROOT
        )
        reference = node.get("$ref")
        return size + self._size_of_target(reference, path) if isinstance(reference, str) else size

    def _size_of_target(self, reference: str, path: str) -> int:
        if reference in self._open or reference == "#":
            raise SchemaError(
                "A $ref leads back to itself; schemas that contain themselves are not supported.", path
            )
        if reference not in self._sizes:
            self._open.add(reference)
            self._sizes[reference] = min(
                self._size(self._target(reference, path), reference), MOST_UNFOLDED + 1
            )
            self._open.discard(reference)
        return self._sizes[reference]

    def _target(self, reference: str, path: str) -> Any:
        if not reference.startswith("#/"):
            raise SchemaError("A $ref points into this schema, like #/$defs/name; nothing is fetched.", path)
        node = self._schema
        for part in _pointer(reference):
            if isinstance(node, list) and part.isdecimal() and len(part) < 6 and int(part) < len(node):
                node = node[int(part)]
            elif isinstance(node, dict) and part in node:
                node = node[part]
            else:
                raise SchemaError(f"There is nothing at {reference[:100]}.", path)
        return node


def _pointer(reference: str) -> Iterator[str]:
    for part in reference[2:].split("/"):
        yield unquote(part).replace("~1", "/").replace("~0", "~")
