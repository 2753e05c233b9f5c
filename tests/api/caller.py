"""A caller of the API: a user with a token, and answers as values."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from tests.people import bearer

JSON_TYPE = "application/json"


class Caller:
    def __init__(self, user: User | None) -> None:
        self.user = user
        self._client = Client(raise_request_exception=False)
        self._headers = bearer(user) if user else {}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """`body` is sent as JSON; bytes as they are, and None not at all."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = named.pop("Content-Type", JSON_TYPE)
        return self._client.generic(
            method, path, content, content_type=kind, headers={**self._headers, **named}
        )

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.send("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.send("PUT", path, body, **headers)

    def delete(self, path: str) -> HttpResponse:
        return self.send("DELETE", path)


def error_of(answer: HttpResponse) -> dict[str, Any]:
    """The error of an answer, checked to be in the one shape that errors have."""
    body = json.loads(answer.content)
    assert set(body) == {"error"}, body
    error = body["error"]
    assert set(error) == {"code", "message", "issues"}, error
    assert error["code"] and error["message"]
    for issue in error["issues"]:
        assert set(issue) == {"path", "code", "message", "severity", "hint"}, issue
    return error


def codes_of(answer: HttpResponse) -> list[tuple[str, str]]:
    """Path and code of each issue."""
    return [(issue["path"], issue["code"]) for issue in error_of(answer)["issues"]]
