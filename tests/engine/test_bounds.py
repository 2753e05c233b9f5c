"""What people, programs and definitions can make large: each has a limit, and an error that says which and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator import engine, worker
from orchestrator.engine import attempts, limits
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import Approval, LogLine, Run, TaskRun, Workflow
from orchestrator.planning import opening
from tests.engine.flows import Crank, flow, states, task
from tests.invariants import assert_invariants
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

LONG_NAME = "x" * 201


def workflow(tasks: dict[str, Any] | None = None, **given: Any) -> Workflow:
    return engine.save_workflow(flow(tasks or {"a": task()}, **given))


def carried(run: Run) -> Run:
    worker.Worker("here").run_until(lambda _idle: True)
    run.refresh_from_db()
    assert_invariants([run])
    return run


def failed_with(run: Run, key: str) -> tuple[str, str]:
    row = run.tasks.get(key=key, index=-1)
    assert row.error is not None, (row.status, row.output)
    return row.error["code"], row.error["message"]


# What is handed to the engine --------------------------------------------------------------------------


def start_with(value: Any) -> Callable[[], object]:
    return lambda: engine.start(
        workflow(parameters={"value": {"type": "any"}}), {"value": value}, idempotency_key="k"
    )


def start_by(key: str) -> Callable[[], object]:
    return lambda: engine.start(workflow(), idempotency_key=key)


def cancel_for(reason: str) -> Callable[[], object]:
    return lambda: engine.cancel(engine.start(workflow()).pk, reason=reason)


def told(**given: Any) -> Callable[[], object]:
    """Something said of a task that waits for a person."""
    verb = {"parameters": engine.retry_task, "output": engine.complete_task}.get(
        next(iter(given)), engine.skip_task
    )
    return lambda: verb(waiting_task().pk, **given)


def waiting_task() -> TaskRun:
    crank = Crank()
    run = crank.start(flow({"a": task(on_failure="manual")}))
    crank.claim()
    crank.fail("a")
    return run.tasks.get()


def decided(comment: str) -> Callable[[], object]:
    def decide() -> object:
        gate = task(action="approval_gate", parameters={"approvers": ["ann"]})
        engine.start(workflow({"g": gate}))
        return engine.decide(
            Approval.objects.get().pk, "approve", user=person("ann", "approver"), comment=comment
        )

    return decide


LARGE = "x" * limits.PARAMETER_BYTES
TOO_LARGE = [
    pytest.param(start_with(LARGE), "parameters", "1,048,576", id="parameters of a run"),
    pytest.param(start_by("k" * 201), "idempotency_key", "200 characters", id="idempotency key"),
    pytest.param(start_by("a\x00"), "idempotency_key", "null character", id="idempotency key with NUL"),
    pytest.param(cancel_for("x" * 1_001), "reason", "1,000 characters", id="reason of a cancel"),
    pytest.param(told(reason="x" * 1_001), "reason", "1,000 characters", id="reason of a skip"),
    pytest.param(told(parameters={"value": LARGE}), "parameters", "1,048,576", id="parameters of a retry"),
    pytest.param(told(output="x" * 1_048_576), "output", "1,048,576", id="output given by hand"),
    pytest.param(decided("x" * 5_001), "comment", "5,000 characters", id="comment on a decision"),
]


@pytest.mark.parametrize(("act", "path", "said"), TOO_LARGE)
def test_what_is_too_large_is_refused_with_its_limit(act: Callable[[], object], path: str, said: str) -> None:
    with pytest.raises(InvalidError) as caught:
        act()
    assert said in caught.value.message
    assert [issue.path for issue in caught.value.issues] == [path]


JUST_RIGHT = [
    pytest.param(start_with("x" * (limits.PARAMETER_BYTES - 100)), id="parameters of a run"),
    pytest.param(start_by("k" * 200), id="idempotency key"),
    pytest.param(cancel_for("x" * 1_000), id="reason of a cancel"),
    pytest.param(told(reason="x" * 1_000), id="reason of a skip"),
    pytest.param(told(output="x" * (1_048_576 - 100)), id="output given by hand"),
    pytest.param(decided("x" * 5_000), id="comment on a decision"),
]


@pytest.mark.parametrize("act", JUST_RIGHT)
def test_what_just_fits_is_taken(act: Callable[[], object]) -> None:
    assert act()


# What a run makes --------------------------------------------------------------------------------------


def chatty(_parameters: dict[str, Any], context: Any) -> None:
    for number in range(attempts.MAX_LOG_LINES + 50):
        context.logger.info(f"line {number}")
    context.logger.info("x" * (attempts.MAX_LOG_LENGTH + 1))


def large(_parameters: dict[str, Any], context: Any) -> str:
    del context
    return "x" * 900_000


def overweight(_parameters: dict[str, Any], context: Any) -> str:
    del context
    return "x" * limits.OUTPUT_BYTES


@pytest.fixture
def agents(settings: Any) -> None:
    named = {name: f"{__name__}.{name}" for name in ("chatty", "large", "overweight")}
    settings.BATON = {**settings.BATON, "AGENTS": named}


@pytest.mark.usefixtures("agents")
def test_an_attempt_logs_so_many_lines_and_then_says_that_it_logs_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "MAX_LOG_LINES", 20)
    run = carried(engine.start(workflow({"a": task(agent_id="chatty")})))
    assert run.status == "completed"
    lines = list(LogLine.objects.order_by("id").values_list("level", "message"))
    assert len(lines) == 21
    assert lines[19] == ("info", "line 19")
    assert lines[20] == ("warning", "An attempt logs at most 20 lines; what follows is not kept.")


@pytest.mark.usefixtures("agents")
def test_an_output_that_is_too_large_fails_its_task() -> None:
    run = carried(engine.start(workflow({"a": task(agent_id="overweight"), "b": task(agent_id="large")})))
    code, message = failed_with(run, "a")
    assert (run.status, states(run)["b"], code) == ("failed", "completed", "output_invalid")
    assert "at most 1,048,576" in message


def test_a_list_to_run_for_each_of_has_a_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_ITEMS", 3)
    each = {"a": task(for_each="params.list")}
    for length, status in ((3, "completed"), (4, "failed")):
        run = engine.start(
            workflow(each, parameters={"list": {"type": "list"}}), {"list": list(range(length))}
        )
        assert carried(run).status == status
    code, message = failed_with(run, "a")
    assert (code, "at most 3 items; it gave a list of 4" in message) == ("for_each_error", True)


@pytest.mark.usefixtures("agents")
def test_the_outputs_of_all_items_together_have_a_most() -> None:
    each = task(agent_id="large", for_each="[1, 2, 3, 4, 5]")
    run = carried(engine.start(workflow({"a": each, "after": task("a", agent_id="large")})))
    code, message = failed_with(run, "a")
    assert (run.status, code) == ("failed", "output_too_large")
    assert "4 MiB" in message
    assert run.tasks.get(key="a", index=-1).output is None
    assert states(run)["after"] == "skipped"


@pytest.mark.usefixtures("agents")
def test_the_outputs_of_a_run_that_a_task_started_have_a_most() -> None:
    child = workflow({f"t{n}": task(agent_id="large") for n in range(5)}, name="Child")
    start = task(action="workflow_trigger", parameters={"workflow_id": child.key})
    run = engine.start(workflow({"start": start}))
    while run.status == "running":
        run = carried(run)
    code, message = failed_with(run, "start")
    assert (Run.objects.get(workflow=child).status, run.status) == ("completed", "failed")
    assert (code, "4 MiB" in message) == ("output_too_large", True)


# What is filled in must fit where it is kept -----------------------------------------------------------


NAMES_FILLED_IN = [
    pytest.param(task(agent_id="{{ params.name }}"), "agent_id", id="agent"),
    pytest.param(
        task(action="approval_gate", parameters={"approvers": ["{{ params.name }}"]}),
        "approvers",
        id="approver",
    ),
    pytest.param(
        task(action="approval_gate", parameters={"approvers": "bob, {{ params.name }}"}),
        "approvers",
        id="approver among others",
    ),
]


@pytest.mark.parametrize(("one", "path"), NAMES_FILLED_IN)
def test_a_name_that_does_not_fit_fails_its_task_and_nothing_else(one: dict[str, Any], path: str) -> None:
    made = workflow({"a": one, "b": task()}, parameters={"name": {"type": "string"}})
    run = carried(engine.start(made, {"name": LONG_NAME}))
    code, message = failed_with(run, "a")
    assert (run.status, states(run)["b"], code) == ("failed", "completed", "parameter_error")
    assert path in message
    assert "200 characters" in message


def test_a_request_names_so_many_people_at_most() -> None:
    gate = task(action="approval_gate", parameters={"approvers": "{{ params.names }}"})
    made = workflow({"a": gate}, parameters={"names": {"type": "list"}})
    run = engine.start(made, {"names": [f"p{n}" for n in range(101)]})
    assert "at most 100" in failed_with(run, "a")[1]
    engine.start(made, {"names": [f"p{n}" for n in range(100)]})
    assert Approval.objects.get().approvers.count() == 100


def test_the_longest_user_name_stands_in_the_history() -> None:
    somebody = person("n" * 150, "operator")
    run = engine.start(workflow(), user=somebody)
    engine.cancel(run.pk, user=somebody, reason="x")
    assert run.events.filter(actor="user:" + "n" * 150).exists()
    assert_invariants([run])


def test_a_title_that_is_filled_in_is_cut() -> None:
    gate = task(action="approval_gate", parameters={"approvers": ["ann"], "title": "{{ params.title }}"})
    run = engine.start(
        workflow({"a": gate}, parameters={"title": {"type": "string"}}), {"title": "t" * 60_000}
    )
    assert len(Approval.objects.get().title) == 300
    assert len(run.events.get(type="approval.required").data["title"]) == 300


# What a person may have --------------------------------------------------------------------------------


def test_a_person_has_so_many_tokens_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator import tokens

    monkeypatch.setattr(tokens, "MOST", 2)
    ann, bob = person("ann"), person("bob")
    first, _ = tokens.issue(ann, "one")
    tokens.issue(ann, "two")
    tokens.issue(bob, "one")
    with pytest.raises(ConflictError) as caught:
        tokens.issue(ann, "three")
    assert (caught.value.code, "revoke one" in caught.value.message) == ("too_many_tokens", True)
    tokens.revoke(first)
    assert tokens.issue(ann, "three")
