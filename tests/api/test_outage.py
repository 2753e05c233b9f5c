"""While the database is away the API says so, whoever asks and whenever it goes: 503, Retry-After, no trace."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse

from orchestrator.models import Run, Workflow
from tests.api.caller import Caller, error_of
from tests.away import SECRET, database_away
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

MOST_STATEMENTS = 80
PATHS = (
    "/api/workflows", "/api/workflows/gated", "/api/workflows/gated/status", "/api/runs", "/api/runs/{pk}",
    "/api/runs/{pk}/status", "/api/runs/{pk}/events", "/api/approvals", "/api/templates",
    "/api/workflows/gated/draft/changes?since=1",
)  # fmt: skip


def caller(who: str, owner: User) -> Caller:
    if who == "anonymous":
        return Caller(None)
    return Caller(owner if who == "owner" else person(who, *(["viewer"] if who == "member" else [])))


def assert_unavailable(answer: HttpResponse) -> str:
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    error = error_of(answer)
    assert error["code"] == "unavailable"
    assert "database" in error["message"]
    assert SECRET not in answer.content.decode()
    return error["message"]


@pytest.mark.parametrize("who", ["owner", "member", "outsider"])
def test_whoever_has_a_token_is_told_that_it_is_away(who: str, owner: User, run: Run) -> None:
    api = caller(who, owner)
    for path in PATHS:
        with database_away():
            assert_unavailable(api.get(path.format(pk=run.pk)))


def test_who_has_no_token_is_refused_without_asking_it(run: Run) -> None:
    for path in PATHS:
        with database_away() as away:
            assert Caller(None).get(path.format(pk=run.pk)).status_code == 401
        assert away.seen == 0


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("path", ["/api/workflows/gated/status", "/api/runs/{pk}", "/api/approvals"])
def test_it_may_go_away_at_any_statement(path: str, error: type[Exception], api: Caller, run: Run) -> None:
    for first in range(1, MOST_STATEMENTS):
        with database_away(first, error) as away:
            answer = api.get(path.format(pk=run.pk))
        if not away.failed:
            break
        assert_unavailable(answer)
    assert (answer.status_code, first > 2) == (200, True)


def test_a_start_that_was_cut_off_anywhere_is_sent_again_and_gives_one_run(
    api: Caller, workflow: Workflow
) -> None:
    for first in range(1, MOST_STATEMENTS):
        with database_away(first) as away:
            answer = api.post("/api/workflows/gated/start", {}, Idempotency_Key="once")
        if not away.failed:
            break
        assert "Idempotency-Key" in assert_unavailable(answer)
        assert Run.objects.count() <= 1
    assert answer.status_code in {200, 201}
    assert first > 5
    run = Run.objects.get()
    assert run.events.filter(type="workflow.started").count() == 1
