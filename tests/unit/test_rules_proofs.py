"""What is proved before a workflow is published: approvals that end and can be decided, what a rollback leaves behind,
secrets for all to read. All of it is advice: what could be published before still can be."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from orchestrator import catalog, engine
from tests.unit.definitions import (
    Row,
    a_definition,
    a_file_task,
    a_gate,
    a_task,
    assert_found,
    checked,
    each_of,
    of_task,
    places,
    warned,
    within,
)

PARAMS = {"size": {"type": "integer"}}


def of(tasks: dict[str, Any], code: str, path: str, words: str, **changes: Any) -> Row:
    return warned(Row(a_definition(tasks, **changes), code, f"tasks.{path}", words))


GATE = {"action": "approval_gate"}


def asking(code: str, path: str, words: str, **gate: Any) -> Row:
    return warned(of_task(code, f"parameters.{path}", words, action="approval_gate", **gate))


TWO = ["ada", "bob"]
APPROVALS = [
    asking("no_deadline", "timeout_seconds", "the run may wait for ever", parameters={"approvers": TWO}),
    asking(
        "no_deadline",
        "timeout_seconds",
        "Give it timeout_seconds",
        parameters={"approvers": TWO, "timeout_seconds": None},
        timeout_seconds=60,
    ),
    asking(
        "sole_approver",
        "approvers",
        "If 'ada' starts the run, nobody may decide",
        parameters={"approvers": "ada, ada", "timeout_seconds": 60},
    ),
    asking(
        "no_person",
        "approvers",
        "'pool:people' is no person",
        parameters={"approvers": ["pool:people", "can:sign"], "timeout_seconds": 60},
    ),
]

API = {"action": "api_call", "parameters": {"url": "https://example.org", "method": "POST"}}
BACK = a_task("act", on_failure="rollback")


def lasting(words: str, task: dict[str, Any]) -> Row:
    return of({"act": task, "last": BACK}, "no_compensation", "act.compensation", words)


REVERSALS = [
    *(
        lasting(f"sends a {method}", {**API, "parameters": {**API["parameters"], "method": method}})  # type: ignore[dict-item]
        for method in ("POST", "PUT", "PATCH", "DELETE")
    ),
    lasting(
        "starts a run that goes on by itself",
        a_task(action="workflow_trigger", parameters={"workflow_id": "other", "wait": False}),
    ),
    lasting("deletes files", a_file_task(operation="delete")),
    lasting("deletes files", a_file_task(operation="cleanup", patterns=["tmp/*"])),
    lasting("moves a file", a_file_task(operation="move", destination="b")),
    lasting("adds to a file", a_file_task(operation="append", content="x")),
    lasting("may replace a file", a_file_task(operation="write", content="x")),
    lasting("may replace a file", a_file_task(operation="copy", destination="b")),
    lasting("when 'last' fails and the run is rolled back", API),
    of(
        {"act": API, "last": a_task("act")},
        "no_compensation",
        "act.compensation",
        "'last' fails",
        settings={"on_failure": {"action": "rollback"}},
    ),
    of(
        {"first": a_task(checkpoint="start"), "act": {**API, "dependencies": ["first"]}},
        "no_compensation",
        "act.compensation",
        "rolled back to the checkpoint of 'first'",
    ),
    of(
        {
            "act": API,
            "start": a_task(checkpoint=True),
            "last": a_task("act", "start", on_failure={"action": "rollback", "checkpoint": "start"}),
        },
        "no_compensation",
        "act.compensation",
        "'last' fails",
    ),
    of(
        {
            "act": API,
            "beside": a_task(checkpoint=True),
            "last": a_task("act", "beside", on_failure="rollback"),
        },
        "no_compensation",
        "act.compensation",
        "'last' fails",
    ),
]

UNDONE: dict[str, dict[str, Any]] = {
    "nothing is rolled back": {"act": API, "last": a_task("act")},
    "it says how": {"act": {**API, "compensation": {"action": "agent_task"}}, "last": BACK},
    "the checkpoint keeps it": {
        "act": API,
        "then": a_task("act", checkpoint=True),
        "last": a_task("then", on_failure="rollback"),
    },
    "it is the checkpoint": {"act": {**API, "checkpoint": True}, "last": BACK},
    "it runs beside": {"act": API, "last": a_task(on_failure="rollback")},
    "it is what fails": {"act": {**API, "on_failure": "rollback"}},
    "it only looks": {
        "act": {"action": "api_call", "parameters": {"url": "https://example.org"}},
        "last": BACK,
    },
    "it waits for what it starts": {
        "act": a_task(action="workflow_trigger", parameters={"workflow_id": "other"}),
        "last": BACK,
    },
    "it only reads": {"act": a_file_task(), "last": BACK},
    "it replaces nothing": {
        "act": a_file_task(operation="write", content="x", overwrite=False),
        "last": BACK,
    },
    "the file is its own": {
        "act": a_file_task(operation="write", content="x", path="a-{{ run.id }}"),
        "last": BACK,
    },
    "nobody knows": {
        "act": {"action": "api_call", "parameters": {"url": "https://example.org", "method": "{{ 'GET' }}"}},
        "last": BACK,
    },
}

RANDOM = "Zq3vB8xK1mW6nT9pL2cR7yD4sF0gH5jU8aE1iO6k"
SHAPES = {
    "a GitHub token": f"ghp_{RANDOM[:36]}",
    "an API key": f"sk-proj-{RANDOM}",
    "an AWS key": "AKIAIOSFODNN7EXAMPLE",
    "a Slack token": f"xoxb-123456789012-{RANDOM[:20]}",
    "a Google key": f"AIza{RANDOM[:35]}",
    "a GitLab token": f"glpat-{RANDOM[:20]}",
    "a Stripe key": f"sk_live_{RANDOM[:24]}",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
    "a Slack address": f"https://hooks.slack.com/services/T0000/B0000/{RANDOM[:24]}",
    "a token": f"eyJ{RANDOM[:20]}.eyJ{RANDOM[:30]}.{RANDOM[:30]}",
    "a password": f"postgres://shop:{RANDOM[:12]}@db.example.org/shop",
    "a key": f"https://example.org/v1?page=2&api_key={RANDOM[:16]}",
    "a secret": f"https://example.org/v1?client_secret={RANDOM[:16]}",
}
NAMED = [
    "token",
    "password",
    "api_key",
    "apiKey",
    "X-API-Key",
    "clientSecret",
    "Authorization",
    "db password",
]


def hidden_in(parameters: dict[str, Any], path: str, words: str) -> Row:
    return replace(
        warned(of_task("plain_secret", f"parameters.{path}", words, parameters=parameters)),
        hint="{{ secrets.name }}",
    )


SECRETS = [
    *(
        hidden_in({"note": f"see {text} there"}, "note", f"looks like {what} in plain text")
        for what, text in SHAPES.items()
    ),
    hidden_in({"curl": "-H 'Authorization: Basic YWRhOmxvdmVsYWNl'"}, "curl", "looks like a password"),
    hidden_in({"headers": {"Authorization": "Bearer abc"}}, "headers.Authorization", "looks like a secret"),
    hidden_in({"headers": {"X": "Bearer abcdefgh1234"}}, "headers.X", "looks like a token"),
    hidden_in({"headers": {"X": "Basic YW5uOmh1bnRlcjI="}}, "headers.X", "looks like a password"),
    hidden_in({"access_key": ["abc"]}, "access_key[0]", "looks like a secret"),
    hidden_in({"deep": [{"token": "abc"}]}, "deep[0].token", "write {{ secrets.name }} here"),
    *(hidden_in({name: "s3cr3t"}, name, "a secret") for name in NAMED if name.isidentifier()),
    Row(
        a_definition(parameters={"api_key": {"default": "abc"}}),
        "plain_secret",
        "parameters.api_key.default",
        "Declare the parameter with secret: true",
        "warning",
    ),
    Row(
        a_definition(metadata={"note": SHAPES["a GitHub token"]}),
        "plain_secret",
        "metadata.note",
        "Take it out",
        "warning",
    ),
    Row(
        a_definition({"ask": a_gate(instructions=f"Use {SHAPES['an API key']}")}),
        "plain_secret",
        "tasks.ask.parameters.instructions",
        "Take it out",
        "warning",
    ),
    Row(
        a_definition({"a": a_task(compensation={"action": "agent_task", "parameters": {"token": "abc"}})}),
        "plain_secret",
        "tasks.a.compensation.parameters.token",
        "here",
        "warning",
    ),
]

NO_SECRETS = [
    {"token": "{{ secrets.crm }}", "headers": {"Authorization": "Bearer {{ secrets.crm }}"}},
    {"url": "postgres://shop:{{secrets.db}}@db.example.org/shop", "password": ""},
    {"password": "<your password>", "token": "***", "secret": "xxxx", "api_key": "$API_KEY", "pwd": "${PWD}"},
    {"next_page_token": "abc", "max_tokens": "100", "tokens": 5, "token": {"type": "string"}, "secret": True},
    {"description": "task-sk-learn-with-many-words, desk-abcdefghijklmnopqrstuvwxyz", "key": "orders"},
    {"url": "http://example.org:8080/a@b?key=value&token=abc", "when": "a == b"},
    {"titles": ["Basic training", "Bearer documents", "Basic facts, a bearer of news"], "when": "Basic 5"},
    {
        "secretary": "Ann",
        "passwords_seen": "none",
        "url": "https://{{ secrets.user }}:{{ secrets.crm }}@example.org/",
    },
    {"text": "Authorization: none is needed here", "eyes": "eyJ is how a token starts"},
]

ROWS = [*APPROVALS, *REVERSALS, *SECRETS]


@each_of(ROWS)
def test_what_can_be_proved_is_told_and_stands_in_nobodys_way(row: Row) -> None:
    assert_found(row)


@pytest.mark.parametrize(
    "gate",
    [
        pytest.param(a_gate(), id="two of them, and an hour"),
        pytest.param(a_gate(approvers=["group:finance"]), id="a group"),
        pytest.param(a_gate(approvers=["ada"], allow_requester=True), id="who started it may decide"),
        pytest.param(a_gate(approvers="{{ run.id }}"), id="somebody who is found out later"),
        pytest.param(a_gate(approvers=["pool:people", "ada", "bob"]), id="one is enough"),
        pytest.param(a_gate(timeout_seconds="{{ params.size }}"), id="a deadline that is given at the start"),
        pytest.param({**GATE, "timeout_seconds": 5, "parameters": {"approvers": TWO}}, id="the task's own"),
    ],
)
def test_an_approval_that_somebody_can_decide_in_time_is_accepted(gate: dict[str, Any]) -> None:
    assert checked(a_definition({"ask": gate}, parameters=PARAMS)).issues == ()


def test_an_approval_ends_with_its_run() -> None:
    gate = {**GATE, "parameters": {"approvers": TWO}}
    assert checked(a_definition({"ask": gate}, settings={"timeout_seconds": 60})).issues == ()


@pytest.mark.parametrize("tasks", UNDONE.values(), ids=UNDONE.keys())
def test_what_a_rollback_leaves_in_order_is_accepted(tasks: dict[str, Any]) -> None:
    assert checked(a_definition(tasks)).issues == ()


@pytest.mark.parametrize("parameters", NO_SECRETS, ids=lambda parameters: next(iter(parameters)))
def test_what_is_no_secret_is_not_taken_for_one(parameters: dict[str, Any]) -> None:
    found = places(checked(a_definition({"load": a_task(parameters=parameters)})).issues)
    assert {code for code, _ in found} <= {"secret_not_allowed"}


@pytest.mark.parametrize("name", NAMED)
def test_the_name_of_a_field_gives_a_secret_away_however_it_is_written(name: str) -> None:
    found = checked(a_definition({"load": a_task(parameters={"fields": {name: "abc"}})})).issues
    assert [issue.code for issue in found] == ["plain_secret"]


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES.keys())
def test_a_secret_is_never_repeated(text: str) -> None:
    data = a_definition({"load": a_task(parameters={"password": text, "note": text})})
    found = checked(data).issues
    assert len(found) == 2
    assert text not in json.dumps([issue.as_dict() for issue in found])


def test_a_secret_in_a_schema_of_an_output_is_only_its_description() -> None:
    schema = {"type": "object", "properties": {"token": {"type": "string", "default": "none"}}}
    assert checked(a_definition({"load": a_task(output_schema=schema)})).issues == ()


@pytest.mark.parametrize("template", catalog.templates(), ids=lambda template: template.key)
def test_the_templates_are_beyond_reproach(template: Any) -> None:
    assert engine.check_definition(template.definition).issues == ()


# However large ----------------------------------------------------------------------------------------


def many(task: Any) -> dict[str, Any]:
    return {f"t{n}": task(n) for n in range(5_000)}


def before(n: int) -> list[str]:
    return [f"t{n - 1}"] if n else []


LARGE = {
    "rollbacks": many(
        lambda n: {**API, "dependencies": before(n), "on_failure": "rollback", "checkpoint": n % 3 == 0}
    ),
    "approvals": many(lambda n: {**GATE, "parameters": {"approvers": ["ada"]}}),
    "secrets": many(lambda n: a_task(parameters={"token": "abc", "note": f"eyJ://=@ sk-key=token= {n}"})),
}


@pytest.mark.parametrize("tasks", LARGE.values(), ids=LARGE.keys())
def test_the_largest_are_proved_in_time(tasks: dict[str, Any]) -> None:
    with within(2):
        report = checked(a_definition(tasks, parameters=PARAMS))
    assert report.ok


@pytest.mark.parametrize(
    "piece", ["sk-", "eyJ-", "eyJaaaaaaaa.", "a://", "a://b:c", "xox", "?token=", "Authorization:"]
)
def test_a_text_made_to_be_searched_for_long_is_not(piece: str) -> None:
    text = f"{(piece * 2_000_000)[:1_900_000]} @ .eyJ ="
    with within(1):
        checked(a_definition(metadata={"a": text}))
