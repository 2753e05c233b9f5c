"""Drafts, and operations that mostly can be carried out on them, for Hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

KEYS = ("a", "b", "c", "d", "e-1", "long_name")
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(-2, 2)
    | st.sampled_from(["", "x", "{{ tasks.a.output }}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("uvw"), inner, max_size=3),
    max_leaves=6,
)
_POINTS = st.fixed_dictionaries({"x": st.integers(-64, 64), "y": st.integers(-64, 64)})
key = st.sampled_from(KEYS)


@st.composite
def drafts(draw: st.DrawFn, least: int = 0) -> dict[str, Any]:
    """Any keys in any order, each task after some of those before it."""
    keys = draw(st.lists(key, unique=True, min_size=least, max_size=len(KEYS)))
    tasks: dict[str, Any] = {}
    for place, name in enumerate(keys):
        task: dict[str, Any] = {"action": "agent_task"}
        few = {"unique": True, "min_size": min(least, 1), "max_size": 3}
        needs = draw(st.lists(st.sampled_from(keys[:place]), **few)) if place else []
        if needs or draw(st.booleans()):
            task["dependencies"] = needs
        if draw(st.booleans()):
            task["parameters"] = draw(st.dictionaries(st.sampled_from("uvw"), _VALUES, max_size=3))
        if draw(st.booleans()):
            task["conditions"] = [f"tasks.{draw(key).replace('-', '_')}.output.n > 1"]
        tasks[name] = task
    return {"id": "x", "name": "X", "version": "2.0.0", "tasks": tasks}


_edges = {"from": key, "to": key}
_field = st.sampled_from([["name"], ["parameters", "u"], ["parameters", "u", "v"], ["retry_count"]])
_top_field = st.sampled_from([["name"], ["metadata", "m"], ["settings", "max_parallel"]])
_note = st.fixed_dictionaries({"text": st.text(max_size=5)}) | st.none()
_group = (
    st.fixed_dictionaries({"name": st.just("G"), "tasks": st.lists(key, unique=True, max_size=3)}) | st.none()
)
_AGENT_TASK = {"action": "agent_task"}


def _messages(op: str, fields: dict[str, Any], **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"op": st.just(op), **fields}, optional=optional)


BY_NAME: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "add": _messages("add", {"key": key, "task": st.just(_AGENT_TASK)}, before=key),
    "remove": _messages("remove", {"key": key}),
    "remove_joined": _messages("remove_joined", {"key": key}),
    "connect": _messages("connect", _edges),
    "disconnect": _messages("disconnect", _edges),
    "splice": _messages("splice", {"key": key, **_edges}),
    "set": _messages("set", {"field": _field, "value": _VALUES, "key": key})
    | _messages("set", {"field": _top_field, "value": _VALUES}),
    "unset": _messages(
        "unset", {"field": st.sampled_from([["name"], ["parameters"], ["parameters", "u"]]), "key": key}
    ),
    "rename": _messages("rename", {"key": key, "to": key | st.sampled_from("xyz")}),
    "action": _messages(
        "action",
        {"key": key, "action": st.sampled_from(["api_call", "agent_task"])},
        parameters=st.just({"url": "https://example.com"}),
    ),
    "move": _messages("move", {"positions": st.dictionaries(key, _POINTS | st.none(), max_size=3)}),
    "order": _messages("order", {"key": key}, before=key),
    "note": _messages("note", {"id": st.sampled_from(["n1", "n2"]), "note": _note}),
    "group": _messages("group", {"id": st.sampled_from(["g1", "g2"]), "group": _group}),
    "paste": drafts().map(lambda draft: {"op": "paste", "tasks": draft["tasks"], "by": {"x": 16, "y": 16}}),
}
operations = st.one_of(*BY_NAME.values())
