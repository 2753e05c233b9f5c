"""Tasks that are never reached whatever the others do. That is advice, and said only where it is so in every run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.definition.rules.reachability import SETTLED
from orchestrator.planning.machine import TASK_SETTLED
from tests.unit.definitions import (
    Row,
    a_chain,
    a_definition,
    a_task,
    assert_found,
    checked,
    each_of,
    places,
    within,
)

PARAMS = {"kind": {}, "size": {"type": "integer"}, "ok": {"type": "boolean"}}


def of(
    tasks: dict[str, Any], code: str, path: str, words: str, *also: tuple[str, str], **changes: Any
) -> Row:
    data = a_definition(tasks, parameters=PARAMS, **changes)
    more = frozenset((code, f"tasks.{path}") for code, path in also)
    return Row(data, code, f"tasks.{path}", words, "warning", also=more)


def only_if(*conditions: Any, after: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    return a_task(*after, conditions=list(conditions), **changes)


def excluding(first: str, second: str) -> Row:
    tasks = {"a": only_if(first), "b": only_if(second, after=("a",))}
    return of(tasks, "conditions_exclude", "b.conditions[0]", "it needs 'a' to have completed")


OPPOSITES = [
    ("params.ok", "!params.ok"),
    ("params.ok", "params.ok == false"),
    ("params.kind == 'x'", "params.kind != 'x'"),
    ("params.kind == 'x'", "params.kind == 'y'"),
    ("'x' == params.kind", "params.kind == 'y'"),
    ("params.size > 3", "params.size <= 3"),
    ("params.size >= 3", "params.size < 3"),
    ("3 < params.size", "!(params.size > 3)"),
    ("params.size == 1", "params.size == 2"),
    ("params.ok && params.size > 3", "params.kind == 'x' && !params.ok"),
    ("params.ok || params.size > 3", "!(params.ok || params.size > 3)"),
    ("params.kind == 'x'", "!(params.kind == 'x' || params.ok)"),
    ("has(params.kind)", "!has(params.kind)"),
    ("params.kind in ['x', 'y']", "!(params.kind in ['x', 'y'])"),
    ("params.size + 1 > 3", "  !(params.size   + 1 > 3)"),
    ("params.kind == null", "params.kind == 'x'"),
]

ROWS = [
    *(excluding(*pair) for pair in OPPOSITES),
    *(excluding(*reversed(pair)) for pair in OPPOSITES),
    of(
        {"a": only_if("params.ok", "params.size > 1 && !params.ok")},
        "conditions_exclude",
        "a.conditions[1]",
        "excludes what the task asks for besides",
    ),
    of(
        {"a": only_if("params.ok"), "b": only_if("!params.ok"), "c": a_task("a", "b", join="all_succeeded")},
        "branches_exclude",
        "c.join",
        "needs both 'a' and 'b', and their conditions exclude each other. Join any_succeeded",
    ),
    of(
        {
            "check": a_task(action="condition_check", parameters={"checks": {"ok": "params.ok"}}),
            "a": only_if("tasks.check.output.ok", after=("check",)),
            "b": only_if("!tasks.check.output.ok", after=("check",)),
            "a2": a_task("a"),
            "b2": a_task("b", join="first_succeeded"),
            "c": a_task("a2", "b2", join="all_succeeded"),
        },
        "branches_exclude",
        "c.join",
        "both 'a' and 'b'",
    ),
    of(
        {
            "a": only_if("params.ok"),
            "a1": a_task("a"),
            "a2": a_task("a"),
            "b": a_task("a1", "a2"),
            "c": only_if("!params.ok", after=("b",)),
        },
        "conditions_exclude",
        "c.conditions[0]",
        "needs 'a'",
    ),
    of(
        {"a": only_if("params.ok"), "b": only_if("!params.ok", after=("a",)), "c": a_task("b")},
        "unreachable",
        "c.join",
        "for 'b' can never complete",
        ("conditions_exclude", "b.conditions[0]"),
    ),
    of(
        {
            "a": only_if("params.ok"),
            "b": only_if("!params.ok", after=("a",)),
            "c": only_if("tasks.b.status == 'completed'", after=("b",), join="all_settled"),
        },
        "conditions_exclude",
        "c.conditions[0]",
        "'b' never completes",
        ("conditions_exclude", "b.conditions[0]"),
    ),
    *(
        of(
            {"a": a_task(), "b": only_if(f"tasks.a.status == '{status}'", after=("a",), **join)},
            "failure_never_seen",
            "b.conditions[0]",
            f"never sees 'a' {status}. Join all_settled",
        )
        for status in ("failed", "cancelled")
        for join in ({}, {"join": "all_succeeded"}, {"join": "any_succeeded"})
    ),
    of(
        {"a": a_task(), "b": only_if({"type": "dependency", "task": "a", "status": "failed"}, after=("a",))},
        "failure_never_seen",
        "b.conditions[0]",
        "with the join any_succeeded",
    ),
    replace(
        of(
            {"a": a_task(), "b": only_if("tasks.a.status == 'complete'", after=("a",))},
            "status_never",
            "b.conditions[0]",
            "never 'complete'. Did you mean 'completed'?",
        ),
        hint="completed",
    ),
]

POSSIBLE: dict[str, dict[str, Any]] = {
    "either branch": {
        "a": only_if("params.ok"),
        "b": only_if("!params.ok"),
        "c": a_task("a", "b"),
        "d": a_task("a", "b", join="all_settled"),
        "e": a_task("a", "b", join="first_succeeded"),
        "f": only_if("params.ok", after=("c",)),
    },
    "other values": {"a": only_if("params.size > 3"), "b": only_if("params.size > 4", after=("a",))},
    "other places": {
        "a": only_if("params.kind == 'x'"),
        "b": only_if("params.kind + '' == 'y'", after=("a",)),
    },
    "a word and a number": {
        "a": only_if("params.size == 1.0"),
        "b": only_if("params.size == 1", after=("a",)),
    },
    "what need not be both": {
        "a": only_if("params.ok || params.size > 3"),
        "b": only_if("!params.ok", after=("a",)),
    },
    "not with no": {"a": only_if("params.kind != true"), "b": only_if("params.kind != false", after=("a",))},
    "what may count as completed without a value": {
        "a": only_if("params.ok", on_failure="skip"),
        "b": only_if("!params.ok", after=("a",)),
    },
    "the same for all tasks": {
        "a": only_if("params.ok", on_failure={"action": "manual"}),
        "b": only_if("!params.ok", after=("a",), on_failure={"action": "skip"}),
        "c": only_if("tasks.b.status == 'failed'", after=("b",), on_failure="skip"),
    },
    "what still changes": {
        "x": a_task(),
        "y": a_task(),
        "a": only_if("tasks.y.status == 'running'", after=("x", "y"), join="first_succeeded"),
        "b": only_if("tasks.y.status == 'completed'", after=("a",)),
    },
    "what time does": {"a": only_if("now < 'x'"), "b": only_if("!(now < 'x')", after=("a",))},
    "each item by itself": {
        "a": only_if("item > 1", for_each=[1, 2]),
        "b": only_if("!(item > 1)", for_each=[1, 2], after=("a",)),
    },
    "after a failure": {
        "a": a_task(),
        "b": only_if("tasks.a.status == 'failed'", after=("a",), join="all_settled"),
        "c": only_if("tasks.a.status == 'skipped'", after=("a",)),
        "d": only_if("tasks.a.status == 'failed' || params.ok", after=("a",)),
    },
    "a failure further up": {
        "a": a_task(),
        "b": a_task("a", join="all_settled"),
        "c": only_if("tasks.a.status == 'failed'", after=("b",)),
    },
}


@each_of(ROWS)
def test_what_can_be_proved_is_told_and_stands_in_nobodys_way(row: Row) -> None:
    assert_found(row)


@pytest.mark.parametrize("tasks", POSSIBLE.values(), ids=POSSIBLE.keys())
def test_a_task_that_some_run_may_reach_is_not_said_to_be_unreachable(tasks: dict[str, Any]) -> None:
    assert checked(a_definition(tasks, parameters=PARAMS)).issues == ()


def test_the_statuses_are_those_of_the_engine() -> None:
    assert set(SETTLED) == {status.value for status in TASK_SETTLED}


def test_what_else_is_wrong_is_no_reason_to_claim_anything() -> None:
    tasks = {
        "a": only_if("params.ok", after=("b",)),
        "b": only_if("!params.ok", after=("a",)),
        "c": only_if("!params.ok", after=("nobody", "a")),
    }
    found = checked(a_definition(tasks, parameters=PARAMS)).issues
    assert {issue.code for issue in found} == {"cycle", "unknown_dependency"}


def test_a_long_chain_is_proved_too() -> None:
    data = a_chain(5_000)
    data["tasks"]["t0"]["conditions"] = ["params.ok"]
    data["tasks"]["t4999"]["conditions"] = ["!params.ok"]
    found = checked({**data, "parameters": PARAMS}).issues
    assert places(found) == {("conditions_exclude", "tasks.t4999.conditions[0]")}


def many(task: Any) -> dict[str, Any]:
    return {f"t{n}": task(n) for n in range(5_000)}


def before(n: int) -> list[str]:
    return [f"t{n - 1}"] if n else []


LARGE = {
    "a chain of conditions": many(lambda n: only_if(f"params.kind != '{n}'", after=tuple(before(n)))),
    "dense": many(
        lambda n: only_if(
            f"params.size > {n % 40}",
            after=tuple(f"t{m}" for m in range(max(0, n - 20), n)),
            join="all_succeeded" if n % 2 else "any_succeeded",
        )
    ),
    "all unreachable": many(lambda n: only_if("params.ok", "!params.ok", after=tuple(before(n)))),
}


@pytest.mark.parametrize("tasks", LARGE.values(), ids=LARGE.keys())
def test_the_largest_are_proved_in_time(tasks: dict[str, Any]) -> None:
    with within(2):
        report = checked(a_definition(tasks, parameters=PARAMS))
    assert report.ok
