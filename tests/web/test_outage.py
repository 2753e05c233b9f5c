"""While the database is away a page says so, for everybody and whenever it goes: 503, when to come back, no trace."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse

from orchestrator import engine
from orchestrator.database import is_away
from orchestrator.models import Run, SignInFailure
from orchestrator.web.middleware import SetupMiddleware
from tests.api.conftest import gate
from tests.away import SECRET, database_away
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = ("owner", "member", "outsider", "anonymous")
MOST_STATEMENTS = 60
# Pages without arguments, and those of the objects of the fixture.
ARGUMENTS: dict[str, dict[str, object]] = {
    "workflow-template": {"template": "approval_chain"},
    "workflow-detail": {"key": "gated"},
    "template-save": {"key": "gated"},
    "workflow-start": {"key": "gated"},
    "my-task": {"pk": 1},
    "my-task-file": {"pk": 1, "file": 1},
    "agent-detail": {"key": "rover"},
    "agent-edit": {"key": "rover"},
    "workflow-version": {"key": "gated", "number": 1},
    "workflow-download": {"key": "gated", "number": 1, "form": "json"},
    "workflow-edit": {"key": "gated"},
    "workflow-text": {"key": "gated"},
    "workflow-canvas": {"key": "gated"},
    "workflow-inspector": {"key": "gated"},
    "draft-inspector": {"key": "gated", "task": "ask"},
    "draft-known": {"key": "gated", "task": "ask"},
    "draft-evaluate": {"key": "gated"},
    "workflow-simulate": {"key": "gated"},
    "workflow-try": {"key": "gated"},
    "workflow-diff": {"key": "gated", "before": "1", "after": "draft"},
    "workflow-diff-choose": {"key": "gated"},
    "draft-download": {"key": "gated", "form": "json"},
    "run-artifact": {"artifact": 1},
    "task-panel": {"key": "ask"},
    "task-output": {"key": "ask"},
    "task-log": {"key": "ask"},
}
POSTED = {
    "agent-action",
    "agent-token-revoke",
    "agent-tokens",
    "delegation-revoke",
    "draft-evaluate",
    "first-steps",
    "run-action",
    "task-action",
    "approval-answer",
    "approval-ask",
    "approval-comment",
    "approval-withdraw",
    "approval-decide",
    "approvals-decide",
    "chat-action",
    "approval-recall",
    "approval-send-back",
    "token-revoke",
    "secret-delete",
    "sign-out",
    "workflow-restore",
    "template-preview",
    "template-verb",
}


@pytest.fixture
def owner() -> User:
    return person("olga", "designer", "operator", "approver")


@pytest.fixture
def run(owner: User) -> Run:
    return engine.start(engine.save_workflow(gate("olga", allow_author=True), user=owner), {"key": "hunter2"})


@pytest.fixture
def client_of(owner: User) -> Callable[[str], Client]:
    """A client whose server has learnt already that there are users, signed in as one of the people."""

    def sign_in(who: str) -> Client:
        client = Client(raise_request_exception=False)
        client.get("/sign-in/")
        if who != "anonymous":
            roles = ("viewer",) if who == "member" else ()
            client.force_login(owner if who == "owner" else person(who, *roles))
        return client

    return sign_in


def page_names() -> list[str]:
    """Every page that is asked for with GET."""
    root = get_resolver().url_patterns
    included = [
        pattern for part in root for pattern in getattr(part, "url_patterns", ()) if part.app_name is None
    ]
    return [pattern.name for pattern in included if pattern.name not in POSTED]


def address(name: str, run: Run) -> str:
    if name == "approval-file":
        return reverse(name, kwargs={"pk": run.approvals.get().pk, "file": 1})
    if name == "approval-detail":
        return reverse(name, kwargs={"pk": run.approvals.get().pk})
    given = dict(ARGUMENTS.get(name, {}))
    if (name.startswith("run-") and name != "run-list") or name.startswith("task-"):
        given["pk"] = run.pk
    return reverse(name, kwargs=given)


def assert_unavailable(answer: HttpResponse) -> str:
    """It is a 503 that says when to come back and, in words, what is wrong, and nothing of the inside."""
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    text = answer.content.decode()
    assert "database" in text
    for inside in (SECRET, "hunter2", "Traceback", "OperationalError", "psycopg", "sqlite"):
        assert inside not in text
    return text


@pytest.mark.parametrize("who", PEOPLE)
def test_every_page_that_needs_the_database_says_that_it_is_away(
    who: str, run: Run, client_of: Callable[[str], Client]
) -> None:
    client = client_of(who)
    names = page_names()
    assert {"home", "run-detail", "workflow-list", "profile", "inbox"} <= set(names)
    for name in names:
        url = address(name, run)
        with database_away() as away:
            answer = client.get(url)
        if away.failed:
            assert "<h1>The database does not answer</h1>" in assert_unavailable(answer), name
            assert answer["Refresh"] == answer["Retry-After"]
        else:
            assert who == "anonymous" and answer.status_code in {200, 302}, name


@pytest.mark.parametrize(
    "name", ["home", "run-detail", "run-list", "workflow-detail", "inbox", "task-panel", "profile"]
)
def test_it_may_go_away_at_any_statement_of_a_page(
    name: str, run: Run, client_of: Callable[[str], Client], caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of("owner")
    url = address(name, run)
    for first in range(1, MOST_STATEMENTS):
        caplog.clear()
        with database_away(first) as away:
            answer = client.get(url)
        if not away.failed:
            break
        if not is_whole_but_for_the_frame(answer, caplog.messages):
            assert_unavailable(answer)
    assert answer.status_code == 200
    assert first > 3


def is_whole_but_for_the_frame(answer: HttpResponse, logged: list[str]) -> bool:
    """The page had everything of its own; only the number on the rail is missing, or health says what happened."""
    said = "The database does not answer" in answer.content.decode()
    missing = any(line.startswith("The number of waiting approvals is not known") for line in logged)
    return answer.status_code == 200 and (said or missing)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_it_may_go_away_at_any_statement_of_what_is_sent(
    error: type[Exception], run: Run, client_of: Callable[[str], Client]
) -> None:
    client = client_of("owner")
    approval = run.approvals.get()
    url = reverse("approval-decide", kwargs={"pk": approval.pk})
    given = {"decision": "approve", "comment": "good", "hash": approval.content_hash}
    for first in range(1, MOST_STATEMENTS):
        with database_away(first, error) as away:
            answer = client.post(url, given)
        if not away.failed:
            break
        if (
            answer.status_code == 409
        ):  # it went away after the commit, and somebody looked whether it was done
            break
        assert "Look whether it was" in assert_unavailable(answer)
        assert "Refresh" not in answer
    assert first > 3
    assert answer.status_code in {303, 409}
    run.refresh_from_db()
    assert run.events.filter(type="approval.approved").count() == 1


def test_it_may_go_away_at_any_statement_of_a_sign_in(
    owner: User, client_of: Callable[[str], Client]
) -> None:
    for first in range(1, MOST_STATEMENTS):
        client = client_of("anonymous")
        SignInFailure.objects.all().delete()
        with database_away(first) as away:
            answer = client.post("/sign-in/", {"username": "olga", "password": "correct horse battery"})
        if not away.failed:
            break
        assert_unavailable(answer)
    assert answer.status_code == 302


@pytest.mark.parametrize("who", PEOPLE[:3])
def test_a_part_for_htmx_is_a_sentence_that_leaves_the_page_as_it_is(
    who: str, run: Run, client_of: Callable[[str], Client]
) -> None:
    client = client_of(who)
    with database_away():
        answer = client.get(reverse("run-head", args=[run.pk]), headers={"HX-Request": "true"})
    assert "stays" in assert_unavailable(answer)
    assert answer["HX-Reswap"] == "none"
    assert answer["Content-Type"] == "text/plain"


def test_who_asks_for_json_gets_it(run: Run, client_of: Callable[[str], Client]) -> None:
    client = client_of("owner")
    with database_away():
        answer = client.get(reverse("run-live", args=[run.pk]), headers={"Accept": "application/json"})
    assert_unavailable(answer)
    assert answer.json()["error"]["code"] == "unavailable"


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("who", PEOPLE)
def test_health_does_not_ask_who_looks(who: str, path: str, client_of: Callable[[str], Client]) -> None:
    client = client_of(who)
    with database_away():
        answer = client.get(path)
    assert answer.status_code == 503
    assert answer.json()["parts"]["database"]["sentence"] == "The database does not answer."


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_health_tells_the_truth_whenever_it_goes(path: str, error: type[Exception]) -> None:
    person("ada")
    for first in range(1, MOST_STATEMENTS):
        # A server that was started just now does not know yet whether there are users.
        with database_away(first, error) as away:
            answer = Client(raise_request_exception=False).get(path)
        if not away.failed:
            break
        assert answer.status_code == 503
        assert int(answer["Retry-After"]) > 0
        assert answer.json()["parts"]["database"] == {
            "ok": False, "sentence": "The database does not answer.", "age": None,
        }  # fmt: skip
    assert answer.json()["parts"]["database"]["ok"]


def test_a_server_that_was_started_just_now_says_it_too() -> None:
    with database_away():
        answer = Client(raise_request_exception=False).get("/")
    assert_unavailable(answer)


def test_the_log_has_a_line_for_it_and_no_trace(
    caplog: pytest.LogCaptureFixture, run: Run, client_of: Callable[[str], Client]
) -> None:
    client = client_of("owner")
    with database_away(), caplog.at_level(logging.WARNING):
        client.get("/runs/")
    logged = [record for record in caplog.records if record.name == "django.request"]
    assert [record.getMessage() for record in logged] == ["Service Unavailable: /runs/"]
    assert not any(record.exc_info for record in caplog.records)
    assert re.search(r"GET /runs/: the database does not answer", caplog.text)


def test_a_fault_of_the_program_stays_a_500(client_of: Callable[[str], Client]) -> None:
    client = client_of("owner")
    with database_away(error=RuntimeError):
        answer = client.get("/runs/")
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.content.decode()


def test_sql_that_sqlite_does_not_understand_is_a_fault_of_the_program() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL calls it a programming error by itself")
    with pytest.raises(OperationalError) as caught, connection.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")
    assert not is_away(caught.value)


def test_a_lock_that_is_held_too_long_is_told_as_a_database_that_does_not_answer(
    run: Run, client_of: Callable[[str], Client]
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL locks rows, not the database")
    client = client_of("owner")
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    try:
        connection.cursor().execute("PRAGMA busy_timeout = 50")
        other.execute("BEGIN EXCLUSIVE")
        answer = client.post(reverse("run-action", kwargs={"pk": run.pk, "verb": "pause"}))
    finally:
        other.close()
        connection.close()
    assert_unavailable(answer)
    assert client.post(reverse("run-action", kwargs={"pk": run.pk, "verb": "pause"})).status_code == 303


def test_what_is_open_before_the_setup_is_not_held_up_by_the_question_whether_it_was_done() -> None:
    middleware = SetupMiddleware(lambda request: HttpResponse("open"))
    with database_away() as away:
        assert middleware(RequestFactory().get("/readyz")).content == b"open"
    assert away.seen == 0
