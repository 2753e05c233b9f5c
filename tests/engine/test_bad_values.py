"""Values that a definition cannot show and that must do no harm when a run meets them: parameters, and files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator import conf, engine, worker
from orchestrator.models import Run, TaskRun
from tests.engine.flows import flow, states, task
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)

READING = {"operation": "read", "path": "{{ params.value }}"}
SAYING = {"description": "{{ params.value }}"}


def run_with(value: Any, one: dict[str, Any]) -> TaskRun:
    """The task, once a run with this value for its parameter has ended."""
    definition = flow({"a": one, "b": task()}, parameters={"value": {"type": "any"}})
    run = engine.start(engine.save_workflow(definition), {"value": value})
    worker.Worker("here").run_until(lambda _idle: True)
    assert states(Run.objects.get())["b"] == "completed"
    assert_invariants([run])
    return run.tasks.get(key="a")


def refused(value: Any, one: dict[str, Any], code: str) -> None:
    """It fails for good at the first attempt, and says why."""
    done = run_with(value, {**one, "retry_count": 3, "retry_delay": 0})
    assert done.error is not None
    assert (done.status, done.error["code"], done.attempt) == ("failed", code, 1), done.error
    assert done.error["message"]


@pytest.fixture
def workspace(settings: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    settings.BATON = {**settings.BATON, "WORKSPACE": folder}
    assert conf.workspace() == folder
    (tmp_path / "secret").write_text("hunter2")
    return folder


# What is filled in -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "{{ params.value }}",
        "{{ secrets.key }}",
        "{{",
        "}}",
        '{{ "{{" }}',
        "\\u0000",
        "'; DROP TABLE",
        "<b>",
        "😀",
    ],
)
def test_what_was_filled_in_is_never_read_as_an_expression(value: str) -> None:
    for one in (SAYING, {"description": "Dear {{ params.value }}!"}):
        Run.objects.all().delete()
        done = run_with(value, task(parameters=one))
        assert done.status == "completed", done.error
        assert done.input["description"] == one["description"].replace("{{ params.value }}", value)


def test_a_text_does_not_grow_beyond_its_limit() -> None:
    refused(
        "x" * 40_000, task(parameters={"context": "{{ params.value }}{{ params.value }}"}), "parameter_error"
    )


@pytest.mark.parametrize("value", [3, True, None, ["a"], {"a": 1}])
def test_a_value_of_another_type_than_the_action_takes_is_refused(value: Any) -> None:
    refused(value, task(action="file_operation", parameters=READING), "parameter_error")


# Paths -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            ".",
            "..",
            "../secret",
            "a/../../secret",
            "/etc/passwd",
            "/proc/self/environ",
            "~/x",
            "a//b",
            "a/",
        ),
        *("a\\..\\secret", "a\nb", "\u202egnp.exe", "x" * 300, "a/" * 40 + "a", ".baton-tmp-1"),
    ],
)
def test_no_path_that_was_filled_in_leads_out_of_the_workspace(path: str, workspace: Path) -> None:
    refused(path, task(action="file_operation", parameters=READING), "parameter_error")


def _symlink(file: Path) -> None:
    file.symlink_to(file.parent.parent / "secret")


def _folder_link(file: Path) -> None:
    file.symlink_to(file.parent.parent, target_is_directory=True)


def _hard_link(file: Path) -> None:
    os.link(file.parent.parent / "secret", file)


def _sparse(file: Path) -> None:
    with file.open("wb") as handle:
        handle.truncate(5 * 1024**3)


@pytest.mark.parametrize(
    ("make", "path", "code"),
    [
        (_symlink, "file", "path_outside_workspace"),
        (_folder_link, "file/secret", "path_outside_workspace"),
        (_hard_link, "file", "path_outside_workspace"),
        (os.mkfifo, "file", "path_outside_workspace"),
        (Path.mkdir, "file", "not_a_regular_file"),
        (_sparse, "file", "too_large"),
        (Path.touch, "file/below", "not_a_folder"),
        (Path.touch, "nothing", "not_found"),
    ],
    ids=["link", "folder link", "hard link", "fifo", "folder", "5 GiB", "file as folder", "missing"],
)
def test_nothing_but_a_file_of_the_workspace_is_read(
    make: Callable[[Path], Any], path: str, code: str, workspace: Path
) -> None:
    make(workspace / "file")
    refused(path, task(action="file_operation", parameters=READING), code)


@pytest.mark.parametrize("make", [_symlink, _hard_link], ids=["link", "hard link"])
@pytest.mark.parametrize("operation", ["append", "copy"])
def test_nothing_is_written_through_a_link(
    make: Callable[[Path], Any], operation: str, workspace: Path
) -> None:
    make(workspace / "file")
    (workspace / "source").write_text("mine")
    given = {"operation": operation, "path": "{{ params.value }}", "content": "mine"}
    if operation == "copy":
        given = {"operation": "copy", "path": "source", "destination": "{{ params.value }}"}
    run_with("file", task(action="file_operation", parameters=given))
    assert (workspace.parent / "secret").read_text() == "hunter2"
