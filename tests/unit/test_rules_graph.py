"""Between tasks: dependencies, loops, joins that cannot be met, checkpoints and the rollbacks to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from tests.unit.definitions import (
    Row,
    a_chain,
    a_definition,
    a_task,
    assert_found,
    checked,
    each_of,
    graphs,
    places,
    warned,
    within,
)


def of(tasks: dict[str, Any], code: str, path: str, words: str, *, hint: str = "") -> Row:
    return Row(a_definition(tasks), code, f"tasks.{path}", words, hint=hint)


def back_to(name: str, **failure: Any) -> dict[str, Any]:
    return {"action": "rollback", "checkpoint": name, **failure}


OFF = a_task(conditions=["false"])

DEPENDENCIES = [
    of({"a": a_task("a")}, "self_dependency", "a.dependencies[0]", "cannot depend on itself"),
    of({"a": a_task(), "b": a_task("a", "a")}, "duplicate", "b.dependencies[1]", "'a' is named twice"),
    of(
        {"extract": a_task(), "load": a_task("extrat")},
        "unknown_dependency",
        "load.dependencies[0]",
        "There is no task 'extrat'. Did you mean 'extract'?",
        hint="extract",
    ),
    of({"a": a_task("zzz")}, "unknown_dependency", "a.dependencies[0]", "There is no task 'zzz'."),
    of(
        {"a": a_task(id="first"), "b": a_task("first")},
        "unknown_dependency",
        "b.dependencies[0]",
        "Did you mean 'a'?",
        hint="a",
    ),
    of(
        {"a": a_task("b"), "b": a_task("a")},
        "cycle",
        "a.dependencies[0]",
        "for ever: a -> b -> a. Remove one",
    ),
    of(
        {"start": a_task(), "a": a_task("start", "c"), "b": a_task("a"), "c": a_task("b")},
        "cycle",
        "a.dependencies[1]",
        "a -> c -> b -> a",
    ),
    of(
        {f"t{n}": a_task(f"t{(n + 1) % 30}") for n in range(30)},
        "cycle",
        "t0.dependencies[0]",
        "t8 -> t9 -> … (20 more) -> t0",
    ),
]

JOINS = [
    warned(of({"a": OFF}, "never_runs", "a.conditions", "always skipped")),
    warned(of({"a": a_task(conditions=["true", "1 > 2"])}, "never_runs", "a.conditions", "always false")),
    warned(of({"a": a_task(join="all_settled")}, "join_without_dependencies", "a.join", "runs at once")),
    *(
        replace(
            of(
                {"off": OFF, "b": a_task("off", **join)},
                "join_never_met",
                "b.join",
                f"{name} can never be met, for 'off'",
            ),
            also=frozenset({("never_runs", "tasks.off.conditions")}),
        )
        for name, join in [
            ("any_succeeded", {}),
            ("any_succeeded", {"join": "any_succeeded"}),
            ("first_succeeded", {"join": "first_succeeded"}),
            ("all_succeeded", {"join": "all_succeeded"}),
        ]
    ),
    replace(
        of(
            {"off": OFF, "on": a_task(), "b": a_task("on", "off", join="all_succeeded")},
            "join_never_met",
            "b.join",
            "'off'",
        ),
        also=frozenset({("never_runs", "tasks.off.conditions")}),
    ),
    replace(
        of(
            {"b": a_task("a"), "a": a_task("off"), "off": OFF},
            "join_never_met",
            "b.join",
            "for 'a' will never run",
        ),
        also=frozenset({("never_runs", "tasks.off.conditions"), ("join_never_met", "tasks.a.join")}),
    ),
]

CHECKPOINTS = [
    of(
        {"a": a_task(checkpoint="x"), "b": a_task(checkpoint="x")},
        "duplicate",
        "b.checkpoint",
        "'a' records a checkpoint",
    ),
    of(
        {"a": a_task(checkpoint="b"), "b": a_task(checkpoint=True)},
        "duplicate",
        "b.checkpoint",
        "its own name",
    ),
    of(
        {"a": a_task(checkpoint="before"), "b": a_task("a", on_failure=back_to("befor"))},
        "unknown_checkpoint",
        "b.on_failure.checkpoint",
        "Did you mean 'before'?",
        hint="before",
    ),
    of(
        {"a": a_task(on_failure=back_to("x" * 5_000))},
        "unknown_checkpoint",
        "a.on_failure.checkpoint",
        "No task records",
    ),
    of(
        {"a": a_task(on_failure=back_to("end")), "b": a_task("a", checkpoint="end")},
        "checkpoint_too_late",
        "a.on_failure.checkpoint",
        "recorded only after this task completed",
    ),
    of(
        {"a": a_task(checkpoint=True, on_failure=back_to("a"))},
        "checkpoint_too_late",
        "a.on_failure.checkpoint",
        "earlier",
    ),
    Row(
        a_definition(settings={"on_failure": back_to("none")}),
        "unknown_checkpoint",
        "settings.on_failure.checkpoint",
        "No task records a checkpoint 'none'.",
    ),
]

ROWS = [*DEPENDENCIES, *JOINS, *CHECKPOINTS]


@each_of(ROWS)
def test_a_fault_between_tasks_is_found_where_it_stands(row: Row) -> None:
    assert_found(row)


@pytest.mark.parametrize(
    "tasks",
    [
        pytest.param(
            {"a": a_task(), "b": a_task("a"), "c": a_task("a"), "d": a_task("b", "c")}, id="a diamond"
        ),
        pytest.param({"b": a_task("a"), "a": a_task()}, id="a dependency that is defined later"),
        pytest.param(
            {"a": a_task(checkpoint=True), "b": a_task("a", on_failure=back_to("a"))}, id="a rollback"
        ),
        pytest.param(
            {"a": a_task(checkpoint="x"), "b": a_task(on_failure=back_to("x"))}, id="a rollback beside"
        ),
    ],
)
def test_what_can_be_run_is_accepted(tasks: dict[str, Any]) -> None:
    assert checked(a_definition(tasks)).issues == ()


@pytest.mark.parametrize(
    "join",
    [
        {"join": "all_settled"},
        {"dependencies": ["off", "on"]},
        {"dependencies": ["on", "off"], "join": "first_succeeded"},
    ],
)
def test_a_join_that_can_still_be_met_is_accepted(join: dict[str, Any]) -> None:
    report = checked(a_definition({"off": OFF, "on": a_task(), "b": a_task("off", **join)}))
    assert places(report.issues) == {("never_runs", "tasks.off.conditions")}


@pytest.mark.parametrize("condition", ["1 / 0 == 1", "params.x", "'a'"])
def test_what_is_not_certainly_false_switches_nothing_off(condition: str) -> None:
    report = checked(a_definition({"a": a_task(conditions=[condition])}))
    assert "never_runs" not in {issue.code for issue in report.issues}


def test_each_tangle_is_named_once() -> None:
    tasks = {
        "a": a_task("b"),
        "b": a_task("a"),
        "c": a_task("d"),
        "d": a_task("c"),
        "e": a_task("a", "c", "e"),
    }
    assert places(checked(a_definition(tasks)).issues) == {
        ("cycle", "tasks.a.dependencies[0]"),
        ("cycle", "tasks.c.dependencies[0]"),
        ("self_dependency", "tasks.e.dependencies[2]"),
    }


def test_a_key_with_a_space_does_not_hide_a_loop() -> None:
    tasks = {"a b": a_task("c"), "c": a_task("a b")}
    assert places(checked(a_definition(tasks)).issues) == {
        ("bad_key", "tasks['a b']"),
        ("cycle", "tasks['a b'].dependencies[0]"),
    }


@given(graphs())
def test_an_acyclic_graph_is_accepted(edges: dict[str, list[str]]) -> None:
    definition = checked(a_definition({key: a_task(*needed) for key, needed in edges.items()})).definition
    assert definition is not None
    assert definition.edges == {key: tuple(needed) for key, needed in edges.items()}
    assert list(definition.tasks) == list(edges)


def test_a_chain_of_as_many_tasks_as_there_may_be_is_checked_in_time() -> None:
    data = a_chain(5_000)
    with within(4):
        assert checked(data).ok
        data["tasks"]["t0"]["dependencies"] = ["t4999"]
        assert places(checked(data).issues) == {("cycle", "tasks.t0.dependencies[0]")}


LARGE = {
    "wrong dependencies": {f"task{n}": a_task(f"tusk{n}") for n in range(5_000)},
    "dependencies": {f"t{n}": a_task(*[f"t{m}" for m in range(max(0, n - 20), n)]) for n in range(5_000)},
    "checkpoints": {f"t{n}": a_task(checkpoint=True) for n in range(5_000)},
    "the same checkpoint": {f"t{n}": a_task(checkpoint="x") for n in range(5_000)},
    "rollbacks": {f"t{n}": a_task(checkpoint=True, on_failure=back_to("t0")) for n in range(5_000)},
    "wrong rollbacks": {f"t{n}": a_task(checkpoint=True, on_failure=back_to(f"u{n}")) for n in range(5_000)},
}


@pytest.mark.parametrize("tasks", LARGE.values(), ids=LARGE.keys())
def test_the_largest_definitions_are_checked_in_time(tasks: dict[str, Any]) -> None:
    with within(2):
        report = checked(a_definition(tasks))
    assert len(report.issues) <= 1_001
    assert sum(bool(issue.hint) for issue in report.issues) <= 25
