"""The engine, turn by turn: joins, skips, modes, retries, for_each, pause, cancel, what a person says."""

from __future__ import annotations

import pytest

from orchestrator.models import Approval
from orchestrator.planning.signals import Cancel, Pause, Resume, Told
from tests.engine.flows import Crank, event_types, failed, flow, states, succeeded, task
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def crank():
    yield Crank()
    assert_invariants()


def test_a_chain_runs_step_by_step(crank):
    run = crank.start(flow({"a": task(), "b": task("a"), "c": task("b")}))
    assert crank.claim() == ["a"]
    crank.succeed("a", {"n": 1})
    assert crank.claim() == ["b"]
    crank.succeed("b")
    assert crank.claim() == ["c"]
    crank.succeed("c")
    run.refresh_from_db()
    assert run.status == "completed"
    assert states(run) == {"a": "completed", "b": "completed", "c": "completed"}
    assert event_types(run)[0] == "workflow.started"
    assert event_types(run)[-1] == "workflow.completed"


def test_the_turn_that_records_a_step_claims_the_next(crank):
    crank.start(flow({"a": task(), "b": task("a")}))
    crank.claim()
    result = crank.turn(succeeded(crank.holds("a")), claim=1)
    assert [claim.task.key for claim in result.claims] == ["b"]
    crank.succeed("b")


def test_parallel_tasks_start_together_and_sequential_ones_one_at_a_time_in_definition_order(crank):
    crank.start(
        flow({"p": task(), "q": task(), "s2": task(mode="sequential"), "s1": task(mode="sequential")})
    )
    assert crank.claim() == ["p", "q", "s2"]
    assert crank.claim() == []
    crank.succeed("s2")
    assert crank.claim() == ["s1"]


def test_max_parallel_bounds_what_executes(crank):
    run = crank.start(flow({k: task() for k in "abcd"}, settings={"max_parallel": 2}))
    assert crank.claim() == ["a", "b"]
    crank.succeed("a")
    assert crank.claim() == ["c"]
    run.refresh_from_db()
    assert run.executing == 2


def test_a_waiting_approval_holds_no_sequential_task_up(crank):
    gate = task(action="approval_gate", mode="sequential", parameters={"approvers": ["ann"]})
    crank.start(flow({"gate": gate, "next": task(mode="sequential")}))
    assert crank.claim() == ["next"]


@pytest.mark.parametrize(
    ("join", "a", "b", "expected"),
    [
        ("any_succeeded", "ok", "ok", "runs"),
        ("any_succeeded", "ok", "bad", "skipped"),
        ("any_succeeded", "ok", "skip", "runs"),
        ("any_succeeded", "skip", "skip", "skipped"),
        ("all_succeeded", "ok", "ok", "runs"),
        ("all_succeeded", "ok", "skip", "skipped"),
        ("all_succeeded", "ok", "bad", "skipped"),
        ("all_settled", "bad", "skip", "runs"),
        ("first_succeeded", "ok", "bad", "runs"),
        ("first_succeeded", "bad", "bad", "skipped"),
    ],
)
def test_joins(crank, join, a, b, expected):
    def source(how):
        return task(conditions=["workflow.id == 'no such id'"]) if how == "skip" else task()

    run = crank.start(flow({"a": source(a), "b": source(b), "c": task("a", "b", join=join)}))
    ends = {"a": a, "b": b}
    crank.play(run, lambda c: failed(c) if ends.get(c.task.key) == "bad" else succeeded(c))
    assert states(run)["c"] == ("completed" if expected == "runs" else "skipped")


def test_first_succeeded_runs_before_the_others_have_settled(crank):
    crank.start(flow({"a": task(), "b": task(), "c": task("a", "b", join="first_succeeded")}))
    crank.claim()
    crank.succeed("a")
    assert crank.claim() == ["c"]
    crank.succeed("c")
    crank.succeed("b")


def test_a_skip_passes_on_along_its_branch(crank):
    run = crank.start(
        flow({"a": task(conditions=["workflow.id == 'no such id'"]), "b": task("a"), "c": task("b")})
    )
    run.refresh_from_db()
    assert run.status == "completed"
    assert set(states(run).values()) == {"skipped"}


