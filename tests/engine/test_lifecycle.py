"""Starting, parameters, secrets, approvals, runs that start runs, and the worker that carries them."""

from __future__ import annotations

import threading
import time

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission

from orchestrator import clock, engine, worker
from orchestrator.exceptions import ConflictError, InvalidError, NotAllowedError
from orchestrator.models import Approval, Event, LogLine, Run, Secret, TaskRun, Vote
from orchestrator.secrets import MASK, seal
from tests.engine.flows import Crank, flow, states, task
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _invariants():
    yield
    assert_invariants()


def person(name, *permissions):
    user = get_user_model().objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def carry_all():
    return worker.Worker("here").run_until(lambda _idle: True)


def run_to_end(definition, **given):
    run = engine.start(engine.save_workflow(definition), **given)
    carry_all()
    run.refresh_from_db()
    return run


class TestStarting:
    def test_the_same_idempotency_key_gives_the_same_run(self):
        workflow = engine.save_workflow(flow({"a": task()}))
        first = engine.start(workflow, idempotency_key="k")
        assert engine.start(workflow, idempotency_key="k").pk == first.pk
        assert Run.objects.count() == 1

    def test_a_key_used_for_another_workflow_is_a_conflict(self):
        engine.start(engine.save_workflow(flow({"a": task()})), idempotency_key="k")
        with pytest.raises(ConflictError):
            engine.start(engine.save_workflow(flow({"a": task()}, name="Other")), idempotency_key="k")

    def test_parameters_are_checked_and_completed(self):
        declared = {"count": {"type": "integer", "default": 3}, "name": {"type": "string", "required": True}}
        workflow = engine.save_workflow(flow({"a": task()}, parameters=declared))
        with pytest.raises(InvalidError) as caught:
            engine.start(workflow, {"count": "three", "nmae": "x"})
        paths = {issue.path for issue in caught.value.issues}
        assert {"parameters.count", "parameters.nmae"} <= paths
        assert "name" in str([issue.message for issue in caught.value.issues])
        assert engine.start(workflow, {"name": "x"}).params == {"count": 3, "name": "x"}

    def test_a_run_keeps_the_version_it_began_with(self):
        workflow = engine.save_workflow(flow({"a": task()}))
        run = engine.start(workflow)
        engine.publish(workflow, flow({"b": task()}))
        carry_all()
        assert states(run) == {"a": "completed"}
        assert engine.start(workflow).version.number == 2


class TestParameters:
    def test_templates_read_parameters_and_earlier_outputs_and_keep_their_types(self):
        run = run_to_end(
            flow(
                {
                    "a": task(parameters={"result": {"n": "{{ params.n }}"}, "seconds": 0}),
                    "b": task(
                        "a", parameters={"result": {"twice": "{{ tasks.a.output.n * 2 }}"}, "seconds": 0}
                    ),
                },
                parameters={"n": {"type": "integer", "default": 21}},
            )
        )
        assert run.tasks.get(key="b").output["twice"] == 42
        assert run.tasks.get(key="b").input["result"] == {"twice": 42}

    def test_a_parameter_that_cannot_be_resolved_fails_the_task_in_words(self):
        run = run_to_end(
            flow(
                {
                    "a": task(),
                    "b": task("a", parameters={"result": {"x": "{{ tasks.a.output.nothing_here }}"}}),
                }
            )
        )
        error = run.tasks.get(key="b").error
        assert error["code"] == "parameter_error"
        assert "nothing_here" in error["message"]

    def test_a_secret_reaches_the_action_and_is_stored_nowhere_in_clear(self):
        canary = "CNRY-5f2b-secret"
        Secret.objects.create(name="crm", ciphertext=seal(canary, "secret:crm"))
        run = run_to_end(
            flow(
                {
                    "a": task(
                        parameters={
                            "result": {"echo": "{{ secrets.crm }} and {{ params.pin }}"},
                            "description": "uses {{ secrets.crm }}",
                            "seconds": 0,
                        }
                    )
                },
                parameters={"pin": {"type": "string", "secret": True, "required": True}},
            ),
            params={"pin": "4711-pin"},
        )
        row = run.tasks.get(key="a")
        assert row.output["echo"] == f"{MASK} and {MASK}"
        everything = str(
            [
                list(TaskRun.objects.values()),
                list(Event.objects.values()),
                list(LogLine.objects.values()),
                list(Run.objects.values()),
            ]
        )
        assert canary not in everything
        assert "4711-pin" not in everything

    def test_an_output_that_breaks_its_schema_is_a_failed_attempt(self):
        schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
        run = run_to_end(
            flow({"a": task(output_schema=schema, parameters={"result": {"n": "x"}, "seconds": 0})})
        )
        error = run.tasks.get(key="a").error
        assert error["code"] == "output_invalid"
        assert "n" in error["message"]


