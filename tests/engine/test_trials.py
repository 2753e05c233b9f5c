"""Test runs of drafts, run to their end by the engine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from editor.trial import Scope, assembled, divided
from orchestrator import clock, engine
from orchestrator.actions import StartChild
from orchestrator.definition import DefinitionError
from orchestrator.engine.children import start_child
from orchestrator.engine.trials import KEPT, MAX_LAID_IN, end_old_trials, forget_trials
from orchestrator.exceptions import InvalidError
from orchestrator.models import Event, Run, TaskRun, Workflow, WorkflowVersion
from orchestrator.planning.stand_ins import STAND_IN, StandIn
from orchestrator.reads import home
from orchestrator.reads.lists import RunQuery, run_page, workflow_counts
from orchestrator.reads.outcomes import outcomes_of
from orchestrator.reads.recent import recent_runs, usual_seconds
from orchestrator.reads.status import latest_run, resolve, workflows_with_last_run
from tests.engine.flows import Crank, event_types, failed, flow, states, succeeded, task
from tests.invariants import assert_invariants
from tests.people import person

pytestmark = pytest.mark.django_db

DONE = StandIn("mock", output={"rows": 3})
BROKEN = StandIn("mock", "failed", error={"code": "full", "message": "The disk is full."})


def trial(draft: dict[str, Any], scope: Scope | None = None, **stand_ins: StandIn) -> Run:
    """A test run of a draft of its own."""
    workflow = Workflow.objects.create(key=f"w{Workflow.objects.count()}", name="Flow", draft=draft)
    return trial_of(workflow, scope, **stand_ins)


def trial_of(workflow: Workflow, scope: Scope | None = None, **stand_ins: StandIn) -> Run:
    data, used = assembled(workflow.draft, divided(workflow.draft, scope or Scope()), stand_ins)
    return engine.start_trial(workflow, data, used, rev=workflow.draft_rev, note="Tried")


def output_of(run: Run, key: str) -> Any:
    return TaskRun.objects.get(run=run, key=key, index=-1).output


# What happens in it


def test_what_stands_in_settles_in_the_first_turn_and_nothing_of_it_is_attempted() -> None:
    run = trial(flow({"a": task(), "b": task("a"), "c": task("b")}), a=DONE, b=StandIn("pin"), c=DONE)
    assert (run.status, states(run)) == ("completed", {"a": "completed", "b": "completed", "c": "completed"})
    assert output_of(run, "a") == {"rows": 3}
    assert "task.started" not in event_types(run)
    assert [event.data["stand_in"] for event in run.events.filter(type="task.completed").order_by("seq")] == [
        "mock",
        "pin",
        "mock",
    ]
    assert_invariants()


def test_what_is_tried_sees_what_stands_before_it() -> None:
    load = task("b", conditions=["tasks.a.output.rows > 2"], parameters={"n": "{{ tasks.a.output.rows }}"})
    draft = flow({"a": task(), "b": task("a"), "load": load, "after": task("load")})
    crank = Crank()
    run = crank.play(trial(draft, Scope("only", "load"), a=DONE))
    assert (run.status, states(run)) == (
        "completed",
        {"a": "completed", "b": "completed", "load": "completed"},
    )
    assert [claim.task.key for claim in crank.held] == ["load"]
    few = Crank().play(trial(draft, Scope("only", "load"), a=StandIn("past", output={"rows": 1})))
    assert states(few)["load"] == "skipped"


def test_a_failure_that_is_made_up_leads_to_what_a_failure_leads_to() -> None:
    draft = flow(
        {
            "a": task(retry_count=3),
            "b": task("a"),
            "mend": task("a", join="all_settled", conditions=["tasks.a.status == 'failed'"]),
        }
    )
    run = Crank().play(trial(draft, a=BROKEN))
    assert states(run) == {"a": "failed", "b": "skipped", "mend": "completed"}
    assert run.status == "completed"
    for choice, state in (("skip", "skipped"), ("manual", "waiting"), ("fail", "failed")):
        found = trial(flow({"a": task(on_failure=choice)}), a=BROKEN)
        assert states(found) == {"a": state}
    assert (found.status, found.error["message"]) == ("failed", "The disk is full.")
    assert_invariants()


@pytest.mark.parametrize(
    ("decision", "after", "status"),
    [("completed", "completed", "completed"), ("failed", "skipped", "failed")],
)
def test_a_decision_that_is_made_up_asks_nobody(decision: Any, after: str, status: str) -> None:
    gate = {"action": "approval_gate", "parameters": {"approvers": ["ann"]}}
    said = {"decision": "approved" if decision == "completed" else "rejected", "by": ["ann"], "comment": ""}
    stand_in = StandIn("mock", decision, said, {"code": "rejected", "message": "ann rejected it."})
    run = Crank().play(trial(flow({"ask": gate, "b": task("ask")}), ask=stand_in))
    assert (states(run)["b"], run.status, run.approvals.count()) == (after, status, 0)
    assert output_of(run, "ask") == said


def test_a_loop_is_given_as_a_whole() -> None:
    draft = flow({"a": task(for_each="[1, 2, 3]"), "b": task("a", conditions=["size(tasks.a.output) == 2"])})
    run = Crank().play(trial(draft, a=StandIn("pin", output=["x", "y"])))
    assert states(run) == {"a": "completed", "b": "completed"}


def test_what_a_past_run_went_on_from_fails_no_test_run() -> None:
    draft = flow(
        {
            "a": task(),
            "mend": task("a", join="all_settled", conditions=["tasks.a.status == 'failed'"]),
            "skipped": task(on_failure="skip"),
            "b": task("mend", "skipped", join="all_succeeded", conditions=["tasks.a.error.code == 'broken'"]),
        }
    )
    crank = Crank()
    past = crank.play(
        crank.start(draft), lambda claim: (failed if claim.task.key in ("a", "skipped") else succeeded)(claim)
    )
    assert (past.status, states(past)["b"]) == ("completed", "completed")
    found = outcomes_of(past.pk, ["a", "mend", "skipped"])
    run = Crank().play(trial_of(past.workflow, Scope("from", "b"), **found))
    assert (run.status, run.error) == ("completed", None)
    assert states(run) == {"a": "failed", "mend": "completed", "skipped": "skipped", "b": "completed"}
    assert_invariants()


def test_the_error_of_such_a_run_is_that_of_what_was_tried() -> None:
    draft = flow({"a": task(), "b": task("a", join="all_settled")})
    given = StandIn("past", "failed", error={"code": "old", "message": "Long ago."}, provided=True)
    crank = Crank()
    run = crank.play(trial(draft, Scope("only", "b"), a=given), failed)
    assert (run.status, run.error["message"]) == ("failed", "It is broken.")


def test_a_person_may_try_again_what_was_made_to_fail() -> None:
    run = trial(flow({"a": task(on_failure="manual"), "b": task("a")}), a=BROKEN)
    row = TaskRun.objects.get(run=run, key="a")
    engine.retry_task(row.pk)
    assert states(run)["a"] == "waiting"
    engine.complete_task(row.pk, output={"rows": 1})
    assert Crank().play(run).status == "completed"
    assert_invariants()


def test_runs_that_a_test_run_starts_are_a_part_of_it() -> None:
    engine.save_workflow({**flow({"x": task()}), "id": "other"})
    starts = task(action="workflow_trigger", parameters={"workflow_id": "other", "wait": False})
    crank = Crank()
    trial(flow({"a": starts}))
    crank.claim()
    child = start_child(crank.holds("a"), StartChild("other", None, {}, wait=False))
    assert child.is_trial and child.version.number == 1
    assert latest_run(child.workflow) is None


@st.composite
def drafts(draw: st.DrawFn) -> dict[str, Any]:
    tasks: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 6))):
        before = list(tasks)
        needs = draw(st.lists(st.sampled_from(before), unique=True, max_size=3)) if before else []
        tasks[f"t{number}"] = task(
            *needs,
            mode=draw(st.sampled_from(["parallel", "sequential"])),
            join=draw(st.sampled_from(["any_succeeded", "all_settled"])) if needs else "any_succeeded",
            on_failure=draw(st.sampled_from(["fail", "skip"])),
        )
    return flow(tasks)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drafts(), st.sampled_from(["all", "from", "to", "only"]), st.integers(0, 5), st.data())
def test_with_everything_pinned_nothing_is_ever_done(
    draft: dict[str, Any], kind: Any, place: int, data: st.DataObject
) -> None:
    keys = list(draft["tasks"])
    outcomes = st.sampled_from(
        [DONE, BROKEN, StandIn("past", "skipped"), StandIn("past", "skipped", provided=True)]
    )
    run = trial(draft, Scope(kind, keys[place % len(keys)]), **{key: data.draw(outcomes) for key in keys})
    assert run.status in {"completed", "failed"}
    assert not Event.objects.filter(run=run, type="task.started").exists()
    assert_invariants([run])


# What is refused


def test_what_does_not_check_is_not_run() -> None:
    workflow = engine.start_draft("Empty")
    with pytest.raises(DefinitionError):
        engine.start_trial(workflow, flow({"a": {"action": "nope"}}), {}, rev=1)
    assert WorkflowVersion.everything.count() == 0


def test_a_draft_cannot_stand_in_for_itself() -> None:
    workflow = engine.start_draft("Empty")
    with pytest.raises(DefinitionError, match="only a test run puts it"):
        engine.start_trial(workflow, flow({"a": {"action": STAND_IN}}), {}, rev=1)
    with pytest.raises(DefinitionError, match=r"There are .*, condition_check\.$"):
        engine.start_trial(workflow, flow({"a": {"action": "nope"}}), {}, rev=1)


def test_parameters_are_checked_before_anything_is_stored() -> None:
    workflow = engine.start_draft("Empty")
    with pytest.raises(InvalidError, match="no parameter speed"):
        engine.start_trial(workflow, flow({"a": task()}), {}, {"speed": 3}, rev=1)
    assert WorkflowVersion.everything.count() == 0


def test_too_much_that_stands_in_is_refused_naming_the_largest() -> None:
    large = StandIn("mock", output="x" * (MAX_LAID_IN // 2))
    with pytest.raises(InvalidError, match="the largest are those of a, b, c"):
        trial(flow({"a": task(), "b": task(), "c": task()}), a=large, b=large, c=DONE)


def test_the_same_key_starts_one() -> None:
    workflow = engine.start_draft("Flow")
    made = [
        engine.start_trial(workflow, flow({"a": task()}), {}, rev=1, idempotency_key="k") for _ in range(2)
    ]
    assert made[0] == made[1]
    assert WorkflowVersion.everything.count() == 1


# It counts nowhere


def test_its_version_is_hidden_and_has_no_number() -> None:
    workflow = engine.save_workflow(flow({"a": task()}))
    run = trial_of(workflow)
    assert (run.version.number, run.version.label, run.version.note) == (None, "draft 1", "Tried")
    assert [version.number for version in workflow.versions.all()] == [1]
    assert engine.publish(workflow, flow({"b": task()})).number == 2
    assert engine.start(workflow).version.number == 2


def test_it_says_nothing_of_its_workflow() -> None:
    ann = person("ann", "admin")
    workflow = engine.save_workflow(flow({"a": task()}), user=ann)
    done = Crank().play(engine.start(workflow))
    trial_of(workflow, a=BROKEN)
    assert latest_run(workflow) == resolve(workflow.key) == done
    assert workflows_with_last_run().get().last_run == done.pk
    assert [mark.id for mark in recent_runs([workflow.pk])[workflow.pk].marks] == [done.pk]
    assert workflow_counts(Workflow.objects.all()).failing == 0
    assert home.failures(Run.objects.all(), ann.pk) == []
    Run.objects.filter(pk=done.pk).update(is_trial=True)
    assert usual_seconds(engine.start(workflow)) == {}


def test_the_list_of_runs_shows_it_and_can_show_nothing_else() -> None:
    workflow = engine.save_workflow(flow({"a": task()}))
    engine.start(workflow)
    run = trial_of(workflow)
    shown = [row.run.pk for row in run_page(Run.objects.all(), RunQuery(show="trials")).rows]
    assert shown == [run.pk]
    assert len(run_page(Run.objects.all(), RunQuery()).rows) == 2


# It goes


def test_it_is_removed_a_week_after_its_end_and_its_version_with_it() -> None:
    workflow = engine.save_workflow(flow({"a": task()}))
    kept, old = engine.start(workflow), trial_of(workflow, a=DONE)
    now = timezone.now()
    assert forget_trials(now + KEPT - timedelta(hours=1)) == 0
    later = now + KEPT + timedelta(hours=1)
    WorkflowVersion.everything.update(created_at=now - timedelta(hours=1))
    clock.tick(later)
    assert [*Run.objects.all()] == [kept]
    assert not Event.objects.filter(run_id=old.pk).exists()
    assert WorkflowVersion.everything.get().number == 1


def test_one_that_never_ends_is_ended() -> None:
    gate = {"action": "approval_gate", "parameters": {"approvers": ["ann"]}}
    run = trial(flow({"ask": gate}))
    assert run.status == "running"
    assert end_old_trials(timezone.now() + KEPT - timedelta(hours=1)) == 0
    assert end_old_trials(timezone.now() + KEPT + timedelta(hours=1)) == 1
    run.refresh_from_db()
    assert (run.status, run.error["message"]) == ("cancelled", "A test run is ended after 7 days.")
