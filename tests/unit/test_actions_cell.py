"""An action in a process of its own: what it returns, raises, logs and dies of arrives as if it had been done here."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.actions import cell
from orchestrator.actions.base import ActionError, StartChild
from tests.unit.actions_kit import Recorder, make_call

HERE = f"{__name__}."


def echo(parameters: dict[str, Any], context: Any) -> dict[str, Any]:
    os.write(1, b"what an agent prints is no answer\n")
    context.logger.info("at %s", context.task)
    return {**parameters, "pid": os.getpid(), "key": context.idempotency_key, "attempt": context.attempt}


def refuse(parameters: dict[str, Any], context: Any) -> None:
    raise ActionError("later", "Come back.", retryable=True, retry_after=7)


def leave(parameters: dict[str, Any], context: Any) -> None:
    raise SystemExit(3)


def exhaust(parameters: dict[str, Any], context: Any) -> None:
    raise MemoryError


def vanish(parameters: dict[str, Any], context: Any) -> None:
    os._exit(0)


def hang(parameters: dict[str, Any], context: Any) -> None:
    context.logger.info("hangs")
    time.sleep(60)


def unspeakable(parameters: dict[str, Any], context: Any) -> object:
    return object()


@pytest.fixture
def run(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Carries out an agent of this file in a cell."""
    names = ("echo", "refuse", "leave", "exhaust", "vanish", "hang", "unspeakable")
    settings.BATON = {**settings.BATON, "AGENTS": {name: HERE + name for name in names}}
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))

    def execute(agent: str, recorder: Recorder | None = None, **changes: Any) -> Any:
        return cell.execute("agent_task", make_call({"n": 1}, recorder, agent_id=agent, **changes))

    return execute


def test_the_result_and_the_log_come_from_another_process(run: Callable[..., Any]) -> None:
    recorder = Recorder()
    output = run("echo", recorder, attempt=2)
    assert output.pop("pid") != os.getpid()
    assert output == {"n": 1, "key": "run-1:step:0", "attempt": 2}
    assert recorder.lines == [("info", "at step")]


def test_an_error_keeps_what_it_says(run: Callable[..., Any]) -> None:
    with pytest.raises(ActionError) as caught:
        run("refuse")
    error = caught.value
    assert (error.code, error.message, error.retryable, error.retry_after) == ("later", "Come back.", True, 7)


@pytest.mark.parametrize(
    ("agent", "said"),
    [("leave", "SystemExit"), ("exhaust", "MemoryError"), ("unspeakable", "not JSON serializable")],
)
def test_whatever_it_raises_is_an_error(run: Callable[..., Any], agent: str, said: str) -> None:
    with pytest.raises(ActionError, match=said):
        run(agent)


def test_a_death_is_told_as_such(run: Callable[..., Any]) -> None:
    with pytest.raises(cell.DiedError):
        run("vanish")


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"cancelled": lambda: True}, "cancelled"), ({"seconds_left": lambda: -60.0}, "timeout")],
    ids=["cancelled", "timeout"],
)
def test_one_that_does_not_listen_is_ended(
    run: Callable[..., Any], changes: dict[str, Any], code: str
) -> None:
    began = time.monotonic()
    with pytest.raises(ActionError) as caught:
        run("hang", **changes)
    assert caught.value.code == code
    assert time.monotonic() - began < 30


def test_the_wish_for_a_child_run_is_handed_on() -> None:
    parameters = {"workflow_id": "other", "template": None, "parameters": {"n": 1}, "wait": True}
    answer = cell.execute("workflow_trigger", make_call(parameters))
    assert answer == StartChild("other", None, {"n": 1}, True)
