"""The single requests of agents, of both kinds of clients, by what goes out and what comes of the answer."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from orchestrator.agents.client import (
    AsyncClient,
    Client,
    ClientError,
    LeaseLostError,
    RefusedError,
)
from tests.agents_client.stub_baton import TOKEN

Ask = Callable[..., Any]
GIVEN = {
    "lease": 7,
    "run": 12,
    "workflow": "Review",
    "task": "read",
    "index": 3,
    "attempt": 1,
    "parameters": {"document": "ä"},
    "idempotency_key": "k",
    "lease_until": "2026-01-01T00:01:00Z",
    "timeout_at": None,
}
DATE = {"Date": "Thu, 01 Jan 2026 00:00:30 GMT"}


class Wire:
    """Answers every request with the same answer, and keeps the last one."""

    def __init__(self, answer: httpx.Response | Exception) -> None:
        self.answer = answer
        self.transport = httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.request = request
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @property
    def asked(self) -> tuple[str, str, Any]:
        return self.request.method, self.request.url.path, json.loads(self.request.content)


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Calls a method of either client."""

    def sync(wire: Wire, verb: str, /, *given: Any, **named: Any) -> Any:
        with Client("http://baton/", TOKEN, transport=wire.transport) as client:
            return getattr(client, verb)(*given, **named)

    async def call(wire: Wire, verb: str, /, *given: Any, **named: Any) -> Any:
        async with AsyncClient("http://baton/", TOKEN, transport=wire.transport) as client:
            return await getattr(client, verb)(*given, **named)

    return sync if request.param == "sync" else lambda *given, **named: asyncio.run(call(*given, **named))


STORED = {"status": "stored"}


@pytest.mark.parametrize(
    ("call", "named", "path", "body"),
    [
        (("register", "me"), {"capacity": 2, "name": None}, "/api/agents/me/register", {"capacity": 2}),
        (("log", 7, [("info", "a\x00b")]), {}, "/api/leases/7/log", {"lines": [{"level": "info", "message": "ab"}]}),
        (("log", 7, [("debug", " ")]), {}, "/api/leases/7/log", {"lines": [{"level": "debug", "message": "(nothing)"}]}),
        (("complete", 7), {}, "/api/leases/7/complete", {"output": None}),
        (("complete", 7, [1]), {}, "/api/leases/7/complete", {"output": [1]}),
        (("fail", 7, "no"), {}, "/api/leases/7/fail", {"message": "no", "code": "agent_failed", "retryable": True}),
        (
            ("fail", 7, "no"),
            {"code": "c", "retryable": False},
            "/api/leases/7/fail",
            {"message": "no", "code": "c", "retryable": False},
        ),
        (("release", 7), {}, "/api/leases/7/release", {}),
    ],
    ids=str,
)  # fmt: skip
def test_a_request_goes_to_its_route_with_the_token(
    ask: Ask, call: tuple[Any, ...], named: dict[str, Any], path: str, body: Any
) -> None:
    wire = Wire(httpx.Response(200, json=STORED))
    ask(wire, *call, **named)
    assert wire.asked == ("POST", path, body)
    assert wire.request.headers["Authorization"] == f"Bearer {TOKEN}"


def test_an_id_cannot_lead_to_another_route(ask: Ask) -> None:
    wire = Wire(httpx.Response(200, json=STORED))
    ask(wire, "register", "../runs/1")
    assert wire.request.url.raw_path == b"/api/agents/..%2Fruns%2F1/register"


def test_a_claim_waits_and_its_tasks_are_read(ask: Ask) -> None:
    wire = Wire(httpx.Response(200, json={"tasks": [GIVEN]}, headers=DATE))
    (found,) = ask(wire, "claim", "me", wait=20, most=200)
    assert wire.asked == ("POST", "/api/agents/me/claim", {"wait": 20, "most": 50})
    assert wire.request.extensions["timeout"]["read"] == 30.0
    assert (found.lease, found.run, found.workflow, found.task, found.index) == (7, 12, "Review", "read", 3)
    assert found.parameters == {"document": "ä"}
    assert found.lease_until == datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


def test_how_long_a_lease_lasts_is_told_by_the_clock_of_the_server(ask: Ask) -> None:
    claimed = Wire(httpx.Response(200, json={"tasks": [GIVEN]}, headers=DATE))
    assert ask(claimed, "claim", "me")[0].seconds == 29.5
    beaten = Wire(
        httpx.Response(200, json={"lease_until": GIVEN["lease_until"], "cancelled": False}, headers=DATE)
    )
    sign = ask(beaten, "heartbeat", 7)
    assert (sign.cancelled, sign.seconds) == (False, 29.5)
    ended = ask(Wire(httpx.Response(200, json={"lease_until": None, "cancelled": True})), "heartbeat", 7)
    assert (ended.cancelled, ended.lease_until) == (True, None)


@pytest.mark.parametrize(
    ("status", "code", "kind", "passing"),
    [
        (400, "invalid", ClientError, False),
        (401, "token_invalid", RefusedError, False),
        (403, "not_allowed", RefusedError, False),
        (404, "not_found", ClientError, False),
        (409, "lease_lost", LeaseLostError, False),
        (409, "conflict", ClientError, False),
        (429, "throttled", ClientError, True),
        (500, "internal_error", ClientError, True),
        (503, "unavailable", ClientError, True),
    ],
)
def test_an_error_says_what_the_answer_said(
    ask: Ask, status: int, code: str, kind: type[ClientError], passing: bool
) -> None:
    body = {"error": {"code": code, "message": "Why.", "issues": []}}
    with pytest.raises(kind) as raised:
        ask(Wire(httpx.Response(status, json=body)), "complete", 7)
    error = raised.value
    assert type(error) is kind
    assert (error.status, error.code, error.message, error.is_passing) == (status, code, "Why.", passing)
    assert str(error) == f"Why. ({status} {code})"


@pytest.mark.parametrize(("text", "seconds"), [("3", 3.0), ("999999", 60.0), ("-1", 0.0), ("soon", None)])
def test_it_is_heard_when_to_come_again(ask: Ask, text: str, seconds: float | None) -> None:
    with pytest.raises(ClientError) as raised:
        ask(Wire(httpx.Response(503, headers={"Retry-After": text})), "heartbeat", 7)
    assert raised.value.retry_after == seconds


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 200, "text": "<h1>Welcome</h1>"},
        {"status_code": 200, "json": []},
        {"status_code": 200, "json": {"tasks": [{"lease": 1}]}},
        {"status_code": 200, "json": {"tasks": 3}},
        {"status_code": 302, "headers": {"Location": "https://elsewhere"}},
    ],
    ids=["page", "list", "half a task", "no list", "redirect"],
)
def test_what_is_no_answer_of_baton_is_an_error(ask: Ask, answer: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="does not answer as Baton does"):
        ask(Wire(httpx.Response(**answer)), "claim", "me")


def test_a_server_that_cannot_be_reached_is_an_error_that_passes(ask: Ask) -> None:
    with pytest.raises(ClientError, match="http://baton does not answer: refused") as raised:
        ask(Wire(httpx.ConnectError("refused")), "claim", "me")
    assert (raised.value.status, raised.value.is_passing) == (0, True)


def test_both_clients_have_the_same_methods_with_the_same_parameters() -> None:
    def methods(kind: type) -> dict[str, list[inspect.Parameter]]:
        found = inspect.getmembers(kind, inspect.isfunction)
        return {
            name: list(inspect.signature(function).parameters.values())
            for name, function in found
            if name[:1] != "_"
        }

    assert methods(Client) == methods(AsyncClient)
    assert len(methods(Client)) == 9
