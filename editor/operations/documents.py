"""JSON documents changed by copying what lies on the way: whatever is not touched stays the very same object."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = _Absent()
Path = tuple[str, ...]

# A list of names, of which each stands in it once, is told apart name by name, so that two people may each add one.
_NAMES: Final = "dependencies"


def got(document: Any, path: Sequence[str]) -> Any:
    """What stands there, or ABSENT."""
    for key in path:
        members = as_map(document)
        if members is None or key not in members:
            return ABSENT
        document = members[key]
    return document


def put(document: Any, path: Sequence[str], value: Any, at: int | None = None) -> Any:
    """The document with this value there, as the `at`-th of its siblings if it is new. Raises KeyError when the way
    does not exist."""
    return _changed(document, path, lambda members: _with(members, path[-1], value, at))


def without(document: Any, path: Sequence[str]) -> Any:
    return _changed(
        document, path, lambda members: {key: one for key, one in members.items() if key != path[-1]}
    )


def in_order(document: Any, path: Sequence[str], keys: Sequence[str]) -> Any:
    """The members there that are named stand in this order, on the places which they had between them."""
    if not path:
        return _ordered(document, keys)
    return _changed(document, path, lambda members: {**members, path[-1]: _ordered(members[path[-1]], keys)})


def as_map(value: Any) -> Mapping[str, Any] | None:
    """The members of a map, or of a list of names; None for what has no members with names."""
    if isinstance(value, dict):
        return value
    return dict.fromkeys(value, True) if is_names(value) else None


def is_names(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(one, str) for one in value)
        and len(set(value)) == len(value)
    )


def has_members(path: Sequence[str], value: Any) -> bool:
    """Whether what stands at `path` is compared member by member. Of lists only dependencies: what order means in any
    other is not known."""
    return isinstance(value, dict) or (len(path) == 3 and path[2] == _NAMES and is_names(value))


def same(one: Any, other: Any) -> bool:
    """Whether they are the same to the letter: 1 is not 1.0 nor true, and the order of keys counts."""
    if one is other:
        return True
    if one is ABSENT or other is ABSENT:
        return False
    return _text(one) == _text(other)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _changed(document: Any, path: Sequence[str], change: Any) -> Any:
    """Goes down to the parent of the last key, has its members changed, and rebuilds the way up."""
    members = as_map(document)
    if members is None:
        raise KeyError(path[0])
    if len(path) == 1:
        return _like(document, change(members))
    return {**members, path[0]: _changed(members[path[0]], path[1:], change)}


def _like(document: Any, members: Mapping[str, Any]) -> Any:
    return list(members) if isinstance(document, list) else dict(members)


def _with(members: Mapping[str, Any], key: str, value: Any, at: int | None) -> dict[str, Any]:
    if key in members or at is None or at >= len(members):
        return {**members, key: value}
    items = list(members.items())
    items.insert(at, (key, value))
    return dict(items)


def _ordered(value: Any, keys: Iterable[str]) -> Any:
    members = as_map(value)
    if members is None:
        return value
    wanted = [key for key in keys if key in members]
    taken = set(wanted)
    queue = iter(wanted)
    order = [next(queue) if key in taken else key for key in members]
    return _like(value, {key: members[key] for key in order})
