"""api_call against a real server on the loopback: what it sends, what it makes of answers, and when it stops."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from orchestrator.actions.api_call import ApiCall
from orchestrator.actions.base import ActionError
from tests.unit.actions_kit import Recorder, execute
from tests.unit.stub_server import LIMIT, Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def other() -> Iterator[Server]:
    """A second server: another origin."""
    other = Server()
    threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield other
    other.closing.set()
    other.shutdown()
    other.server_close()


Perform = Callable[..., dict[str, Any]]


@pytest.fixture
def perform(server: Server) -> Perform:
    """Calls a path of the server and returns the output."""
    server.requests.clear()

    def call(path: str, *, allowed: tuple[str, ...] = (), **parameters: Any) -> dict[str, Any]:
        action = ApiCall(lambda: (server.host, *allowed), lambda: LIMIT)
        return execute(action, {"url": f"http://{server.host}{path}", "timeout": 10} | parameters)

    return call


def error_of(perform: Perform, path: str, **parameters: Any) -> ActionError:
    with pytest.raises(ActionError) as caught:
        perform(path, **parameters)
    return caught.value


def test_the_output_holds_the_status_the_safe_headers_and_the_body(perform: Perform, server: Server) -> None:
    output = perform("/json?key=secret")
    assert output["status"] == 200
    assert output["body"] == {"rows": [1, 2]}
    assert output["body_type"] == "json"
    assert output["headers"]["x-request-id"] == "r1"
    assert "set-cookie" not in output["headers"]
    assert output["url"] == f"http://{server.host}/json"
    assert output["elapsed_ms"] >= 0


@pytest.mark.parametrize(
    ("path", "response", "kind", "body"),
    [
        ("/json", "text", "text", '{"rows": [1, 2]}'),
        ("/json", "none", "none", None),
        ("/json", "base64", "base64", "eyJyb3dzIjogWzEsIDJdfQ=="),
        ("/text", "auto", "text", "grüße"),
        ("/null", "auto", "text", "a\ufffdb"),
        ("/binary", "auto", "base64", "AP8="),
        ("/binary", "text", "text", "\ufffd\ufffd"),
        ("/broken-json", "auto", "text", '{"a": 1, "a": 2}'),
        ("/empty", "auto", "none", None),
        ("/packed", "auto", "text", "unpacked"),
        ("/deflated", "auto", "text", "unpacked"),
    ],
)
def test_the_body_is_handed_on_as_asked(
    perform: Perform, path: str, response: str, kind: str, body: object
) -> None:
    output = perform(path, response=response)
    assert (output["body_type"], output["body"]) == (kind, body)


def test_json_that_was_asked_for_and_cannot_be_read_is_an_error(perform: Perform) -> None:
    error = error_of(perform, "/broken-json", response="json")
    assert (error.code, error.retryable) == ("bad_response", False)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_every_method_is_sent_with_the_key_of_the_task(perform: Perform, server: Server, method: str) -> None:
    perform("/json", method=method)
    assert server.requests[0]["method"] == method
    assert server.requests[0]["headers"]["Idempotency-Key"] == "run-1:step:0"


def test_a_key_of_ones_own_is_kept(perform: Perform, server: Server) -> None:
    perform("/json", headers={"idempotency-key": "mine"})
    keys = [
        value for name, value in server.requests[0]["headers"].items() if name.lower() == "idempotency-key"
    ]
    assert keys == ["mine"]


def test_query_and_headers_are_added(perform: Perform, server: Server) -> None:
    perform(
        "/json?a=1",
        query={"b": [1, 2], "c": True, "d": None, "e": "x&y"},
        headers={"X-Api-Key": "k", "X-N": 5},
    )
    assert parse_qs(urlsplit(server.requests[0]["path"]).query) == {
        "a": ["1"], "b": ["1", "2"], "c": ["true"], "e": ["x&y"],
    }  # fmt: skip
    assert server.requests[0]["headers"]["X-Api-Key"] == "k"
    assert server.requests[0]["headers"]["X-N"] == "5"


@pytest.mark.parametrize(
    ("parameters", "content_type", "body"),
    [
        ({"json": {"a": [1, "ü"]}}, "application/json", '{"a":[1,"ü"]}'.encode()),
        ({"json": False}, "application/json", b"false"),
        ({"form": {"a": 1, "b": ["x", "y z"]}}, "application/x-www-form-urlencoded", b"a=1&b=x&b=y+z"),
        ({"body": "grüße"}, None, "grüße".encode()),
        ({"body": "<a/>", "headers": {"Content-Type": "application/xml"}}, "application/xml", b"<a/>"),
        ({}, None, b""),
    ],
    ids=str,
)
def test_the_body_is_sent_as_json_form_or_text(
    perform: Perform, server: Server, parameters: dict[str, Any], content_type: str | None, body: bytes
) -> None:
    perform("/json", method="POST", **parameters)
    assert server.requests[0]["body"] == body
    assert server.requests[0]["headers"].get("Content-Type") == content_type


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "unexpected_status", False),
        (401, "unexpected_status", False),
        (404, "unexpected_status", False),
        (302, "unexpected_status", False),
        (408, "server_busy", True),
        (429, "server_busy", True),
        (500, "server_error", True),
        (502, "server_error", True),
        (503, "server_error", True),
    ],
)
def test_an_unexpected_status_is_an_error_that_says_what_came(
    perform: Perform, status: int, code: str, retryable: bool
) -> None:
    error = error_of(perform, f"/status/{status}")
    assert (error.code, error.retryable) == (code, retryable)
    assert f"answered {status}" in error.message
    assert "because" in error.message


@pytest.mark.parametrize(
    ("status", "expected"), [(404, [200, 404]), (500, ["5xx"]), (201, ["2xx"]), (204, ["204"])], ids=str
)
def test_an_expected_status_is_success(perform: Perform, status: int, expected: list[object]) -> None:
    path = "/empty" if status == 204 else f"/status/{status}"
    assert perform(path, expected_statuses=expected)["status"] == status


def test_a_busy_server_names_the_time_to_wait(perform: Perform) -> None:
    assert error_of(perform, "/later").retry_after == 7


@pytest.mark.parametrize("path", ["/drip", "/drip-headers", "/hang"])
def test_the_deadline_holds_for_the_whole_call(perform: Perform, path: str) -> None:
    begin = time.monotonic()
    error = error_of(perform, path, timeout=0.3)
    assert time.monotonic() - begin < 5
    assert (error.code, error.retryable) == ("timeout", True)


def test_the_time_left_for_the_task_is_a_deadline_as_well(server: Server) -> None:
    action = ApiCall(lambda: (server.host,), lambda: LIMIT)
    begin = time.monotonic()
    with pytest.raises(ActionError) as caught:
        execute(action, {"url": f"http://{server.host}/hang"}, seconds_left=lambda: 0.2)
    assert caught.value.code == "timeout"
    assert time.monotonic() - begin < 5


def test_cancelling_the_task_ends_the_call(server: Server) -> None:
    action = ApiCall(lambda: (server.host,), lambda: LIMIT)
    looks = iter([False] * 5)
    with pytest.raises(ActionError) as caught:
        execute(action, {"url": f"http://{server.host}/drip"}, cancelled=lambda: next(looks, True))
    assert (caught.value.code, caught.value.retryable) == ("cancelled", False)


@pytest.mark.parametrize(
    ("path", "code", "retryable"),
    [
        ("/reset", "connection_lost", True),
        ("/short", "connection_lost", True),
        ("/garbage", "connection_lost", True),
        ("/cut-packed", "connection_lost", True),
        ("/not-packed", "bad_response", True),
        ("/odd-packed", "bad_response", True),
        ("/bomb", "too_large", False),
        ("/endless", "too_large", False),
    ],
)
def test_a_faulty_answer_is_a_named_error(perform: Perform, path: str, code: str, retryable: bool) -> None:
    error = error_of(perform, path)
    assert (error.code, error.retryable) == (code, retryable)


def test_the_cap_is_on_what_is_unpacked_and_is_met_exactly(perform: Perform) -> None:
    assert len(perform("/exactly")["body"]) == LIMIT
    assert error_of(perform, "/exactly", max_bytes=LIMIT - 1).code == "too_large"
    assert error_of(perform, "/packed", max_bytes=7).code == "too_large"


def test_the_administrators_cap_is_not_raised_by_a_task(server: Server) -> None:
    action = ApiCall(lambda: (server.host,), lambda: 10)
    with pytest.raises(ActionError) as caught:
        execute(action, {"url": f"http://{server.host}/json", "max_bytes": 1000})
    assert caught.value.code == "too_large"


def test_nobody_listening_is_an_error_that_may_pass() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ActionError) as caught:
            execute(ApiCall(lambda: (host,), lambda: LIMIT), {"url": f"http://{host}/"})
    assert (caught.value.code, caught.value.retryable) == ("connect_failed", True)


def test_a_server_without_tls_is_told_from_one_that_is_down(server: Server) -> None:
    action = ApiCall(lambda: (server.host,), lambda: LIMIT)
    with pytest.raises(ActionError) as caught:
        execute(action, {"url": f"https://{server.host}/json", "timeout": 5})
    assert caught.value.code == "connect_failed"
    assert "TLS" in caught.value.message


def test_a_server_that_is_not_on_the_list_is_refused_unasked(server: Server) -> None:
    server.requests.clear()
    with pytest.raises(ActionError) as caught:
        execute(ApiCall(lambda: (), lambda: LIMIT), {"url": f"http://{server.host}/json"})
    assert caught.value.code == "host_refused"
    assert server.requests == []


def redirect(to: str, status: int = 302) -> str:
    return f"/redirect?status={status}&to={to}"


def test_a_redirect_is_not_followed_unless_asked(perform: Perform) -> None:
    assert error_of(perform, redirect("/json")).code == "unexpected_status"
    output = perform(redirect("/json"), expected_statuses=["3xx"])
    assert output["headers"]["location"] == "/json"


def test_a_redirect_on_the_same_server_keeps_the_headers(perform: Perform, server: Server) -> None:
    output = perform(redirect("/json"), follow_redirects=True, headers={"X-Api-Key": "k"})
    assert output["url"] == f"http://{server.host}/json"
    assert [request["headers"]["X-Api-Key"] for request in server.requests] == ["k", "k"]


def test_a_redirect_to_another_server_hands_no_header_on(
    perform: Perform, server: Server, other: Server
) -> None:
    headers = {"X-Api-Key": "k", "Authorization": "Bearer t", "Cookie": "c", "User-Agent": "me"}
    perform(
        redirect(f"http://{other.host}/json"), follow_redirects=True, headers=headers, allowed=(other.host,)
    )
    sent = other.requests[0]["headers"]
    assert not {"X-Api-Key", "Authorization", "Cookie", "Idempotency-Key"} & set(sent)
    assert sent["User-Agent"] != "me"
    assert sent["Host"] == other.host


def test_a_redirect_to_a_server_inside_is_refused_unasked(perform: Perform, other: Server) -> None:
    error = error_of(perform, redirect(f"http://{other.host}/json"), follow_redirects=True)
    assert error.code == "host_refused"
    assert other.requests == []


def test_a_redirect_loop_ends(perform: Perform, server: Server) -> None:
    error = error_of(perform, "/loop", follow_redirects=True)
    assert (error.code, error.retryable) == ("too_many_redirects", False)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("status", "method", "sent", "body"),
    [
        (301, "POST", "GET", b""),
        (302, "POST", "GET", b""),
        (303, "PUT", "GET", b""),
        (307, "POST", "POST", b'{"a":1}'),
        (308, "PUT", "PUT", b'{"a":1}'),
    ],
)
def test_a_redirect_changes_the_method_as_browsers_do(
    perform: Perform, server: Server, status: int, method: str, sent: str, body: bytes
) -> None:
    perform(redirect("/json", status), method=method, json={"a": 1}, follow_redirects=True)
    last = server.requests[-1]
    assert (last["method"], last["body"]) == (sent, body)
    assert last["headers"].get("Content-Type") == ("application/json" if body else None)


def test_a_body_is_never_redirected_to_another_server(perform: Perform, other: Server) -> None:
    error = error_of(
        perform,
        redirect(f"http://{other.host}/json", 307),
        method="POST",
        json={"a": 1},
        follow_redirects=True,
        allowed=(other.host,),
    )
    assert error.code == "bad_redirect"
    assert other.requests == []


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://["]
)
def test_a_redirect_to_anything_but_plain_http_is_refused(perform: Perform, to: str) -> None:
    assert error_of(perform, redirect(to), follow_redirects=True).code == "bad_redirect"


def test_the_log_names_the_server_but_not_the_address(server: Server) -> None:
    recorder = Recorder()
    action = ApiCall(lambda: (server.host,), lambda: LIMIT)
    execute(action, {"url": f"http://{server.host}/json?key=secret"}, recorder)
    assert "secret" not in json.dumps(recorder.lines)
    assert "200" in recorder.lines[0][1]


def test_an_untrusted_certificate_is_refused_for_good(
    monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ssl.SSLCertVerificationError("self-signed certificate")

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", refuse)
    action = ApiCall(lambda: (server.host,), lambda: LIMIT)
    with pytest.raises(ActionError) as caught:
        execute(action, {"url": f"https://{server.host}/json"})
    assert (caught.value.code, caught.value.retryable) == ("bad_certificate", False)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"url": "ftp://example.com"}, "bad_url"),
        ({"url": "https://user:pass@example.com/"}, "bad_url"),
        ({"headers": {"Host": "inside"}}, "bad_header"),
        ({"headers": {"content-length": "5"}}, "bad_header"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, "bad_header"),
        ({"headers": {"Accept-Encoding": "br"}}, "bad_header"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "bad_header"),
        ({"headers": {"X A": "1"}}, "bad_header"),
        ({"headers": {"X-A": ["1"]}}, "bad_header"),
        ({"expected_statuses": [99]}, "bad_status"),
        ({"expected_statuses": ["6xx"]}, "bad_status"),
        ({"expected_statuses": [True]}, "bad_status"),
        ({"expected_statuses": []}, "out_of_range"),
        ({"json": 1, "body": "x"}, "one_body"),
        ({"method": "TRACE"}, "not_in_enum"),
        ({"timeout": 0}, "out_of_range"),
    ],
    ids=str,
)
def test_faulty_parameters_are_found_when_the_definition_is_saved(
    parameters: dict[str, Any], code: str
) -> None:
    issues = ApiCall.parameters.check({"url": "https://example.com/"} | parameters, "tasks.a.parameters")
    assert [issue.code for issue in issues] == [code]
    assert issues[0].path.startswith("tasks.a.parameters")


def test_what_is_still_a_template_is_not_judged() -> None:
    parameters = {
        "url": "{{ params.url }}",
        "headers": {"X": "{{ secrets.key }}"},
        "expected_statuses": ["{{ 1 }}"],
    }
    assert ApiCall.parameters.check(parameters, "p") == []


def test_what_a_template_resolved_to_is_judged_before_an_attempt() -> None:
    parameters = {"url": "file:///etc/passwd", "headers": {"X": "a\nb"}}
    issues = ApiCall.parameters.check(parameters, "p", resolved=True)
    assert [issue.code for issue in issues] == ["bad_url", "bad_header"]
