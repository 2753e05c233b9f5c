"""What differs between two definitions, member by member, and how to carry such differences out or take them back.

Changes know what was there before. Carried out on a definition in which somebody has meanwhile changed the same place,
they clash instead of overwriting; changes of different places pass each other by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from editor.operations.documents import ABSENT, Path, as_map, got, has_members, in_order, put, same, without


@dataclass(frozen=True, slots=True)
class Change:
    """At `path` stood `was` and stands `now`; ABSENT: nothing.

    `at` is the place among its siblings of what comes or goes. With `order` the two are the keys of the members at
    `path` in the order they had and have. A `container` is a map that comes only because something is put into it: two
    people may bring the same one, and it goes when nothing is left in it.
    """

    path: Path
    was: Any = ABSENT
    now: Any = ABSENT
    at: int | None = None
    order: bool = False
    container: bool = False

    def touches(self, other: Change) -> bool:
        """Whether one lies within what the other has changed. An order disturbs only another order."""
        if self.order or other.order:
            return self.order and other.order and self.path == other.path
        if self.container or other.container:
            return self._touches_container(other) if other.container else other._touches_container(self)
        length = min(len(self.path), len(other.path))
        return self.path[:length] == other.path[:length]

    def _touches_container(self, container: Change) -> bool:
        """Only what replaces or removes it; what lies in it does not mind who brought it."""
        return not self.container and container.path[: len(self.path)] == self.path

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"path": list(self.path)}
        found |= {
            name: value for name, value in (("was", self.was), ("now", self.now)) if value is not ABSENT
        }
        if self.at is not None:
            found["at"] = self.at
        return found | {name: True for name in ("order", "container") if getattr(self, name)}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Change:
        return Change(
            tuple(data["path"]),
            data.get("was", ABSENT),
            data.get("now", ABSENT),
            data.get("at"),
            data.get("order", False),
            data.get("container", False),
        )


class ClashError(Exception):
    """The place is not as it was when the change was made; `found` is what stands there."""

    def __init__(self, change: Change, found: Any) -> None:
        super().__init__(".".join(change.path))
        self.change = change
        self.found = found


def difference(before: Any, after: Any) -> list[Change]:
    """What makes `after` out of `before`, in an order in which it can be carried out."""
    return _in_turn(_differences((), before, after))


def inverted(changes: Iterable[Change]) -> list[Change]:
    """What takes these back."""
    return _in_turn(replace(change, was=change.now, now=change.was) for change in changes)


def with_changes(document: Any, changes: Iterable[Change]) -> Any:
    """The document once all of these are carried out. Raises ClashError where it is not as it was."""
    for change in changes:
        document = _carried_out(document, change)
    return document


def with_changes_over(document: Any, changes: Iterable[Change]) -> Any:
    """The same, but what stands in the way gives way; what has nowhere to go any more is left out."""
    for change in changes:
        try:
            document = _carried_out(document, change)
        except ClashError as clash:
            if got(document, change.path[:-1]) is not ABSENT:
                document = _carried_out(document, replace(change, was=clash.found))
    return document


def _carried_out(document: Any, change: Change) -> Any:
    if change.order:
        return in_order(document, change.path, change.now)
    found = got(document, change.path)
    if change.container and found and isinstance(found, dict):
        return document
    if same(found, change.now):
        return document
    if not same(found, change.was):
        raise ClashError(change, found)
    if change.now is ABSENT:
        return without(document, change.path)
    try:
        return put(document, change.path, change.now, change.at)
    except KeyError:
        raise ClashError(change, ABSENT) from None


def _differences(path: Path, before: Any, after: Any) -> Iterator[Change]:
    if before is after:
        return
    if has_members(path, before) and has_members(path, after) and type(before) is type(after):
        yield from _member_differences(path, before, after)
    elif not same(before, after):
        yield Change(path, before, after)


def _member_differences(path: Path, before: Any, after: Any) -> Iterator[Change]:
    old, new = as_map(before) or {}, as_map(after) or {}
    yield from (Change((*path, key), old[key], at=at) for at, key in enumerate(old) if key not in new)
    was, now = [key for key in old if key in new], [key for key in new if key in old]
    if was != now:
        yield Change(path, was, now, order=True)
    for at, key in enumerate(new):
        if key not in old:
            yield from _added((*path, key), new[key], at)
    for key in now:
        yield from _differences((*path, key), old[key], new[key])


def _added(path: Path, value: Any, at: int) -> Iterator[Change]:
    """A map is brought member by member, a task as a whole: nobody else can mean the same."""
    if not isinstance(value, dict) or not value or (len(path) == 2 and path[0] == "tasks"):
        yield Change(path, now=value, at=at)
        return
    yield Change(path, now={}, at=at, container=True)
    for place, (key, one) in enumerate(value.items()):
        yield from _added((*path, key), one, place)


def _in_turn(changes: Iterable[Change]) -> list[Change]:
    """What goes goes first, from the inside out, then the order of what stays, then what comes. Among themselves they stay
    as they are, from the front: each that comes finds its place."""
    return sorted(changes, key=_turn)


def _turn(change: Change) -> tuple[int, int]:
    if change.order:
        return 1, 0
    if change.now is ABSENT:
        return 0, -len(change.path)
    return (2 if change.was is ABSENT else 3), 0


def touched_by(changes: Sequence[Change], others: Sequence[Change]) -> list[tuple[Change, Change]]:
    """Pairs of changes of which one lies within the other, leaving out those that both want the same."""
    at, below = _by_place(others)
    return [
        (one, other)
        for one in changes
        for other in _near(one.path, at, below)
        if one.touches(other) and not (one.path == other.path and same(one.now, other.now))
    ]


Places = Mapping[Path, Sequence[Change]]


def _by_place(changes: Iterable[Change]) -> tuple[Places, Places]:
    """The changes of each place, and those of anything within it: comparing each with each would be quadratic."""
    at: dict[Path, list[Change]] = defaultdict(list)
    below: dict[Path, list[Change]] = defaultdict(list)
    for change in changes:
        at[change.path].append(change)
        for length in range(len(change.path)):
            below[change.path[:length]].append(change)
    return at, below


def _near(path: Path, at: Places, below: Places) -> Iterator[Change]:
    for length in range(len(path) + 1):
        yield from at.get(path[:length], ())
    yield from below.get(path, ())
