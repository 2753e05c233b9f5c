"""Comments and the record of a request over the API."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from orchestrator import engine, tokens
from orchestrator.models import Run
from tests.api.caller import Caller, codes_of, error_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(run: Run) -> str:
    return f"/api/approvals/{run.approvals.get().pk}"


def test_a_comment_is_answered_as_it_is_kept(api: Caller, path: str) -> None:
    answer = api.post(f"{path}/comments", {"text": "Is it hunter2 again?"})
    assert answer.status_code == 201
    said = answer.json()
    assert (said["person"], said["text"]) == ("olga", "Is it •••••••• again?")
    assert api.get(f"{path}/comments").json() == {"items": [said], "next": None}


def test_comments_come_in_pages_newest_first(api: Caller, path: str) -> None:
    for text in ("one", "two", "three"):
        api.post(f"{path}/comments", {"text": text})
    first = api.get(f"{path}/comments?limit=2").json()
    rest = api.get(f"{path}/comments?limit=2&after={first['next']}").json()
    assert [one["text"] for one in first["items"] + rest["items"]] == ["three", "two", "one"]


def test_the_record_tells_who_did_what(api: Caller, path: str, approver: User) -> None:
    api.post(f"{path}/comments", {"text": "Hello"})
    Caller(approver).post(f"{path}/approve", {"comment": "fine"})
    lines = api.get(f"{path}/record").json()["lines"]
    assert [(line["by"], line["sentence"], line["text"]) for line in lines] == [
        ("olga", "asked for a decision", ""),
        ("olga", "commented", "Hello"),
        ("ann", "approved it", "fine"),
    ]
    assert [line["for"] for line in lines] == ["", "", ""]


@pytest.mark.parametrize(
    ("body", "issue"),
    [
        ({}, ("text", "required")),
        ({"text": ""}, ("text", "blank")),
        ({"text": "x" * 5001}, ("text", "max_length")),
        ({"text": 7}, ("text", "wrong_type")),
        ({"text": "a", "person": "ann"}, ("person", "unknown_field")),
    ],
    ids=["nothing", "empty", "long", "number", "for another"],
)
def test_what_is_wrong_is_named(api: Caller, path: str, body: object, issue: tuple[str, str]) -> None:
    answer = api.post(f"{path}/comments", body)
    assert answer.status_code == 400
    assert issue in codes_of(answer)
    assert api.get(f"{path}/comments").json()["items"] == []


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("GET", "record"),
        ("GET", "comments"),
        ("POST", "comments"),
        ("GET", "questions"),
        ("POST", "questions"),
        ("POST", "answer"),
        ("POST", "withdraw"),
    ],
    ids=lambda part: part,
)
def test_an_agent_is_refused(path: str, method: str, route: str) -> None:
    _, text = tokens.issue_for_agent(engine.agents.register("remote"))
    answer = Caller(None).send(method, f"{path}/{route}", {"text": "Hello"}, Authorization=f"Bearer {text}")
    assert answer.status_code == 401
    assert error_of(answer)["code"] == "token_invalid"


def test_a_question_is_asked_answered_and_listed(api: Caller, path: str, approver: User) -> None:
    ann = Caller(approver)
    asked = ann.post(f"{path}/questions", {"text": "Why?"})
    assert (asked.status_code, asked.json()["asked_of"], asked.json()["outcome"]) == (201, "olga", "open")
    assert ann.post(f"{path}/answer", {"text": "Because."}).status_code == 403
    answered = api.post(f"{path}/answer", {"text": "Because."}).json()
    assert (answered["answer"], answered["ended_by"], answered["outcome"]) == ("Because.", "olga", "answered")
    assert ann.get(f"{path}/questions").json()["items"] == [answered]
    assert error_of(api.post(f"{path}/answer", {"text": "Again."}))["code"] == "no_question"


def test_whom_one_cannot_ask_is_named(path: str, approver: User) -> None:
    answer = Caller(approver).post(f"{path}/questions", {"text": "Why?", "to": "nobody"})
    assert answer.status_code == 400
    assert codes_of(answer) == [("to", "nobody_to_ask")]


def test_a_question_is_withdrawn(path: str, approver: User) -> None:
    ann = Caller(approver)
    ann.post(f"{path}/questions", {"text": "Why?"})
    assert ann.post(f"{path}/withdraw", {}).json()["outcome"] == "withdrawn"
    assert ann.post(f"{path}/withdraw", {}).status_code == 409


# Files


def test_a_file_is_attached_listed_and_downloaded(api: Caller, path: str, approver: User) -> None:
    html = b"<html><script>alert(1)</script>"
    kind = {"Content-Type": "text/html"}
    attached = api.send("POST", f"{path}/attachments?name=%2e%2e%2Fa%22%0d%0ab%E2%9C%93.html", html, **kind)
    assert attached.status_code == 201, attached.content
    row = attached.json()
    assert (row["name"], row["size"], row["content_type"]) == ('a"b✓.html', len(html), "text/plain")
    assert api.get(f"{path}/attachments").json()["items"] == [row]
    assert api.get(f"{path}/record").json()["lines"][-1]["files"] == [row]
    got = Caller(approver).get(f"{path}/attachments/{row['id']}")
    assert got.content == html
    assert got["Content-Type"].startswith("text/plain")
    assert got["X-Content-Type-Options"] == "nosniff"
    assert got["Content-Disposition"].startswith("attachment;")
    assert "\r" not in got["Content-Disposition"] and "\n" not in got["Content-Disposition"]


def test_a_file_of_another_request_is_not_found_under_this_one(
    api: Caller, path: str, workflow: object
) -> None:
    other = engine.start(workflow, {"key": "hunter2"}, user=api.user).approvals.get()  # type: ignore[arg-type]
    said = engine.comment(other.pk, "", user=api.user, uploads=[engine.Upload("a", [b"x"])])
    assert api.get(f"{path}/attachments/{said.attachments.get().pk}").status_code == 404


def test_an_empty_file_is_refused(api: Caller, path: str) -> None:
    answer = api.send("POST", f"{path}/attachments?name=a", b"", **{"Content-Type": "text/plain"})
    assert (answer.status_code, error_of(answer)["code"]) == (400, "file_empty")


def test_a_file_that_is_too_large_is_refused(api: Caller, path: str, settings: Settings) -> None:
    settings.BATON = {**settings.BATON, "FILE_MAX_BYTES": 10}
    answer = api.send("POST", f"{path}/attachments?name=a", b"x" * 11, **{"Content-Type": "text/plain"})
    assert (answer.status_code, error_of(answer)["code"]) == (413, "file_too_large")
