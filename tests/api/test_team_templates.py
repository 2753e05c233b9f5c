"""A team's templates through the API: listed for whoever may design, made in any version, refused in words."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from orchestrator import catalog, engine
from orchestrator.engine.template_saving import Wish
from orchestrator.models import TeamTemplate, Workflow
from tests.api.caller import Caller, codes_of, error_of
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def template(workflow: Workflow, owner: User) -> TeamTemplate:
    """In two versions, of which the second has one task less."""
    first = Wish(workflow, 1, workflow.draft, "Ours", "Asks.", "Read this.")
    head = engine.save_template("ours", first, user=owner).template
    tasks = {"ask": workflow.draft["tasks"]["ask"]}
    second = Wish(workflow, 0, {**workflow.draft, "tasks": tasks}, "Ours", "Asks.", "Read that.")
    engine.add_template_version(head, second, user=owner)
    return head


def test_they_are_listed_after_those_that_ship_for_whoever_may_design(
    template: TeamTemplate, api: Caller
) -> None:
    items = api.get("/api/templates").json()["items"]
    shipped = [one.key for one in catalog.templates()]
    assert [item["key"] for item in items] == [*shipped, "ours"]
    ours = items[-1]
    assert (ours["version"], ours["team"], ours["owner"], ours["documentation"]) == (
        "2",
        True,
        "olga",
        "Read that.",
    )
    assert not items[0]["team"] and not items[0]["owner"]
    for caller in (Caller(person("member", "viewer")), Caller(person("outsider"))):
        assert [item["key"] for item in caller.get("/api/templates").json()["items"]] == shipped
    engine.retire_template(template)
    assert [item["key"] for item in api.get("/api/templates").json()["items"]] == shipped


def test_a_workflow_is_made_of_the_newest_version_or_the_one_that_is_named(
    template: TeamTemplate, api: Caller
) -> None:
    newest = api.post("/api/workflows", {"template": "ours", "parameters": {"region": "us"}})
    assert newest.status_code == 201
    made = newest.json()
    assert (made["id"], made["template"], list(made["definition"]["tasks"])) == ("ours", "ours", ["ask"])
    assert made["definition"]["parameters"]["region"]["default"] == "us"
    first = api.post("/api/workflows", {"template": "ours", "template_version": 1}).json()
    assert list(first["definition"]["tasks"]) == ["ask", "after"]


def test_what_cannot_be_made_is_said(template: TeamTemplate, api: Caller) -> None:
    secret = api.post("/api/workflows", {"template": "ours", "parameters": {"key": "hunter2"}})
    assert (secret.status_code, codes_of(secret)) == (400, [("parameters.key", "secret_default")])
    assert "hunter2" not in secret.content.decode()
    missing = api.post("/api/workflows", {"template": "ours", "template_version": 9})
    assert (missing.status_code, codes_of(missing)) == (400, [("template_version", "unknown_version")])
    alone = api.post("/api/workflows", {"definition": {"tasks": {}}, "template_version": 1})
    assert alone.status_code == 400
    near = api.post("/api/workflows", {"template": "our"})
    assert near.status_code == 400 and "'ours'" in error_of(near)["message"]
    engine.retire_template(template)
    retired = api.post("/api/workflows", {"template": "ours"})
    assert (retired.status_code, error_of(retired)["code"]) == (409, "retired")
