"""The api_call action.

What lives here: the parameters of an HTTP request (`message`), the guard that decides where it may go (`guard`), the
exchange under a deadline (`exchange`) and the reading of the answer (`reply`). What must not: any other way to open
a connection.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from orchestrator import conf
from orchestrator.actions.api_call import message, reply
from orchestrator.actions.api_call.exchange import send
from orchestrator.actions.api_call.guard import Deadline, Resolver, look_up
from orchestrator.actions.base import Action, Call, Example
from orchestrator.definition.fields import Field, ParameterSchema, holds_template
from orchestrator.definition.issues import Issue, at

DEFAULT_TIMEOUT = 30
_BODIES = ("json", "form", "body")


def _check_url(value: dict[str, Any], path: str) -> list[Issue]:
    url = value["url"]
    fault = "" if holds_template(url) else message.url_fault(url)
    return [Issue(at(path, "url"), "bad_url", fault)] if fault else []


def _check_headers(value: dict[str, Any], path: str) -> list[Issue]:
    headers = value.get("headers")
    if not isinstance(headers, dict):
        return []
    faults = {name: message.header_fault(name, text) for name, text in headers.items()}
    where = at(path, "headers")
    return [Issue(at(where, name), "bad_header", fault) for name, fault in faults.items() if fault]


def _check_statuses(value: dict[str, Any], path: str) -> list[Issue]:
    statuses = value.get("expected_statuses")
    if not isinstance(statuses, list):
        return []
    where = at(path, "expected_statuses")
    faults = [
        (index, reply.status_fault(item)) for index, item in enumerate(statuses) if not holds_template(item)
    ]
    return [Issue(at(where, index), "bad_status", fault) for index, fault in faults if fault]


def _check_one_body(value: dict[str, Any], path: str) -> list[Issue]:
    given = [name for name in _BODIES if value.get(name) is not None]
    if len(given) < 2:
        return []
    return [Issue(path, "one_body", f"A request has one body; give only one of {', '.join(given)}.")]


class ApiCall(Action):
    name = "api_call"
    label = "API call"
    icon = "i-globe"
    kind = "work"
    summary = "Calls an HTTP API and hands its answer on."
    notes = (
        "An answer of 429, 408, 425 or 5xx and a broken connection are retried by the task's retry settings, not "
        "before the time a Retry-After header names; another unexpected status fails the task at once.\n"
        "Every attempt of a task carries the same Idempotency-Key header, so that a server can tell a repetition.\n"
        "Only public servers on ports 80 and 443 can be reached; an administrator can allow others by host:port in "
        "BATON_API_ALLOWED_HOSTS. Put keys and passwords into a header as {{ secrets.name }}, never into the url."
    )
    produces = (
        "status, headers (those that tell about the answer), body, body_type (json, text, base64 or none), url "
        "(without its query) and elapsed_ms."
    )
    parameters = ParameterSchema(
        fields=(
            Field(
                "method",
                "string",
                "What to do with the resource.",
                default="GET",
                enum=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
            ),
            Field(
                "url",
                "string",
                "The address, http or https.",
                label="URL",
                required=True,
                max_length=8000,
                example="https://api.example.com/v1/items",
            ),
            Field(
                "query", "map", "Added to the query of the url; a list repeats its name.", example={"page": 1}
            ),
            Field("headers", "map", "Sent with the request.", example={"Authorization": "{{ secrets.crm }}"}),
            Field("json", "any", "A body sent as JSON.", label="JSON body", widget="json"),
            Field("form", "map", "A body sent as a web form.", label="Form body"),
            Field("body", "string", "A body sent as text.", label="Text body", widget="textarea"),
            Field(
                "expected_statuses",
                "list",
                "Statuses that count as success: numbers or classes such as 2xx.",
                default=["2xx"],
                minimum=1,
                maximum=50,
                items="any",
            ),
            Field(
                "response",
                "string",
                "How to hand the body on; auto goes by its content type.",
                default="auto",
                enum=("auto", "json", "text", "base64", "none"),
            ),
            Field(
                "timeout",
                "number",
                "Seconds for the whole call, with connecting, redirects and reading.",
                default=DEFAULT_TIMEOUT,
                minimum=0.1,
                maximum=3600,
                advanced=True,
            ),
            Field(
                "max_bytes",
                "integer",
                "The largest answer taken, unpacked; the administrator's limit holds beside it.",
                minimum=1,
                maximum=64 * 1024 * 1024,
                advanced=True,
            ),
            Field(
                "follow_redirects",
                "boolean",
                f"Follow up to {message.MAX_REDIRECTS} redirects; another server gets none of the headers.",
                default=False,
                advanced=True,
            ),
        ),
        rules=(_check_url, _check_headers, _check_statuses, _check_one_body),
    )
    examples = (
        Example("Fetch a list", {"url": "https://api.example.com/v1/orders", "query": {"state": "open"}}),
        Example(
            "Create an item",
            {
                "method": "POST",
                "url": "https://api.example.com/v1/orders",
                "headers": {"Authorization": "Bearer {{ secrets.orders }}"},
                "json": {"name": "{{ params.customer }}"},
                "expected_statuses": [201],
            },
        ),
    )

    def __init__(
        self,
        allowed_hosts: Callable[[], Collection[str]] = conf.api_allowed_hosts,
        max_bytes: Callable[[], int] = conf.api_max_bytes,
        resolve: Resolver = look_up,
    ) -> None:
        self._allowed_hosts = allowed_hosts
        self._max_bytes = max_bytes
        self._resolve = resolve

    def execute(self, call: Call) -> dict[str, Any]:
        parameters = call.parameters
        request = message.build(parameters, call.idempotency_key)
        started = time.monotonic()
        answer = send(
            request,
            allowed=self._allowed_hosts(),
            deadline=Deadline(min(parameters["timeout"], call.seconds_left()), call.cancelled),
            max_bytes=min(parameters.get("max_bytes", self._max_bytes()), self._max_bytes()),
            redirects=message.MAX_REDIRECTS if parameters["follow_redirects"] else 0,
            resolve=self._resolve,
        )
        elapsed = time.monotonic() - started
        call.log("info", f"{request.method} {answer.url.host}: {answer.status} in {elapsed:.2f} s")
        reply.require_expected(answer, parameters["expected_statuses"], datetime.now(UTC))
        return reply.to_output(answer, parameters["response"], elapsed)
