"""Every failure has one shape, whatever failed; and bodies are read strictly."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client

from orchestrator import engine
from orchestrator.models import Run, Workflow
from tests.api.caller import Caller, codes_of, error_of
from tests.people import person

pytestmark = pytest.mark.django_db

KIB = 1024


@pytest.mark.parametrize(
    "path", ["/api/workflows", "/api/workflows/", "/api/nowhere", "/api/", "/api/runs/1/pause"]
)
def test_a_stranger_gets_401_wherever_they_knock(path: str) -> None:
    answer = Caller(None).get(path)
    assert (answer.status_code, error_of(answer)["code"]) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer x", "Bearer baton_abcdefgh_" + "x" * 43, "Basic YTpi", "baton_x"]
)
def test_a_token_that_is_none_gets_401(value: str) -> None:
    answer = Caller(None).get("/api/workflows", Authorization=value)
    assert (answer.status_code, error_of(answer)["code"]) == (401, "token_invalid")


def test_the_session_of_a_browser_is_not_accepted(owner: User) -> None:
    client = Client()
    client.force_login(owner)
    assert client.get("/api/workflows").status_code == 401
    assert client.post("/api/workflows", "{}", content_type="application/json").status_code == 401


def test_a_token_in_the_address_is_not_accepted(api: Caller) -> None:
    token = api._headers["Authorization"].split()[1]
    assert Caller(None).get(f"/api/workflows?token={token}").status_code == 401


@pytest.mark.parametrize(
    "path", ["/api/nowhere", "/api/", "/api/workflows/none", "/api/runs/999", "/api/workflows/none/start"]
)
def test_what_is_not_there_is_404_in_json(path: str, api: Caller) -> None:
    answer = api.send("POST" if path.endswith("start") else "GET", path)
    assert (answer.status_code, error_of(answer)["code"]) == (404, "not_found")


def test_an_id_beyond_all_numbers_is_404(api: Caller) -> None:
    assert api.get(f"/api/runs/{10**40}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/api/workflows"),
        ("GET", "/api/workflows/validate"),
        ("GET", "/api/runs/1/pause"),
        ("PATCH", "/api/runs/1"),
    ],
)
def test_a_method_that_is_not_offered_is_405_and_says_which_are(method: str, path: str, api: Caller) -> None:
    answer = api.send(method, path)
    assert (answer.status_code, error_of(answer)["code"]) == (405, "method_not_allowed")
    assert method not in answer["Allow"]


def test_another_answer_than_json_is_406(api: Caller) -> None:
    answer = api.get("/api/workflows", Accept="text/html")
    assert (answer.status_code, error_of(answer)["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_another_body_than_json_is_415(kind: str, api: Caller) -> None:
    answer = api.post("/api/workflows", b"<a/>", Content_Type=kind)
    assert (answer.status_code, error_of(answer)["code"]) == (415, "unsupported_media_type")


class TestTrailingSlash:
    def test_a_slash_too_many_leads_on_with_the_same_method(self, api: Caller) -> None:
        answer = api.post("/api/workflows/gated/start/?x=1", {})
        assert (answer.status_code, answer["Location"]) == (308, "/api/workflows/gated/start?x=1")

    def test_where_there_is_nothing_without_it_either_it_is_404(self, api: Caller) -> None:
        assert api.get("/api/nowhere/").status_code == 404

    @pytest.mark.parametrize("path", ["/api/workflows//", "/api//evil.example/"])
    def test_it_leads_to_no_other_site(self, path: str, api: Caller) -> None:
        assert not api.get(path).get("Location", "").startswith("//")


BAD_BODIES: list[tuple[str, bytes, int, str]] = [
    ("no body", b"", 400, "required"),
    ("blank", b"  ", 400, "empty"),
    ("not JSON", b"{", 400, "bad_json"),
    ("bad UTF-8", b'{"a": "\xff"}', 400, "bad_unicode"),
    ("lone surrogate", b'{"a": "\\ud800"}', 400, "bad_unicode"),
    ("NUL in a string", b'{"a": "\\u0000"}', 400, "null_character"),
    ("NUL in a key", b'{"\\u0000": 1}', 400, "null_character"),
    ("NaN", b'{"a": NaN}', 400, "bad_number"),
    ("Infinity", b'{"a": -Infinity}', 400, "bad_number"),
    ("1e999", b'{"a": 1e999}', 400, "bad_number"),
    ("an integer of 4000 digits", b'{"a": ' + b"9" * 4000 + b"}", 400, "bad_number"),
    ("doubled key", b'{"a": 1, "a": 2}', 400, "duplicate_key"),
    ("doubled task", b'{"tasks": {"a": {}, "a": {}}}', 400, "duplicate_key"),
    ("970 levels", b'{"a":' * 970 + b"1" + b"}" * 970, 400, "too_deep"),
    ("100,000 levels", b"[" * 100_000 + b"]" * 100_000, 400, "too_deep"),
    ("more than 2 MiB", b'{"a": "' + b"x" * (2048 * KIB + 8 * KIB) + b'"}', 413, "too_large"),
]


@pytest.mark.parametrize(
    ("body", "status", "code"), [case[1:] for case in BAD_BODIES], ids=[case[0] for case in BAD_BODIES]
)
def test_a_body_that_readers_disagree_on_is_refused(body: bytes, status: int, code: str, api: Caller) -> None:
    answer = api.post("/api/workflows", body)
    assert answer.status_code == status
    assert code in [found for _, found in codes_of(answer)]
    assert not Workflow.objects.exists()


@pytest.mark.parametrize("body", [[], [1], "text", 1, True, None])
def test_a_body_that_is_no_object_is_refused(body: Any, api: Caller) -> None:
    answer = api.post("/api/workflows", str(body).lower().encode() if body is None else body)
    assert answer.status_code == 400 or body is None
    error_of(answer)


ENVELOPES: list[tuple[str, str, Any, tuple[str, str]]] = [
    ("POST", "/api/workflows", {"templat": "x"}, ("templat", "unknown_field")),
    ("POST", "/api/workflows", {"template": "x", "owner": "eve"}, ("owner", "unknown_field")),
    ("POST", "/api/workflows", {}, ("$", "required")),
    ("POST", "/api/workflows", {"template": 7}, ("template", "wrong_type")),
    ("POST", "/api/workflows", {"template": "nope"}, ("template", "unknown_template")),
    ("POST", "/api/workflows", {"definition": []}, ("definition", "wrong_type")),
    ("POST", "/api/workflows", {"definition": {}, "template": "x"}, ("$", "required")),
    ("POST", "/api/workflows", {"definition": {}, "parameters": {}}, ("parameters", "unknown_field")),
    ("POST", "/api/workflows/validate", {"definitions": {}}, ("definitions", "unknown_field")),
    ("PUT", "/api/workflows/gated", {"note": "n"}, ("definition", "required")),
    ("PUT", "/api/workflows/gated", {"definition": {}, "id": 7}, ("id", "unknown_field")),
    ("POST", "/api/workflows/gated/start", {"params": {}}, ("params", "unknown_field")),
    ("POST", "/api/workflows/gated/start", {"parameters": []}, ("parameters", "wrong_type")),
    ("POST", "/api/workflows/gated/start", {"idempotency_key": "a b"}, ("idempotency_key", "invalid")),
    ("POST", "/api/workflows/gated/start", {"idempotency_key": 7}, ("idempotency_key", "wrong_type")),
    ("POST", "/api/workflows/gated/start", {"status": "completed"}, ("status", "unknown_field")),
    ("POST", "/api/runs/{run}/pause", {"reason": "x"}, ("reason", "unknown_field")),
    ("POST", "/api/runs/{run}/resume", {"run": 7}, ("run", "unknown_field")),
    ("POST", "/api/runs/{run}/cancel", {"reason": "x" * 1001}, ("reason", "max_length")),
    ("GET", "/api/workflows?limit=0", None, ("limit", "min_value")),
    ("GET", "/api/workflows?limit=201", None, ("limit", "max_value")),
    ("GET", "/api/workflows?after=x", None, ("after", "invalid")),
    ("GET", f"/api/workflows?after={10**30}", None, ("after", "max_value")),
    ("GET", "/api/workflows?q=%00", None, ("q", "null_characters_not_allowed")),
    ("GET", "/api/workflows?order=name", None, ("order", "unknown_field")),
    ("GET", "/api/runs?status=fine", None, ("status", "invalid_choice")),
    ("GET", "/api/runs/{run}/events?since=-1", None, ("since", "min_value")),
    ("GET", "/api/approvals?mine=perhaps", None, ("mine", "invalid")),
]


@pytest.mark.parametrize(("method", "path", "body", "issue"), ENVELOPES, ids=lambda part: str(part)[:60])
def test_an_envelope_is_checked_field_by_field(
    method: str, path: str, body: Any, issue: tuple[str, str], api: Caller, run: Run
) -> None:
    answer = api.send(method, path.format(run=run.pk), body)
    assert answer.status_code == 400
    assert codes_of(answer) == [issue]


def test_an_unknown_field_names_the_nearest(api: Caller) -> None:
    message = error_of(api.post("/api/workflows", {"templat": "x"}))["message"]
    assert "did you mean template" in message


def test_a_database_that_does_not_answer_is_503_and_says_when_to_come_back(
    api: Caller, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: Any, **__: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(engine, "start", locked)
    answer = api.post(f"/api/workflows/{workflow.key}/start", {})
    assert (answer.status_code, answer["Retry-After"], error_of(answer)["code"]) == (503, "2", "unavailable")
    assert "locked" not in answer.content.decode()


def test_what_nobody_foresaw_is_500_in_json_without_a_trace(
    api: Caller, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret=hunter2")

    monkeypatch.setattr(engine, "start", broken)
    answer = api.post(f"/api/workflows/{workflow.key}/start", {})
    assert (answer.status_code, error_of(answer)["code"]) == (500, "internal_error")
    assert "hunter2" not in answer.content.decode()


def test_a_user_who_left_has_no_token(owner: User, api: Caller) -> None:
    assert api.get("/api/workflows").status_code == 200
    owner.is_active = False
    owner.save()
    assert api.get("/api/workflows").status_code == 401


def test_a_token_gives_no_more_than_its_user_has() -> None:
    viewer = Caller(person("vic", "viewer"))
    answer = viewer.post("/api/workflows", {"template": "approval_chain"})
    assert (answer.status_code, error_of(answer)["code"]) == (403, "not_allowed")
