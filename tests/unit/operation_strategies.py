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
        needs = draw(st.lists(st.sampled_from(keys[:place]), unique=True, max_size=3)) if place else []
        if needs or draw(st.booleans()):
            task["dependencies"] = needs
        if draw(st.booleans()):
            task["parameters"] = draw(st.dictionaries(st.sampled_from("uvw"), _VALUES, max_size=3))
        if draw(st.booleans()):
            task["conditions"] = [f"tasks.{draw(key).replace('-', '_')}.output.n > 1"]
        tasks[name] = task
    return {"id": "x", "name": "X", "version": "2.0.0", "tasks": tasks}


operations = st.one_of(
    st.fixed_dictionaries(
        {"op": st.just("add"), "key": key, "task": st.just({"action": "agent_task"})},
        optional={"before": key},
    ),
    st.fixed_dictionaries({"op": st.sampled_from(["remove", "remove_joined"]), "key": key}),
    st.fixed_dictionaries({"op": st.sampled_from(["connect", "disconnect"]), "from": key, "to": key}),
    st.fixed_dictionaries({"op": st.just("splice"), "key": key, "from": key, "to": key}),
    st.fixed_dictionaries(
        {
            "op": st.just("set"),
            "field": st.sampled_from(
                [["name"], ["parameters", "u"], ["parameters", "u", "v"], ["retry_count"]]
            ),
            "value": _VALUES,
            "key": key,
        }
    ),
    st.fixed_dictionaries(
        {
            "op": st.just("set"),
            "field": st.sampled_from([["name"], ["metadata", "m"], ["settings", "max_parallel"]]),
            "value": _VALUES,
        }
    ),
    st.fixed_dictionaries(
        {
            "op": st.just("unset"),
            "field": st.sampled_from([["name"], ["parameters"], ["parameters", "u"]]),
            "key": key,
        }
    ),
    st.fixed_dictionaries({"op": st.just("rename"), "key": key, "to": key}),
    st.fixed_dictionaries(
        {"op": st.just("action"), "key": key, "action": st.sampled_from(["api_call", "agent_task"])},
        optional={"parameters": st.just({"url": "https://example.com"})},
    ),
    st.fixed_dictionaries(
        {"op": st.just("move"), "positions": st.dictionaries(key, _POINTS | st.none(), max_size=3)}
    ),
    st.fixed_dictionaries({"op": st.just("order"), "key": key}, optional={"before": key}),
    st.fixed_dictionaries(
        {
            "op": st.just("note"),
            "id": st.sampled_from(["n1", "n2"]),
            "note": st.fixed_dictionaries({"text": st.text(max_size=5)}) | st.none(),
        }
    ),
    st.fixed_dictionaries(
        {
            "op": st.just("group"),
            "id": st.sampled_from(["g1", "g2"]),
            "group": st.fixed_dictionaries(
                {"name": st.just("G"), "tasks": st.lists(key, unique=True, max_size=3)}
            )
            | st.none(),
        }
    ),
    drafts().map(lambda draft: {"op": "paste", "tasks": draft["tasks"], "by": {"x": 16, "y": 16}}),
)
