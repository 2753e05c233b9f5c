"""agent_task: which callable does a task, what it is given, and what becomes of its result."""

from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from orchestrator.actions.agent_task import AgentContext, AgentTask, load, served_by
from orchestrator.actions.base import ActionError
from tests.unit.actions_kit import Recorder, execute, make_call

AGENTS = {"system": "pkg.system", "demo": "pkg.demo", "writer": "pkg.writer"}


@pytest.mark.parametrize(
    ("agent_id", "demo", "path"),
    [
        ("system", False, "pkg.system"),
        ("writer", False, "pkg.writer"),
        ("demo", False, "pkg.demo"),
        ("stranger", False, None),
        ("pool:writers", False, None),
        ("can:python", False, None),
        ("", False, None),
        ("writer", True, "pkg.writer"),
        ("stranger", True, "pkg.demo"),
        ("pool:writers", True, "pkg.demo"),
        ("can:python", True, "pkg.demo"),
    ],
)
def test_an_agent_is_served_by_its_callable_and_in_the_demo_by_the_demo_agent(
    agent_id: str, demo: bool, path: str | None
) -> None:
    assert served_by(agent_id, AGENTS, demo) == path


def test_without_a_demo_agent_the_demo_serves_nobody_else() -> None:
    assert served_by("stranger", {"writer": "pkg.writer"}, True) is None


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    """A module of somebody's agents."""
    module = types.ModuleType("somebodys_agents")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    yield module


def run(
    module: types.ModuleType, agent: Callable[..., Any], recorder: Recorder | None = None, **changes: Any
) -> Any:
    module.agent = agent  # type: ignore[attr-defined]
    action = AgentTask(lambda: {"someone": "somebodys_agents.agent"}, lambda: False)
    call = make_call({"description": "work", "extra": [1]}, recorder, **({"agent_id": "someone"} | changes))
    return action.execute(call)


def error_of(module: types.ModuleType, agent: Callable[..., Any], **changes: Any) -> ActionError:
    with pytest.raises(ActionError) as caught:
        run(module, agent, **changes)
    return caught.value


def test_a_callable_is_given_all_parameters_and_the_context(module: types.ModuleType) -> None:
    recorder = Recorder()

    def agent(parameters: dict[str, Any], context: AgentContext) -> dict[str, Any]:
        context.heartbeat()
        context.logger.info("%s of %s", context.task, context.run["id"])
        context.logger.warning("100 %")
        return {
            "parameters": parameters,
            "attempt": context.attempt,
            "agent": context.agent_id,
            "key": context.idempotency_key,
            "cancelled": context.cancelled(),
            "left": context.seconds_left(),
        }

    assert run(module, agent, recorder, attempt=3) == {
        "parameters": {"description": "work", "extra": [1]},
        "attempt": 3,
        "agent": "someone",
        "key": "run-1:step:0",
        "cancelled": False,
        "left": 60.0,
    }
    assert recorder.lines == [("info", "step of run-1"), ("warning", "100 %")]
    assert recorder.heartbeats == 1


def test_a_coroutine_is_awaited(module: types.ModuleType) -> None:
    async def agent(parameters: dict[str, Any], context: AgentContext) -> str:
        await asyncio.sleep(0)
        return "done"

    assert run(module, agent) == "done"


def test_an_object_with_an_async_call_is_awaited(module: types.ModuleType) -> None:
    class Agent:
        async def __call__(self, parameters: dict[str, Any], context: AgentContext) -> int:
            return 1

    assert run(module, Agent()) == 1


def test_a_coroutine_is_stopped_when_the_task_is_cancelled(module: types.ModuleType) -> None:
    stopped = []

    async def agent(parameters: dict[str, Any], context: AgentContext) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.append(True)
            raise

    error = error_of(module, agent, cancelled=lambda: True, seconds_left=lambda: 0.01)
    assert (error.code, error.retryable, stopped) == ("cancelled", False, [True])


def test_a_coroutine_is_stopped_when_the_time_is_over(module: types.ModuleType) -> None:
    left = iter([0.01, 0.0])

    async def agent(parameters: dict[str, Any], context: AgentContext) -> None:
        await asyncio.Event().wait()

    error = error_of(module, agent, seconds_left=lambda: next(left, 0.0))
    assert (error.code, error.retryable) == ("timeout", True)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_exception_is_an_error_that_may_pass_with_its_trace_in_the_log(
    module: types.ModuleType, asynchronous: bool
) -> None:
    def agent(parameters: dict[str, Any], context: AgentContext) -> None:
        raise ValueError("no rows")

    async def coroutine(parameters: dict[str, Any], context: AgentContext) -> None:
        agent(parameters, context)

    recorder = Recorder()
    error = error_of(module, coroutine if asynchronous else agent, recorder=recorder)
    assert (error.code, error.message, error.retryable) == ("agent_failed", "ValueError: no rows", True)
    assert recorder.lines[0][0] == "error"
    assert "raise ValueError" in recorder.lines[0][1]


def test_an_agent_may_say_itself_that_a_retry_is_of_no_use(module: types.ModuleType) -> None:
    def agent(parameters: dict[str, Any], context: AgentContext) -> None:
        raise ActionError("no_licence", "There is no licence.", retryable=False)

    error = error_of(module, agent)
    assert (error.code, error.retryable) == ("no_licence", False)


@pytest.mark.parametrize("result", [None, True, 0, 1.5, "", [], {"a": [{"b": None}]}], ids=repr)
def test_the_result_is_handed_on_as_it_is(module: types.ModuleType, result: Any) -> None:
    assert run(module, lambda parameters, context: result) == result


@pytest.mark.parametrize("path", ["nowhere.agent", "sys.nothing_here", "sys", "", "sys.path", ".agent"])
def test_a_path_that_leads_to_no_callable_is_an_error(path: str) -> None:
    with pytest.raises(ActionError) as caught:
        load(path)
    assert (caught.value.code, caught.value.retryable) == ("agent_not_found", False)


def test_a_task_for_a_stranger_is_refused() -> None:
    with pytest.raises(ActionError) as caught:
        execute(AgentTask(lambda: AGENTS, lambda: False), {}, agent_id="stranger")
    assert caught.value.code == "no_agent"
