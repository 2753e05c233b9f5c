"""Runs and approvals through the API: steered, followed and decided."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from orchestrator import engine
from orchestrator.models import Approval, Run, Workflow
from tests.api.caller import Caller, error_of
from tests.people import person

pytestmark = pytest.mark.django_db


class TestSteering:
    def test_pause_resume_cancel(self, api: Caller, run: Run) -> None:
        for verb, status in [("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")]:
            answer = api.post(f"/api/runs/{run.pk}/{verb}")
            assert (answer.status_code, answer.json()["status"]) == (200, status)

    def test_what_the_state_does_not_allow_is_409(self, api: Caller, run: Run) -> None:
        assert api.post(f"/api/runs/{run.pk}/resume").status_code == 409
        api.post(f"/api/runs/{run.pk}/cancel", {"reason": "no longer wanted"})
        for verb in ("pause", "resume", "cancel"):
            answer = api.post(f"/api/runs/{run.pk}/{verb}")
            assert (answer.status_code, error_of(answer)["code"]) == (409, "conflict")

    def test_a_run_is_read_with_its_secrets_masked(self, api: Caller, run: Run) -> None:
        for path in (f"/api/runs/{run.pk}", f"/api/runs/{run.pk}/status", "/api/runs"):
            text = api.get(path).content.decode()
            assert "region" in text and "hunter2" not in text and "$sealed" not in text


class TestList:
    def test_it_is_filtered_by_workflow_and_status(
        self, api: Caller, workflow: Workflow, run: Run, owner: User
    ) -> None:
        other = engine.start(workflow, user=owner)
        engine.cancel(other.pk, user=owner)

        def ids(query: str) -> list[int]:
            return [item["id"] for item in api.get(f"/api/runs{query}").json()["items"]]

        assert ids("") == [other.pk, run.pk]
        assert ids("?status=running") == [run.pk]
        assert ids("?workflow=gated&status=cancelled") == [other.pk]
        assert ids("?workflow=other") == []
        assert ids(f"?after={other.pk}") == [run.pk]


class TestEvents:
    def test_they_come_in_order_and_without_gaps(self, api: Caller, run: Run) -> None:
        body = api.get(f"/api/runs/{run.pk}/events").json()
        assert [event["seq"] for event in body["events"]] == list(range(1, body["last"] + 1))
        assert body["events"][0]["type"] == "workflow.started"
        assert "approval.required" in {event["type"] for event in body["events"]}
        assert (body["more"], body["status"]) == (False, "running")

    def test_a_reader_goes_on_from_the_last_it_has(self, api: Caller, run: Run) -> None:
        first = api.get(f"/api/runs/{run.pk}/events?limit=1").json()
        assert (len(first["events"]), first["more"]) == (1, True)
        rest = api.get(f"/api/runs/{run.pk}/events?since={first['last']}").json()
        assert rest["events"][0]["seq"] == 2
        nothing = api.get(f"/api/runs/{run.pk}/events?since={rest['last']}").json()
        assert (nothing["events"], nothing["last"], nothing["more"]) == ([], rest["last"], False)

    def test_secret_parameters_are_not_in_them(self, api: Caller, run: Run) -> None:
        assert "hunter2" not in api.get(f"/api/runs/{run.pk}/events").content.decode()


class TestApprovals:
    @pytest.fixture
    def approval(self, run: Run) -> Approval:
        return run.approvals.get()

    def test_it_is_listed_for_those_it_asks(self, approval: Approval, approver: User) -> None:
        listed = Caller(approver).get("/api/approvals?mine=true&status=open").json()["items"]
        assert [(item["id"], item["title"], item["approvers"]) for item in listed] == [
            (approval.pk, "Pay?", ["ann"])
        ]
        assert Caller(person("ben", "approver")).get("/api/approvals?mine=true").json()["items"] == []

    @pytest.mark.parametrize(("verb", "status"), [("approve", "approved"), ("reject", "rejected")])
    def test_one_decides_with_a_comment(
        self, verb: str, status: str, approval: Approval, approver: User
    ) -> None:
        answer = Caller(approver).post(f"/api/approvals/{approval.pk}/{verb}", {"comment": "as agreed"})
        body = answer.json()
        assert answer.status_code == 200
        assert (body["status"], body["decided_by"], body["comment"]) == (status, "ann", "as agreed")

    def test_the_second_gets_a_409_that_names_the_first(self, approval: Approval, approver: User) -> None:
        Caller(approver).post(f"/api/approvals/{approval.pk}/approve")
        answer = Caller(approver).post(f"/api/approvals/{approval.pk}/reject")
        assert (answer.status_code, error_of(answer)["code"]) == (409, "already_decided")
        assert "ann" in error_of(answer)["message"]

    @pytest.mark.parametrize("name", ["olga", "ben"])
    def test_who_is_not_asked_may_not_decide(self, name: str, approval: Approval, api: Caller) -> None:
        caller = api if name == "olga" else Caller(person(name, "approver"))
        answer = caller.post(f"/api/approvals/{approval.pk}/approve")
        assert (answer.status_code, error_of(answer)["code"]) == (403, "not_allowed")
        approval.refresh_from_db()
        assert approval.status == "open"

    def test_a_decision_is_not_a_read(self, approval: Approval, approver: User) -> None:
        assert Caller(approver).get(f"/api/approvals/{approval.pk}/approve").status_code == 405

    def test_the_list_costs_the_same_however_many_there_are(
        self,
        approval: Approval,
        approver: User,
        workflow: Workflow,
        owner: User,
        django_assert_max_num_queries: Any,
    ) -> None:
        for _ in range(4):
            engine.start(workflow, user=owner)
        caller = Caller(approver)
        caller.get("/api/approvals")
        with django_assert_max_num_queries(6):
            assert len(caller.get("/api/approvals").json()["items"]) == 5
