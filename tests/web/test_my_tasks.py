"""What people do as steps of runs: their list, the form made from what the output is to be, done and declined."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orchestrator import engine
from orchestrator.engine import agents
from orchestrator.models import Agent, Lease, Run, TaskRun
from orchestrator.reads import my_tasks
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db

SCHEMA = {
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "enum": ["keep", "drop"], "description": "What is to become of it"},
        "pages": {"type": "integer", "minimum": 1},
        "urgent": {"type": "boolean"},
    },
    "required": ["verdict", "pages"],
}


@pytest.fixture
def ann() -> User:
    return person("ann")


@pytest.fixture
def human(ann: User) -> Agent:
    return agents.register("ann", kind="human", pools=["readers"], user=ann)


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def started(**fields: Any) -> Run:
    told = {"parameters": {"description": "Read it", "document": "a.pdf"}}
    reading = task(agent_id="pool:readers", **{**told, **fields})
    return engine.start(engine.save_workflow(flow({"a": reading})))


def place(run: Run) -> str:
    return f"/my-tasks/{run.tasks.get().pk}/"


def test_a_task_is_done_through_the_form_of_its_output(human: Agent, ann: User) -> None:
    run = started(output_schema=SCHEMA)
    client = browser(ann)
    assert place(run) in client.get("/my-tasks/").content.decode()
    page = client.get(place(run)).content.decode()
    assert "Read it" in page and "a.pdf" in page and "What is to become of it" in page
    given = {"p-verdict": "keep", "p-pages": "3", "p-urgent": "true", "done": "1"}
    assert client.post(place(run), given).status_code == 303
    run.refresh_from_db()
    assert (run.status, run.tasks.get().output) == (
        "completed",
        {"verdict": "keep", "pages": 3, "urgent": True},
    )
    assert Lease.objects.get().agent == human
    assert run.events.filter(type="task.completed", actor="agent:ann").exists()


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(human: Agent, ann: User) -> None:
    run = started(output_schema=SCHEMA)
    answer = browser(ann).post(place(run), {"p-verdict": "keep", "p-pages": "0", "done": "1"})
    assert answer.status_code == 422
    assert "greater than or equal to 1" in answer.content.decode()
    assert run.tasks.get().status == "waiting"
    assert not Lease.objects.exists()


def test_an_output_that_is_not_what_was_agreed_leaves_it_open(human: Agent, ann: User) -> None:
    run = started(output_schema={"type": "array", "minItems": 2})
    answer = browser(ann).post(place(run), {"output": "[1]", "done": "1"})
    assert answer.status_code == 422
    assert "output_schema" in answer.content.decode()
    assert run.tasks.get().status == "waiting"


def test_without_a_schema_a_word_about_it_is_enough(human: Agent, ann: User) -> None:
    run = started()
    assert browser(ann).post(place(run), {"note": "fine", "done": "1"}).status_code == 303
    assert run.tasks.get().output == {"done_by": "ann", "note": "fine"}


def test_who_cannot_says_why_and_nobody_else_is_asked(human: Agent, ann: User) -> None:
    run = started()
    client = browser(ann)
    assert client.post(place(run), {"reason": "", "decline": "1"}).status_code == 422
    assert client.post(place(run), {"reason": "It is illegible.", "decline": "1"}).status_code == 303
    run.refresh_from_db()
    assert (run.status, run.tasks.get().error["message"]) == ("failed", "It is illegible.")


def test_what_it_is_given_cannot_be_told_is_said_and_it_can_be_declined(human: Agent, ann: User) -> None:
    run = started(parameters={"document": "{{ secrets.missing }}"})
    client = browser(ann)
    page = client.get(place(run))
    assert page.status_code == 200
    assert "cannot be told" in page.content.decode()
    assert client.post(place(run), {"reason": "No document.", "decline": "1"}).status_code == 303


def test_nothing_is_chosen_that_nobody_chose(human: Agent, ann: User) -> None:
    run = started(output_schema=SCHEMA)
    assert '<option value="" selected>' in browser(ann).get(place(run)).content.decode()
    answer = browser(ann).post(place(run), {"p-verdict": "", "p-pages": "1", "done": "1"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("said", "urgent"), [("", {}), ("true", {"urgent": True}), ("false", {"urgent": False})]
)
def test_an_optional_yes_or_no_is_left_out_unless_somebody_says_it(
    said: str, urgent: dict[str, bool], human: Agent, ann: User
) -> None:
    run = started(output_schema=SCHEMA)
    page = browser(ann).get(place(run)).text
    assert '<option value="false">No</option>' in page
    given = {"p-verdict": "keep", "p-pages": "1", "p-urgent": said, "done": "1"}
    assert browser(ann).post(place(run), given).status_code == 303
    assert run.tasks.get().output == {"verdict": "keep", "pages": 1, **urgent}


def test_what_is_neither_yes_nor_no_is_refused(human: Agent, ann: User) -> None:
    run = started(output_schema=SCHEMA)
    given = {"p-verdict": "keep", "p-pages": "1", "p-urgent": "maybe", "done": "1"}
    assert browser(ann).post(place(run), given).status_code == 422


def test_of_very_many_it_is_said_that_there_are_more(
    human: Agent, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(my_tasks, "MOST_SHOWN", 1)
    started()
    started()
    assert "the first 1 of 2" in browser(ann).get("/my-tasks/").content.decode()


def test_it_is_there_for_those_who_are_meant_and_for_nobody_else(human: Agent, ann: User) -> None:
    run = started()
    for other in (person("bob"), person("root", superuser=True)):
        client = browser(other)
        assert place(run) not in client.get("/my-tasks/").content.decode()
        assert client.get(place(run)).status_code == 404
        assert client.post(place(run), {"note": "x", "done": "1"}).status_code == 404
    assert Client().get(place(run)).status_code == 302
    assert TaskRun.objects.get().status == "waiting"


def test_what_somebody_else_did_meanwhile_is_gone(human: Agent, ann: User) -> None:
    bob = person("bob")
    agents.register("bob", kind="human", pools=["readers"], user=bob)
    run = started()
    assert browser(bob).post(place(run), {"note": "mine", "done": "1"}).status_code == 303
    assert browser(ann).post(place(run), {"note": "mine", "done": "1"}).status_code == 404
    assert run.tasks.get().output["done_by"] == "bob"
