"""The draft as text: what is written is stored by its differences, what cannot be is shown again with the place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from editor import drafts
from orchestrator import engine
from orchestrator.definition import formats
from orchestrator.models import Workflow
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db

URL = "/workflows/drawn/edit/json/"


@pytest.fixture(autouse=True)
def workflow() -> Workflow:
    return engine.save_workflow({**flow({"a": task(), "b": task("a")}), "name": "Drawn"})


def written(draft: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The draft with other fields in task b."""
    return {**draft, "tasks": {**draft["tasks"], "b": {**draft["tasks"]["b"], **fields}}}


@pytest.mark.parametrize("write", [formats.to_json, formats.to_yaml])
def test_the_text_becomes_the_draft(browser: Client, workflow: Workflow, write: Any) -> None:
    new = written(workflow.draft, name="New")
    answer = browser.post(URL, {"base_rev": "1", "definition": write(new).replace("\n", "\r\n")})
    assert (answer.status_code, answer["Location"]) == (303, URL)
    workflow.refresh_from_db()
    assert json.dumps(workflow.draft) == json.dumps(new)
    assert drafts.undo(workflow, user=User.objects.get()).definition["tasks"]["b"].get("name") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1"),
        ("[]", "A definition is a map"),
        ('{"version": "9"}', "9"),
        ("", "This field is required"),
    ],
)
def test_what_cannot_be_read_is_kept_in_the_text(
    browser: Client, workflow: Workflow, text: str, said: str
) -> None:
    answer = browser.post(URL, {"base_rev": "1", "definition": text})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert answer.context["form"]["definition"].value() == text
    workflow.refresh_from_db()
    assert workflow.draft_rev == 1


def test_a_definition_of_an_older_schema_is_brought_up_to_date(browser: Client, workflow: Workflow) -> None:
    old = {"name": "Old", "version": "1.0.0", "tasks": {"x": {"action": "agent_task"}}}
    assert browser.post(URL, {"base_rev": "1", "definition": json.dumps(old)}).status_code == 303
    workflow.refresh_from_db()
    assert (workflow.draft["version"], list(workflow.draft["tasks"])) == ("2.0.0", ["x"])


def test_two_people_who_write_of_different_places_are_both_kept(browser: Client, workflow: Workflow) -> None:
    before = workflow.draft
    other = [{"op": "set", "key": "a", "field": ["name"], "value": "Bob's"}]
    drafts.change(workflow, other, base_rev=1, user=person("bob", "designer"))
    text = json.dumps(written(before, name="Ann's"))
    assert browser.post(URL, {"base_rev": "1", "definition": text}).status_code == 303
    workflow.refresh_from_db()
    assert [workflow.draft["tasks"][key]["name"] for key in "ab"] == ["Bob's", "Ann's"]


def test_of_one_place_both_sides_are_shown_and_the_text_holds_ones_own(
    browser: Client, workflow: Workflow
) -> None:
    before = workflow.draft
    other = [
        {"op": "set", "key": "b", "field": ["name"], "value": "Bob's"},
        {"op": "set", "key": "b", "field": ["retry_count"], "value": 9},
    ]
    drafts.change(workflow, other, base_rev=1, user=person("bob", "designer"))
    answer = browser.post(URL, {"base_rev": "1", "definition": json.dumps(written(before, name="Ann's"))})
    assert answer.status_code == 409
    assert "bob has <q>Bob&#x27;s</q>, you have <q>Ann&#x27;s</q>" in answer.content.decode()
    form = answer.context["form"]
    text = form["definition"].value()
    assert browser.post(URL, {"base_rev": form["base_rev"].value(), "definition": text}).status_code == 303
    workflow.refresh_from_db()
    stored = workflow.draft["tasks"]["b"]
    assert (stored["name"], stored["retry_count"]) == ("Ann's", 9)


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_draft_is_taken_as_a_file(browser: Client, workflow: Workflow, form: str) -> None:
    answer = browser.get(f"/workflows/drawn/draft.{form}")
    assert answer["Content-Disposition"] == f'attachment; filename="drawn-draft.{form}"'
    assert formats.read(answer.content, f"x.{form}") == workflow.draft
    assert browser.get("/workflows/drawn/draft.exe").status_code == 404


@pytest.mark.parametrize(("roles", "status"), [((), 404), (("viewer",), 403)])
def test_who_may_not(roles: tuple[str, ...], status: int) -> None:
    client = Client()
    client.force_login(person("somebody", *roles))
    for path in (URL, "/workflows/drawn/draft.json"):
        assert client.get(path).status_code == status
    assert client.post(URL, {"base_rev": "1", "definition": "{}"}).status_code == status