class TestApprovals:
    def gate(self, **given):
        return task(
            action="approval_gate",
            parameters={"approvers": ["ann", "group:finance"], "title": "Pay {{ params.n }}", **given},
        )

    def started(self, user=None, **given):
        definition = flow(
            {"gate": self.gate(**given), "pay": task("gate")},
            parameters={"n": {"type": "integer", "default": 7}},
        )
        run = engine.start(engine.save_workflow(definition), user=user)
        return run, Approval.objects.get(run=run)

    def test_one_who_is_asked_approves_and_the_run_goes_on(self):
        run, asked = self.started()
        ann = person("ann")
        engine.decide(asked.pk, "approve", user=ann, comment="fine")
        carry_all()
        run.refresh_from_db()
        asked.refresh_from_db()
        assert (run.status, asked.status, asked.decided_by) == ("completed", "approved", ann)
        assert asked.title == "Pay 7"
        assert run.tasks.get(key="gate").output == {"decision": "approved", "by": ["ann"], "comment": "fine"}
        assert Vote.objects.get().person == ann

    def test_a_member_of_a_group_that_is_asked_may_decide(self):
        Group.objects.create(name="finance")
        run, asked = self.started()
        bob = person("bob")
        bob.groups.add(Group.objects.get(name="finance"))
        engine.decide(asked.pk, "reject", user=bob, comment="no budget")
        run.refresh_from_db()
        assert (run.status, run.error["code"], states(run)["pay"]) == ("failed", "rejected", "skipped")
        assert "no budget" in run.error["message"]

    def test_an_outsider_may_not_decide(self):
        _, asked = self.started()
        with pytest.raises(NotAllowedError):
            engine.decide(asked.pk, "approve", user=person("eve"))

    def test_who_may_override_does_so_on_record(self):
        _, asked = self.started()
        engine.decide(
            asked.pk, "approve", user=person("root", "override_approval"), comment="urgent", override=True
        )
        assert Vote.objects.get().override

    def test_the_starter_may_not_decide_unless_the_gate_says_so(self):
        ann = person("ann")
        _, asked = self.started(user=ann)
        with pytest.raises(NotAllowedError):
            engine.decide(asked.pk, "approve", user=ann)
        _, allowed = self.started(user=ann, allow_requester=True)
        assert engine.decide(allowed.pk, "approve", user=ann).status == "approved"

    def test_the_second_to_decide_is_told_who_was_first(self):
        _, asked = self.started()
        ann, root = person("ann"), person("root", "override_approval")
        engine.decide(asked.pk, "approve", user=ann)
        with pytest.raises(ConflictError, match="ann approved"):
            engine.decide(asked.pk, "reject", user=root)

    @pytest.mark.parametrize(
        ("on_timeout", "status"), [("reject", "failed"), ("fail", "failed"), ("approve", "completed")]
    )
    def test_when_nobody_decides_in_time(self, on_timeout, status):
        crank = Crank()
        definition = flow({"gate": self.gate(timeout_seconds=60, on_timeout=on_timeout, title="Pay")})
        run = crank.start(definition)
        crank.later(59)
        run.refresh_from_db()
        assert run.status == "running"
        crank.later(2)
        run.refresh_from_db()
        assert run.status == status
        assert Approval.objects.get().status == "expired"


class TestRunsThatStartRuns:
    def parent(self, child, **given):
        trigger = task(action="workflow_trigger", parameters={"workflow_id": child.key, **given})
        return flow({"start": trigger, "after": task("start")}, name="Parent")

    def settle(self, run):
        for _ in range(20):
            carry_all()
            clock.tick()
        run.refresh_from_db()
        return run

    def test_the_parent_waits_for_the_child_and_has_its_output(self):
        child = engine.save_workflow(
            flow({"x": task(parameters={"result": {"n": 5}, "seconds": 0})}, name="Child")
        )
        run = self.settle(engine.start(engine.save_workflow(self.parent(child))))
        assert run.status == "completed"
        output = run.tasks.get(key="start").output
        assert (output["status"], output["output"]["x"]["n"]) == ("completed", 5)

    def test_the_childs_failure_fails_the_task(self):
        broken = task(parameters={"fail_times": 9, "seconds": 0})
        child = engine.save_workflow(flow({"x": broken}, name="Child"))
        run = self.settle(engine.start(engine.save_workflow(self.parent(child))))
        error = run.tasks.get(key="start").error
        assert (run.status, error["code"]) == ("failed", "child_failed"), error

    def test_without_waiting_the_parent_goes_on(self):
        gate = task(action="approval_gate", parameters={"approvers": ["ann"]})
        child = engine.save_workflow(flow({"x": gate}, name="Child"))
        run = self.settle(engine.start(engine.save_workflow(self.parent(child, wait=False))))
        assert run.status == "completed"
        assert Run.objects.get(workflow=child).status == "running"

    def test_cancelling_the_parent_cancels_the_child(self):
        gate = task(action="approval_gate", parameters={"approvers": ["ann"]})
        child = engine.save_workflow(flow({"x": gate}, name="Child"))
        run = self.settle(engine.start(engine.save_workflow(self.parent(child))))
        assert run.tasks.get(key="start").reason == "child"
        engine.cancel(run.pk)
        assert Run.objects.get(workflow=child).status == "cancelled"

    def test_a_loop_of_workflows_ends_at_the_depth_cap(self):
        first = engine.save_workflow(flow({"x": task()}, name="First"))
        second = engine.save_workflow(self.parent(first) | {"name": "Second"})
        looped = flow(
            {"go": task(action="workflow_trigger", parameters={"workflow_id": second.key})}, name="First"
        )
        engine.publish(first, looped)
        run = self.settle(engine.start(first))
        assert run.status == "failed"
        assert Run.objects.count() == 9
        codes = [row.error["code"] for row in TaskRun.objects.filter(error__isnull=False)]
        assert "trigger_depth" in codes


