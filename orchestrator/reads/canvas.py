"""A definition as the canvas draws it: nodes and edges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from orchestrator.reads.outline import Outline, TaskOutline, outline

_LONGEST_LABEL: Final = 24
_SAID: Final = (
    (" == true", ""),
    (" == ", " is "),
    (" != ", " is not "),
    (" >= ", " ≥ "),
    (" <= ", " ≤ "),
    (" && ", " and "),
    (" || ", " or "),
    ('"', ""),
    ("'", ""),
)
_PLACE: Final = re.compile(r"\b(?:tasks\.[\w-]+\.output|tasks\.[\w-]+|params|workflow\.metadata)\.")
_CODE: Final = re.compile(r"""\.error\.code\s*==\s*["'](\w+)["']""")
_FAILED_BY: Final = {"expired": "not decided in time", "timeout": "timed out", "rejected": "rejected"}
_FAILURE: Final = re.compile(r"""\.error\b|\.status\s*==\s*["']failed["']|["']failed["']\s*==""")


def canvas(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Nodes in definition order, and an edge for each dependency, with its condition in words."""
    return graph(outline(definition))


def graph(shape: Outline) -> dict[str, Any]:
    return {
        "nodes": [_node(task) for task in shape.tasks.values()],
        "edges": [_edge(task, origin) for task in shape.tasks.values() for origin in task.dependencies],
    }


def _node(task: TaskOutline) -> dict[str, Any]:
    node: dict[str, Any] = {
        "key": task.key,
        "name": task.name,
        "kind": task.kind,
        "icon": task.icon,
        "agent": task.agent,
        "note": task.label,
    }
    if task.position:
        node["position"] = dict(task.position)
    return node


def _edge(task: TaskOutline, origin: str) -> dict[str, Any]:
    edge: dict[str, Any] = {"from": origin, "to": task.key}
    condition = _condition_on(task, origin)
    if condition:
        failure = _FAILURE.search(condition) is not None
        edge["label"] = _failed_by(condition) if failure else in_words(condition)
        edge["kind"] = "failure" if failure else "condition"
    return edge


def _condition_on(task: TaskOutline, origin: str) -> str:
    """The condition that looks at this dependency, or one that looks at no dependency at all."""
    named = [c for c in task.conditions if _names(c, origin)]
    loose = [c for c in task.conditions if not any(_names(c, other) for other in task.dependencies)]
    return next(iter(named + loose), "")


def _names(condition: str, key: str) -> bool:
    return re.search(rf"\btasks\.{re.escape(key)}(?![\w-])", condition) is not None


def _failed_by(condition: str) -> str:
    """Which failure a condition asks for; the dashed edge says that it is one."""
    code = _CODE.search(condition)
    return _FAILED_BY.get(code.group(1), "on " + code.group(1).replace("_", " ")) if code else "on failure"


def in_words(condition: str) -> str:
    """A condition, short enough for a pill: `tasks.assess.output.priority == "high"` is "priority is high"."""
    text = _PLACE.sub("", condition.strip())
    for symbol, word in _SAID:
        text = text.replace(symbol, word)
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1].rstrip() + "…"
