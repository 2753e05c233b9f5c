"""Nothing that is sent makes the API fail: 2xx or 4xx in JSON, never 5xx."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.models import Run
from tests.api.caller import Caller, error_of
from tests.unit.operation_strategies import operations

WRITES = [
    ("POST", "/api/workflows"),
    ("POST", "/api/workflows/validate"),
    ("PUT", "/api/workflows/gated"),
    ("POST", "/api/workflows/gated/start"),
    ("POST", "/api/workflows/gated/draft/ops"),
    ("POST", "/api/workflows/gated/draft/undo"),
    ("POST", "/api/workflows/gated/draft/publish"),
    ("POST", "/api/workflows/gated/draft/try"),
    ("PUT", "/api/workflows/gated/draft/pins/ask"),
    ("POST", "/api/runs/{run}/pause"),
    ("POST", "/api/runs/{run}/resume"),
    ("POST", "/api/approvals/{approval}/approve"),
    ("POST", "/api/approvals/{approval}/reject"),
    ("POST", "/api/runs/{run}/cancel"),
    ("POST", "/api/delegations"),
]

text = st.text(max_size=20) | st.sampled_from(
    [
        "\x00",
        "\ud800",
        "{{",
        "{{ tasks.a.output }}",
        "__class__",
        "1/0",
        "9**9**9",
        "../../etc/passwd",
        "ask",
        "gated",
        "\u202e",
    ]
)
numbers = st.integers() | st.floats() | st.sampled_from([0, -1, 2**53 + 1, 10**400, 1e308])
leaves = st.none() | st.booleans() | numbers | text
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)

actions = st.sampled_from(
    [
        "agent_task",
        "file_operation",
        "api_call",
        "workflow_trigger",
        "approval_gate",
        "condition_check",
        "nope",
    ]
)
fields = st.sampled_from(
    [
        "action", "parameters", "dependencies", "conditions", "join", "execution_mode", "timeout_seconds", "retry_count",
        "retry_delay", "retry_backoff", "on_failure", "for_each", "resources", "cache", "output_schema", "checkpoint",
        "compensation", "position", "agent_id", "id", "name",
    ]
)  # fmt: skip
tasks = st.dictionaries(fields, values, max_size=5) | st.fixed_dictionaries(
    {"action": actions},
    optional={"parameters": values, "dependencies": st.lists(text, max_size=3), "conditions": values},
)
definitions = st.fixed_dictionaries(
    {"tasks": st.dictionaries(text, tasks | values, max_size=4) | values},
    optional={
        "id": values,
        "name": values,
        "version": st.sampled_from(["1.0.0", "1.1.0", "1.2.0", "2.0.0", "9"]) | values,
        "parameters": values,
        "settings": values,
        "metadata": values,
    },
)
moments = st.datetimes(timezones=st.none() | st.timezones()).map(lambda moment: moment.isoformat())
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "definition": definitions | values,
        "template": st.sampled_from(["approval_chain", "x"]) | values,
        "parameters": st.dictionaries(st.sampled_from(["region", "key"]) | text, values, max_size=3) | values,
        "note": values,
        "comment": values,
        "reason": values,
        "idempotency_key": values,
        "base_rev": st.just(1) | values,
        "ops": st.lists(operations | values, max_size=3) | values,
        "batch": values,
        "extra": values,
        "to": st.just("ann") | values,
        "starts_at": moments | values,
        "ends_at": moments | values,
    },
)
json_bodies = (definitions | envelopes | values).map(lambda value: json.dumps(value).encode())
bodies = json_bodies | st.binary(max_size=60) | json_bodies.map(lambda body: body[: len(body) // 2])


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path"), WRITES, ids=lambda part: part)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies)
def test_no_body_makes_it_fail(method: str, path: str, body: bytes, api: Caller, run: Run) -> None:
    address = path.format(run=run.pk, approval=run.approvals.first().pk)
    answer = api.send(method, address, body)
    assert answer.status_code < 500, (body, answer.content)
    if answer.status_code >= 400:
        error_of(answer)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/workflows", "/api/runs", "/api/approvals", "/api/runs/{run}/events"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    query=st.dictionaries(
        st.sampled_from(["after", "limit", "q", "status", "since", "mine", "workflow"]),
        st.text(max_size=12),
        max_size=3,
    )
)
def test_no_query_makes_it_fail(path: str, query: dict[str, str], api: Caller, run: Run) -> None:
    from django.utils.http import urlencode

    encoded = urlencode({name: value.encode("utf-8", "replace") for name, value in query.items()})
    answer = api.get(f"{path.format(run=run.pk)}?{encoded}")
    assert answer.status_code < 500


@pytest.mark.django_db
@pytest.mark.parametrize("width", [20_000])
def test_a_long_list_of_doubled_keys_is_answered_at_once(width: int, api: Caller) -> None:
    doubled = ",".join(f'"{number}":1' for number in range(width))
    body: Any = f'{{{doubled},"0":1}}'.encode()
    answer = api.post("/api/workflows", body)
    assert answer.status_code == 400
