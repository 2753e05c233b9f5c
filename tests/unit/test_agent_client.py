"""Agents made of a function or a coroutine, beside a Baton that is played."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from orchestrator.agents.client import (
    Agent,
    AsyncAgent,
    AsyncTask,
    Permanent,
    RefusedError,
    Retryable,
    Task,
    hands,
)
from tests.unit.stub_baton import PATIENCE, TOKEN, StubBaton, serving

AnyTask = Task | AsyncTask
Maker = Callable[..., Agent | AsyncAgent]


def of_threads(baton: StubBaton, function: Callable[[AnyTask], object], **given: Any) -> Agent:
    agent = Agent("http://baton", TOKEN, agent_id="reviewer", transport=baton.transport, **given)
    agent.task(function)
    return agent


def of_coroutines(baton: StubBaton, function: Callable[[AnyTask], object], **given: Any) -> AsyncAgent:
    agent = AsyncAgent("http://baton", TOKEN, agent_id="reviewer", transport=baton.transport, **given)

    @agent.task
    async def work(task: AsyncTask) -> object:
        return function(task)

    return agent


@pytest.fixture(params=[of_threads, of_coroutines], ids=["threads", "coroutines"])
def make(request: pytest.FixtureRequest) -> Maker:
    """Makes an agent of either kind out of a function that does not wait."""
    maker: Maker = request.param
    return maker


@pytest.fixture(params=[Agent, AsyncAgent], ids=["threads", "coroutines"])
def patient(request: pytest.FixtureRequest) -> Maker:
    """Makes an agent of either kind whose tasks go on until they are cancelled."""

    def make(baton: StubBaton, ended: list[AnyTask], **given: Any) -> Agent | AsyncAgent:
        agent = request.param("http://baton", TOKEN, agent_id="reviewer", transport=baton.transport, **given)

        def in_thread(task: Task) -> object:
            baton.begun.set()
            assert task.cancelled.wait(PATIENCE)
            ended.append(task)
            return "too late"

        async def in_loop(task: AsyncTask) -> object:
            baton.begun.set()
            try:
                await task.cancelled.wait()
            finally:
                ended.append(task)
            return "too late"

        agent.task(in_thread if isinstance(agent, Agent) else in_loop)
        return agent  # type: ignore[no-any-return]

    return make


@pytest.fixture
def baton() -> StubBaton:
    return StubBaton()


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for; they last a hundredth of what they say."""
    found: list[float] = []

    async def pause(seconds: float) -> None:
        found.append(seconds)
        await asyncio.sleep(seconds / 100)

    monkeypatch.setattr(hands, "pause", pause)
    return found


# Outcomes


def test_it_says_what_it_can_do_and_what_the_function_returns_is_the_output(
    baton: StubBaton, make: Maker
) -> None:
    seen: list[AnyTask] = []

    def work(task: AnyTask) -> object:
        seen.append(task)
        return {"read": task.parameters["document"]}

    with serving(make(baton, work, capabilities=["python"], capacity=3)):
        lease = baton.give(document="a.txt")
        done = baton.wait_for("complete")
    assert (done.lease, done.body) == (lease, {"output": {"read": "a.txt"}})
    assert baton.heard[0].verb == "register"
    assert baton.heard[0].body == {"capabilities": ["python"], "capacity": 3}
    (task,) = seen
    assert (task.run, task.workflow, task.key, task.index) == (5, "Review", "read", -1)
    assert (task.attempt, task.idempotency_key, task.lease) == (2, "run-5-read", lease)


@pytest.mark.parametrize(
    ("error", "body"),
    [
        (ValueError("odd"), ("ValueError: odd", "agent_failed", True)),
        (KeyError(), ("KeyError", "agent_failed", True)),
        (Retryable("busy"), ("busy", "agent_failed", True)),
        (Retryable("busy", code="limit"), ("busy", "limit", True)),
        (Permanent("no such file"), ("no such file", "agent_failed", False)),
        (Permanent("x" * 5000), ("x" * 4000, "agent_failed", False)),
        (Permanent(""), ("(nothing)", "agent_failed", False)),
    ],
    ids=repr,
)
def test_what_the_function_raises_fails_the_attempt(
    baton: StubBaton, make: Maker, error: Exception, body: tuple[str, str, bool]
) -> None:
    def work(task: AnyTask) -> object:
        raise error

    with serving(make(baton, work)):
        baton.give()
        said = baton.wait_for("fail").body
    assert (said["message"], said["code"], said["retryable"]) == body
    assert baton.all("complete") == []


