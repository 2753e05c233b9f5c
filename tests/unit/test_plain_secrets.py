"""Secrets written down in a definition are found, and what only sounds like one is not."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.definition.plain_secrets import plain_secrets


def found(parameters: dict[str, Any]) -> list[str]:
    issues = plain_secrets({"tasks": {"call": {"action": "api_call", "parameters": parameters}}})
    return [issue.path.removeprefix("tasks.call.parameters.") for issue in issues]


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"password": "hunter2"}, "password"),
        ({"headers": {"Authorization": "whatever"}}, "headers.Authorization"),
        ({"headers": {"X-Api-Key": "abc"}}, "headers.X-Api-Key"),
        ({"body": {"db_password": "abc"}}, "body.db_password"),
        ({"access_key": ["abc"]}, "access_key[0]"),
        ({"headers": {"X": "Bearer abcdefgh1234"}}, "headers.X"),
        ({"headers": {"X": "Basic YW5uOmh1bnRlcjI="}}, "headers.X"),
        ({"url": "https://ann:hunter2@example.org/"}, "url"),
        ({"text": "-----BEGIN RSA PRIVATE KEY-----"}, "text"),
        ({"text": "AKIAABCDEFGHIJKLMNOP"}, "text"),
        ({"text": "use ghp_abcdefghijklmnopqrst0123"}, "text"),
        ({"text": "xoxb-0123456789-abc"}, "text"),
        ({"text": "sk-abcdefghijklmnop1234"}, "text"),
    ],
)
def test_it_is_found(parameters: dict[str, Any], path: str) -> None:
    assert found(parameters) == [path]


@pytest.mark.parametrize(
    "parameters",
    [
        {"password": "{{ secrets.crm }}"},
        {"headers": {"Authorization": "Bearer {{ secrets.crm }}"}},
        {"password": ""},
        {"token": 5},
        {"tokens": "many", "secretary": "Ann", "key": "value", "passwords_seen": "none"},
        {"url": "https://example.org:8080/a@b"},
        {"url": "https://{{ secrets.user }}:{{ secrets.crm }}@example.org/"},
        {"text": "Basic facts, a bearer of news, task-abcdefghijklmnop1234"},
    ],
)
def test_it_is_none(parameters: dict[str, Any]) -> None:
    assert found(parameters) == []


def test_defaults_of_parameters_and_compensations_are_looked_at_too() -> None:
    definition = {
        "parameters": {"api_key": {"type": "string", "default": "abc"}, "city": {"default": "Rome"}, "x": 1},
        "tasks": {"a": {"compensation": {"parameters": {"token": "abc"}}}, "b": 5},
    }
    issues = plain_secrets(definition)
    assert [issue.path for issue in issues] == [
        "tasks.a.compensation.parameters.token",
        "parameters.api_key.default",
    ]
    assert all("abc" not in issue.message for issue in issues)
    assert plain_secrets({}) == plain_secrets({"tasks": [], "parameters": "x"}) == []
