"""The agents that ship."""

from __future__ import annotations

import time
from typing import Any

import pytest

from orchestrator import conf
from orchestrator.actions.agent_task import AgentContext, AgentTask, TaskLogger, load
from orchestrator.actions.base import ActionError
from orchestrator.agents import builtin
from tests.unit.actions_kit import Recorder, execute


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time that passes only by sleeping; its one item is the time slept."""
    slept = [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: slept[0])
    return slept


def make_context(recorder: Recorder, **changes: Any) -> AgentContext:
    values: dict[str, Any] = {
        "task": "analyse",
        "index": 0,
        "attempt": 1,
        "agent_id": "analyst",
        "run": {"id": "run-1"},
        "idempotency_key": "key",
        "logger": TaskLogger(recorder.log),
        "heartbeat": recorder.heartbeat,
        "cancelled": lambda: False,
        "seconds_left": lambda: 60.0,
    }
    return AgentContext(**(values | changes))


def test_system_is_done_at_once_and_hands_on_what_it_was_given(recorder: Recorder) -> None:
    output = builtin.system({"region": "eu", "done": False}, make_context(recorder))
    assert output == {"region": "eu", "done": True, "task": "analyse"}


def test_demo_returns_a_plausible_result(recorder: Recorder) -> None:
    output = builtin.demo({"description": "Perform data analysis.", "seconds": 0}, make_context(recorder))
    assert output["agent"] == "analyst"
    assert 500 <= output["records_processed"] < 10_000
    assert 0.9 <= output["quality_score"] <= 1
    assert output["priority"] in ("low", "medium", "high")
    assert output["summary"] == f"Perform data analysis: {output['records_processed']} records processed."


def test_demo_returns_the_same_for_the_same_task(recorder: Recorder) -> None:
    context = make_context(recorder)
    first = builtin.demo({"description": "a", "seconds": 0}, context)
    assert builtin.demo({"description": "a", "seconds": 0}, context) == first
    assert builtin.demo({"description": "b", "seconds": 0}, context) != first


def test_demo_works_for_the_time_given_with_signs_of_life(recorder: Recorder, clock: list[float]) -> None:
    builtin.demo({"seconds": 10}, make_context(recorder))
    assert clock[0] == pytest.approx(10)
    assert recorder.heartbeats >= 10
    assert [line for _, line in recorder.lines if line.endswith("% done")] == [
        "25 % done",
        "50 % done",
        "75 % done",
    ]


def test_demo_works_for_the_time_of_the_settings_when_none_is_given(
    recorder: Recorder, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conf, "demo_seconds", lambda: 3.0)
    builtin.demo({}, make_context(recorder))
    assert clock[0] == pytest.approx(3)


def test_demo_stops_when_the_task_is_cancelled(recorder: Recorder, clock: list[float]) -> None:
    with pytest.raises(ActionError) as caught:
        builtin.demo({"seconds": 10}, make_context(recorder, cancelled=lambda: clock[0] > 2))
    assert (caught.value.code, caught.value.retryable) == ("cancelled", False)
    assert clock[0] < 3


def test_demo_puts_the_given_result_into_its_own(recorder: Recorder) -> None:
    output = builtin.demo({"seconds": 0, "result": {"priority": "low", "rows": [1]}}, make_context(recorder))
    assert (output["priority"], output["rows"]) == ("low", [1])
    assert "quality_score" in output


@pytest.mark.parametrize(
    ("parameters", "priority"),
    [
        ({"description": "An URGENT matter"}, "high"),
        ({"description": "Critical and urgent"}, "critical"),
        ({"description": "A routine job"}, "low"),
        ({"description": "urgent", "priority": "low"}, "low"),
    ],
)
def test_demo_takes_the_priority_from_what_it_was_told(
    recorder: Recorder, parameters: dict[str, Any], priority: str
) -> None:
    assert builtin.demo({"seconds": 0, **parameters}, make_context(recorder))["priority"] == priority


def test_demo_fails_as_often_as_it_is_told(recorder: Recorder) -> None:
    parameters = {"seconds": 0, "fail_times": 2, "fail_with": "Disk is slow."}
    for attempt in (1, 2):
        with pytest.raises(ActionError) as caught:
            builtin.demo(parameters, make_context(recorder, attempt=attempt))
        assert (caught.value.message, caught.value.retryable) == ("Disk is slow.", True)
    assert builtin.demo(parameters, make_context(recorder, attempt=3))["agent"] == "analyst"


@pytest.mark.parametrize("name", ["system", "demo"])
def test_the_settings_name_both(name: str) -> None:
    assert load(conf.agents()[name]) is getattr(builtin, name)


def test_in_the_demo_profile_any_agent_is_served() -> None:
    action = AgentTask(conf.agents, lambda: True)
    output = execute(action, {"description": "Analyse", "seconds": 0}, agent_id="pool:analysts")
    assert output["agent"] == "pool:analysts"
