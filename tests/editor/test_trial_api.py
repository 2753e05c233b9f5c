"""Trying drafts over the API: told beforehand, started, and with what is pinned."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from editor import drafts, pins
from editor.models import Pin
from orchestrator import engine, vault
from orchestrator.models import Run, TaskRun, Workflow
from tests.engine.flows import Crank, flow, states, succeeded, task
from tests.people import bearer, person

pytestmark = pytest.mark.django_db

URL = "/api/workflows/drawn/draft"
ROWS = {"rows": 3}
POSTS = task(
    "extract",
    action="api_call",
    name="Load",
    parameters={"url": "https://a.example", "method": "POST", "json": "{{ tasks.extract.output }}"},
)
GATE = {
    "action": "approval_gate",
    "name": "Ask",
    "dependencies": ["load"],
    "parameters": {"approvers": ["ann", "bob"]},
}
FLOW = {
    **flow({"extract": task(name="Extract"), "load": POSTS, "ask": GATE, "end": task("ask")}),
    "name": "Drawn",
    "parameters": {"day": {"type": "string", "default": "today"}, "count": {"type": "integer"}},
}


@pytest.fixture(autouse=True)
def workflow() -> Workflow:
    return engine.save_workflow(FLOW)


@pytest.fixture
def past(workflow: Workflow) -> Run:
    """A run whose first task gave three rows."""
    run = engine.start(workflow)
    crank = Crank()
    crank.turn(*[succeeded(claim, ROWS) for claim in crank.turn(claim=1).claims])
    return run


def send(user: User, path: str, body: Any, method: str = "post") -> Any:
    act = getattr(Client(), method)
    return act(URL + path, body, content_type="application/json", headers=bearer(user))


def told(user: User, query: str = "") -> Any:
    return Client().get(f"{URL}/try{query}", headers=bearer(user)).json()


def tried(user: User, **body: Any) -> Run:
    answer = send(user, "/try", body)
    assert answer.status_code == 201, answer.content
    return Run.objects.get(pk=answer.json()["run"])


def issues(answer: Any) -> list[tuple[str, str]]:
    return [(one["path"], one["code"]) for one in answer.json()["error"]["issues"]]


def hows(found: Any) -> dict[str, str]:
    return {step["key"]: step["how"] for step in found["steps"]}


# Told beforehand


def test_what_it_would_do_is_told_and_nothing_is_started(ann: User) -> None:
    found = told(ann)
    assert (found["rev"], found["title"], found["ready"]) == (1, "The whole draft", True)
    assert found["warning"] == "2 tasks act in earnest: Load, Ask."
    assert set(hows(found).values()) == {"earnest"}
    assert found["steps"][1]["acts"] == "sends POST to https://a.example"
    assert Run.objects.count() == 0


def test_what_is_missing_is_told_and_a_past_run_gives_it(ann: User, past: Run) -> None:
    found = told(ann, "?scope=only&task=load")
    assert (found["title"], found["ready"]) == ("Only Load", False)
    assert hows(found) == {"extract": "nothing", "load": "earnest", "ask": "left_out", "end": "left_out"}
    assert [(one["code"], one["hint"]) for one in found["missing"]] == [("missing_data", "extract")]
    assert found["missing"][0]["message"].startswith("Load reads tasks.extract.output; pin its output")
    found = told(ann, f"?scope=only&task=load&past_run={past.pk}")
    assert (hows(found)["extract"], found["ready"]) == ("past", True)


def test_a_draft_that_is_wrong_says_what_only_where_it_is_tried(ann: User, workflow: Workflow) -> None:
    drafts.change(workflow, [{"op": "action", "key": "end", "action": "nope"}], base_rev=1, user=ann)
    assert [one["code"] for one in told(ann)["problems"]] == ["unknown_action"]
    assert told(ann, "?scope=to&task=ask")["ready"]
    refused = send(ann, "/try", {})
    assert (refused.status_code, issues(refused)) == (400, [("tasks.end.action", "unknown_action")])


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"scope": {"kind": "from", "task": "lod"}}, [("scope.task", "unknown_task")]),
        ({"scope": {"kind": "from"}}, [("scope.task", "required")]),
        ({"scope": {"kind": "all", "task": "load"}}, [("scope.task", "not_used")]),
        ({"scope": {"kind": "some"}}, [("scope.kind", "invalid_choice")]),
        ({"mocks": {"lod": {}}}, [("mocks.lod", "unknown_task")]),
        ({"mocks": {"load": 3}}, [("mocks.load", "wrong_type")]),
        ({"mocks": {"load": {"decision": "approved"}}}, [("mocks.load.decision", "no_approval")]),
        ({"pins": {"load": {"status": "done"}}}, [("pins.load.status", "not_in_enum")]),
        ({"past_run": 999}, [("past_run", "no_run")]),
        ({"mocks": {"load": {"past": True}}}, [("mocks.load", "required")]),
        ({"scope": {"kind": "only", "task": "load"}}, [("tasks.load", "missing_data")]),
        ({"parameters": {"count": "three"}}, [("parameters.count", "wrong_type")]),
        ({"mock": {}}, [("mock", "unknown_field")]),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_where_it_stands(ann: User, body: Any, places: Any) -> None:
    answer = send(ann, "/try", body)
    assert (answer.status_code, issues(answer)) == (400, places)
    assert Run.objects.count() == 0


# Started


def test_it_is_started_and_marked(ann: User) -> None:
    mocks = {
        "extract": {"output": ROWS},
        "load": {"output": {"status": 200}},
        "ask": {"decision": "approved", "by": "boss"},
    }
    answer = send(ann, "/try", {"mocks": mocks, "base_rev": 1, "parameters": {"day": "monday"}})
    run = Run.objects.get()
    assert answer.json() == {"run": run.pk, "url": f"/runs/{run.pk}/", "socket": f"/ws/runs/{run.pk}/"}
    assert (run.is_trial, run.started_by, run.params["day"], run.version.note) == (
        True,
        ann,
        "monday",
        "The whole draft",
    )
    assert states(run) == {"extract": "completed", "load": "completed", "ask": "completed", "end": "ready"}
    shown = Client().get(f"/api/runs/{run.pk}", headers=bearer(ann)).json()
    assert (shown["test_run"], shown["version"]) == (True, None)
    assert TaskRun.objects.get(key="ask").output["by"] == ["boss"]


def test_the_api_lists_test_runs_with_the_others_alone_or_not_at_all(ann: User, past: Run) -> None:
    run = tried(ann, scope={"kind": "only", "task": "extract"})

    def listed(query: str) -> list[int]:
        answer = Client().get(f"/api/runs{query}", headers=bearer(ann))
        return [one["id"] for one in answer.json()["items"]]

    assert listed("") == [run.pk, past.pk]
    assert listed("?test_runs=true") == [run.pk]
    assert listed("?test_runs=false&workflow=drawn") == [past.pk]
    status = Client().get("/api/workflows/drawn/status", headers=bearer(ann)).json()
    assert (status["run"], status["test_run"]) == (past.pk, False)


def test_the_same_batch_is_one_run(ann: User) -> None:
    assert tried(ann, batch="x") == tried(ann, batch="x")
    assert Run.objects.count() == 1


def test_a_draft_that_went_on_meanwhile_is_a_conflict(ann: User, workflow: Workflow) -> None:
    rename = [{"op": "set", "field": ["name"], "value": "New"}]
    drafts.change(workflow, rename, base_rev=1, user=person("bob", "designer"))
    answer = send(ann, "/try", {"base_rev": 1})
    assert (answer.status_code, answer.json()["rev"], answer.json()["disputes"][0]["by"]) == (409, 2, "bob")


def test_the_past_stands_in_also_where_it_is_tried(ann: User, past: Run) -> None:
    run = tried(ann, past_run=past.pk, mocks={"extract": {"past": True}})
    assert (states(run)["extract"], TaskRun.objects.get(run=run, key="extract").output) == ("completed", ROWS)


def test_a_run_of_another_workflow_is_no_past_of_this(ann: User) -> None:
    other = engine.start(engine.save_workflow({**flow({"extract": task()}), "id": "other"}))
    assert issues(send(ann, "/try", {"past_run": other.pk})) == [("past_run", "no_run")]


# Pinned


def test_a_pin_is_set_used_and_taken_off(ann: User) -> None:
    answer = send(ann, "/pins/extract", {"output": ROWS}, "put")
    assert (answer.status_code, answer.json()["data"], answer.json()["by"]) == (200, {"output": ROWS}, "ann")
    assert list(Client().get(f"{URL}/pins", headers=bearer(ann)).json()["pins"]) == ["extract"]
    assert Client().get(f"{URL}/pins/extract", headers=bearer(ann)).json()["source"] == ""
    assert hows(told(ann))["extract"] == "pin"
    assert states(tried(ann))["extract"] == "completed"
    # What the scope names is what is tried, pinned or not; and a pin may be left aside for once.
    assert hows(told(ann, "?scope=from&task=extract"))["extract"] == "earnest"
    assert states(tried(ann, pins={"extract": None}))["extract"] == "ready"
    assert states(tried(ann, pins={"extract": {"status": "failed"}}))["extract"] == "failed"
    assert [send(ann, "/pins/extract", None, "delete").status_code for _ in range(2)] == [204, 204]
    assert Client().get(f"{URL}/pins/extract", headers=bearer(ann)).status_code == 404
    assert hows(told(ann))["extract"] == "earnest"


def test_what_a_run_gave_is_pinned(ann: User, past: Run) -> None:
    for body in ({"last_run": True}, {"run": past.pk}):
        answer = send(ann, "/pins/extract", body, "put")
        assert answer.json()["data"] == {"status": "completed", "output": ROWS}
        assert answer.json()["source"] == f"run {past.pk}"
    assert send(ann, "/pins/load", {"last_run": True}, "put").json()["error"]["code"] == "no_outcome"
    assert send(ann, "/pins/extract", {"run": 999}, "put").status_code == 404


@pytest.mark.parametrize(
    ("task_key", "body", "code"),
    [
        ("nobody", {"output": 1}, "unknown_task"),
        ("extract", {}, "invalid"),
        ("extract", {"output": 1, "last_run": True}, "invalid"),
        ("extract", {"decision": "approved"}, "no_approval"),
        ("extract", {"status": "failed", "error": 3}, "wrong_type"),
        ("extract", {"output": "my hunter22 is here"}, "secret"),
        ("extract", {"output": {"$sealed": "x"}}, "secret"),
    ],
)
def test_what_cannot_be_pinned(ann: User, task_key: str, body: Any, code: str) -> None:
    vault.put("crm", "hunter22")
    answer = send(ann, f"/pins/{task_key}", body, "put")
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        404 if code == "unknown_task" else 400,
        code,
    )
    assert Pin.objects.count() == 0
    assert "hunter22" not in answer.content.decode()


def test_no_secret_stands_in_a_test_run(ann: User) -> None:
    vault.put("crm", "hunter22")
    answer = send(ann, "/try", {"mocks": {"load": {"output": {"key": "hunter22"}}}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "secret")


def test_pins_have_bounds(ann: User, workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pins, "MAX_PINS", 1)
    monkeypatch.setattr(pins, "MAX_BYTES", 100)
    send(ann, "/pins/extract", {"output": 1}, "put")
    assert send(ann, "/pins/extract", {"output": 2}, "put").status_code == 200
    assert send(ann, "/pins/load", {"output": 1}, "put").json()["error"]["code"] == "too_many"
    assert send(ann, "/pins/extract", {"output": "x" * 100}, "put").json()["error"]["code"] == "too_large"


def test_a_pin_follows_its_task(ann: User, workflow: Workflow) -> None:
    send(ann, "/pins/extract", {"output": ROWS}, "put")
    drafts.change(workflow, [{"op": "rename", "key": "extract", "to": "fetch"}], base_rev=1, user=ann)
    assert Pin.objects.get().task == "fetch"
    drafts.undo(workflow, user=ann)
    assert Pin.objects.get().task == "extract"
    drafts.redo(workflow, user=ann)
    assert Pin.objects.get().task == "fetch"


def test_pins_are_neither_published_nor_a_revision(ann: User, workflow: Workflow) -> None:
    send(ann, "/pins/extract", {"output": ROWS}, "put")
    version = drafts.publish(workflow, base_rev=1, user=ann)
    assert version.definition["tasks"]["extract"] == FLOW["tasks"]["extract"]


# Who may

WAYS = (
    ("get", "/try", None),
    ("post", "/try", {}),
    ("get", "/pins", None),
    ("put", "/pins/extract", {"output": 1}),
)


@pytest.mark.parametrize(("method", "path", "body"), WAYS)
def test_who_may_try(method: str, path: str, body: Any, workflow: Workflow) -> None:
    owner = person("olga")
    workflow.owner = owner
    workflow.save()
    answers = {
        who: send(user, path, body, method).status_code
        for who, user in (("owner", owner), ("member", person("max", "viewer")), ("outsider", person("otto")))
    }
    assert answers == {"owner": 201 if method == "post" else 200, "member": 403, "outsider": 404}


def test_a_test_run_is_seen_by_those_who_see_the_runs(ann: User, workflow: Workflow) -> None:
    run = tried(ann, scope={"kind": "only", "task": "extract"})
    for who, status in (("viewer", 200), ("nobody", 404)):
        user = person(who, *(["viewer"] if who == "viewer" else []))
        assert Client().get(f"/api/runs/{run.pk}", headers=bearer(user)).status_code == status
