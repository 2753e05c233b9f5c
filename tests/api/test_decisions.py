"""Decisions over REST: values of a form, edits, the seal of what was shown, overriding, recalling."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from orchestrator import engine
from orchestrator.models import Run
from tests.api.caller import Caller, codes_of, error_of
from tests.api.conftest import gate
from tests.people import person

pytestmark = pytest.mark.django_db

FORM = [
    {"name": "amount", "type": "number", "required": True, "max": 1000},
    {"name": "until", "type": "date"},
    {"name": "why", "type": "text", "required": True, "on": "reject"},
]


@pytest.fixture
def asked(owner: User, approver: User) -> Run:
    definition = gate("ann")
    given = {"form": FORM, "editable": ["sum"], "data": {"sum": 12, "for": "desks"}}
    definition["tasks"]["ask"]["parameters"] |= given
    return engine.start(engine.save_workflow(definition, user=owner), user=owner)


@pytest.fixture
def ann(approver: User) -> Caller:
    return Caller(approver)


def path(run: Run, verb: str = "") -> str:
    return f"/api/approvals/{run.approvals.get().pk}{verb and '/'}{verb}"


def test_what_is_asked_and_what_was_decided_is_read(ann: Caller, asked: Run) -> None:
    shown = ann.get(path(asked)).json()
    assert (shown["form"], shown["editable"], shown["votes"]) == (FORM, ["sum"], [])
    given = {"fields": {"amount": 10, "until": "2026-12-24"}, "edits": {"sum": 11}}
    answer = ann.post(path(asked, "approve"), {**given, "seal": shown["content_hash"]})
    assert answer.status_code == 200
    decided = answer.json()
    (vote,) = decided["votes"]
    assert (vote["person"], vote["fields"], vote["voided_at"]) == ("ann", given["fields"], None)
    assert vote["edits"] == [{"name": "sum", "before": 12, "after": 11}]
    assert (vote["seal_shown"], vote["seal"]) == (shown["content_hash"], decided["content_hash"])
    assert decided["data"] == {"sum": 11, "for": "desks"}


@pytest.mark.parametrize(
    ("verb", "body", "issues"),
    [
        pytest.param("approve", {}, [("fields.amount", "missing_parameter")], id="nothing"),
        pytest.param(
            "approve",
            {"fields": {"amount": "10", "until": "soon", "x": 1}, "edits": {"for": "lamps", "sum": "1"}},
            [
                ("fields.x", "unknown_field"),
                ("fields.amount", "wrong_type"),
                ("fields.until", "wrong_type"),
                ("edits.for", "not_editable"),
                ("edits.sum", "wrong_type"),
            ],
            id="everything",
        ),
        pytest.param("approve", {"fields": []}, [("fields", "wrong_type")], id="no map"),
        pytest.param("approve", {"feilds": {}}, [("feilds", "unknown_field")], id="an unknown field"),
        pytest.param(
            "reject", {"fields": {"why": ""}}, [("fields.why", "missing_parameter")], id="no reason"
        ),
        pytest.param(
            "reject",
            {"fields": {"why": "no"}, "edits": {"sum": 1}},
            [("edits", "not_editable")],
            id="edits of a rejection",
        ),
        pytest.param(
            "reject", {"fields": {"why": "\x00"}}, [("fields.why", "null_character")], id="a null character"
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(
    ann: Caller, asked: Run, verb: str, body: dict[str, Any], issues: list[tuple[str, str]]
) -> None:
    answer = ann.post(path(asked, verb), body)
    assert answer.status_code == 400
    assert codes_of(answer) == issues
    assert asked.approvals.get().status == "open"


def test_a_seal_of_something_else_is_refused(ann: Caller, asked: Run) -> None:
    answer = ann.post(path(asked, "approve"), {"fields": {"amount": 1}, "seal": "0" * 64})
    assert answer.status_code == 409
    assert error_of(answer)["code"] == "content_changed"


def test_an_administrator_says_that_they_override(asked: Run) -> None:
    root = Caller(person("root", superuser=True))
    fields = {"fields": {"amount": 1}, "comment": "ann is away"}
    silent = root.post(path(asked, "approve"), fields)
    assert (silent.status_code, error_of(silent)["code"]) == (403, "override_needed")
    unexplained = root.post(path(asked, "approve"), {**fields, "comment": "", "override": True})
    assert codes_of(unexplained) == [("comment", "reason_required")]
    answer = root.post(path(asked, "approve"), {**fields, "override": True})
    assert answer.status_code == 200
    assert answer.json()["votes"][0]["override"] is True


def test_the_requester_recalls_and_whoever_is_later_is_told_who(ann: Caller, api: Caller, asked: Run) -> None:
    assert error_of(ann.post(path(asked, "recall"), {}))["code"] == "not_requester"
    answer = api.post(path(asked, "recall"), {"reason": "wrong sum"})
    assert answer.status_code == 200
    recalled = answer.json()
    assert (recalled["status"], recalled["decided_by"], recalled["comment"]) == (
        "recalled",
        "olga",
        "wrong sum",
    )
    late = ann.post(path(asked, "approve"), {"fields": {"amount": 1}})
    assert late.status_code == 409
    assert "olga recalled it" in error_of(late)["message"]
