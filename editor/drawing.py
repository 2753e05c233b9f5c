"""Drafts and comparisons as the canvas draws them. Whatever stands in a draft, something is drawn; nothing is queried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from editor.comparison import TaskDifference
from editor.operations.graph import dependencies_of, is_number, tasks_of, with_names
from orchestrator import actions
from orchestrator.reads.canvas import canvas

Drawing = dict[str, Any]
Place = tuple[float, float]

_STAND_IN: Final = "condition_check"
_WORDS: Final = {"added": "Added", "removed": "Removed", "moved": "Only moved"}
_ROW: Final = 94.0  # from one task to the next below it, as the layout has it
_COLUMN: Final = 280.0
_NODE: Final = (200.0, 64.0)
_ROOM: Final = 12.0


def drawn(definition: Mapping[str, Any]) -> Drawing:
    """Nodes and edges. A task whose action nobody knows says which it names."""
    draft = dict(definition)
    found = canvas({"tasks": {key: _drawable(draft, key) for key in tasks_of(draft)}})
    for node in found["nodes"]:
        task = tasks_of(draft)[node["key"]]
        if not _has_action(task):
            named = task.get("action") if isinstance(task, dict) else None
            node |= {"icon": "i-triangle-alert", "kind": "work", "note": str(named or "No action")}
    return found


def union(before: Mapping[str, Any], after: Mapping[str, Any], told: Sequence[TaskDifference]) -> Drawing:
    """Both versions in one drawing: what differs carries a `mark`, and says in its second line what became of it."""
    names = {one.was: one.key for one in told if one.was}
    old, new = drawn(with_names(dict(before), names) if names else before), drawn(after)
    kept = {node["key"] for node in new["nodes"]}
    gone = [node for node in old["nodes"] if node["key"] not in kept]
    _place(gone, new["nodes"], old["edges"])
    marks = {one.key: one for one in told}
    for node in (nodes := [*new["nodes"], *gone]):
        if node["key"] in marks:
            node |= {"mark": marks[node["key"]].how, "note": _said(marks[node["key"]])}
    new_tasks = {node["key"] for node in nodes if node.get("mark") in ("added", "removed")}
    return {"nodes": nodes, "edges": list(_edges(old["edges"], new["edges"], new_tasks))}


def _drawable(draft: dict[str, Any], key: str) -> dict[str, Any]:
    """What the drawing reads of a task, in the types it takes for granted."""
    task = tasks_of(draft)[key] if isinstance(tasks_of(draft)[key], dict) else {}
    found: dict[str, Any] = {
        "name": str(task.get("name") or key),
        "action": task["action"] if _has_action(task) else _STAND_IN,
        "agent_id": str(task.get("agent_id") or ""),
        "dependencies": [one for one in dependencies_of(draft, key) if one in tasks_of(draft)],
        "conditions": task.get("conditions") if isinstance(task.get("conditions"), list) else [],
    }
    position = task.get("position")
    if isinstance(position, dict) and all(is_number(position.get(axis)) for axis in ("x", "y")):
        found["position"] = {axis: position[axis] for axis in ("x", "y")}
    return found


def _has_action(task: Any) -> bool:
    named = task.get("action") if isinstance(task, dict) else None
    return isinstance(named, str) and named in actions.ACTIONS


def _said(one: TaskDifference) -> str:
    if one.how == "renamed":
        return f"Renamed, was {one.was}"
    if one.how != "changed":
        return _WORDS[one.how]
    fields = list(dict.fromkeys(field.field for field in one.fields))
    return f"Changed: {fields[0] if len(fields) == 1 else f'{len(fields)} fields'}"


def _edges(old: list[Drawing], new: list[Drawing], new_tasks: set[str]) -> Any:
    """Those of the newer version, then those that are gone. An edge of a task that came or went itself needs no words."""
    were, are = ({(edge["from"], edge["to"]) for edge in edges} for edges in (old, new))
    for edge in new:
        yield edge if (edge["from"], edge["to"]) in were else _marked(edge, "added", "+", new_tasks)
    for edge in old:
        if (edge["from"], edge["to"]) not in are:
            yield _marked(edge, "removed", "−", new_tasks)


def _marked(edge: Drawing, mark: str, glyph: str, new_tasks: set[str]) -> Drawing:
    if edge["from"] in new_tasks or edge["to"] in new_tasks:
        return {**edge, "mark": mark}
    return {**edge, "mark": mark, "label": f"{glyph} {edge.get('label') or mark}"}


def _place(gone: list[Drawing], kept: list[Drawing], edges: list[Drawing]) -> None:
    """Where a person has placed every task that is there, those that are gone stand where they stood, clear of the rest."""
    if not kept or not all("position" in node for node in kept):
        return
    places = {node["key"]: (node["position"]["x"], node["position"]["y"]) for node in kept}
    floor = _Floor(places.values())
    before = {edge["to"]: edge["from"] for edge in edges}
    left, low = min(x for x, _ in places.values()), max(y for _, y in places.values())
    for node in gone:
        stood = node.get("position")
        beside = places.get(before.get(node["key"], ""))
        wish = (beside[0] + _COLUMN, beside[1]) if beside else (left, low + _ROW)
        x, y = floor.take((stood["x"], stood["y"]) if stood else wish)
        places[node["key"]] = (x, y)
        node["position"] = {"x": x, "y": y}


class _Floor:
    """Which places are taken, in a grid, so that asking does not cost what the whole drawing holds."""

    def __init__(self, places: Any) -> None:
        self._cells: dict[tuple[int, int], list[Place]] = {}
        self._lowest: dict[Place, float] = {}
        for place in places:
            self._put(place)

    def take(self, wish: Place) -> Place:
        """The wished place or the first free one below it."""
        x, y = wish[0], self._lowest.get(wish, wish[1])
        while self._is_taken((x, y)):
            y += _ROW
        self._lowest[wish] = y
        self._put((x, y))
        return x, y

    def _put(self, place: Place) -> None:
        self._cells.setdefault(_cell(place), []).append(place)

    def _is_taken(self, place: Place) -> bool:
        column, row = _cell(place)
        near = (self._cells.get((column + dx, row + dy), ()) for dx in (-1, 0, 1) for dy in (-1, 0, 1))
        return any(_overlap(place, other) for cell in near for other in cell)


def _cell(place: Place) -> tuple[int, int]:
    return int(place[0] // (_NODE[0] + _ROOM)), int(place[1] // (_NODE[1] + _ROOM))


def _overlap(one: Place, other: Place) -> bool:
    return all(abs(a - b) < size + _ROOM for a, b, size in zip(one, other, _NODE, strict=True))