def test_a_task_skipped_because_it_failed_counts_as_completed(crank):
    run = crank.start(flow({"a": task(on_failure="skip"), "b": task("a")}))
    crank.claim()
    crank.fail("a")
    assert crank.claim() == ["b"]
    crank.succeed("b")
    run.refresh_from_db()
    assert (run.status, states(run)["a"]) == ("completed", "skipped")


def test_a_failure_fails_the_run_when_the_rest_has_ended(crank):
    run = crank.start(flow({"a": task(), "b": task("a"), "other": task()}))
    crank.claim()
    crank.fail("a")
    run.refresh_from_db()
    assert run.status == "running"
    crank.succeed("other")
    run.refresh_from_db()
    assert (run.status, run.error["task"], states(run)["b"]) == ("failed", "a", "skipped")


def test_a_failure_that_a_later_task_looks_at_is_provided_for(crank):
    mend = task("a", join="all_settled", conditions=["tasks.a.status == 'failed'"])
    run = crank.start(flow({"a": task(), "mend": mend}))
    crank.play(run, lambda c: failed(c) if c.task.key == "a" else succeeded(c))
    run.refresh_from_db()
    assert (run.status, states(run)) == ("completed", {"a": "failed", "mend": "completed"})


def test_a_clean_up_that_does_not_look_at_the_failure_does_not_provide_for_it(crank):
    run = crank.start(flow({"a": task(), "tidy": task("a", join="all_settled")}))
    crank.play(run, lambda c: failed(c) if c.task.key == "a" else succeeded(c))
    run.refresh_from_db()
    assert run.status == "failed"


def test_conditions_read_the_outputs_of_earlier_tasks(crank):
    run = crank.start(
        flow(
            {
                "a": task(),
                "high": task("a", conditions=["tasks.a.output.score > 80"]),
                "low": task("a", conditions=["tasks.a.output.score <= 80"]),
            }
        )
    )
    crank.claim()
    crank.succeed("a", {"score": 81})
    assert crank.claim() == ["high"]
    assert states(run)["low"] == "skipped"
    crank.succeed("high")


def test_a_condition_on_what_is_missing_fails_the_task(crank):
    run = crank.start(flow({"a": task(), "b": task("a", conditions=["tasks.a.output.score > 80"])}))
    crank.claim()
    crank.succeed("a", {"scores": 81})
    run.refresh_from_db()
    assert run.status == "failed"
    assert run.tasks.get(key="b").error["code"] == "condition_error"


def test_an_inline_check_settles_in_the_turn_that_reaches_it(crank):
    check = task("a", action="condition_check", parameters={"checks": {"big": "tasks.a.output.n > 3"}})
    run = crank.start(
        flow({"a": task(), "check": check, "b": task("check", conditions=["tasks.check.output.big"])})
    )
    crank.claim()
    crank.succeed("a", {"n": 4})
    assert crank.claim() == ["b"]
    assert run.tasks.get(key="check").output == {"big": True}
    crank.succeed("b")


def test_retries_wait_longer_each_time_and_stop_at_the_count(crank):
    run = crank.start(flow({"a": task(retry_count=2, retry_delay=10, retry_backoff=2)}))
    crank.claim()
    crank.fail("a")
    row = run.tasks.get(key="a")
    assert (row.status, row.reason) == ("waiting", "retry")
    assert 8 <= (row.due_at - crank.now).total_seconds() <= 10
    crank.later(10)
    assert crank.claim() == ["a"]
    crank.fail("a")
    row.refresh_from_db()
    assert 16 <= (row.due_at - crank.now).total_seconds() <= 20
    crank.later(20)
    crank.claim()
    crank.fail("a")
    run.refresh_from_db()
    assert (run.status, run.tasks.get(key="a").attempt) == ("failed", 3)


def test_what_is_not_retryable_is_not_retried(crank):
    run = crank.start(flow({"a": task(retry_count=5)}))
    crank.claim()
    crank.fail("a", retryable=False)
    run.refresh_from_db()
    assert run.status == "failed"


