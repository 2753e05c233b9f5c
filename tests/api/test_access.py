"""Every route of the API, asked by everybody: the table says what each gets, and a route outside it fails."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import get_resolver
from django.utils import timezone

from editor import pins
from orchestrator import engine, files, tokens
from orchestrator.engine.artifacts import AREA
from orchestrator.models import Artifact, Delegation, Run, Workflow
from tests.api.caller import Caller
from tests.api.conftest import gate
from tests.people import ROLES, person

pytestmark = pytest.mark.django_db

EVERYBODY = ("anonymous", "revoked", "outsider", *ROLES, "owner", "superuser")
READERS = {*ROLES, "owner", "superuser"}
DESIGNERS = {"designer", "admin", "owner", "superuser"}
ADMINS = {"admin", "superuser"}
SEE_ALL = {*ROLES, "superuser"}  # not who only sees what is theirs
OPERATORS = {"operator", "admin", "owner", "superuser"}

TO_ANOTHER = {"to": "another", "ends_at": (timezone.now() + timedelta(days=1)).isoformat()}
OVER = {"override": True, "comment": "nobody else is there"}
# (route, method, body): who is let through; of the others a reader gets 403 and who sees nothing 404.
TABLE: dict[tuple[str, str], tuple[set[str], Any]] = {
    ("api/templates", "GET"): ({"outsider"} | READERS, None),
    ("api/schema", "GET"): ({"outsider"} | READERS, None),
    ("api/workflows", "GET"): ({"outsider"} | READERS, None),
    ("api/workflows", "POST"): (DESIGNERS - {"owner"}, gate("ann")),
    ("api/workflows/validate", "POST"): ({"outsider"} | READERS, gate("ann")),
    ("api/workflows/<slug:key>", "GET"): (READERS, None),
    ("api/workflows/<slug:key>", "PUT"): (DESIGNERS, gate("ann")),
    ("api/workflows/<slug:key>", "DELETE"): (DESIGNERS, None),
    ("api/workflows/<slug:key>/start", "POST"): (OPERATORS, {}),
    ("api/workflows/<slug:key>/status", "GET"): (READERS, None),
    ("api/workflows/<slug:key>/draft", "GET"): (DESIGNERS, None),
    ("api/workflows/<slug:key>/draft/changes?since=1", "GET"): (DESIGNERS, None),
    ("api/workflows/<slug:key>/draft/issues", "GET"): (DESIGNERS, None),
    ("api/workflows/<slug:key>/draft/ops", "POST"): (DESIGNERS, {"base_rev": 1, "ops": []}),
    ("api/workflows/<slug:key>/draft/extract", "POST"): (
        DESIGNERS - {"owner"},  # it makes a workflow, too
        {"base_rev": 1, "steps": ["ask"], "name": "Asked"},
    ),
    # Of nothing that was done there is nothing to take back: who is let through is told so.
    ("api/workflows/<slug:key>/draft/undo", "POST"): (DESIGNERS, {}),
    ("api/workflows/<slug:key>/draft/redo", "POST"): (DESIGNERS, {}),
    ("api/workflows/<slug:key>/draft/publish", "POST"): (DESIGNERS, {"base_rev": 1}),
    ("api/workflows/<slug:key>/draft/try", "GET"): (DESIGNERS, None),
    ("api/workflows/<slug:key>/draft/try", "POST"): (DESIGNERS, {}),
    ("api/workflows/<slug:key>/draft/pins", "GET"): (DESIGNERS, None),
    ("api/workflows/<slug:key>/draft/pins/<slug:task>", "GET"): (DESIGNERS, None),
    ("api/workflows/<slug:key>/draft/pins/<slug:task>", "PUT"): (DESIGNERS, {"output": 1}),
    ("api/workflows/<slug:key>/draft/pins/<slug:task>", "DELETE"): (DESIGNERS, None),
    ("api/runs", "GET"): ({"outsider"} | READERS, None),
    ("api/runs/<int:pk>", "GET"): (READERS, None),
    ("api/runs/<int:pk>/status", "GET"): (READERS, None),
    ("api/runs/<int:pk>/events", "GET"): (READERS, None),
    ("api/runs/<int:pk>/artifacts", "GET"): (READERS, None),
    ("api/runs/<int:pk>/artifacts/<int:artifact>", "GET"): (READERS, None),
    ("api/runs/<int:pk>/why", "GET"): (READERS, None),
    # What waits for a decision is not retried or skipped: who is let through is told so.
    ("api/runs/<int:pk>/tasks/<slug:key>/retry", "POST"): (OPERATORS, {}),
    ("api/runs/<int:pk>/tasks/<slug:key>/skip", "POST"): (OPERATORS, {}),
    ("api/runs/<int:pk>/pause", "POST"): (OPERATORS, {}),
    ("api/runs/<int:pk>/resume", "POST"): (OPERATORS, {}),
    ("api/runs/<int:pk>/cancel", "POST"): (OPERATORS, {}),
    ("api/agents", "GET"): ({"outsider"} | READERS, None),
    ("api/agents", "POST"): (ADMINS, {"id": "new"}),
    ("api/agents/<slug:key>", "GET"): (SEE_ALL, None),
    ("api/agents/<slug:key>", "PATCH"): (ADMINS, {"capacity": 2}),
    ("api/agents/<slug:key>/drain", "POST"): (ADMINS, {}),
    ("api/agents/<slug:key>/activate", "POST"): (ADMINS, {}),
    ("api/agents/<slug:key>/tokens", "POST"): (ADMINS, {}),
    ("api/agents/<slug:key>/tokens/<int:pk>", "DELETE"): (ADMINS, None),
    ("api/approvals", "GET"): ({"outsider"} | READERS, None),
    ("api/approvals/<int:pk>", "GET"): (READERS, None),
    # The approver of this table is the one whom the gate names; administrators decide over them, and say so.
    ("api/approvals/<int:pk>/approve", "POST"): ({"approver"}, {}),
    ("api/approvals/<int:pk>/reject", "POST"): ({"approver"}, {}),
    ("api/approvals/<int:pk>/approve?over", "POST"): (ADMINS, OVER),
    ("api/approvals/<int:pk>/reject?over", "POST"): (ADMINS, OVER),
    ("api/approvals/<int:pk>/recall", "POST"): ({"owner"}, {}),  # who started the run
    ("api/approvals/decide", "POST"): (
        {"approver", "admin", "superuser"},
        {"ids": [1], "decision": "approve"},
    ),
    ("api/approvals/<int:pk>/record", "GET"): (READERS, None),
    ("api/approvals/<int:pk>/comments", "GET"): (READERS, None),
    ("api/approvals/<int:pk>/comments", "POST"): (READERS, {"text": "Hello"}),
    ("api/approvals/<int:pk>/attachments", "GET"): (READERS, None),
    ("api/approvals/<int:pk>/attachments", "POST"): (READERS, {"any": "file"}),
    ("api/approvals/<int:pk>/attachments/<int:file>", "GET"): (READERS, None),
    ("api/approvals/<int:pk>/questions", "GET"): (READERS, None),
    # Who decides asks; what is answered and withdrawn here is no question at all.
    ("api/approvals/<int:pk>/questions", "POST"): ({"approver"}, {"text": "Why?", "to": "another"}),
    ("api/approvals/<int:pk>/answer", "POST"): (READERS, {"text": "Because."}),
    ("api/approvals/<int:pk>/withdraw", "POST"): (READERS, {}),
    ("api/approvals/<int:pk>/send-back", "POST"): ({"approver"}, {"to": "draft", "comment": "Too much"}),
    ("api/approvals/<int:pk>/send-back?over", "POST"): (ADMINS, {"to": "draft", **OVER}),
    ("api/delegations", "GET"): ({"outsider"} | READERS, None),
    ("api/delegations", "POST"): ({"approver", "admin", "superuser"}, TO_ANOTHER),
    # The delegation of this table is that of the approver; whom it is nothing to does not see it.
    ("api/delegations/<int:pk>", "DELETE"): ({"approver", "admin", "superuser"}, None),
}
# Whoever is signed in may ask for a list; whether they may create is not a matter of an object.
ABOUT_NOTHING = {
    ("api/workflows", "POST"),
    ("api/agents", "POST"),
    ("api/delegations", "POST"),
    ("api/approvals/decide", "POST"),
}
# What readers, who see everything else, do not see.
BETWEEN_TWO = {("api/delegations/<int:pk>", "DELETE")}
BY_SESSION = {"api/docs"}
FALLBACK = "api/"
# Of agents alone: tests/api/test_agents.py.
OF_AGENTS = {
    "api/agents/<slug:key>/register",
    "api/agents/<slug:key>/claim",
    "api/leases/<int:pk>/artifacts/<path:name>",
    *(f"api/leases/<int:pk>/{verb}" for verb in ("heartbeat", "log", "complete", "fail", "release")),
}


def test_every_route_is_in_the_table() -> None:
    routes = {
        f"api/{pattern.pattern}"
        for api in get_resolver().url_patterns
        if str(api.pattern) == "api/"
        for pattern in api.url_patterns
    }
    assert routes == {route.partition("?")[0] for route, _ in TABLE} | BY_SESSION | OF_AGENTS | {FALLBACK}


@pytest.fixture
def plain_owner() -> User:
    """Owns the workflow and has no role at all."""
    return person("olga")


@pytest.fixture
def stage(plain_owner: User) -> Run:
    """A run that waits for the approver, of a workflow whose owner has no role."""
    approver = person("approver", "approver")
    person("another", "approver")
    engine.delegate(approver, "another", ends_at=timezone.now() + timedelta(days=1))
    workflow = engine.save_workflow(gate("approver"), user=plain_owner)
    pins.pin(workflow, "ask", {"output": 1}, user=plain_owner)
    return engine.start(workflow, user=plain_owner)


def caller(kind: str) -> Caller:
    match kind:
        case "anonymous":
            return Caller(None)
        case "owner":
            return Caller(User.objects.get(username="olga"))
        case "approver":
            return Caller(User.objects.get(username="approver"))
        case "superuser":
            return Caller(person("root", superuser=True))
        case "revoked":
            revoked = Caller(person("gone", "admin"))
            revoked.user.api_tokens.update(revoked_at="2020-01-01T00:00Z")
            return revoked
    return Caller(person(kind, kind) if kind in ROLES else person(kind))


def expected(kind: str, route: str, method: str) -> set[int]:
    allowed, _ = TABLE[route, method]
    if kind in ("anonymous", "revoked"):
        return {401}
    if kind in allowed:
        # 409: the door was passed and only the state of the run was wrong.
        return {200, 201, 204, 409}
    if (route, method) in BETWEEN_TWO:
        return {404}
    if route.startswith("api/agents/"):
        return {403} if kind in SEE_ALL else {404}
    return {403} if kind in READERS or (route, method) in ABOUT_NOTHING else {404}


def _artifact(run: Run) -> Artifact:
    stored = files.store([b"x"], 10, area=AREA)
    row = run.tasks.get(key="ask")
    facts = {"key": stored.key, "size": 1, "sha256": stored.sha256, "content_type": stored.content_type}
    return row.artifacts.create(claim=1, attempt=1, name="a.txt", created_at=timezone.now(), **facts)


@pytest.mark.parametrize("kind", EVERYBODY)
@pytest.mark.parametrize(("route", "method"), list(TABLE), ids=lambda part: part)
def test_who_gets_what(kind: str, route: str, method: str, stage: Run) -> None:
    pk = stage.approvals.get().pk if "approvals" in route else stage.pk
    key = stage.workflow.key
    if "agents" in route:
        agent = engine.agents.register("remote")
        key, pk = agent.key, tokens.issue_for_agent(agent)[0].pk
    pk = Delegation.objects.get().pk if "delegations" in route else pk
    path = "/" + route.replace("<slug:key>", key).replace("<int:pk>", str(pk))
    path = path.replace("<slug:task>", "ask").replace(f"tasks/{key}/", "tasks/ask/")
    if "<int:artifact>" in path:
        path = path.replace("<int:artifact>", str(_artifact(stage).pk))
    if "<int:file>" in path:
        said = engine.comment(pk, "", user=stage.started_by, uploads=[engine.Upload("a.txt", [b"x"])])
        path = path.replace("<int:file>", str(said.attachments.get().pk))
    answer = caller(kind).send(method, path, TABLE[route, method][1])
    assert answer.status_code in expected(kind, route, method), answer.content[:300]


@pytest.mark.parametrize("route", [route for route, method in TABLE if method == "GET" and "<" not in route])
def test_lists_of_an_outsider_are_empty(route: str, stage: Run) -> None:
    if route in ("api/templates", "api/schema"):
        return
    assert caller("outsider").get(f"/{route}").json()["items"] == []


def test_an_owner_meets_nothing_of_another_owner(stage: Run) -> None:
    from orchestrator import engine

    other = Caller(person("bob"))
    engine.save_workflow({**gate("ann"), "id": "bobs"}, user=other.user)
    assert [item["id"] for item in other.get("/api/workflows").json()["items"]] == ["bobs"]
    for path in (
        f"/api/workflows/{stage.workflow.key}",
        f"/api/runs/{stage.pk}",
        f"/api/runs/{stage.pk}/events",
    ):
        assert other.get(path).status_code == 404
    assert Workflow.objects.count() == 2
