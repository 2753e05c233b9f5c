"""Versions compared and brought back, by those who may."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from editor import drafts, versions_view
from orchestrator import engine
from orchestrator.models import Workflow
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db

DIFF = "/workflows/drawn/diff/1/draft/"


@pytest.fixture(autouse=True)
def workflow(ann: User) -> Workflow:
    made = engine.save_workflow({**flow({"a": task(), "b": task("a")}), "name": "Drawn"})
    changes = [
        {"op": "set", "key": "a", "field": ["name"], "value": "<b>Load</b>"},
        {"op": "remove", "key": "b"},
        {"op": "add", "key": "c", "task": {"action": "agent_task"}},
    ]
    drafts.change(made, changes, base_rev=1, user=ann)
    return made


def test_the_page_says_what_came_went_and_changed(browser: Client) -> None:
    answer = browser.get(DIFF)
    found = {task["key"]: task["how"] for task in answer.context["tasks"]}
    assert found == {"a": "changed", "b": "removed", "c": "added"}
    assert "&lt;b&gt;Load&lt;/b&gt;" in answer.content.decode()
    assert "They are the same" in browser.get("/workflows/drawn/diff/1/1/").content.decode()
    picked = browser.get("/workflows/drawn/diff/", {"before": "draft", "after": "1"})
    assert (picked.status_code, picked["Location"]) == (303, "/workflows/drawn/diff/draft/1/")


def test_both_versions_are_drawn_in_one_with_what_became_of_each_task_and_edge(browser: Client) -> None:
    context = browser.get(DIFF).context
    nodes = {node["key"]: (node.get("mark"), node["note"]) for node in context["drawing"]["nodes"]}
    assert nodes == {
        "a": ("changed", "Changed: name"),
        "b": ("removed", "Removed"),
        "c": ("added", "Added"),
    }
    assert context["drawing"]["edges"] == [{"from": "a", "to": "b", "mark": "removed"}]
    assert [(one["number"], one["how"]) for one in context["counts"]] == [
        (1, "added"), (1, "removed"), (1, "changed"),
    ]  # fmt: skip
    assert browser.get("/workflows/drawn/diff/1/1/").context["drawing"] is None


def test_the_draft_may_stand_on_either_side(browser: Client) -> None:
    context = browser.get("/workflows/drawn/diff/draft/1/").context
    marks = {node["key"]: node.get("mark") for node in context["drawing"]["nodes"]}
    assert marks == {"a": "changed", "b": "added", "c": "removed"}


def test_many_differences_come_in_pages_and_a_task_leads_to_its_own(
    browser: Client, workflow: Workflow, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions_view, "MOST_SHOWN", 2)

    def page(query: str) -> list[str]:
        return [task["key"] for task in browser.get(DIFF + query).context["tasks"]]

    assert page("") == page("?from=9") == page("?from=x") == page("?task=nobody") == ["a", "c"]
    assert page("?from=2") == page("?task=b") == ["b"]
    text = browser.get(DIFF).content.decode()
    assert "Tasks 1 to 2 of 3 that differ" in text and 'href="?from=2"' in text


@pytest.mark.parametrize(
    "path", ["diff/9/draft/", "diff/x/draft/", "diff/?before=1", "diff/?before=1&after=../.."]
)
def test_what_is_no_version_is_not_found(browser: Client, path: str) -> None:
    assert browser.get(f"/workflows/drawn/{path}").status_code == 404


def test_a_version_is_brought_back_as_an_edit_that_can_be_undone(
    browser: Client, workflow: Workflow, ann: User
) -> None:
    answer = browser.post("/workflows/drawn/restore/", {"version": "1", "base_rev": "2"})
    assert answer.status_code == 303
    workflow.refresh_from_db()
    assert workflow.draft == workflow.versions.get().definition
    assert set(drafts.undo(workflow, user=ann).definition["tasks"]) == {"a", "c"}


def test_what_another_changed_meanwhile_is_not_swept_away(browser: Client, workflow: Workflow) -> None:
    change = [{"op": "set", "key": "a", "field": ["name"], "value": "Bob's"}]
    drafts.change(workflow, change, base_rev=2, user=person("bob", "designer"))
    assert browser.post("/workflows/drawn/restore/", {"version": "1", "base_rev": "2"}).status_code == 409
    workflow.refresh_from_db()
    assert workflow.draft["tasks"]["a"]["name"] == "Bob's"


@pytest.mark.parametrize(("roles", "diff", "versions"), [((), 404, 404), (("viewer",), 403, 200)])
def test_who_may_not(roles: tuple[str, ...], diff: int, versions: int) -> None:
    client = Client()
    client.force_login(person("somebody", *roles))
    assert client.get(DIFF).status_code == diff
    assert client.get("/workflows/drawn/diff/1/1/").status_code == versions
    assert client.post("/workflows/drawn/restore/", {"version": "1", "base_rev": "2"}).status_code == diff
    assert Client().get(DIFF).status_code == 302
