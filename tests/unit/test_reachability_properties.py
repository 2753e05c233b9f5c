"""Whatever is said never to run does not run, in any of the runs that the planner itself walks through."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from editor.simulation import Assumption, simulate
from orchestrator.definition import Issue
from orchestrator.definition.expressions import ExpressionError, compile_expression
from orchestrator.definition.language import JOINS, ON_FAILURE
from orchestrator.definition.rules.conditions import literals_of
from tests.unit.definitions import a_definition, a_task, checked

KEYS = ("a", "b", "c", "d", "e", "f")
CLAIMS = {
    *("branches_exclude", "conditions_exclude", "failure_never_seen", "join_never_met", "never_runs"),
    *("status_never", "unreachable"),
}
_PARTS = [
    "params.ok",
    "params.kind == 'x'",
    "params.kind == 'y'",
    "params.n > 1",
    "1 >= params.n",
    "params.n == 2",
]
_STATUSES = ("completed", "failed", "skipped", "running")


@st.composite
def _conditions(draw: st.DrawFn, upstream: list[str]) -> str:
    parts = st.sampled_from(_PARTS)
    if upstream:
        status = st.builds(
            "tasks.{}.status == '{}'".format, st.sampled_from(upstream), st.sampled_from(_STATUSES)
        )
        parts |= status | st.builds("tasks.{}.output.ok".format, st.sampled_from(upstream))
    whole = st.recursive(
        parts,
        lambda inner: (
            st.builds("!({})".format, inner)
            | st.builds("({}) {} ({})".format, inner, st.sampled_from(["&&", "||"]), inner)
        ),
        max_leaves=3,
    )
    return draw(whole)


@st.composite
def flows(draw: st.DrawFn) -> dict[str, Any]:
    tasks: dict[str, Any] = {}
    upstream: dict[str, list[str]] = {}
    for place, key in enumerate(KEYS[: draw(st.integers(2, 6))]):
        needs = draw(st.lists(st.sampled_from(KEYS[:place]), unique=True, max_size=3)) if place else []
        upstream[key] = sorted({one for need in needs for one in (need, *upstream[need])})
        task = a_task(*needs, retry_count=0)
        if needs:
            task["join"] = draw(st.sampled_from(JOINS))
        if draw(st.booleans()):
            task["conditions"] = draw(st.lists(_conditions(upstream[key]), min_size=1, max_size=2))
        if draw(st.integers(0, 3)) == 0:
            task["on_failure"] = draw(st.sampled_from(ON_FAILURE))
        tasks[key] = task
    return a_definition(
        tasks, parameters={"ok": {"type": "any"}, "kind": {"type": "any"}, "n": {"type": "any"}}
    )


_ASSUMED = st.builds(
    Assumption,
    st.sampled_from(["succeeds", "succeeds", "fails"]),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.sampled_from([{"ok": True}, {"ok": False}, {}, {"ok": 3}, None]),
)
_WORLDS = st.fixed_dictionaries(
    {},
    optional={
        "ok": st.booleans() | st.just(1),
        "kind": st.sampled_from("xyz"),
        "n": st.sampled_from([0, 1, 2, 2.0, "1"]),
    },
)


def claimed(issues: tuple[Issue, ...]) -> set[str]:
    return {issue.path.split(".")[1] for issue in issues if issue.code in CLAIMS}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    flows(),
    st.lists(st.tuples(st.dictionaries(st.sampled_from(KEYS), _ASSUMED), _WORLDS), min_size=8, max_size=8),
)
def test_what_is_said_never_to_run_never_runs(flow: dict[str, Any], worlds: list[Any]) -> None:
    report = checked(flow)
    event(f"claims: {min(len(claimed(report.issues)), 3)}")
    definition = report.definition
    assert definition is not None
    for assumed, params in worlds:
        walked = simulate(definition, assumed, params)
        ran = {task.key for task in walked.tasks if task.started is not None}
        assert not ran & claimed(report.issues), (report.issues, walked)


_VALUES = st.fixed_dictionaries(
    {
        "params": st.fixed_dictionaries(
            {},
            optional={
                "ok": st.booleans(),
                "kind": st.sampled_from([*"xyz", None, True, 2]),
                "n": st.integers(0, 3) | st.just(2.0),
            },
        )
    }
)


@settings(max_examples=300)
@given(_conditions([]), _conditions([]), _VALUES)
def test_conditions_with_contrary_literals_never_hold_together(one: str, other: str, context: Any) -> None:
    firsts = {literal.part: literal.value for literal in literals_of(one)}
    contrary = any(firsts.get(literal.part, literal.value) != literal.value for literal in literals_of(other))
    event(f"contrary: {contrary}")
    try:
        both = (
            compile_expression(one).evaluate(context) is True
            and compile_expression(other).evaluate(context) is True
        )
    except ExpressionError:
        return
    assert not (both and contrary)


@pytest.mark.parametrize("source", ["params.ok", "!params.ok && params.n > 1", "tasks.a.status == 'failed'"])
def test_a_condition_is_no_contrary_of_itself(source: str) -> None:
    values: dict[str, Any] = {}
    for literal in literals_of(source):
        assert values.setdefault(literal.part, literal.value) == literal.value
