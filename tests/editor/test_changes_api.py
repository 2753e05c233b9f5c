"""What was done to a draft since a revision: told in full or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from editor import drafts
from editor.operations import Change, with_changes
from orchestrator import engine
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import Workflow
from tests.engine.flows import flow, task
from tests.people import bearer, person

pytestmark = pytest.mark.django_db

URL = "/api/workflows/drawn/draft/changes"


@pytest.fixture(autouse=True)
def workflow() -> Workflow:
    return engine.save_workflow({**flow({"a": task(), "b": task("a")}), "name": "Drawn"})


def naming(value: str) -> list[dict[str, Any]]:
    return [{"op": "set", "key": "a", "field": ["name"], "value": value}]


def edit(workflow: Workflow, user: User, value: str) -> None:
    workflow.refresh_from_db()
    drafts.change(workflow, naming(value), base_rev=workflow.draft_rev, user=user)
    workflow.refresh_from_db()


def ask(user: User, since: Any) -> Any:
    return Client().get(URL, {"since": since}, headers=bearer(user))


def test_what_was_done_is_told_in_order_with_who_and_how(workflow: Workflow, ann: User, bob: User) -> None:
    edit(workflow, ann, "A")
    bob.first_name = "Bob"
    bob.save()
    edit(workflow, bob, "B")
    drafts.undo(workflow, user=bob)
    drafts.publish(workflow, base_rev=4, user=ann)
    answer = ask(ann, 2).json()
    assert answer["rev"] == 5
    told = [(one["rev"], one["by"], one["name"], one["mine"], one["kind"]) for one in answer["changes"]]
    assert told == [
        (3, "bob", "Bob", False, "edit"),
        (4, "bob", "Bob", False, "undo"),
        (5, "ann", "ann", True, "publish"),
    ]
    assert answer["changes"][0]["changes"] == [{"path": ["tasks", "a", "name"], "was": "A", "now": "B"}]
    assert all(one["at"] for one in answer["changes"])


def test_carried_out_they_make_the_draft_out_of_what_one_had(
    workflow: Workflow, ann: User, bob: User
) -> None:
    before = workflow.draft
    for number, user in enumerate((ann, bob, ann)):
        edit(workflow, user, f"A{number}")
    drafts.change(workflow, [{"op": "remove", "key": "b"}, *naming("Z")], base_rev=4, user=bob)
    workflow.refresh_from_db()
    for made in drafts.changes_since(workflow, 1):
        before = with_changes(before, [Change.from_json(one) for one in made.changes])
    assert before == workflow.draft


def test_whoever_is_up_to_date_is_told_nothing(ann: User) -> None:
    assert ask(ann, 1).json() == {"rev": 1, "changes": []}


def test_a_page_asks_with_its_session(browser: Client) -> None:
    assert browser.get(URL, {"since": 1}).status_code == 200


def assert_replaced(answer: Any, rev: int) -> None:
    assert (answer.status_code, answer.json()["error"]["code"], answer.json()["rev"]) == (
        409,
        "draft_replaced",
        rev,
    )


def test_a_draft_that_the_engine_replaced_is_to_be_read_whole(workflow: Workflow, ann: User) -> None:
    edit(workflow, ann, "A")
    engine.publish(workflow, {**flow({"a": task()}), "name": "Drawn"}, user=ann)
    edit(workflow, ann, "B")
    assert_replaced(ask(ann, 1), 4)
    assert_replaced(ask(ann, 2), 4)
    assert [one["rev"] for one in ask(ann, 3).json()["changes"]] == [4]


def test_what_is_no_longer_remembered_is_not_told_in_part(
    workflow: Workflow, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "KEPT", 2)
    for number in range(4):
        edit(workflow, ann, f"A{number}")
    assert_replaced(ask(ann, 2), 5)
    assert [one["rev"] for one in ask(ann, 3).json()["changes"]] == [4, 5]


@pytest.mark.parametrize("limit", ["MOST_TOLD", "MOST_TOLD_SIZE"])
def test_what_would_be_more_than_the_draft_itself_is_not_told(
    workflow: Workflow, ann: User, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    for number in range(3):
        edit(workflow, ann, f"A{number}")
    size = len('[{"path": ["tasks", "a", "name"], "was": "A0", "now": "A1"}]')
    monkeypatch.setattr(drafts, limit, {"MOST_TOLD": 2, "MOST_TOLD_SIZE": 2 * size}[limit])
    assert_replaced(ask(ann, 1), 4)
    assert len(ask(ann, 2).json()["changes"]) == 2


def test_a_change_that_comes_while_one_asks_is_left_for_the_next_time(workflow: Workflow, ann: User) -> None:
    edit(workflow, ann, "A")
    stale = Workflow.objects.get(pk=workflow.pk)
    edit(workflow, ann, "B")
    assert [made.rev for made in drafts.changes_since(stale, 1)] == [2]
    Workflow.objects.get(pk=workflow.pk).draft_changes.filter(rev=2).delete()
    with pytest.raises(ConflictError):
        drafts.changes_since(stale, 1)


@pytest.mark.parametrize("since", ["", "0", "-1", "x", "1.5", "99999999999", "\x00"])
def test_a_revision_that_is_none_is_refused_and_named(ann: User, since: str) -> None:
    answer = ask(ann, since)
    assert answer.status_code == 400
    assert [one["path"] for one in answer.json()["error"]["issues"]] == ["since"]


def test_a_revision_that_is_not_there_yet_is_refused(workflow: Workflow, ann: User) -> None:
    assert ask(ann, 2).status_code == 400
    with pytest.raises(InvalidError, match="no revision 2 yet"):
        drafts.changes_since(workflow, 2)


def test_one_must_say_since_when(ann: User) -> None:
    assert Client().get(URL, headers=bearer(ann)).status_code == 400


@pytest.mark.parametrize(("roles", "expected"), [(("designer",), 200), (("viewer",), 403), ((), 404)])
def test_they_are_for_whoever_may_change_the_draft(roles: tuple[str, ...], expected: int) -> None:
    assert ask(person("somebody", *roles), 1).status_code == expected
