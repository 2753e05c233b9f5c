"""Whatever steps without a way round are taken out: both workflows check, what stays keeps its order, and undo gives back
the identical draft."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from editor.operations import OperationError, carry_out, difference, inverted, with_changes
from editor.operations.extraction import extraction
from orchestrator.definition.graph import Ancestry
from orchestrator.definition.normal import task_reference
from tests.unit.definitions import a_definition, a_task, checked, graphs

_PARAMETERS = {"p": {"type": "integer", "default": 1}, "q-r": {"type": "string", "secret": True}}
_SAID = ("{{ params.p }}", '{{ params["q-r"] }}', "{{ run.id }}", "{{ now }} {{ workflow.name }}")
_MEMBERS = st.sampled_from(["output", "output", "output.rows[0].n", "status", "attempts"])


@st.composite
def flows(draw: st.DrawFn) -> dict[str, Any]:
    """Any graph, each task naming some of what it may: tasks upstream, parameters, the run."""
    edges = draw(graphs(8))
    ancestry = Ancestry(edges)
    tasks: dict[str, Any] = {}
    for key, needed in edges.items():
        upstream = sorted(ancestry.upstream(key))
        named = draw(st.lists(st.sampled_from(upstream), max_size=2)) if upstream else []
        said = [f"{{{{ {task_reference(one)}.{draw(_MEMBERS)} }}}}" for one in named]
        said += draw(st.lists(st.sampled_from(_SAID), max_size=2))
        tasks[key] = a_task(*needed, parameters={f"x{at}": text for at, text in enumerate(said)})
        if draw(st.booleans()):
            tasks[key]["position"] = {"x": draw(st.integers(0, 900)), "y": draw(st.integers(0, 900))}
    return a_definition(tasks, parameters=_PARAMETERS)


def ancestry_of(definition: dict[str, Any]) -> Ancestry:
    return Ancestry({key: task.get("dependencies", []) for key, task in definition["tasks"].items()})


def closed(definition: dict[str, Any], some: set[str]) -> set[str]:
    """With all that lies between them."""
    ancestry = ancestry_of(definition)
    return some | {
        key
        for key in definition["tasks"]
        if any(ancestry.is_upstream(one, key) for one in some)
        and any(ancestry.is_upstream(key, one) for one in some)
    }


@settings(max_examples=200, deadline=None)
@given(flows(), st.data())
def test_both_check_what_stays_keeps_its_order_and_undo_gives_back_the_draft(
    draft: dict[str, Any], data: st.DataObject
) -> None:
    assert checked(draft).ok
    inside = closed(draft, data.draw(st.sets(st.sampled_from(list(draft["tasks"])), min_size=1)))
    try:
        found = extraction(draft, sorted(inside), "New", "new")
    except OperationError as refusal:
        assert refusal.code == "needed_outside"
        assume(False)
        return
    after = carry_out(draft, found.operations("new-id"))
    assert checked(found.definition).errors == ()
    assert checked(after).errors == ()
    assert set(found.definition["tasks"]) == inside
    assert set(after["tasks"]) == {*draft["tasks"], found.step} - inside

    was, now, within = ancestry_of(draft), ancestry_of(after), ancestry_of(found.definition)
    for one in draft["tasks"]:
        for other in draft["tasks"]:
            if not was.is_upstream(one, other):
                continue
            if one in inside and other in inside:
                assert within.is_upstream(one, other)
            else:
                before = found.step if one in inside else one
                assert now.is_upstream(before, found.step if other in inside else other)

    changes = difference(draft, after)
    assert json.dumps(with_changes(after, inverted(changes))) == json.dumps(draft)


@settings(max_examples=200, deadline=None)
@given(flows(), st.data())
def test_steps_with_a_way_round_are_refused_and_no_others(draft: dict[str, Any], data: st.DataObject) -> None:
    some = data.draw(st.sets(st.sampled_from(list(draft["tasks"])), min_size=1))
    code = ""
    try:
        extraction(draft, sorted(some), "New")
    except OperationError as refusal:
        code = refusal.code
    assert (code == "not_convex") == (closed(draft, some) != some)
