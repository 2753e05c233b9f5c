"""Workflows through the API: made, listed, published, checked, archived, started."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from orchestrator import catalog, engine
from orchestrator.models import Run, Workflow
from tests.api.caller import Caller, codes_of, error_of
from tests.api.conftest import gate
from tests.people import person

pytestmark = pytest.mark.django_db

SIMPLE: dict[str, Any] = {
    "id": "simple",
    "name": "Simple",
    "version": "2.0.0",
    "tasks": {"one": {"action": "agent_task", "parameters": {"description": "say hello"}}},
}
CYCLE: dict[str, Any] = {
    "id": "round",
    "name": "Round",
    "version": "2.0.0",
    "tasks": {
        "a": {"action": "agent_task", "parameters": {"description": "x"}, "dependencies": ["b"]},
        "b": {"action": "agent_task", "parameters": {"description": "x"}, "dependencies": ["a"]},
    },
}


class TestCreate:
    @pytest.mark.parametrize(
        "body",
        [SIMPLE, {"definition": SIMPLE}, {"definition": SIMPLE, "note": "first"}],
        ids=["bare", "enveloped", "noted"],
    )
    def test_from_a_definition(self, body: dict[str, Any], api: Caller, owner: User) -> None:
        answer = api.post("/api/workflows", body)
        made = answer.json()
        assert answer.status_code == 201
        assert (made["id"], made["name"], made["version"], made["owner"]) == ("simple", "Simple", 1, "olga")
        assert list(made["definition"]["tasks"]) == ["one"]
        assert answer["Location"] == "/api/workflows/simple"
        assert Workflow.objects.get().owner == owner

    @pytest.mark.parametrize("key", [template.key for template in catalog.templates()])
    def test_from_each_template(self, key: str, api: Caller) -> None:
        made = api.post("/api/workflows", {"template": key}).json()
        assert made["template"] == key
        assert api.get(f"/api/workflows/{made['id']}").status_code == 200

    def test_from_a_template_with_parameters(self, api: Caller) -> None:
        given = {"level1_approver": "alice", "request_title": "Budget Approval"}
        made = api.post("/api/workflows", {"template": "approval_chain", "parameters": given}).json()
        parameters = made["definition"]["parameters"]
        assert {name: parameters[name]["default"] for name in given} == given

    def test_a_wrong_parameter_of_a_template_is_located(self, api: Caller) -> None:
        body = {"template": "approval_chain", "parameters": {"level1_timeout_seconds": "soon", "nope": 1}}
        answer = api.post("/api/workflows", body)
        assert answer.status_code == 400
        paths = {path for path, _ in codes_of(answer)}
        assert paths == {"parameters.level1_timeout_seconds", "parameters.nope"}

    def test_every_problem_of_a_definition_is_told_with_its_path(self, api: Caller) -> None:
        answer = api.post("/api/workflows", CYCLE)
        assert answer.status_code == 400
        assert "cycle" in {code for _, code in codes_of(answer)}
        assert "a" in error_of(answer)["message"]
        assert not Workflow.objects.exists()

    def test_the_same_id_twice_makes_two_workflows(self, api: Caller) -> None:
        made = [api.post("/api/workflows", SIMPLE).json()["id"] for _ in range(2)]
        assert made == ["simple", "simple-2"]


class TestValidate:
    def test_a_sound_definition(self, api: Caller) -> None:
        assert api.post("/api/workflows/validate", SIMPLE).json()["ok"] is True
        assert not Workflow.objects.exists()

    def test_a_broken_one_is_an_answer_and_not_a_failure(self, api: Caller) -> None:
        answer = api.post("/api/workflows/validate", {"definition": CYCLE})
        assert (answer.status_code, answer.json()["ok"]) == (200, False)
        assert "cycle" in {issue["code"] for issue in answer.json()["issues"]}

    def test_an_unknown_field_of_a_definition_is_a_warning(self, api: Caller) -> None:
        report = api.post("/api/workflows/validate", {**SIMPLE, "colour": "red"}).json()
        assert report["ok"] is True
        assert [(issue["path"], issue["severity"]) for issue in report["issues"]] == [("colour", "warning")]

    def test_somebody_with_no_role_may_check_too(self) -> None:
        assert Caller(person("out")).post("/api/workflows/validate", SIMPLE).status_code == 200


class TestList:
    def make(self, owner: User, count: int) -> None:
        for number in range(count):
            engine.save_workflow({**SIMPLE, "name": f"Flow {number}", "id": f"flow-{number}"}, user=owner)

    def test_pages_hold_each_workflow_once(self, api: Caller, owner: User) -> None:
        self.make(owner, 5)
        seen, after = [], None
        while True:
            page = api.get("/api/workflows?limit=2" + (f"&after={after}" if after else "")).json()
            seen += [item["id"] for item in page["items"]]
            after = page["next"]
            if after is None:
                break
        assert seen == [f"flow-{number}" for number in reversed(range(5))]

    def test_it_costs_the_same_however_many_there_are(
        self, api: Caller, owner: User, django_assert_num_queries: Any
    ) -> None:
        self.make(owner, 1)
        api.get("/api/workflows")  # notes that the token was used
        for count in (1, 6):
            self.make(owner, count - 1) if count > 1 else None
            with django_assert_num_queries(4):  # token, two for permissions, the page
                api.get("/api/workflows")

    def test_it_is_searched_by_name_and_id(self, api: Caller, owner: User) -> None:
        self.make(owner, 3)
        assert [item["id"] for item in api.get("/api/workflows?q=LOW+1").json()["items"]] == ["flow-1"]
        assert [item["id"] for item in api.get("/api/workflows?q=w-2").json()["items"]] == ["flow-2"]

    def test_archived_ones_are_listed_apart_and_keep_their_history(self, api: Caller, owner: User) -> None:
        self.make(owner, 2)
        assert api.delete("/api/workflows/flow-0").status_code == 204
        assert [item["id"] for item in api.get("/api/workflows").json()["items"]] == ["flow-1"]
        assert [item["id"] for item in api.get("/api/workflows?archived=true").json()["items"]] == ["flow-0"]
        assert api.get("/api/workflows/flow-0").json()["archived_at"]


class TestPublish:
    def test_a_new_version_leaves_the_old_one(self, api: Caller, workflow: Workflow) -> None:
        changed = {**gate("ann"), "name": "Gated twice"}
        answer = api.put("/api/workflows/gated", {"definition": changed, "note": "renamed"})
        assert (answer.status_code, answer.json()["version"], answer.json()["name"]) == (
            200,
            2,
            "Gated twice",
        )
        assert list(workflow.versions.values_list("number", "note")) == [(2, "renamed"), (1, "")]

    def test_a_broken_definition_publishes_nothing(self, api: Caller, workflow: Workflow) -> None:
        assert api.put("/api/workflows/gated", CYCLE).status_code == 400
        assert workflow.versions.count() == 1


class TestStart:
    def test_it_starts_a_run_with_its_parameters(self, api: Caller, workflow: Workflow, owner: User) -> None:
        answer = api.post("/api/workflows/gated/start", {"parameters": {"region": "us", "key": "hunter2"}})
        run = Run.objects.get()
        body = answer.json()
        assert answer.status_code == 201
        assert (body["id"], body["workflow"], body["version"], body["started_by"]) == (
            run.pk,
            "gated",
            1,
            "olga",
        )
        assert (body["status"], body["trigger"], body["parameters"]["region"]) == ("running", "api", "us")
        assert answer["Location"] == f"/api/runs/{run.pk}"
        assert "hunter2" not in answer.content.decode()
        assert "$sealed" not in answer.content.decode()

    def test_it_starts_without_a_body(self, api: Caller, workflow: Workflow) -> None:
        assert api.post("/api/workflows/gated/start").status_code == 201

    @pytest.mark.parametrize("parameters", [{"region": 7}, {"regoin": "us"}])
    def test_parameters_that_do_not_fit_are_located(
        self, parameters: dict[str, Any], api: Caller, workflow: Workflow
    ) -> None:
        answer = api.post("/api/workflows/gated/start", {"parameters": parameters})
        assert answer.status_code == 400
        assert any(next(iter(parameters)) in path for path, _ in codes_of(answer))
        assert not Run.objects.exists()

    def test_the_same_key_gives_the_same_run_in_body_or_header(self, api: Caller, workflow: Workflow) -> None:
        first = api.post("/api/workflows/gated/start", {"idempotency_key": "k-1"}).json()["id"]
        again = api.post("/api/workflows/gated/start", {}, Idempotency_Key="k-1").json()["id"]
        other = api.post("/api/workflows/gated/start", {}, Idempotency_Key="k-2").json()["id"]
        assert first == again != other
        assert Run.objects.count() == 2

    def test_anothers_key_gives_a_run_of_ones_own(self, api: Caller, workflow: Workflow) -> None:
        mine = api.post("/api/workflows/gated/start", {}, Idempotency_Key="k").json()["id"]
        theirs = (
            Caller(person("opa", "operator"))
            .post("/api/workflows/gated/start", {}, Idempotency_Key="k")
            .json()["id"]
        )
        assert mine != theirs

    def test_two_keys_that_differ_are_refused(self, api: Caller, workflow: Workflow) -> None:
        answer = api.post("/api/workflows/gated/start", {"idempotency_key": "a"}, Idempotency_Key="b")
        assert codes_of(answer) == [("idempotency_key", "invalid")]

    @pytest.mark.parametrize("key", ["", "a b", "x" * 101])
    def test_a_header_that_is_no_key_is_refused(self, key: str, api: Caller, workflow: Workflow) -> None:
        answer = api.post("/api/workflows/gated/start", {}, Idempotency_Key=key)
        assert codes_of(answer) == [("idempotency_key", "invalid" if key else "blank")]


class TestStatus:
    def test_it_is_that_of_the_latest_run(
        self, api: Caller, workflow: Workflow, run: Run, owner: User
    ) -> None:
        latest = engine.start(workflow, user=owner)
        body = api.get("/api/workflows/gated/status").json()
        assert (body["workflow"], body["run"], body["status"]) == ("gated", latest.pk, "running")
        assert (body["tasks"]["ask"]["status"], body["tasks"]["after"]["status"]) == ("waiting", "pending")

    def test_without_a_run_it_is_404_and_says_why(self, api: Caller, workflow: Workflow) -> None:
        answer = api.get("/api/workflows/gated/status")
        assert answer.status_code == 404
        assert "not been started" in error_of(answer)["message"]


def test_the_templates_are_listed_with_their_parameters(api: Caller) -> None:
    items = api.get("/api/templates").json()["items"]
    assert [item["key"] for item in items] == [template.key for template in catalog.templates()]
    chain = next(item for item in items if item["key"] == "approval_chain")
    assert {"name", "type", "default", "description"} <= set(chain["parameters"][0])
