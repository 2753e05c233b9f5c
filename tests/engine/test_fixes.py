"""What mends what holds a run up: for each reason the right way, as a command that is one and an address that answers, and
only for who may."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from orchestrator import engine
from orchestrator.cli import main
from orchestrator.engine import agent_work, agents
from orchestrator.engine.turn import ClaimRequest, take_turn
from orchestrator.models import Agent, Approval, Run
from orchestrator.reads.why import Blocking, for_person, why, why_task
from tests.api.caller import Caller
from tests.engine.flows import failed, flow, task
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def undemo(settings: Any) -> None:
    """Nobody stands in for agents that are not registered."""
    settings.BATON = {**settings.BATON, "DEMO": False}


def started(**given: Any) -> Run:
    definition = flow({"a": task(**{"agent_id": "rover", **given})})
    return engine.start(engine.save_workflow({**definition, "id": "flow"}))


def registered(**given: Any) -> Agent:
    agent = agents.register("rover", **given)
    Agent.objects.update(seen_at=timezone.now())
    return agent


def nobody() -> Run:
    return started(agent_id="pool:night")


def drained() -> Run:
    agents.drain(registered())
    return started()


def offline() -> Run:
    registered()
    Agent.objects.update(seen_at=None)
    return started()


def full() -> Run:
    agent = registered()
    engine.start(
        engine.save_workflow({**flow({"a": task(agent_id="rover")}), "id": "other", "name": "Other"})
    )
    assert agent_work.take(agent)
    return started()


def too_large() -> Run:
    registered(resources={"cpu": 2})
    return started(resources={"cpu": 8})


def at_work() -> Run:
    agent = registered()
    run = started()
    assert agent_work.take(agent)
    return run


def of_a_person() -> Run:
    agents.register("rover", kind="human", user=person("vera", "viewer"))
    return started()


def paused() -> Run:
    run = started()
    engine.pause(run.pk)
    return run


def cancelled() -> Run:
    run = started()
    engine.cancel(run.pk)
    return run


def asked() -> Run:
    person("ann", "approver")
    return started(action="approval_gate", parameters={"title": "Pay?", "approvers": ["ann"]})


def questioned() -> Run:
    """By ann, who decides, and put to vera."""
    run = asked()
    person("vera", "viewer")
    engine.ask(Approval.objects.get().pk, "How much?", user=User.objects.get(username="ann"), to="vera")
    return run


def attempted(**given: Any) -> Run:
    run = started(agent_id="system", **given)
    take_turn([failed(claim) for claim in take_turn(claiming=ClaimRequest("w", 5)).claims])
    return run


def retrying() -> Run:
    return attempted(retry_count=2, retry_delay=100)


def with_a_person() -> Run:
    return attempted(on_failure="manual")


def gone_wrong() -> Run:
    return attempted()


def no_worker() -> Run:
    return started(agent_id="system")


ADMIN = {"root"}
OPERATE = {"root", "olga"}
ALL = {"root", "olga", "vera", "ann"}
# Of which situation: each way to go on with who is offered it.
TABLE: list[tuple[Callable[[], Run], dict[str, set[str]]]] = [
    (nobody, {"register_agent": ADMIN, "skip": OPERATE}),
    (drained, {"activate_agent": ADMIN, "skip": OPERATE}),
    (offline, {"open_agent": {"root", "olga", "vera", "ann"}, "skip": OPERATE}),
    (full, {"edit_agent": ADMIN}),
    (too_large, {"edit_agent": ADMIN, "register_agent": ADMIN, "edit_workflow": {"root"}, "skip": OPERATE}),
    (at_work, {"open_agent": ALL}),
    (of_a_person, {"do_it": {"vera"}}),
    (paused, {"resume": OPERATE, "register_agent": ADMIN, "skip": OPERATE}),
    (cancelled, {"start": OPERATE}),
    (asked, {"decide": {"root", "ann"}}),
    (questioned, {"answer": {"vera"}, "decide": {"root", "ann"}}),
    (retrying, {"retry": OPERATE, "skip": OPERATE}),
    (with_a_person, {"retry": OPERATE, "skip": OPERATE}),
    (gone_wrong, {"retry": OPERATE}),
    (no_worker, {"start_workers": set()}),
]


def people() -> dict[str, User]:
    roles = {"olga": ["operator"], "vera": ["viewer"], "ann": ["approver"]}
    known = {one.username: one for one in User.objects.all()}
    made = {name: known.get(name) or person(name, *some) for name, some in roles.items()}
    return {**made, "root": person("root", superuser=True), "bob": person("bob")}


def actions(answers: list[Blocking]) -> list[str]:
    return [fix.action for one in answers for fix in one.fixes]


@pytest.mark.parametrize(("make", "expected"), TABLE, ids=lambda part: getattr(part, "__name__", ""))
def test_each_reason_has_what_mends_it_for_who_may(
    make: Callable[[], Run], expected: dict[str, set[str]]
) -> None:
    run = make()
    run.refresh_from_db()
    answers = why(run)
    assert actions(answers) == list(expected)
    for name, user in people().items():
        told = for_person(user, run, answers)
        assert actions(told) == [action for action, who in expected.items() if name in who], name
        assert [one.sentence for one in told] == [one.sentence for one in answers]


@pytest.mark.parametrize("make", [make for make, _ in TABLE], ids=lambda make: make.__name__)
def test_each_command_is_one_and_each_address_answers(make: Callable[[], Run]) -> None:
    run = make()
    run.refresh_from_db()
    root = people()["root"]
    client = Client()
    client.force_login(root)
    for fix in (fix for one in why(run) for fix in one.fixes):
        program, *words = shlex.split(fix.command)
        assert program == "baton"
        command = main
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        command.make_context("x", [word for word in words if word != "--help"])
        if fix.needs in {"shell", "self"}:
            continue
        if fix.method == "GET":
            assert client.get(fix.href).status_code == 200
            assert not fix.api or Caller(root).get(fix.api).status_code == 200
        else:
            assert client.get(fix.href).status_code == 405
            assert Caller(root).get(fix.api).status_code == 405


@pytest.mark.parametrize(
    ("make", "state"),
    [(paused, "running"), (with_a_person, "running"), (gone_wrong, "running"), (drained, "running")],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_what_is_offered_first_is_done_by_its_address(make: Callable[[], Run], state: str) -> None:
    run = make()
    run.refresh_from_db()
    fix = why(run)[0].fixes[0]
    answer = Caller(people()["root"]).post(fix.api, {})
    assert answer.status_code == 200, answer.content
    run.refresh_from_db()
    assert run.status == state
    assert fix.action not in actions(why(run))


def test_an_item_is_told_by_its_number() -> None:
    tasks = {"a": task(agent_id="system", for_each="{{ [1, 2] }}", on_failure="manual")}
    run = engine.start(engine.save_workflow(flow(tasks)))
    claims = take_turn(claiming=ClaimRequest("w", 5)).claims
    take_turn([failed(claim) for claim in claims if claim.task.index == 1])
    (answer,) = [one for one in why(run) if one.reason == "person"]
    assert (answer.index, answer.fixes[0].command) == (1, f"baton task {run.pk} a retry --index 1")
    assert Caller(people()["root"]).post(answer.fixes[0].api, {}).status_code == 200
    assert run.tasks.get(index=1).status == "ready"
    assert run.tasks.get(index=0).status == "running"


def test_a_run_that_it_started_is_led_to_for_who_may_see_it() -> None:
    inner = engine.save_workflow({**flow({"b": task(agent_id="rover")}), "id": "inner", "name": "Inner"})
    outer = flow({"a": task(action="workflow_trigger", parameters={"workflow_id": inner.key})})
    run = engine.start(engine.save_workflow(outer))
    child = engine.start(inner)
    run.tasks.update(status="waiting", reason="child", child=child)
    (answer,) = why(run)
    assert (answer.fixes[0].action, answer.fixes[0].href) == ("open_run", f"/runs/{child.pk}/")
    everybody = people()
    run.workflow.owner = everybody["bob"]
    run.workflow.save()
    assert actions(for_person(everybody["vera"], run, [answer])) == ["open_run"]
    assert actions(for_person(everybody["bob"], run, [answer])) == []


def test_how_a_task_that_nobody_can_carry_is_told() -> None:
    (answer,) = why(too_large())
    assert "needs 8 processors and none has as much (rover has 2 processors)" in answer.sentence


def test_an_open_question_is_told_with_who_has_to_answer_it() -> None:
    run = questioned()
    (answer,) = why(run)
    assert answer.sentence == (
        "'a' waits for vera to answer a question of ann; its clock stands until then. The decision is that of ann."
    )
    request = Approval.objects.get().pk
    assert answer.fix == f"Answer: baton answer {request} TEXT."
    engine.answer(request, "12", user=User.objects.get(username="vera"))
    (answer,) = why(run)
    assert answer.sentence.startswith("'a' waits for the decision of ann") and actions([answer]) == ["decide"]


def test_the_same_is_told_of_one_task() -> None:
    run = drained()
    found = why_task(run.tasks.get())
    assert found is not None and [one.action for one in found.fixes] == ["activate_agent", "skip"]
