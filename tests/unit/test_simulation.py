"""A run walked through by the planner alone, with assumed outcomes."""

from __future__ import annotations

from typing import Any

import pytest

from editor.simulation import Assumption, Simulation, explore, never_reached, simulate
from orchestrator import actions, catalog
from orchestrator.definition import Definition, parse
from tests.engine.flows import flow, task


def definition(tasks: dict[str, Any], **top: Any) -> Definition:
    return parse({**flow(tasks), **top}, actions=actions.schemas())


def of(found: Simulation) -> dict[str, tuple[str, float | None, float | None]]:
    return {one.key: (one.status, one.started, one.finished) for one in found.tasks}


def takes(seconds: float) -> Assumption:
    return Assumption(seconds=seconds)


def parallel(*after: str, **more: Any) -> dict[str, Any]:
    return task(*after, mode="parallel", **more)


GATE = {"action": "approval_gate", "parameters": {"approvers": ["ann"], "timeout_seconds": 60}}


def test_parallel_branches_take_as_long_as_the_longer_one() -> None:
    drawn = definition(
        {"a": parallel(), "b": parallel("a"), "c": parallel("a"), "d": parallel("b", "c"), "e": parallel("a")}
    )
    found = simulate(drawn, {"b": takes(10), "c": takes(4)})
    assert (found.status, found.seconds, found.critical) == ("completed", 12.0, ("a", "b", "d"))
    assert of(found)["c"] == ("completed", 1.0, 5.0)
    assert found.reached == 1.0


def test_of_sequential_tasks_one_goes_at_a_time() -> None:
    found = simulate(
        definition({"a": task(mode="sequential"), "b": task(mode="sequential"), "c": parallel()})
    )
    assert {key: started for key, (_, started, _) in of(found).items()} == {"a": 0.0, "b": 1.0, "c": 0.0}


def test_a_task_that_fails_is_retried_after_its_delays() -> None:
    drawn = definition({"a": task(retry_count=2, retry_delay=5, retry_backoff=2.0), "b": task("a")})
    found = simulate(drawn, {"a": Assumption("fails")})
    assert (found.status, found.seconds) == ("failed", 1 + 5 + 1 + 10 + 1)
    assert found.tasks[0].attempts == 3
    assert of(found)["b"] == ("skipped", None, 18.0)
    assert found.reached == 0.5


@pytest.mark.parametrize(
    ("happens", "status", "seconds"),
    [("succeeds", "completed", 31.0), ("rejected", "failed", 30.0), ("unanswered", "failed", 60.0)],
)
def test_a_gate_is_approved_rejected_or_not_answered(happens: Any, status: str, seconds: float) -> None:
    drawn = definition({"ask": GATE, "b": task("ask")})
    found = simulate(drawn, {"ask": Assumption(happens, seconds=30)})
    assert (found.status, found.seconds) == (status, seconds)


def test_a_gate_without_a_deadline_that_nobody_answers_waits_for_ever() -> None:
    gate = {"action": "approval_gate", "parameters": {"approvers": ["ann"]}}
    assert simulate(definition({"ask": gate}), {"ask": Assumption("unanswered")}).status == "waits"


def test_conditions_see_the_assumed_outputs() -> None:
    drawn = definition({"a": task(), "b": task("a", conditions=["tasks.a.output.rows > 2"]), "c": task("b")})
    many = simulate(drawn, {"a": Assumption(output={"rows": 3})})
    few = simulate(drawn, {"a": Assumption(output={"rows": 2})})
    assert [one.status for one in many.tasks] == ["completed", "completed", "completed"]
    assert [one.status for one in few.tasks] == ["completed", "skipped", "skipped"]
    unknown = simulate(drawn)
    assert (unknown.status, "rows" in unknown.tasks[1].why) == ("failed", True)


def test_items_of_a_list_are_carried_out_beside_each_other() -> None:
    drawn = definition({"a": parallel(for_each="[1, 2, 3]"), "b": task("a")})
    found = simulate(drawn, {"a": takes(7)})
    assert (found.seconds, found.tasks[0].items, found.tasks[0].attempts) == (8.0, 3, 1)


def test_time_limits_hold_for_tasks_and_for_the_whole() -> None:
    drawn = definition({"a": task(timeout_seconds=5, retry_count=0)})
    assert (simulate(drawn, {"a": takes(9)}).seconds, simulate(drawn, {"a": takes(9)}).status) == (
        5.0,
        "failed",
    )
    whole = definition({"a": task(), "b": task("a")}, settings={"timeout_seconds": 3})
    assert (simulate(whole, {"b": takes(9)}).seconds, simulate(whole, {"b": takes(9)}).status) == (
        3.0,
        "failed",
    )


def test_a_failure_that_asks_a_person_is_let_fail() -> None:
    drawn = definition({"a": task(on_failure="manual", retry_count=0), "b": task("a")})
    assert simulate(drawn, {"a": Assumption("fails")}).status == "failed"


def test_every_single_failure_is_tried_and_what_nothing_reaches_is_named() -> None:
    tasks = {
        "a": task(retry_count=0),
        "mend": task("a", join="all_settled", conditions=["tasks.a.status == 'failed'"]),
        "never": task("a", conditions=["1 > 2"]),
    }
    found = explore(definition(tasks))
    assert list(found) == ["", "a", "mend", "never"]
    assert of(found["a"])["mend"][0] == "completed"
    assert never_reached(found) == ["never"]


@pytest.mark.parametrize("template", [one.key for one in catalog.templates()])
def test_the_templates_come_to_an_end(template: str) -> None:
    drawn = parse(catalog.instantiate(template, {}), actions=actions.schemas())
    found = simulate(drawn)
    assert found.status == "completed", [(one.key, one.status, one.why) for one in found.tasks]
    assert not any(one.status == "pending" for one in found.tasks)