class TestTheWorker:
    def test_it_carries_a_chain_without_going_back_to_the_queue(self):
        chain = {f"t{n}": task(*([f"t{n - 1}"] if n else []), parameters={"seconds": 0}) for n in range(30)}
        run = run_to_end(flow(chain))
        assert run.status == "completed"

    def test_parallel_tasks_really_run_at_once(self, settings):
        meeting = threading.Barrier(4, timeout=20)
        _meet.barrier = meeting
        settings.BATON = {**settings.BATON, "AGENTS": {"meet": f"{__name__}._meet"}}
        run = run_to_end(flow({f"m{n}": task(agent_id="meet") for n in range(4)}))
        assert run.status == "completed"

    def test_a_callable_that_exits_or_raises_anything_only_fails_its_task(self, settings):
        settings.BATON = {
            **settings.BATON,
            "AGENTS": {"quit": f"{__name__}._quit", "demo": "orchestrator.agents.builtin.demo"},
        }
        run = run_to_end(flow({"q": task(agent_id="quit"), "ok": task(parameters={"seconds": 0})}))
        assert states(run) == {"q": "failed", "ok": "completed"}
        assert "SystemExit" in run.tasks.get(key="q").error["message"]

    def test_a_stopping_worker_gives_back_what_it_cannot_finish(self, settings, monkeypatch):
        monkeypatch.setattr(worker, "STOP_SECONDS", 0.0)
        begun, free = threading.Event(), threading.Event()
        _hold.begun, _hold.free = begun, free
        settings.BATON = {**settings.BATON, "AGENTS": {"hold": f"{__name__}._hold"}}
        run = engine.start(engine.save_workflow(flow({"h": task(agent_id="hold")})))
        worker.Worker("stopping", stop_asked=begun.is_set).run_until(lambda _idle: False)
        free.set()
        row = run.tasks.get(key="h")
        assert (row.status, row.attempt) == ("ready", 0)

    def test_carry_takes_one_run_to_its_end(self):
        workflow = engine.save_workflow(flow({"a": task(parameters={"seconds": 0})}))
        other, mine = engine.start(workflow), engine.start(workflow)
        worker.carry(mine.pk)
        mine.refresh_from_db()
        other.refresh_from_db()
        assert (mine.status, other.status) == ("completed", "running")

    def test_log_lines_are_kept_with_their_attempt(self):
        run = run_to_end(flow({"a": task(parameters={"seconds": 0})}))
        assert LogLine.objects.filter(task_run=run.tasks.get(key="a"), attempt=1).exists()

    def test_its_lease_is_extended_while_it_works(self, settings):
        settings.BATON = {**settings.BATON, "LEASE_SECONDS": 0.4, "AGENTS": {"slow": f"{__name__}._slow"}}
        run = engine.start(engine.save_workflow(flow({"s": task(agent_id="slow")})))
        carrying = worker.Worker("slow", every=clock.tick)
        carrying.run_until(lambda _idle: True)
        run.refresh_from_db()
        assert (run.status, run.tasks.get(key="s").claim) == ("completed", 1)


def _meet(_parameters, _context):
    _meet.barrier.wait()
    return {}


def _quit(_parameters, _context):
    raise SystemExit(3)


def _hold(_parameters, _context):
    _hold.begun.set()
    _hold.free.wait(20)
    return {}


def _slow(_parameters, _context):
    ends = time.monotonic() + 1.5
    while time.monotonic() < ends:
        threading.Event().wait(0.05)
    return {}
