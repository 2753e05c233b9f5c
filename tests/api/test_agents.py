"""What agents ask, over HTTP: with a token of their own that opens nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from orchestrator import engine, tokens
from orchestrator.engine import agents
from orchestrator.models import Agent, Artifact, LogLine, Run
from tests.api.caller import Caller, error_of
from tests.engine.flows import flow, task
from tests.people import bearer, person

pytestmark = pytest.mark.django_db


@dataclass
class Remote:
    """An agent that calls."""

    agent: Agent
    token: str

    def post(self, path: str, body: Any = None) -> HttpResponse:
        headers = {"Authorization": f"Bearer {self.token}"}
        return Client(raise_request_exception=False).post(
            path, json.dumps(body or {}), content_type="application/json", headers=headers
        )

    def send(self, method: str, path: str, content: bytes) -> HttpResponse:
        headers = {"Authorization": f"Bearer {self.token}"}
        client = Client(raise_request_exception=False)
        return client.generic(method, path, content, content_type="text/html", headers=headers)

    def claim(self, **given: Any) -> list[dict[str, Any]]:
        answer = self.post(f"/api/agents/{self.agent.key}/claim", {"wait": 0, **given})
        assert answer.status_code == 200, answer.content
        found: list[dict[str, Any]] = answer.json()["tasks"]
        return found


@pytest.fixture
def rover() -> Remote:
    agent = agents.register("rover", pools=["night"])
    return Remote(agent, tokens.issue_for_agent(agent)[1])


@pytest.fixture
def run(rover: Remote) -> Run:
    return engine.start(engine.save_workflow(flow({"a": task(agent_id="pool:night", parameters={"n": 1})})))


def test_an_agent_does_a_task(rover: Remote, run: Run) -> None:
    answer = rover.post("/api/agents/rover/register", {"capabilities": ["python"], "capacity": 3})
    assert (answer.status_code, answer.json()["capacity"], answer.json()["online"]) == (200, 3, True)
    (given,) = rover.claim()
    assert (given["task"], given["parameters"]["n"], given["run"]) == ("a", 1, run.pk)
    lease = f"/api/leases/{given['lease']}"
    assert rover.post(f"{lease}/heartbeat").json()["cancelled"] is False
    lines = [{"message": "half"}, {"level": "warning", "message": "slow"}]
    assert rover.post(f"{lease}/log", {"lines": lines}).status_code == 200
    assert rover.post(f"{lease}/complete", {"output": {"n": 2}}).json() == {"status": "completed"}
    run.refresh_from_db()
    assert (run.status, run.tasks.get().output) == ("completed", {"n": 2})
    assert list(LogLine.objects.values_list("level", "message")) == [("info", "half"), ("warning", "slow")]
    late = rover.post(f"{lease}/complete", {"output": 3})
    assert (late.status_code, error_of(late)["code"]) == (409, "lease_lost")


def test_a_failed_and_a_released_attempt(rover: Remote, run: Run) -> None:
    (given,) = rover.claim()
    assert rover.post(f"/api/leases/{given['lease']}/release").status_code == 200
    (given,) = rover.claim()
    answer = rover.post(f"/api/leases/{given['lease']}/fail", {"message": "no", "retryable": False})
    assert answer.status_code == 200
    run.refresh_from_db()
    assert run.status == "failed"


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        ("log", {"lines": []}, 400),
        ("log", {"lines": [{"level": "loud", "message": "x"}]}, 400),
        ("log", {"lines": [{"message": "x", "colour": 1}]}, 400),
        ("fail", {}, 400),
        ("complete", {"result": 1}, 400),
        ("heartbeat", None, 200),
    ],
)
def test_bad_input_changes_nothing(rover: Remote, run: Run, verb: str, body: Any, status: int) -> None:
    (given,) = rover.claim()
    assert rover.post(f"/api/leases/{given['lease']}/{verb}", body).status_code == status
    assert run.tasks.get().status == "running"
    assert not LogLine.objects.exists()


def test_a_token_of_an_agent_opens_nothing_for_people(rover: Remote, run: Run) -> None:
    for method, path in (
        ("GET", "/api/runs"),
        ("GET", "/api/agents"),
        ("GET", "/api/approvals"),
        ("POST", f"/api/runs/{run.pk}/cancel"),
        ("POST", "/api/approvals/1/approve"),
        ("POST", "/api/approvals/1/reject"),
    ):
        answer = Client().generic(method, path, headers={"Authorization": f"Bearer {rover.token}"})
        assert answer.status_code == 401, path


def test_a_token_of_a_person_opens_nothing_for_agents(rover: Remote, run: Run) -> None:
    root = Caller(person("root", superuser=True))
    (given,) = rover.claim()
    for path in (
        "/api/agents/rover/claim",
        "/api/agents/rover/register",
        f"/api/leases/{given['lease']}/complete",
    ):
        assert root.post(path, {}).status_code == 401, path
        assert Client().post(path, "{}", content_type="application/json").status_code == 401


def test_an_agent_is_only_itself(rover: Remote, run: Run) -> None:
    other = agents.register("other", pools=["night"])
    stranger = Remote(other, tokens.issue_for_agent(other)[1])
    assert stranger.post("/api/agents/rover/claim", {"wait": 0}).status_code == 403
    assert stranger.post("/api/agents/rover/register", {"capacity": 9}).status_code == 403
    (given,) = rover.claim()
    for verb in ("heartbeat", "release"):
        assert stranger.post(f"/api/leases/{given['lease']}/{verb}").status_code == 404


def test_a_revoked_token_opens_nothing_from_then_on(rover: Remote, run: Run) -> None:
    tokens.revoke(rover.agent.tokens.get())
    answer = rover.post("/api/agents/rover/claim", {"wait": 0})
    assert (answer.status_code, error_of(answer)["code"]) == (401, "token_invalid")


def test_an_administrator_registers_drains_and_revokes(db: None) -> None:
    root = Caller(person("root", "admin"))
    made = root.post("/api/agents", {"id": "rover", "kind": "ai", "capabilities": ["python"], "capacity": 2})
    assert made.status_code == 201
    token = made.json()["token"]
    assert token.startswith("batonagent_")
    rover = Remote(Agent.objects.get(), token)
    assert rover.claim() == []
    assert root.post("/api/agents/rover/drain", {}).json()["state"] == "draining"
    assert root.post("/api/agents/rover/activate", {}).json()["state"] == "active"
    assert root.delete(f"/api/agents/rover/tokens/{made.json()['id']}").json()["revoked_at"]
    assert rover.post("/api/agents/rover/claim", {"wait": 0}).status_code == 401
    assert token not in root.get("/api/agents/rover").content.decode()
    twice = root.post("/api/agents", {"id": "rover"})
    assert (twice.status_code, error_of(twice)["code"]) == (409, "exists")


# Files


@pytest.fixture
def kept(settings: Any, tmp_path: Path) -> None:
    settings.BATON = {**settings.BATON, "FILES": tmp_path, "FILE_MAX_BYTES": 1000}


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_file_is_handed_in_listed_and_downloaded(method: str, rover: Remote, run: Run) -> None:
    (given,) = rover.claim()
    answer = rover.send(method, f"/api/leases/{given['lease']}/artifacts/Gr%C3%B6%C3%9Fe.html", b"<b>hi</b>")
    assert answer.status_code == 201, answer.content
    reader = Caller(person("vera", "viewer"))
    (listed,) = reader.get(f"/api/runs/{run.pk}/artifacts").json()["items"]
    assert listed == answer.json()
    assert (listed["name"], listed["size"], listed["task"], listed["by"]) == ("Größe.html", 9, "a", "rover")
    for address in (
        f"/api/runs/{run.pk}/artifacts/{listed['id']}",
        f"/runs/{run.pk}/artifacts/{listed['id']}/",
    ):
        client = Client(headers=bearer(reader.user))
        client.force_login(reader.user)
        found = client.get(address)
        assert (found.status_code, found.content) == (200, b"<b>hi</b>")
        assert found["Content-Type"] == "text/plain"
        assert found["X-Content-Type-Options"] == "nosniff"
        assert found["Content-Disposition"].startswith("attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe.html")


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("big.bin", b"x" * 1001, 413, "file_too_large"),
        ("empty.bin", b"", 400, "file_empty"),
        ("a%2Fb.bin", b"x", 400, "bad_name"),
        ("..", b"x", 400, "bad_name"),
        ("nul%00.bin", b"x", 400, "bad_name"),
        ("x" * 201, b"x", 400, "bad_name"),
    ],
    ids=["large", "empty", "folder", "up", "nul", "long"],
)
def test_a_file_that_is_not_kept_says_why(
    name: str, content: bytes, status: int, code: str, rover: Remote, run: Run
) -> None:
    (given,) = rover.claim()
    answer = rover.send("PUT", f"/api/leases/{given['lease']}/artifacts/{name}", content)
    assert (answer.status_code, error_of(answer)["code"]) == (status, code)
    assert not Artifact.objects.exists()


@pytest.mark.usefixtures("kept")
def test_a_file_of_a_lost_lease_and_of_another_agent_is_refused(rover: Remote, run: Run) -> None:
    (given,) = rover.claim()
    path = f"/api/leases/{given['lease']}/artifacts/a.txt"
    other = agents.register("other")
    assert Remote(other, tokens.issue_for_agent(other)[1]).send("PUT", path, b"x").status_code == 404
    assert Caller(person("root", superuser=True)).put(path, b"x").status_code == 401
    engine.cancel(run.pk)
    answer = rover.send("PUT", path, b"x")
    assert (answer.status_code, error_of(answer)["code"]) == (409, "lease_lost")


@pytest.mark.usefixtures("kept")
def test_a_file_of_another_run_is_not_found_under_this_one(rover: Remote, run: Run) -> None:
    (given,) = rover.claim()
    rover.send("PUT", f"/api/leases/{given['lease']}/artifacts/a.txt", b"x")
    pk = Artifact.objects.get().pk
    other = engine.start(engine.save_workflow({**flow({"a": task()}), "id": "other", "name": "Other"}))
    reader = Caller(person("vera", "viewer"))
    assert reader.get(f"/api/runs/{run.pk}/artifacts/{pk}").status_code == 200
    assert reader.get(f"/api/runs/{other.pk}/artifacts/{pk}").status_code == 404
    assert Caller(person("bob")).get(f"/api/runs/{run.pk}/artifacts/{pk}").status_code == 404