def test_a_thread_that_exits_fails_its_attempt_and_the_agent_goes_on(baton: StubBaton) -> None:
    def work(task: AnyTask) -> object:
        if task.parameters["exit"]:
            sys.exit(3)
        return None

    with serving(of_threads(baton, work)):
        baton.give(exit=True)
        baton.wait_for("fail")
        baton.give(exit=False)
        baton.wait_for("complete")


@pytest.mark.parametrize("output", [object(), float("nan"), {1: {2}}, "\ud800"], ids=repr)
def test_an_output_that_is_no_json_fails_for_good(baton: StubBaton, make: Maker, output: object) -> None:
    with serving(make(baton, lambda task: output)):
        baton.give()
        said = baton.wait_for("fail").body
    assert (said["code"], said["retryable"]) == ("output_invalid", False)


def test_an_output_that_is_too_large_fails_for_good(baton: StubBaton, make: Maker) -> None:
    baton.fault("complete", (413, "too_large"))
    with serving(make(baton, lambda task: 1)):
        baton.give()
        assert baton.wait_for("fail").body["retryable"] is False


def test_an_output_that_is_not_what_was_agreed_has_been_recorded_and_is_not_reported_again(
    baton: StubBaton, make: Maker
) -> None:
    baton.fault("complete", (400, "output_invalid"))
    with serving(make(baton, lambda task: 1)):
        baton.give()
        baton.wait_for("complete")
        baton.give()
        baton.wait_for("complete", 2)
    assert baton.all("fail") == []