def test_a_late_or_doubled_outcome_changes_nothing_and_leaves_an_event(crank):
    run = crank.start(flow({"a": task(retry_count=1), "b": task("a")}))
    crank.claim()
    first = succeeded(crank.holds("a"), "late")
    crank.later(61)  # the lease has gone
    assert crank.claim() == ["a"]
    crank.turn(first)
    assert run.tasks.get(key="a").status == "running"
    crank.succeed("a", "right")
    crank.succeed("a", "again")
    assert run.tasks.get(key="a").output == "right"
    assert event_types(run).count("outcome.refused") == 2
    crank.claim()
    crank.succeed("b")


def test_an_attempt_whose_worker_died_is_given_out_again_without_counting_three_times_at_most(crank):
    run = crank.start(flow({"a": task()}))
    for _ in range(3):
        assert crank.claim() == ["a"]
        crank.later(61)
    run.refresh_from_db()
    row = run.tasks.get(key="a")
    assert (run.status, row.error["code"], row.attempt) == ("failed", "worker_lost", 1)


def test_a_timeout_is_a_failed_attempt(crank):
    run = crank.start(flow({"a": task(timeout_seconds=5)}))
    crank.claim()
    crank.later(6)
    run.refresh_from_db()
    assert (run.status, run.tasks.get(key="a").error["code"]) == ("failed", "timeout")
    crank.succeed("a")
    assert run.tasks.get(key="a").status == "failed"


def test_for_each_gathers_outputs_in_order(crank):
    run = crank.start(
        flow({"list": task(), "each": task("list", for_each="tasks.list.output"), "sum": task("each")})
    )
    crank.claim()
    crank.succeed("list", ["x", "y", "z"])
    assert crank.claim() == ["each[0]", "each[1]", "each[2]"]
    for index in (2, 0, 1):
        crank.succeed(f"each[{index}]", f"done {index}")
    assert crank.claim() == ["sum"]
    assert run.tasks.get(key="each", index=-1).output == ["done 0", "done 1", "done 2"]
    crank.succeed("sum")
    run.refresh_from_db()
    assert (run.status, run.total) == ("completed", 3)


def test_for_each_over_nothing_completes_with_an_empty_list(crank):
    run = crank.start(flow({"each": task(for_each="[]"), "next": task("each")}))
    assert run.tasks.get(key="each").output == []
    assert crank.claim() == ["next"]
    crank.succeed("next")


def test_for_each_fails_once_all_items_have_settled(crank):
    run = crank.start(flow({"each": task(for_each="[1, 2]")}))
    crank.claim()
    crank.fail("each[0]")
    run.refresh_from_db()
    assert run.status == "running"
    crank.succeed("each[1]")
    run.refresh_from_db()
    assert (run.status, run.error["code"]) == ("failed", "items_failed")


def test_for_each_over_something_else_fails_in_words(crank):
    run = crank.start(flow({"a": task(), "each": task("a", for_each="tasks.a.output")}))
    crank.claim()
    crank.succeed("a", {"not": "a list"})
    assert "list" in run.tasks.get(key="each").error["message"]


def test_pause_stops_new_claims_and_lets_what_runs_finish(crank):
    run = crank.start(flow({"a": task(), "b": task("a")}))
    crank.claim()
    crank.turn(Pause(run_id=run.pk))
    crank.succeed("a")
    assert crank.claim() == []
    crank.turn(Resume(run_id=run.pk))
    assert crank.claim() == ["b"]
    crank.succeed("b")


def test_cancel_fences_what_runs_and_closes_requests(crank):
    gate = task(action="approval_gate", parameters={"approvers": ["ann"]})
    run = crank.start(flow({"a": task(), "gate": gate, "z": task("a", "gate")}))
    crank.claim()
    crank.turn(Cancel(run_id=run.pk, reason="enough"))
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert set(states(run).values()) == {"cancelled"}
    assert Approval.objects.get().status == "cancelled"
    crank.succeed("a")
    assert states(run)["a"] == "cancelled"
    assert event_types(run)[-1] == "outcome.refused"


