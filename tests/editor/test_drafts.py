"""Drafts in the database: revisions, two people at once, undo that survives a reload, publishing."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from editor import drafts
from editor.drafts import DisputeError
from editor.models import DraftChange
from editor.operations import Change, with_changes
from orchestrator import engine
from orchestrator.definition import DefinitionError
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import Workflow
from tests.engine.flows import flow, task
from tests.unit.operation_strategies import operations

pytestmark = pytest.mark.django_db

FLOW = {**flow({"a": task(), "b": task("a"), "c": task("b")}), "name": "Drawn"}


def named(key: str, value: str) -> dict[str, Any]:
    return {"op": "set", "key": key, "field": ["name"], "value": value}


@pytest.fixture
def workflow() -> Workflow:
    return engine.save_workflow(FLOW)


def draft(workflow: Workflow) -> dict[str, Any]:
    workflow.refresh_from_db()
    return workflow.draft


def test_a_change_makes_a_revision_and_tells_what_is_wrong(workflow: Workflow, ann: User) -> None:
    found = drafts.change(
        workflow, [{"op": "set", "key": "a", "field": ["retry_count"], "value": -1}], base_rev=1, user=ann
    )
    assert (found.rev, found.can_undo, found.can_redo) == (2, True, False)
    assert [(issue.path, issue.severity) for issue in found.issues] == [("tasks.a.retry_count", "error")]
    assert draft(workflow)["tasks"]["a"]["retry_count"] == -1


def test_what_cannot_be_done_changes_nothing(workflow: Workflow, ann: User) -> None:
    with pytest.raises(InvalidError) as refused:
        drafts.change(workflow, [named("a", "A"), {"op": "remove", "key": "z"}], base_rev=1, user=ann)
    assert [(issue.path, issue.code) for issue in refused.value.issues] == [
        ("ops[1]: tasks.z", "unknown_task")
    ]
    assert (draft(workflow)["tasks"]["a"].get("name"), workflow.draft_rev) == (None, 1)


def test_what_would_grow_too_large_is_refused(workflow: Workflow, ann: User) -> None:
    with pytest.raises(InvalidError) as refused:
        drafts.change(workflow, [named("a", "x" * 3_000_000)], base_rev=1, user=ann)
    assert refused.value.code == "too_large"
    with pytest.raises(InvalidError) as refused:
        many = {f"t{number}": {"action": "agent_task"} for number in range(5_000)}
        drafts.change(workflow, [{"op": "paste", "tasks": many}], base_rev=1, user=ann)
    assert refused.value.code == "too_many"


def test_a_revision_that_is_not_there_yet(workflow: Workflow, ann: User) -> None:
    with pytest.raises(InvalidError, match="no revision 9"):
        drafts.change(workflow, [named("a", "A")], base_rev=9, user=ann)


def test_the_same_message_twice_is_done_once(workflow: Workflow, ann: User) -> None:
    add = [{"op": "paste", "tasks": {"p": {"action": "agent_task"}}}]
    for _ in range(2):
        found = drafts.change(workflow, add, base_rev=1, user=ann, batch="once")
    assert (found.rev, "p-2" in draft(workflow)["tasks"]) == (2, False)


def test_a_name_for_a_message_is_its_senders_own(workflow: Workflow, ann: User, bob: User) -> None:
    drafts.change(workflow, [named("a", "A")], base_rev=1, user=ann, batch="1")
    drafts.change(workflow, [named("b", "B")], base_rev=1, user=bob, batch="1")
    assert [draft(workflow)["tasks"][key]["name"] for key in "ab"] == ["A", "B"]


def test_edits_of_different_places_merge(workflow: Workflow, ann: User, bob: User) -> None:
    drafts.change(workflow, [named("a", "Ann's")], base_rev=1, user=ann)
    drafts.change(
        workflow, [named("b", "Bob's"), {"op": "connect", "from": "a", "to": "c"}], base_rev=1, user=bob
    )
    drafts.change(
        workflow, [{"op": "set", "key": "a", "field": ["retry_count"], "value": 1}], base_rev=1, user=bob
    )
    tasks = draft(workflow)["tasks"]
    assert (tasks["a"]["name"], tasks["b"]["name"], tasks["a"]["retry_count"]) == ("Ann's", "Bob's", 1)
    assert tasks["c"]["dependencies"] == ["b", "a"]


def test_two_people_may_each_give_a_task_its_first_parameter(
    workflow: Workflow, ann: User, bob: User
) -> None:
    for user, name in ((ann, "x"), (bob, "y")):
        first = {"op": "set", "key": "a", "field": ["parameters", "deep", name], "value": 1}
        note = {"op": "note", "id": name, "note": {"text": name}}
        drafts.change(workflow, [first, note], base_rev=1, user=user)
    assert draft(workflow)["tasks"]["a"]["parameters"] == {"deep": {"x": 1, "y": 1}}
    assert set(draft(workflow)["metadata"]["canvas"]["notes"]) == {"x", "y"}
    left = drafts.undo(workflow, user=ann).definition
    assert left["tasks"]["a"]["parameters"] == {"deep": {"y": 1}}
    assert set(left["metadata"]["canvas"]["notes"]) == {"y"}


def test_edits_of_one_place_show_both_sides_and_keep_the_first(
    workflow: Workflow, ann: User, bob: User
) -> None:
    drafts.change(workflow, [named("a", "Ann's")], base_rev=1, user=ann)
    with pytest.raises(DisputeError) as disputed:
        drafts.change(workflow, [named("b", "B"), named("a", "Bob's")], base_rev=1, user=bob)
    assert [one.as_json() for one in disputed.value.disputes] == [
        {"path": ["tasks", "a", "name"], "by": "ann", "mine": "Bob's", "theirs": "Ann's"}
    ]
    assert disputed.value.rev == 2
    assert "name" not in draft(workflow)["tasks"]["b"]
    drafts.change(workflow, [named("a", "Bob's")], base_rev=2, user=bob)
    assert draft(workflow)["tasks"]["a"]["name"] == "Bob's"


def test_who_removes_what_another_is_working_on_is_told(workflow: Workflow, ann: User, bob: User) -> None:
    drafts.change(workflow, [named("b", "Ann's")], base_rev=1, user=ann)
    with pytest.raises(DisputeError):
        drafts.change(workflow, [{"op": "remove", "key": "b"}], base_rev=1, user=bob)
    assert "b" in draft(workflow)["tasks"]


def test_undo_and_redo_are_each_persons_own(workflow: Workflow, ann: User, bob: User) -> None:
    drafts.change(workflow, [named("a", "Ann's")], base_rev=1, user=ann)
    drafts.change(workflow, [named("b", "Bob's")], base_rev=2, user=bob)
    found = drafts.undo(workflow, user=ann)
    assert (found.can_undo, found.can_redo) == (False, True)
    assert "name" not in found.definition["tasks"]["a"]
    assert found.definition["tasks"]["b"]["name"] == "Bob's"
    found = drafts.redo(workflow, user=ann)
    assert (found.can_undo, found.can_redo) == (True, False)
    assert found.definition["tasks"]["a"]["name"] == "Ann's"
    with pytest.raises(ConflictError, match="nothing to redo"):
        drafts.redo(workflow, user=ann)


def test_undo_does_not_overwrite_what_another_has_made_of_it(
    workflow: Workflow, ann: User, bob: User
) -> None:
    drafts.change(workflow, [named("a", "Ann's")], base_rev=1, user=ann)
    drafts.change(workflow, [named("a", "Bob's")], base_rev=2, user=bob)
    with pytest.raises(DisputeError) as disputed:
        drafts.undo(workflow, user=ann)
    assert (disputed.value.disputes[0].theirs, disputed.value.disputes[0].by) == ("Bob's", "bob")
    assert draft(workflow)["tasks"]["a"]["name"] == "Bob's"


def test_an_undo_sent_twice_takes_back_one_edit(workflow: Workflow, ann: User) -> None:
    for value in ("One", "Two"):
        drafts.change(workflow, [named("a", value)], base_rev=workflow.draft_rev, user=ann)
        workflow.refresh_from_db()
    for _ in range(2):
        found = drafts.undo(workflow, user=ann, batch="once")
    assert found.definition["tasks"]["a"]["name"] == "One"


def test_publishing_takes_the_draft_as_it_was_seen(workflow: Workflow, ann: User, bob: User) -> None:
    drafts.change(workflow, [named("a", "Ann's")], base_rev=1, user=ann)
    with pytest.raises(DisputeError, match=r"tasks\.a\.name"):
        drafts.publish(workflow, base_rev=1, user=bob)
    version = drafts.publish(workflow, base_rev=2, user=bob, note="named")
    assert (version.number, version.note, version.definition["tasks"]["a"]["name"]) == (2, "named", "Ann's")
    assert drafts.undo(workflow, user=ann).rev == version.workflow.draft_rev + 1


def test_a_draft_that_does_not_check_is_not_published(workflow: Workflow, ann: User) -> None:
    drafts.change(workflow, [{"op": "action", "key": "a", "action": "nope"}], base_rev=1, user=ann)
    with pytest.raises(DefinitionError):
        drafts.publish(workflow, base_rev=2, user=ann)
    assert (workflow.versions.count(), draft(workflow)["tasks"]["a"]["action"]) == (1, "nope")


def test_a_draft_that_was_replaced_as_a_whole(workflow: Workflow, ann: User) -> None:
    engine.publish(workflow, {**FLOW, "description": "sent by a script"})
    with pytest.raises(ConflictError) as refused:
        drafts.change(workflow, [named("a", "A")], base_rev=1, user=ann)
    assert refused.value.code == "draft_replaced"


def test_the_record_of_a_draft_does_not_grow_for_ever(
    workflow: Workflow, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "KEPT", 5)
    for number in range(8):
        drafts.change(workflow, [named("a", str(number))], base_rev=number + 1, user=ann)
    assert list(DraftChange.objects.values_list("rev", flat=True)) == [5, 6, 7, 8, 9]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["ann", "bob"]), operations, st.booleans()), max_size=10))
def test_two_editors_never_lose_an_operation(workflow: Workflow, ann: User, bob: User, sent: Any) -> None:
    """Whoever sends has seen some revision or other. What was accepted is in the draft, what was not was refused to its
    sender; the record tells the whole way."""
    people, seen = {"ann": ann, "bob": bob}, {"ann": 1, "bob": 1}
    DraftChange.objects.all().delete()
    Workflow.objects.update(draft=FLOW, draft_rev=1)
    start, accepted = json.dumps(draft(workflow)), 0
    for name, operation, looks in sent:
        try:
            found = drafts.change(workflow, [operation], base_rev=seen[name], user=people[name])
        except (InvalidError, DisputeError):
            found = drafts.draft_of(workflow, people[name]) if looks else None
        else:
            accepted += 1
        workflow.refresh_from_db()
        if found is not None:
            seen[name] = workflow.draft_rev
    rebuilt = json.loads(start)
    for row in workflow.draft_changes.order_by("rev"):
        rebuilt = with_changes(rebuilt, [Change.from_json(one) for one in row.changes])
    assert json.dumps(rebuilt) == json.dumps(draft(workflow))
    assert workflow.draft_changes.count() == workflow.draft_rev - 1 <= accepted


@pytest.mark.django_db(transaction=True)
def test_many_at_the_same_moment_all_get_in(workflow: Workflow, ann: User) -> None:
    notes = [f"n{number}" for number in range(12)]
    problems: list[Exception] = []

    def write(note: str) -> None:
        try:
            drafts.change(
                workflow, [{"op": "note", "id": note, "note": {"text": note}}], base_rev=1, user=ann
            )
        except Exception as error:  # noqa: BLE001 - shown below
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(note,)) for note in notes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert set(draft(workflow)["metadata"]["canvas"]["notes"]) == set(notes)
    assert workflow.draft_rev == 1 + len(notes)
