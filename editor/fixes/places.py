"""Where a finding is: its path taken apart, what stands there in the draft, and operations that put something there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from editor.operations.documents import ABSENT
from editor.operations.graph import dependencies_of, tasks_of
from orchestrator.definition import Issue
from orchestrator.definition.fields import ParameterSchema
from orchestrator.definition.graph import Ancestry

Place = tuple[str | int, ...]
Operation = dict[str, Any]

_STEP: Final = re.compile(r"\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,7})\]|\[(['\"])([^'\"\\…]*)\3\]|\A\$")


def place_of(path: str) -> Place | None:
    """The keys and numbers of a path; None where it does not say all of them, as with keys that it shortens."""
    place: list[str | int] = []
    end = 0
    for match in _STEP.finditer(path):
        if match.start() != end:
            return None
        end = match.end()
        plain, number, _, quoted = match.groups()
        if number:
            place.append(int(number))
        elif match[0] != "$":
            place.append(plain if plain is not None else quoted)
    return tuple(place) if end == len(path) else None


def standing_at(document: Any, place: Place) -> Any:
    """What stands there, ABSENT where nothing does."""
    for key in place:
        document = _member(document, key)
    return document


def _member(value: Any, key: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(key, ABSENT)
    is_in = isinstance(value, list) and isinstance(key, int) and key < len(value)
    return value[key] if is_in else ABSENT


class Scene:
    """A draft, and what is asked of it for each of its findings."""

    def __init__(self, definition: dict[str, Any], actions: Mapping[str, ParameterSchema]) -> None:
        self.definition = definition
        self.actions = actions
        self.tasks = tasks_of(definition)

    @cached_property
    def ancestry(self) -> Ancestry:
        return Ancestry({key: self._needs(key) for key in self.tasks})

    def _needs(self, key: str) -> list[str]:
        return [name for name in dependencies_of(self.definition, key) if name in self.tasks and name != key]


@dataclass(frozen=True)
class Case:
    """One finding about a draft."""

    scene: Scene
    issue: Issue
    place: Place

    @cached_property
    def key(self) -> str:
        """The task it is about, '' where that is none."""
        match self.place:
            case ("tasks", str() as key, *_) if isinstance(self.scene.tasks.get(key), dict):
                return key
        return ""

    @property
    def below(self) -> Place:
        """The place within the task, or within the draft."""
        return self.place[2:] if self.key else self.place

    @property
    def root(self) -> dict[str, Any]:
        """The task, or the draft."""
        found: dict[str, Any] = self.scene.tasks[self.key] if self.key else self.scene.definition
        return found

    @cached_property
    def value(self) -> Any:
        found = standing_at(self.scene.definition, self.place)
        # One condition may be written without a list around it.
        alone = found is ABSENT and self.below == ("conditions", 0)
        return self.root.get("conditions", ABSENT) if alone else found

    def is_upstream(self, name: str, more: Iterable[str] = ()) -> bool:
        """Whether a task has settled when this one is decided on, as it is or once it runs after `more` as well."""
        ancestry = self.scene.ancestry
        if name == self.key or self.key not in self.scene.tasks:
            return False
        return ancestry.is_upstream(name, self.key) or any(
            name == one or (one in self.scene.tasks and ancestry.is_upstream(name, one)) for one in more
        )

    # Operations

    def put(self, place: Place, value: Any) -> Operation:
        """Puts the value there; a list is replaced as a whole, since operations know nothing of its members."""
        names = _names(place)
        if len(names) < len(place):
            value = _replaced(standing_at(self.root, names), place[len(names) :], value)
        return {"op": "set", **self._whose, "field": list(names), "value": value}

    def take(self, place: Place) -> Operation:
        return {"op": "unset", **self._whose, "field": list(_names(place))}

    @property
    def _whose(self) -> dict[str, str]:
        return {"key": self.key} if self.key else {}

    def connect(self, origin: str) -> Operation:
        return {"op": "connect", "from": origin, "to": self.key}

    def disconnect(self, origin: str) -> Operation:
        return {"op": "disconnect", "from": origin, "to": self.key}


def _names(place: Place) -> tuple[str, ...]:
    """Its beginning, as far as that goes by names."""
    names: list[str] = []
    for key in place:
        if not isinstance(key, str):
            break
        names.append(key)
    return tuple(names)


def _replaced(document: Any, place: Sequence[str | int], value: Any) -> Any:
    """A copy with the value there. What is written without its list is taken for the only member."""
    if not place:
        return value
    key, *rest = place
    if isinstance(document, list) and isinstance(key, int):
        return [_replaced(one, rest, value) if at == key else one for at, one in enumerate(document)]
    if isinstance(document, dict) and isinstance(key, str):
        return {**document, key: _replaced(document.get(key), rest, value)}
    return value
