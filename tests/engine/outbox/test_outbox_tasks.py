"""Tasks go into the file of an agent and come back out of it, settled or taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from orchestrator import engine
from orchestrator.agents.outbox import postman, shape, visit
from orchestrator.agents.outbox.postman import Postman
from orchestrator.models import Lease, LogLine, TaskRun
from tests.engine.outbox.desks import Desk, output_of, start, statuses
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)


def test_tasks_finished_by_their_status_and_by_moving_them_both_complete(ann: Desk) -> None:
    run, walk = start("a", "b", "c", parameters={"title": "Do it", "priority": "high"}), Postman()
    assert walk.look() == 1
    assert ann.tasks() == ["a", "b", "c"]
    assert {entry["priority"] for entry in ann.read()["tasks"]} == {"HIGH"}
    ann.edit("a", status="completed", completed_at="now", completion_message="Done.")
    ann.move("b", status="completed", summary="Moved.")
    ann.edit("c", status="completed", output={"n": [1, 2]}, mine="kept")
    assert walk.look() == 1
    run.refresh_from_db()
    assert run.status == "completed"
    assert output_of(run, "a") == {
        "status": "completed",
        "completion_message": "Done.",
        "completed_at": "now",
    }
    assert output_of(run, "b")["summary"] == "Moved."
    assert output_of(run, "c") == {"n": [1, 2]}
    content = ann.read()
    assert content["tasks"] == []
    assert [(one["status"], one["summary"]) for one in content["history"]] == [
        ("completed", "Moved."),
        ("completed", "Done."),
        ("completed", "Completed."),
    ]
    assert content["history"][2]["mine"] == "kept"
    assert set(Lease.objects.values_list("outcome", flat=True)) == {"completed"}
    assert shape.validate(content) == []
    assert walk.look() == 0
    assert_invariants()


def test_a_failed_task_is_tried_again_only_if_the_agent_says_so(ann: Desk) -> None:
    run, walk = start("a", "b", retry_count=3, retry_delay=60), Postman()
    walk.look()
    ann.edit("a", status="failed", completion_message="No such file.", retryable=True)
    ann.edit("b", status="failed", completion_message="Never.")
    walk.look()
    assert statuses(run) == {"a": "waiting", "b": "failed"}
    assert run.tasks.get(key="b").error == {"code": "agent_failed", "message": "Never."}


def test_what_is_blocked_or_under_way_is_logged_once_and_goes_on_waiting(ann: Desk) -> None:
    run, walk = start("a"), Postman()
    walk.look()
    for status, message in (("in_progress", ""), ("blocked", "Who has the key?"), ("done", "")):
        ann.edit(status=status, completion_message=message)
        walk.look()
        walk.look()
    assert statuses(run) == {"a": "running"}
    lines = LogLine.objects.filter(task_run__run=run).order_by("id").values_list("level", "message")
    assert list(lines)[:2] == [("info", "in progress"), ("warning", "blocked: Who has the key?")]
    assert lines[2][1].startswith("The status 'done' is none of")
    assert len(lines) == 3
    ann.edit(status="completed")
    walk.look()
    assert statuses(run) == {"a": "completed"}


def test_an_output_that_was_not_agreed_fails_the_task_and_the_agent_is_told(ann: Desk) -> None:
    run, walk = start("a", "b", output_schema={"type": "object", "required": ["n"]}), Postman()
    walk.look()
    ann.edit("a", status="completed", output=7)
    ann.move("b", status="completed", summary="OK")
    walk.look()
    assert statuses(run) == {"a": "failed", "b": "failed"}
    edited, moved = sorted(ann.read()["history"], key=lambda one: "context" not in one)
    assert edited["summary"].startswith("Not accepted:")
    assert moved["refused"].startswith("Not accepted:")


def test_a_task_that_was_cancelled_is_taken_back_with_the_reason(ann: Desk) -> None:
    run, walk = start("a"), Postman()
    walk.look()
    ann.edit(status="in_progress", mine=1)
    engine.cancel(run.pk)
    walk.look()
    (ended,) = ann.read()["history"]
    assert (ended["status"], ended["mine"]) == ("cancelled", 1)
    assert "cancelled" in ended["summary"]
    assert ann.read()["tasks"] == []


def test_an_agent_gets_no_more_than_it_has_room_for(hire: Callable[..., Desk]) -> None:
    bea, walk = hire("bea", capacity=2), Postman()
    run = start("a", "b", "c", agent="bea")
    walk.look()
    assert len(bea.tasks()) == 2
    bea.edit(bea.tasks()[0], status="completed")
    walk.look()
    assert len(bea.tasks()) == 2
    assert sorted(statuses(run).values()) == ["completed", "running", "running"]


def test_a_file_that_is_too_full_is_given_nothing_new(
    ann: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    walk = Postman()
    walk.look()
    ann.write({**ann.read(), "notes": "x" * (shape.MAX_BYTES // 2)})
    run = start("a")
    walk.look()
    assert statuses(run) == {"a": "waiting"}
    assert "too many for new tasks" in caplog.text
    ann.write({**ann.read(), "notes": ""})
    walk.look()
    assert statuses(run) == {"a": "running"}


def test_a_task_that_fits_into_no_file_fails_in_words(ann: Desk) -> None:
    run, walk = start("a", parameters={"x": [1] * 200_000}), Postman()
    walk.look()
    assert statuses(run) == {"a": "failed"}
    assert "fit" in run.tasks.get(key="a").error["message"]
    assert ann.tasks() == []


def test_leases_are_held_for_as_long_as_the_tasks_are_in_the_file(ann: Desk) -> None:
    run = start("a")
    Postman().look()
    for hold in (Postman().look, postman.hold_all):
        TaskRun.objects.filter(run=run).update(due_at=timezone.now() - timedelta(seconds=1))
        hold()
        assert run.tasks.get().due_at > timezone.now() + timedelta(seconds=30)


def test_one_who_comes_anew_goes_on_where_the_other_was(ann: Desk) -> None:
    run = start("a", "b")
    Postman().look()
    before = ann.read()
    assert Postman().look() == 0
    assert ann.read() == before
    ann.edit(status="completed")
    assert Postman().look() == 1
    assert set(statuses(run).values()) == {"completed"}


def test_what_was_settled_but_not_noted_is_noted_later(ann: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run, walk = start("a"), Postman()
    walk.look()
    ann.edit(status="completed")
    with monkeypatch.context() as patch:
        patch.setattr(visit.Visit, "_write", lambda *_: None)
        walk.look()
    assert statuses(run) == {"a": "completed"}
    assert ann.tasks() == ["a"]
    Postman().look()
    assert [one["status"] for one in ann.read()["history"]] == ["completed"]


def test_a_task_that_never_came_into_the_file_is_put_there_later(
    ann: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start("a", parameters={"pages": 3})
    with monkeypatch.context() as patch:
        patch.setattr(visit.Visit, "_write", lambda *_: None)
        Postman().look()
    assert statuses(run) == {"a": "running"}
    Postman().look()
    assert ann.tasks() == ["a"]
    assert ann.read()["tasks"][0]["context"]["parameters"]["pages"] == 3
    assert Lease.objects.count() == 1