def test_the_run_has_a_time_limit_of_its_own(crank):
    run = crank.start(flow({"a": task()}, settings={"timeout_seconds": 30}))
    crank.claim()
    crank.later(31)
    run.refresh_from_db()
    assert (run.status, run.error["code"]) == ("failed", "timeout")


def test_a_task_for_an_unknown_agent_waits_until_somebody_serves_it(crank, settings):
    settings.BATON = {**settings.BATON, "DEMO": False}
    run = crank.start(flow({"a": task(agent_id="ghost")}))
    assert crank.claim() == []
    row = run.tasks.get(key="a")
    assert (row.status, row.reason, row.agent_id) == ("waiting", "agent", "ghost")
    settings.BATON = {**settings.BATON, "DEMO": True}
    crank.later(1)
    assert crank.claim() == ["a"]
    crank.succeed("a")


class TestAPerson:
    def test_retries_with_edited_parameters(self, crank):
        run = crank.start(flow({"a": task(on_failure="manual"), "b": task("a")}))
        crank.claim()
        crank.fail("a")
        row = run.tasks.get(key="a")
        assert (row.status, row.reason) == ("waiting", "person")
        crank.turn(
            Told(run_id=run.pk, task_id=row.pk, verb="retry", actor="user:ann", parameters={"seconds": 0})
        )
        assert crank.claim() == ["a"]
        assert run.tasks.get(key="a").override == {"seconds": 0}
        crank.succeed("a")
        crank.claim()
        crank.succeed("b")
        run.refresh_from_db()
        assert run.status == "completed"

    @pytest.mark.parametrize(
        ("verb", "status", "follows"),
        [("skip", "skipped", True), ("complete", "completed", True), ("fail", "failed", False)],
    )
    def test_skips_completes_or_fails_it(self, crank, verb, status, follows):
        run = crank.start(flow({"a": task(on_failure="manual"), "b": task("a")}))
        crank.claim()
        crank.fail("a")
        row = run.tasks.get(key="a")
        crank.turn(Told(run_id=run.pk, task_id=row.pk, verb=verb, actor="user:ann", output={"by": "hand"}))
        assert states(run)["a"] == status
        assert crank.claim() == (["b"] if follows else [])

    def test_takes_a_failed_run_up_again(self, crank):
        run = crank.start(flow({"a": task(), "b": task("a"), "c": task("b"), "other": task()}))
        crank.play(run, lambda c: failed(c) if c.task.key == "a" else succeeded(c))
        run.refresh_from_db()
        assert (run.status, states(run)["c"]) == ("failed", "skipped")
        crank.turn(Told(run_id=run.pk, task_id=run.tasks.get(key="a").pk, verb="retry", actor="user:ann"))
        assert states(run) == {"a": "ready", "b": "pending", "c": "pending", "other": "completed"}
        crank.play(run)
        run.refresh_from_db()
        assert run.status == "completed"

    def test_is_refused_where_the_state_does_not_allow_it(self, crank):
        run = crank.start(flow({"a": task()}))
        row = run.tasks.get(key="a")
        result = crank.turn(Told(run_id=run.pk, task_id=row.pk, verb="skip", actor="user:ann"))
        assert "ready" in result.conflicts[run.pk][0]


def test_a_run_the_planner_fails_on_is_set_aside_and_the_others_go_on(crank, monkeypatch):
    poison = crank.start(flow({"a": task()}, name="Poison"))
    good = crank.start(flow({"a": task()}, name="Good"))
    poison.tasks.update(ok=0)
    crank.claim()
    bad_claim = next(c for c in crank.held if c.task.run_id == poison.pk)
    good_claim = next(c for c in crank.held if c.task.run_id == good.pk)
    from orchestrator.planning import outcomes

    original = outcomes._succeeded

    def explode(board, row, signal):
        if board.run.id == poison.pk:
            raise RuntimeError("bad row")
        original(board, row, signal)

    monkeypatch.setattr(outcomes, "_succeeded", explode)
    crank.turn(succeeded(bad_claim), succeeded(good_claim))
    poison.refresh_from_db()
    good.refresh_from_db()
    assert (poison.status, poison.error["code"], good.status) == ("paused", "engine_error", "completed")