def test_an_outcome_that_comes_too_late_is_logged_and_dropped(
    baton: StubBaton, make: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    baton.fault("complete", (409, "lease_lost"))
    with serving(make(baton, lambda task: 1)):
        baton.give()
        baton.wait_for("complete")
        baton.give()
        baton.wait_for("complete", 2)
    assert "The outcome of read of run 5 came too late and is dropped" in caplog.text
    assert [one.lease for one in baton.all("complete")] == [1, 2]


# Signs of life


def test_the_lease_is_kept_alive_three_times_as_often_as_it_has_to_be(
    baton: StubBaton, patient: Maker, paused: list[float]
) -> None:
    baton.lease_seconds = 30
    with serving(patient(baton, [], grace=0)):
        baton.give()
        baton.wait_for("heartbeat", 3)
    beats = [seconds for seconds in paused if seconds > 5]
    assert all(9 < seconds <= 10 for seconds in beats[:3])


def test_a_long_lease_is_kept_alive_every_fifteen_seconds(
    baton: StubBaton, patient: Maker, paused: list[float]
) -> None:
    baton.lease_seconds = 600
    with serving(patient(baton, [], grace=0)):
        baton.give()
        baton.wait_for("heartbeat", 2)
    assert 15.0 in paused


@pytest.mark.parametrize("how", ["cancelled", "lost", "revoked"])
def test_a_task_learns_that_nobody_waits_for_it_and_its_outcome_is_dropped(
    baton: StubBaton, patient: Maker, paused: list[float], how: str
) -> None:
    ended: list[AnyTask] = []
    if how == "cancelled":
        baton.cancelled.add(1)
    else:
        baton.fault("heartbeat", (409, "lease_lost") if how == "lost" else (401, "token_invalid"))
    with serving(patient(baton, ended)):
        baton.give()
        baton.wait_for("claim", 2)
        assert [task.lease for task in ended] == [1]
    assert baton.all("complete", "fail", "release") == []


# What fails for a while


def test_claims_are_repeated_for_ever_and_as_late_as_the_server_asks(
    baton: StubBaton, make: Maker, paused: list[float]
) -> None:
    later = httpx.Response(503, headers={"Retry-After": "7"}, json={"error": {"code": "unavailable"}})
    gateway = httpx.Response(502, text="<h1>Bad gateway</h1>")
    baton.fault("claim", later, httpx.ConnectError("refused"), gateway, (500, "internal_error"))
    with serving(make(baton, lambda task: 1)):
        baton.give()
        baton.wait_for("complete")
    assert len(baton.all("claim")) >= 5
    waited = [seconds for seconds in paused if seconds != 15.0][:4]
    assert waited[0] == 7.0
    assert 0.75 <= waited[1] <= 1.25 and 1.5 <= waited[2] <= 2.5 and 3 <= waited[3] <= 5


def test_registering_is_repeated_too(baton: StubBaton, make: Maker, paused: list[float]) -> None:
    baton.fault("register", httpx.ConnectError("refused"), (503, "unavailable"))
    with serving(make(baton, lambda task: 1)):
        baton.wait_for("claim")
    assert len(baton.all("register")) == 3


@pytest.mark.parametrize("verb", ["complete", "log"])
def test_an_outcome_and_lines_are_repeated_while_the_lease_lasts(
    baton: StubBaton, make: Maker, paused: list[float], verb: str
) -> None:
    baton.fault(verb, (503, "unavailable"), httpx.ReadTimeout("slow"))

    def work(task: AnyTask) -> object:
        task.log("once")
        return 1

    with serving(make(baton, work)):
        baton.give()
        baton.wait_for(verb, 3)
        baton.wait_for("complete")
    assert len(baton.all(verb)) == 3


def test_an_outcome_is_given_up_when_the_lease_is_over(
    baton: StubBaton, make: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    baton.lease_seconds = 0
    baton.always["complete"] = (503, "unavailable")
    with serving(make(baton, lambda task: 1)):
        baton.give()
        baton.wait_for("claim", 2)
    assert len(baton.all("complete")) == 1
    assert "The outcome of read of run 5 was not taken" in caplog.text


def test_a_server_that_does_not_let_it_wait_is_not_asked_without_a_pause(
    baton: StubBaton, make: Maker, paused: list[float]
) -> None:
    baton.fault("claim", *[httpx.Response(200, json={"tasks": []}) for _ in range(3)])
    with serving(make(baton, lambda task: 1)):
        baton.wait_for("claim", 4)
    assert paused.count(1.0) >= 3


@pytest.mark.parametrize("verb", ["register", "claim"])
@pytest.mark.parametrize(("status", "code"), [(401, "token_invalid"), (403, "not_allowed")])
def test_an_agent_whose_token_is_refused_ends_and_says_so(
    baton: StubBaton, make: Maker, verb: str, status: int, code: str
) -> None:
    baton.fault(verb, (status, code))
    with (
        pytest.raises(RefusedError, match=rf"No\. \({status} {code}\)"),
        serving(make(baton, lambda task: 1)) as thread,
    ):
        thread.join(PATIENCE)


# The log


def test_lines_are_sent_in_order_a_hundred_at_once_and_before_the_outcome(
    baton: StubBaton, make: Maker
) -> None:
    def work(task: AnyTask) -> object:
        for number in range(250):
            task.log("line %d", number)
        task.log("100 %", level="warning")
        return None

    with serving(make(baton, work)):
        baton.give()
        baton.wait_for("complete")
    sent = [one.body["lines"] for one in baton.all("log")]
    assert max(len(lines) for lines in sent) <= 100
    lines = [(line["level"], line["message"]) for lines in sent for line in lines]
    assert lines == [*(("info", f"line {number}") for number in range(250)), ("warning", "100 %")]
    verbs = [one.verb for one in baton.heard if one.verb in ("log", "complete")]
    assert verbs == ["log"] * len(sent) + ["complete"]


def test_lines_are_seen_while_the_work_goes_on_twice_a_second_at_most(
    baton: StubBaton, paused: list[float]
) -> None:
    go_on = threading.Event()

    def work(task: AnyTask) -> object:
        task.log("first")
        assert go_on.wait(PATIENCE)
        for number in range(50):
            task.log("line %d", number)
        baton.wait_until(lambda: sum(len(one.body["lines"]) for one in baton.all("log")) == 51)
        return None

    with serving(of_threads(baton, work)):
        baton.give()
        assert [line["message"] for line in baton.wait_for("log").body["lines"]] == ["first"]
        go_on.set()
        baton.wait_for("complete")
    assert paused.count(hands.LINES_SECONDS) >= len(baton.all("log")) - 1


def test_a_level_that_is_none_is_an_error_of_the_function(baton: StubBaton, make: Maker) -> None:
    with serving(make(baton, lambda task: task.log("x", level="loud"))):
        baton.give()
        assert "debug, info, warning, error" in baton.wait_for("fail").body["message"]


def test_lines_that_are_not_taken_do_not_hold_up_the_outcome(
    baton: StubBaton, make: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    baton.fault("log", (400, "invalid"))
    with serving(make(baton, lambda task: task.log("x"))):
        baton.give()
        baton.wait_for("complete")
    assert "1 lines of the log of read of run 5 are lost" in caplog.text


# Room


def test_it_carries_out_as_many_tasks_at_once_as_it_has_room_for(baton: StubBaton) -> None:
    both = threading.Barrier(3)  # two tasks and the test
    running: list[int] = []
    most: list[int] = []

    def work(task: AnyTask) -> object:
        running.append(task.lease)
        most.append(len(running))
        both.wait(PATIENCE)
        running.remove(task.lease)
        return None

    for _ in range(4):
        baton.give()
    with serving(of_threads(baton, work, capacity=2)):
        for done in (2, 4):
            both.wait(PATIENCE)
            baton.wait_for("complete", done)
    assert max(most) == 2
    assert baton.all("claim")[0].body == {"wait": 30.0, "most": 2}


def test_coroutines_share_the_room_in_one_loop(baton: StubBaton) -> None:
    agent = AsyncAgent("http://baton", TOKEN, agent_id="reviewer", capacity=2, transport=baton.transport)
    met: list[int] = []

    @agent.task
    async def work(task: AsyncTask) -> object:
        met.append(task.lease)
        baton_has_both.set() if len(met) == 2 else None
        await baton_has_both.wait()
        return None

    baton_has_both = asyncio.Event()
    baton.give()
    baton.give()
    with serving(agent):
        baton.wait_for("complete", 2)
    assert sorted(met) == [1, 2]


# Stopping


def test_a_stopped_agent_lets_its_task_end_and_takes_nothing_new(baton: StubBaton) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(task: AnyTask) -> object:
        begun.set()
        assert go_on.wait(PATIENCE)
        return "done"

    agent = of_threads(baton, work, capacity=2)
    with serving(agent) as thread:
        baton.give()
        assert begun.wait(PATIENCE)
        baton.wait_for("claim", 2)
        agent.stop()
        baton.give()
        go_on.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert [one.body for one in baton.all("complete")] == [{"output": "done"}]
    assert len(baton.all("claim")) == 2
    assert baton.all("release") == []


@pytest.mark.parametrize("hurried", [False, True], ids=["grace over", "stopped twice"])
def test_what_does_not_end_within_the_time_of_grace_is_given_back(
    baton: StubBaton, patient: Maker, hurried: bool
) -> None:
    ended: list[AnyTask] = []
    agent = patient(baton, ended, grace=3600 if hurried else 0.01)
    with serving(agent) as thread:
        lease = baton.give()
        assert baton.begun.wait(PATIENCE)
        agent.stop()
        if hurried:
            agent.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert [one.lease for one in baton.all("release")] == [lease]
    assert baton.all("complete", "fail") == []
    assert [task.cancelled.is_set() for task in ended] == [True]


def test_work_that_does_not_heed_anything_does_not_keep_the_agent_from_ending(baton: StubBaton) -> None:
    begun, never = threading.Event(), threading.Event()

    def work(task: AnyTask) -> object:
        begun.set()
        never.wait(PATIENCE)
        return None

    agent = of_threads(baton, work, grace=0)
    with serving(agent):
        baton.give()
        assert begun.wait(PATIENCE)
    never.set()
    assert len(baton.all("release")) == 1
    assert baton.all("complete") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_an_agent_of_the_main_thread_and_is_then_as_before(
    baton: StubBaton, number: signal.Signals
) -> None:
    before = signal.getsignal(number)

    def work(task: AnyTask) -> object:
        os.kill(os.getpid(), number)
        return "ended"

    baton.give()
    of_threads(baton, work).run()
    assert [one.body for one in baton.all("complete")] == [{"output": "ended"}]
    assert signal.getsignal(number) is before


# How it is made


def test_address_and_token_come_from_the_environment(
    baton: StubBaton, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_URL", "https://baton.example.org/")
    monkeypatch.setenv("BATON_AGENT_TOKEN", TOKEN)
    agent = Agent(agent_id="reviewer", transport=baton.transport)
    assert agent.url == "https://baton.example.org"
    agent.task(lambda task: 1)
    with serving(agent):
        baton.wait_for("claim")


def test_without_a_token_an_address_room_or_a_function_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BATON_AGENT_TOKEN", raising=False)
    with pytest.raises(ValueError, match="BATON_AGENT_TOKEN"):
        Agent(agent_id="reviewer")
    with pytest.raises(ValueError, match="http://"):
        Agent("localhost:8000", TOKEN, agent_id="reviewer")
    with pytest.raises(ValueError, match="capacity is 0"):
        Agent("http://baton", TOKEN, agent_id="reviewer", capacity=0)
    with pytest.raises(ValueError, match=r"@agent\.task"):
        Agent("http://baton", TOKEN, agent_id="reviewer").run()


def test_an_agent_of_functions_takes_no_coroutine() -> None:
    async def work(task: Task) -> object:
        return 1

    with pytest.raises(TypeError, match="AsyncAgent"):
        Agent("http://baton", TOKEN, agent_id="reviewer").task(work)


def test_the_client_needs_nothing_of_django() -> None:
    code = (
        "import sys, orchestrator.agents.client; "
        "print([name for name in sys.modules if name.partition('.')[0] in ('django', 'rest_framework')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_that_is_logged_holds_the_token(
    baton: StubBaton, make: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "orchestrator.agents.client")
    baton.fault("claim", (401, "token_invalid"))
    with pytest.raises(RefusedError), serving(make(baton, lambda task: 1)) as thread:
        thread.join(PATIENCE)
    assert TOKEN not in caplog.text
