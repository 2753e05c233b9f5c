"""Agents carry out tasks: outcomes, signs of life, and what fails for a while."""

from __future__ import annotations

import sys

import httpx
import pytest

from orchestrator.agents.client import Permanent, RefusedError, Retryable
from tests.agents_client.stub_baton import PATIENCE, AnyTask, Maker, StubBaton, of_threads, serving

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


@pytest.mark.parametrize(
    "output",
    [object(), float("nan"), {1: {2}}, "\ud800"],
    ids=["an object", "nan", "a set", "half a character"],
)
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
