"""Steps are extracted over the API: who may, what is made, what is not made twice; and a run ends as it did before."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from editor import drafts
from orchestrator import clock, engine
from orchestrator.models import Run, Workflow
from orchestrator.worker import Worker
from tests.engine.flows import flow, task
from tests.people import bearer, person

pytestmark = pytest.mark.django_db

URL = "/api/workflows/drawn/draft"
MIDDLE = ["double", "add"]


def check(*after: str, **checks: str) -> dict[str, Any]:
    return task(*after, action="condition_check", parameters={"checks": checks})


DEFINITION = {
    **flow(
        {
            "load": task(parameters={"result": {"n": 5}, "seconds": 0}),
            "double": check("load", n="tasks.load.output.n * 2"),
            "add": check("double", n="tasks.double.output.n + params.more"),
            "tell": check("add", n="tasks.add.output.n", least="tasks.load.output.n"),
        },
        parameters={"more": {"type": "integer", "default": 1}},
    ),
    "name": "Drawn",
}


@pytest.fixture(autouse=True)
def workflow(ann: User) -> Workflow:
    return engine.save_workflow(DEFINITION, user=person("olga"))


def send(user: User, **changes: Any) -> Any:
    body = {"base_rev": 1, "steps": MIDDLE, "name": "Sums", "step": "sums", **changes}
    return Client().post(f"{URL}/extract", body, content_type="application/json", headers=bearer(user))


def test_the_steps_become_a_published_workflow_and_one_step_starts_it(ann: User, workflow: Workflow) -> None:
    answer = send(ann)
    assert answer.status_code == 201, answer.content
    found = answer.json()
    assert {name: found[name] for name in ("rev", "step", "workflow", "name", "url", "can_undo")} == {
        "rev": 2,
        "step": "sums",
        "workflow": "sums",
        "name": "Sums",
        "url": "/workflows/sums/edit/canvas/",
        "can_undo": True,
    }
    assert list(found["definition"]["tasks"]) == ["load", "sums", "tell"]
    made = Workflow.objects.get(key="sums")
    assert (made.owner, made.versions.get().number) == (ann, 1)
    assert list(made.draft["tasks"]) == MIDDLE


def test_with_a_known_revision_it_tells_what_changed(ann: User) -> None:
    found = send(ann, known_rev=1).json()
    assert "definition" not in found
    assert ["tasks", "double"] in [one["path"] for one in found["changes"]]


def test_undo_gives_back_the_identical_draft_and_the_workflow_stays(ann: User, workflow: Workflow) -> None:
    before = workflow.draft
    send(ann)
    assert drafts.undo(workflow, user=ann).definition == before
    assert Workflow.objects.filter(key="sums").exists()


def test_the_same_batch_makes_one_workflow(ann: User) -> None:
    first, second = (send(ann, batch="once").json() for _ in range(2))
    assert [(one["rev"], one["step"], one["workflow"]) for one in (first, second)] == [
        (2, "sums", "sums")
    ] * 2
    assert Workflow.objects.count() == 2


def test_a_batch_that_was_another_change_is_refused(ann: User, workflow: Workflow) -> None:
    rename = {"op": "set", "field": ["name"], "value": "New"}
    drafts.change(workflow, [rename], base_rev=1, user=ann, batch="once")
    assert send(ann, base_rev=2, batch="once").status_code == 409


def test_nothing_is_made_when_the_draft_has_gone_on(ann: User, bob: User, workflow: Workflow) -> None:
    drafts.change(workflow, [{"op": "set", "field": ["name"], "value": "New"}], base_rev=1, user=bob)
    answer = send(ann)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "disputed")
    assert Workflow.objects.count() == 1


def test_nothing_is_made_of_what_cannot_be_taken_out(ann: User) -> None:
    refused = send(ann, steps=["load", "add"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "not_convex")
    assert Workflow.objects.count() == 1


def test_nothing_is_made_of_steps_that_are_wrong(ann: User, workflow: Workflow) -> None:
    wrong = {"op": "set", "key": "add", "field": ["parameters"], "value": {"checks": {"n": "1 +"}}}
    drafts.change(workflow, [wrong], base_rev=1, user=ann)
    refused = send(ann, base_rev=2)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "not_extractable")
    assert refused.json()["error"]["issues"][0]["path"].startswith("tasks.add")
    assert Workflow.objects.count() == 1


@pytest.mark.parametrize(
    ("who", "status"), [("olga", 403), ("viewer", 403), ("outsider", 404), ("designer", 201)]
)
def test_it_takes_the_right_to_design_this_and_to_make_workflows(who: str, status: int) -> None:
    roles = [who] if who in ("viewer", "designer") else []
    user = User.objects.get(username="olga") if who == "olga" else person(who, *roles)
    assert send(user).status_code == status
    assert Workflow.objects.count() == (2 if status == 201 else 1)


def finished(workflow: Workflow, **params: Any) -> Run:
    run = engine.start(workflow, params)
    for _ in range(10):
        Worker("w").run_until(lambda _idle: True)
        clock.tick()
    run.refresh_from_db()
    assert run.status == "completed", run.error
    return run


@pytest.mark.django_db(transaction=True)
def test_a_run_gives_the_same_before_and_after(ann: User, workflow: Workflow) -> None:
    before = finished(workflow, more=7).tasks.get(key="tell").output
    assert before == {"n": 17, "least": 5}
    found = drafts.extract(workflow, MIDDLE, "Sums", base_rev=1, user=ann)
    drafts.publish(workflow, base_rev=found.draft.rev, user=ann)
    run = finished(workflow, more=7)
    assert run.tasks.get(key="tell").output == before
    assert set(run.tasks.values_list("key", flat=True)) == {"load", "extracted", "tell"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("params", [{"key": "hunter2-hunter2"}, {}])
def test_what_is_null_or_secret_outside_is_so_inside(ann: User, params: dict[str, Any]) -> None:
    look = {"empty": "tasks.never.output == null", "status": "tasks.never.status", "note": "params.note"}
    tasks = {
        "load": task(parameters={"seconds": 0}),
        "never": check("load", n="1") | {"conditions": ["has(params.note)"]},
        "look": check("load", "never", **look),
        "tell": task("look", parameters={"result": {"by": "{{ params.key }}"}, "seconds": 0}),
    }
    declared = {"key": {"type": "string", "secret": True}, "note": {"type": "string"}}
    own = engine.save_workflow({**flow(tasks, parameters=declared), "name": "Own"}, user=ann)
    found = drafts.extract(own, ["look", "tell"], "Looked", base_rev=1, user=ann)
    drafts.publish(own, base_rev=found.draft.rev, user=ann)
    run = finished(own, **params)
    inner = Run.objects.get(workflow=found.workflow)
    assert inner.tasks.get(key="look").output == {"empty": True, "status": "skipped", "note": None}
    assert inner.tasks.get(key="tell").status == "completed"
    rows = [*run.tasks.values("input", "output"), *inner.tasks.values("input", "output")]
    assert "hunter2-hunter2" not in str([run.params, inner.params, *rows])
