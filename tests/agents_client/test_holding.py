"""Agents hold tasks: their log, how many there is room for, how they are given back, and how an agent is made."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from orchestrator.agents.client import Agent, AsyncAgent, AsyncTask, RefusedError, Task, hands
from orchestrator.agents.client import serving as module
from tests.agents_client.stub_baton import PATIENCE, TOKEN, AnyTask, Maker, StubBaton, of_threads, serving

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


# Files


def test_a_file_is_handed_in_before_the_outcome(
    baton: StubBaton, make_attaching: Maker, tmp_path: Path
) -> None:
    (tmp_path / "table.csv").write_bytes(b"a,b\n" * 50_000)
    given = [
        ("report 1/2.pdf", b"%PDF-"),
        ("table.csv", tmp_path / "table.csv"),
        ("t.csv", str(tmp_path / "table.csv")),
    ]
    with serving(make_attaching(baton, given)):
        lease = baton.give()
        baton.wait_for("complete")
    sent = [(one.lease, one.body["name"], one.body["content"]) for one in baton.all("attach")]
    table = b"a,b\n" * 50_000
    assert sent == [(lease, "2.pdf", b"%PDF-"), (lease, "table.csv", table), (lease, "t.csv", table)]


def test_handing_in_is_tried_again_while_baton_is_away(
    baton: StubBaton, make_attaching: Maker, paused: list[float], tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(b"content")
    baton.fault("attach", (503, "unavailable"), httpx.ConnectError("refused"))
    with serving(make_attaching(baton, [("x", tmp_path / "x")])):
        baton.give()
        baton.wait_for("complete")
    assert [one.body["content"] for one in baton.all("attach")] == [b"content"] * 3


@pytest.mark.parametrize(
    ("status", "code", "ends"),
    [(413, "file_too_large", "fail"), (400, "bad_name", "fail"), (409, "too_many_artifacts", "fail")],
    ids=["large", "name", "many"],
)
def test_what_is_refused_is_raised_where_it_was_handed_in(
    baton: StubBaton, make_attaching: Maker, status: int, code: str, ends: str
) -> None:
    baton.fault("attach", (status, code))
    with serving(make_attaching(baton, [("x", b"1")])):
        baton.give()
        assert code in baton.wait_for(ends).body["message"]


def test_after_the_lease_is_lost_nothing_is_handed_in_and_nothing_delivered(
    baton: StubBaton, make_attaching: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    baton.fault("attach", (409, "lease_lost"))
    with serving(make_attaching(baton, [("x", b"1"), ("y", b"2")])):
        baton.give()
        baton.wait_for("attach")
        baton.wait_for("claim", 2)
    assert len(baton.all("attach")) == 1
    assert baton.all("complete", "fail") == []
    assert "came too late" in caplog.text


def test_a_file_that_is_not_there_fails_the_attempt(baton: StubBaton, make_attaching: Maker) -> None:
    with serving(make_attaching(baton, [("x", "no/such/file")])):
        baton.give()
        assert "no/such/file" in baton.wait_for("fail").body["message"]


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


@pytest.mark.parametrize("hurried", [False, True], ids=["stopped", "stopped twice"])
def test_what_arrives_once_it_is_stopped_is_given_back_at_once(
    baton: StubBaton, make: Maker, hurried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAST_ANSWER_SECONDS", PATIENCE)
    carried_out: list[AnyTask] = []
    agent = make(baton, carried_out.append)
    with serving(agent) as thread:
        baton.wait_for("claim")
        agent.stop()
        lease = baton.give()  # heard of by the agent only after the stop
        if not hurried:
            assert baton.wait_for("release").lease == lease
        else:
            agent.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert carried_out == []
    assert [one.lease for one in baton.all("release")] in ([[lease]] if not hurried else [[lease], []])


def test_giving_back_is_not_tried_for_ever(
    baton: StubBaton, make: Maker, paused: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    baton.always["release"] = (503, "unavailable")
    monkeypatch.setattr(module, "LAST_ANSWER_SECONDS", PATIENCE)
    monkeypatch.setattr(hands, "GIVING_BACK_SECONDS", 0.0)
    agent = make(baton, lambda task: 1)
    with serving(agent) as thread:
        baton.wait_for("claim")
        agent.stop()
        baton.give()
        thread.join(PATIENCE)
        assert not thread.is_alive()


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
    _until_there_is(ended)  # a function in a thread ends when it looks up
    assert [task.cancelled.is_set() for task in ended] == [True]


def _until_there_is(ended: list[AnyTask]) -> None:
    last = time.monotonic() + PATIENCE
    while not ended and time.monotonic() < last:
        time.sleep(0.01)


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


@pytest.fixture(params=[signal.SIGTERM, signal.SIGINT])
def handled(request: pytest.FixtureRequest) -> Iterator[tuple[signal.Signals, Callable[..., None]]]:
    """A signal, and what handles it in a program of which an agent is a part."""

    def handler(number: int, frame: object) -> None:
        raise AssertionError("The agent heeds signals while it runs.")

    before = signal.signal(request.param, handler)
    yield request.param, handler
    signal.signal(request.param, before)


def test_a_signal_stops_an_agent_of_the_main_thread_and_is_then_as_before(
    baton: StubBaton, handled: tuple[signal.Signals, Callable[..., None]]
) -> None:
    number, handler = handled

    def work(task: AnyTask) -> object:
        os.kill(os.getpid(), number)
        return "ended"

    baton.give()
    of_threads(baton, work).run()
    assert [one.body for one in baton.all("complete")] == [{"output": "ended"}]
    assert signal.getsignal(number) is handler


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
