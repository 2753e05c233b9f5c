"""Drafts over the API: what it answers, and who may come with a session instead of a token."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orchestrator import engine
from orchestrator.models import Workflow
from tests.engine.flows import flow, task
from tests.people import bearer, person

pytestmark = pytest.mark.django_db

URL = "/api/workflows/drawn/draft"


@pytest.fixture(autouse=True)
def workflow() -> Workflow:
    return engine.save_workflow({**flow({"a": task(), "b": task("a")}), "name": "Drawn"})


def send(user: User, path: str, body: Any) -> Any:
    return Client().post(URL + path, body, content_type="application/json", headers=bearer(user))


def naming(value: str, base_rev: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "base_rev": base_rev,
        "ops": [{"op": "set", "key": "a", "field": ["name"], "value": value}],
        **more,
    }


def test_a_draft_is_changed_undone_redone_and_published(ann: User) -> None:
    found = send(ann, "/ops", naming("A")).json()
    assert (found["rev"], found["can_undo"], found["can_redo"], found["issues"]) == (2, True, False, [])
    assert found["definition"]["tasks"]["a"]["name"] == "A"
    assert "name" not in send(ann, "/undo", {}).json()["definition"]["tasks"]["a"]
    assert send(ann, "/redo", {}).json()["rev"] == 4
    published = send(ann, "/publish", {"base_rev": 4, "note": "named"})
    assert (published.status_code, published.json()["version"]) == (201, 2)
    assert Client().get(URL, headers=bearer(ann)).json()["rev"] == published.json()["rev"]


def test_both_sides_of_a_dispute_are_told(ann: User) -> None:
    send(person("bob", "designer"), "/ops", naming("B"))
    answer = send(ann, "/ops", naming("A"))
    assert (answer.status_code, answer.json()["error"]["code"], answer.json()["rev"]) == (409, "disputed", 2)
    assert answer.json()["disputes"] == [
        {"path": ["tasks", "a", "name"], "by": "bob", "mine": "A", "theirs": "B"}
    ]


def test_a_refusal_says_which_operation_and_why(ann: User) -> None:
    body = naming("A")
    body["ops"].append({"op": "connect", "from": "b", "to": "a"})
    answer = send(ann, "/ops", body)
    assert answer.status_code == 400
    assert [(one["path"], one["code"]) for one in answer.json()["error"]["issues"]] == [
        ("ops[1]: tasks.a.dependencies", "cycle")
    ]


def test_a_message_that_is_sent_again_with_its_name_is_done_once(ann: User) -> None:
    assert [send(ann, "/ops", naming("A", batch="x")).json()["rev"] for _ in range(2)] == [2, 2]


def test_a_page_comes_with_its_session_and_a_csrf_token(ann: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    refused = client.post(f"{URL}/ops", naming("A"), content_type="application/json")
    assert refused.status_code == 403
    client.get("/workflows/drawn/edit/")
    token = client.cookies["csrftoken"].value
    taken = client.post(
        f"{URL}/ops", naming("A"), content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert taken.status_code == 200
