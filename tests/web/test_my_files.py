"""Files of what people do: those of the tasks before, and those they hand in with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from orchestrator import conf, engine
from orchestrator.engine import agents
from orchestrator.models import Artifact, Run
from tests.engine.flows import flow, task
from tests.people import person

pytestmark = pytest.mark.django_db

DONE = {"done": "1", "note": "read"}


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    settings.BATON = {**settings.BATON, "FILES": str(tmp_path / "files")}


@pytest.fixture
def ann() -> User:
    user = person("ann")
    agents.register("ann", kind="human", user=user)
    return user


@pytest.fixture
def bob() -> User:
    user = person("bob")
    agents.register("bob", kind="human", user=user)
    return user


@pytest.fixture
def run(ann: User, bob: User) -> Run:
    """Ann drafts, bob reads the draft."""
    tasks = {"draft": task(agent_id="ann"), "read": task("draft", agent_id="bob")}
    return engine.start(engine.save_workflow(flow(tasks)))


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def place(run: Run, key: str) -> str:
    return f"/my-tasks/{run.tasks.get(key=key).pk}/"


def file(name: str, content: bytes = b"content") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def kept() -> list[Path]:
    return [path for path in conf.files().rglob("*") if path.is_file()]


def test_files_go_with_what_is_done_to_whoever_comes_next(run: Run, ann: User, bob: User) -> None:
    given = {**DONE, "files": [file("draft.txt", b"the draft"), file("../../plan.txt", b"the plan")]}
    assert browser(ann).post(place(run, "draft"), given).status_code == 303
    assert set(Artifact.objects.values_list("task_run__key", "name", "by")) == {
        ("draft", "draft.txt", "ann"),
        ("draft", "plan.txt", "ann"),
    }
    draft = Artifact.objects.get(name="draft.txt")
    where = f"{place(run, 'read')}files/{draft.pk}/"
    reader = browser(bob)
    assert where in reader.get(place(run, "read")).text
    answer = reader.get(where)
    assert (answer.status_code, answer.content) == (200, b"the draft")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_only_who_is_to_do_it_gets_them(run: Run, ann: User, bob: User) -> None:
    browser(ann).post(place(run, "draft"), {**DONE, "files": [file("draft.txt")]})
    where = f"{place(run, 'read')}files/{Artifact.objects.get().pk}/"
    assert browser(bob).get(where).status_code == 200
    for other in (ann, person("cas"), person("root", superuser=True)):
        assert browser(other).get(where).status_code == 404
    assert Client().get(where).status_code == 302


def test_a_file_of_another_run_or_of_no_task_before_is_not_there(run: Run, ann: User, bob: User) -> None:
    other = engine.start(run.workflow)
    for one in (run, other):
        browser(ann).post(place(one, "draft"), {**DONE, "files": [file("draft.txt")]})
    foreign = Artifact.objects.get(task_run__run=other)
    assert browser(bob).get(f"{place(run, 'read')}files/{foreign.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("a.txt", b"x"), ("b.txt", b"")], "“b.txt”: The file is empty"),
        ([("a.txt", b"x"), ("a.txt", b"y")], "Two of the files are called “a.txt”"),
        ([("a.txt", b"x" * 101)], "A file has at most 100 bytes"),
        ([(f"{number}.txt", b"x") for number in range(51)], "An attempt has at most 50 artifacts"),
    ],
    ids=["empty", "one name", "too large", "too many"],
)
def test_what_is_wrong_with_a_file_is_said_and_nothing_is_lost(
    files: list[tuple[str, bytes]], said: str, run: Run, ann: User, settings: Any
) -> None:
    settings.BATON = {**settings.BATON, "FILE_MAX_BYTES": 100}
    answer = browser(ann).post(place(run, "draft"), {**DONE, "files": [file(*one) for one in files]})
    assert answer.status_code == 422 and said in answer.text and "read</textarea>" in answer.text
    assert run.tasks.get(key="draft").status == "waiting"
    assert not Artifact.objects.exists() and kept() == []
