"""JSON Schemas written by users: checked when a definition is saved, applied to outputs.

Nothing is ever fetched: a `$ref` points into the schema itself. Patterns run in linear time. What `$ref`s unfold to is
bounded, for validation visits a subschema once for each way that leads to it, and twenty doublings are a million; so is
its depth, for both measuring and validating go down by recursion.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import unquote

import jsonschema_rs

from orchestrator.definition.issues import ROOT, Issue, at

MOST_UNFOLDED = 20_000
MOST_LEVELS = 150  # measuring takes two or three of Python's frames for each
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
            raise SchemaError(f"This is no usable JSON Schema: {_first_line(error)}.") from None

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


class _Extent(NamedTuple):
    parts: int
    levels: int


class _Unfolding:
    """How large and how deep a schema is once every `$ref` is replaced by what it points to."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._extents: dict[str, _Extent] = {}
        self._open: set[str] = set()

    def measure(self) -> None:
        """Raises SchemaError when it is unbounded or too large."""
        if self._extent(self._schema, ROOT, 1).parts > MOST_UNFOLDED:
            text = f"Its $refs unfold to more than {MOST_UNFOLDED:,} parts; make it simpler."
            raise SchemaError(text)

    def _extent(self, node: Any, path: str, depth: int) -> _Extent:
        _check_levels(depth, path)
        if isinstance(node, list):
            return _around([self._extent(one, at(path, index), depth + 1) for index, one in enumerate(node)])
        if not isinstance(node, dict):
            return _Extent(1, 1)
        _check_foreign(node, path)
        members = [(key, one) for key, one in node.items() if key != "$defs" or path != ROOT]
        inner = [self._extent(one, at(path, key), depth + 1) for key, one in members]
        reference = node.get("$ref")
        if isinstance(reference, str):
            inner.append(self._extent_of_target(reference, path, depth + 1))
        return _around(inner)

    def _extent_of_target(self, reference: str, path: str, depth: int) -> _Extent:
        if reference in self._open or reference == "#":
            text = "A $ref leads back to itself; schemas that contain themselves are not supported."
            raise SchemaError(text, path)
        if reference not in self._extents:
            self._open.add(reference)
            self._extents[reference] = self._extent(*self._target(reference, path), depth)
            self._open.discard(reference)
        # It may have been measured where it stood less deep.
        _check_levels(depth - 1 + self._extents[reference].levels, path)
        return self._extents[reference]

    def _target(self, reference: str, path: str) -> tuple[Any, str]:
        """What a reference points to, and the place of that."""
        if not reference.startswith("#/"):
            raise SchemaError("A $ref points into this schema, like #/$defs/name; nothing is fetched.", path)
        node, place = self._schema, ROOT
        for part in _pointer(reference):
            if isinstance(node, list) and part.isdecimal() and len(part) < 6 and int(part) < len(node):
                node, place = node[int(part)], at(place, int(part))
            elif isinstance(node, dict) and part in node:
                node, place = node[part], at(place, part)
            else:
                raise SchemaError(f"There is nothing at {reference[:100]}.", path)
        return node, place


def _around(inner: list[_Extent]) -> _Extent:
    parts = 1 + sum(extent.parts for extent in inner)
    return _Extent(min(parts, MOST_UNFOLDED + 1), 1 + max((extent.levels for extent in inner), default=0))


def _check_levels(levels: int, path: str) -> None:
    if levels > MOST_LEVELS:
        raise SchemaError(f"Its $refs unfold to more than {MOST_LEVELS} levels; make it simpler.", path)


def _check_foreign(node: dict[str, Any], path: str) -> None:
    for name in _FOREIGN:
        if isinstance(node.get(name), str) and not (name == "$id" and path == ROOT):
            text = f"{name} is not supported; point with $ref to a place like #/$defs/name."
            raise SchemaError(text, path)


def _pointer(reference: str) -> Iterator[str]:
    for part in reference[2:].split("/"):
        yield unquote(part).replace("~1", "/").replace("~0", "~")
