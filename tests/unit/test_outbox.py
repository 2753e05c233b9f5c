"""The file of an outbox agent, without a disk: what is wrong with one, how tasks look in it, what it says of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.agents.outbox import shape
from orchestrator.agents.outbox.entries import Work, entry_of, fault_of, lease_in, priority_of, task_id_of
from orchestrator.agents.outbox.merging import Closing, merged, revised
from orchestrator.agents.outbox.outcomes import sayings, strangers
from orchestrator.definition.issues import DefinitionError

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
AT = NOW.isoformat()


def work(lease: int = 12, **given: Any) -> Work:
    values: dict[str, Any] = {
        "lease": lease,
        "run": 7,
        "workflow": "Contracts",
        "task": "review",
        "index": -1,
        "attempt": 1,
        "parameters": {},
        "idempotency_key": "7:review:1",
        "created_at": NOW,
        "due_at": None,
    }
    return Work(**{**values, **given})


def outbox(*tasks: Any, history: Any = (), **given: Any) -> dict[str, Any]:
    content = shape.empty("ann", "Ann", "human", ["contracts"])
    return {**content, "tasks": list(tasks), "history": list(history), **given}


def entry(task_id: str = "a", **given: Any) -> dict[str, Any]:
    told = {"title": "A", "description": "", "status": "pending", "priority": "LOW", "created_at": AT}
    return {"task_id": task_id, **told, **given}


def past(task_id: str = "a", **given: Any) -> dict[str, Any]:
    return {"task_id": task_id, "timestamp": AT, "status": "completed", "summary": "Done.", **given}


# Parsing and checking


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        (b"", "$", "empty"),
        (b" \n", "$", "empty"),
        (b'{"tasks": [', "$", "bad_json"),
        (b"status: done", "$", "bad_json"),
        (b"\xff\xfe{}", "$", "bad_unicode"),
        (b"[" * 100_000, "$", "too_deep"),
        (b"[" * 70 + b"]" * 70, "[0]" * 64, "too_deep"),
        (b'{"tasks": [], "tasks": [], "history": []}', "tasks", "duplicate_key"),
        (b'{"tasks": [], "history": [], "n": NaN}', "n", "bad_number"),
        (b"[]", "$", "bad_type"),
        (b'{"history": []}', "tasks", "bad_type"),
        (b'{"tasks": {}, "history": []}', "tasks", "bad_type"),
        (b'{"tasks": ["a"], "history": []}', "tasks[0]", "bad_type"),
        (b'{"tasks": [], "history": [{"status": "completed"}]}', "history[0].task_id", "bad_type"),
        (b'{"tasks": [{"task_id": 7}], "history": []}', "tasks[0].task_id", "bad_type"),
        (b" " * (shape.MAX_BYTES + 1) + b"1", "$", "too_large"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_place_and_a_code(
    text: bytes, path: str, code: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        shape.parse(text)
    assert [(issue.path.removeprefix("$"), issue.code) for issue in caught.value.issues][:1] == [
        (path.removeprefix("$"), code)
    ]


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (outbox(agent_type="robot"), "agent_type"),
        (outbox(version="2.0.0"), "version"),
        (outbox(expertise="law"), "expertise"),
        (outbox(metadata=[]), "metadata"),
        (outbox(entry(status="done")), "tasks[0].status"),
        (outbox(entry(status=["completed"])), "tasks[0].status"),
        (outbox(entry(priority="low")), "tasks[0].priority"),
        (outbox(entry(title=7)), "tasks[0].title"),
        (outbox(entry(estimated_hours=-1)), "tasks[0].estimated_hours"),
        (outbox(entry(estimated_hours=True)), "tasks[0].estimated_hours"),
        (outbox(entry(context=[])), "tasks[0].context"),
        (outbox(entry(deliverables="x")), "tasks[0].deliverables"),
        (outbox(entry(), entry()), "tasks[1].task_id"),
        (outbox(history=[past(status="done")]), "history[0].status"),
        (outbox(history=[past(summary=1)]), "history[0].summary"),
    ],
)
def test_a_wrong_value_is_told_with_its_place_and_spoils_nothing_else(
    content: dict[str, Any], path: str
) -> None:
    found, issues = shape.parse(shape.dump(content))
    assert found == content
    assert [(issue.path, issue.severity) for issue in issues] == [(path, "warning")]


@pytest.mark.parametrize("name", ["agent_id", "agent_name", "agent_type", "version", "expertise", "metadata"])
def test_a_field_that_is_missing_is_told(name: str) -> None:
    content = outbox()
    del content[name]
    assert [(issue.path, issue.code) for issue in shape.validate(content)] == [(name, "required")]


def test_fields_that_nobody_knows_are_kept_as_they_are() -> None:
    content = outbox(entry(mood="ü", nested={"x": [1, 1.5, None, True]}), extra={"b": 1, "a": 2})
    found, issues = shape.parse(shape.dump(content))
    assert (json.dumps(found), issues) == (json.dumps(content), [])


# Entries


def test_a_task_becomes_an_entry_with_everything_the_agent_needs() -> None:
    parameters = {
        "title": "Review",
        "description": "Read it.",
        "priority": "High",
        "estimated_hours": 2,
        "deliverables": "An opinion",
        "pages": 12,
    }
    found = entry_of(work(parameters=parameters, index=3, due_at=NOW))
    assert found == {
        "task_id": "run-7-review-3-12",
        "title": "Review",
        "description": "Read it.",
        "status": "pending",
        "priority": "HIGH",
        "created_at": AT,
        "estimated_hours": 2,
        "context": {
            "workflow": "Contracts",
            "run": 7,
            "task": "review",
            "index": 3,
            "attempt": 1,
            "idempotency_key": "7:review:1",
            "due_at": AT,
            "parameters": parameters,
        },
        "deliverables": ["An opinion"],
        "dependencies": [],
    }
    assert shape.validate(outbox(found)) == []


@pytest.mark.parametrize("odd", [None, 7, [], {}, "", "-3", -3, True])
def test_parameters_of_any_kind_make_a_sound_entry(odd: Any) -> None:
    names = ("title", "description", "priority", "estimated_hours", "deliverables", "context")
    found = entry_of(work(parameters=dict.fromkeys(names, odd)))
    assert shape.validate(outbox(found)) == []
    assert found["title"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("low", "LOW"),
        ("Medium", "MEDIUM"),
        (" HIGH ", "HIGH"),
        ("urgent", "HIGH"),
        ("critical", "CRITICAL"),
        ("whatever", "MEDIUM"),
        (None, "MEDIUM"),
        (3, "MEDIUM"),
    ],
)
def test_priorities_are_put_into_the_words_of_the_file(given: Any, expected: str) -> None:
    assert priority_of(given) == expected


@pytest.mark.parametrize("index", [-1, 0, 12])
@pytest.mark.parametrize("task", ["a", "a-1", "run-1-a-2"])
def test_the_lease_is_found_in_the_id_of_a_task(task: str, index: int) -> None:
    assert lease_in(task_id_of(7, task, index, 42)) == 42


@pytest.mark.parametrize("text", ["", "7", "task-1", "run-x-a-1", "run-1-a-", "run-1-a-" + "9" * 30])
def test_ids_of_others_speak_of_no_lease(text: str) -> None:
    assert lease_in(text) is None


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("parameters", [{"x": nested(80)}, {"x": [1] * 200_000}])
def test_a_task_that_does_not_fit_into_a_file_is_told_apart(parameters: dict[str, Any]) -> None:
    assert fault_of(entry_of(work(parameters=parameters)))
    assert not fault_of(entry_of(work(parameters={"x": nested(50)})))


# What the agent says


@pytest.mark.parametrize(
    ("content", "status", "output", "message"),
    [
        (outbox(entry()), "pending", None, ""),
        (outbox(entry(status="in_progress")), "in_progress", None, ""),
        (outbox(entry(status="blocked")), "blocked", None, "The agent gives no reason."),
        (outbox(entry(status="blocked", completion_message=" No key. ")), "blocked", None, "No key."),
        (outbox(entry(status="completed")), "completed", {"status": "completed"}, ""),
        (
            outbox(entry(status="completed", completion_message="OK", completed_at=AT)),
            "completed",
            {"status": "completed", "completion_message": "OK", "completed_at": AT},
            "",
        ),
        (outbox(entry(status="completed", output=[1], result=2)), "completed", [1], ""),
        (outbox(entry(status="completed", output=None)), "completed", None, ""),
        (outbox(entry(status="completed", result=2)), "completed", 2, ""),
        (outbox(entry(status="failed", error="Broken.")), "failed", None, "Broken."),
        (
            outbox(entry(status="failed", completion_message={"x": 1})),
            "failed",
            None,
            "The agent gives no reason.",
        ),
        (
            outbox(history=[past()]),
            "completed",
            {"status": "completed", "summary": "Done.", "timestamp": AT},
            "",
        ),
        (outbox(history=[past(status="failed", summary="No.")]), "failed", None, "No."),
        # Copied instead of moved: the history has the last word.
        (outbox(entry(result=5), history=[past()]), "completed", 5, ""),
        # Of two with one id the first counts.
        (outbox(entry(status="completed", result=1), entry(status="failed")), "completed", 1, ""),
        (outbox(entry(status="done")), "unknown", None, "The status 'done' is none of pending,"),
        (outbox(entry(status=None)), "unknown", None, "The status null is none of pending,"),
        (outbox(history=[{"task_id": "a"}]), "unknown", None, "The status null"),
    ],
)
def test_how_a_task_stands_is_read_from_its_entry(
    content: dict[str, Any], status: str, output: Any, message: str
) -> None:
    (saying,) = sayings(content, ["a"]).values()
    assert (saying.status, saying.output) == (status, output)
    assert saying.message.startswith(message)
    assert bool(saying.message) == bool(message)


@pytest.mark.parametrize(("given", "retryable"), [(True, True), (False, False), ("yes", False), (1, False)])
def test_a_failed_task_may_be_tried_again_only_if_the_agent_says_so(given: Any, retryable: bool) -> None:
    content = outbox(entry(status="failed", retryable=given))
    assert sayings(content, ["a"])["a"].retryable is retryable


def test_of_tasks_that_are_not_held_nothing_is_said() -> None:
    content = outbox(entry("a", status="completed"), entry("b"), history=[past("c")])
    assert set(sayings(content, ["b", "d"])) == {"b"}
    assert strangers(content, ["b"]) == ["a"]


# Changing a file


def test_new_tasks_come_last_and_what_is_there_already_stays() -> None:
    content = outbox(entry("a", mine=1), history=[past("b")], extra=1)
    new = revised(content, [entry("a"), entry("b"), entry("c")], {}, AT)
    assert new == {**content, "tasks": [entry("a", mine=1), entry("c")]}


def test_a_settled_task_moves_to_the_history_with_all_its_fields() -> None:
    content = outbox(entry("a", mine=1, status="completed", completion_message="Fine."), entry("b"))
    new = revised(content, [], {"a": Closing("completed", "Completed.")}, "later")
    assert new["tasks"] == [entry("b")]
    assert new["history"] == [
        {**content["tasks"][0], "timestamp": "later", "status": "completed", "summary": "Fine."}
    ]


def test_a_task_that_is_taken_back_says_why_and_is_never_just_gone() -> None:
    content = outbox(entry("a", status="in_progress", completion_message="Soon.", mine=1))
    new = revised(content, [], {"a": Closing(shape.CANCELLED, "Taken back.", prevails=True)}, AT)
    (ended,) = new["history"]
    assert (ended["status"], ended["summary"], ended["mine"]) == ("cancelled", "Taken back.", 1)
    assert ended["completion_message"] == "Soon."
    assert shape.validate(new) == []


def test_what_stands_in_both_lists_becomes_one_entry() -> None:
    content = outbox(entry("a", mine=1, status="in_progress"), history=[past("a", theirs=2)])
    new = revised(content, [], {"a": Closing("completed", "Completed.")}, AT)
    assert new["tasks"] == []
    assert new["history"] == [{**entry("a"), **past("a", theirs=2), "mine": 1}]


def test_an_outcome_that_was_not_accepted_is_answered_in_the_history() -> None:
    content = outbox(history=[past("a")])
    new = revised(content, [], {"a": Closing("failed", "Not accepted.", prevails=True)}, AT)
    assert new["history"] == [past("a", refused="Not accepted.")]


@pytest.mark.parametrize(
    ("base", "theirs", "ours", "expected"),
    [
        # Each changed another field.
        (entry(x=0, y=0), entry(x=1, y=0), entry(x=0, y=1), entry(x=1, y=1)),
        # Both changed one: the agent's stays.
        (entry(x=0), entry(x=1), entry(x=2), entry(x=1)),
        (entry(x={"a": 0}), entry(x={"a": 0, "b": 1}), entry(x={"a": 2}), entry(x={"a": 2, "b": 1})),
        # The agent took a field away.
        (entry(x=0), entry(), entry(x=0), entry()),
        # What Python takes for equal.
        (entry(x=1), entry(x=True), entry(x=1), entry(x=True)),
        (entry(x=1), entry(x=1.0), entry(x=1), entry(x=1.0)),
    ],
)
def test_two_who_wrote_at_once_both_find_their_change(
    base: Any, theirs: Any, ours: Any, expected: Any
) -> None:
    found = merged(outbox(base), outbox(theirs), outbox(ours))
    assert json.dumps(found["tasks"]) == json.dumps([{name: expected[name] for name in found["tasks"][0]}])
    assert set(found["tasks"][0]) == set(expected)


def test_entries_that_two_added_at_once_are_all_there() -> None:
    base = outbox(entry("a"))
    found = merged(
        base, outbox(entry("a"), entry("mine")), outbox(entry("a"), entry("theirs"), history=[past("b")])
    )
    assert {one["task_id"] for one in found["tasks"]} == {"a", "mine", "theirs"}
    assert found["history"] == [past("b")]
