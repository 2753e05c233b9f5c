"""file_operation: what each operation does, returns and refuses."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.actions import file_operation
from orchestrator.actions.base import ActionError
from orchestrator.actions.file_operation import FileOperation
from tests.unit.actions_kit import execute, make_call

Perform = Callable[..., dict[str, Any]]


@pytest.fixture
def perform(tmp_path: Path) -> Perform:
    action = FileOperation(lambda: tmp_path / "workspace")
    return lambda operation, **parameters: execute(action, {"operation": operation} | parameters)


def error_of(perform: Perform, operation: str, **parameters: Any) -> ActionError:
    with pytest.raises(ActionError) as caught:
        perform(operation, **parameters)
    return caught.value


@pytest.mark.parametrize(
    ("content", "encoding", "size"),
    [
        ("", "text", 0),
        ("grüße\n", "text", 8),
        ("AP8=", "base64", 2),
        ({"rows": [1, None, "ü"]}, "json", None),
        ([], "json", None),
        ("text", "json", None),
    ],
    ids=repr,
)
def test_what_is_written_is_read_back(
    perform: Perform, content: Any, encoding: str, size: int | None
) -> None:
    written = perform("write", path="a/b", content=content, encoding=encoding)
    read = perform("read", path="a/b", encoding=encoding)
    assert read["content"] == content
    assert read["size"] == written["size"]
    assert size is None or read["size"] == size


def test_a_value_that_is_no_text_is_written_as_json(perform: Perform) -> None:
    perform("write", path="a.json", content={"a": 1})
    assert perform("read", path="a.json")["content"] == '{\n  "a": 1\n}\n'


def test_append_adds_to_the_end(perform: Perform) -> None:
    perform("append", path="log", content="one\n")
    assert perform("append", path="log", content="two\n") == {"operation": "append", "path": "log", "size": 8}


def test_copy_and_move(perform: Perform) -> None:
    perform("write", path="a", content="1")
    assert perform("copy", path="a", destination="b")["size"] == 1
    assert perform("move", path="a", destination="c/d")["destination"] == "c/d"
    assert error_of(perform, "read", path="a").code == "not_found"
    assert perform("read", path="c/d")["content"] == perform("read", path="b")["content"] == "1"


@pytest.mark.parametrize("operation", ["write", "copy", "move"])
def test_overwrite_off_keeps_what_is_there(perform: Perform, operation: str) -> None:
    perform("write", path="a", content="old")
    perform("write", path="b", content="old")
    error = error_of(perform, operation, path="a", destination="b", content="new", overwrite=False)
    assert (error.code, error.retryable) == ("exists", False)


def test_delete_of_what_is_gone_is_success_unless_asked_otherwise(perform: Perform) -> None:
    perform("write", path="a", content="")
    assert perform("delete", path="a")["deleted"] is True
    assert perform("delete", path="a")["deleted"] is False
    assert error_of(perform, "delete", path="a", missing_ok=False).code == "not_found"


def test_mkdir_may_be_repeated(perform: Perform) -> None:
    assert perform("mkdir", path="x/y")["created"] is True
    assert perform("mkdir", path="x/y")["created"] is False


def test_list_shows_the_folder_or_what_matches(perform: Perform) -> None:
    for path in ("b.txt", "a.txt", "x/c.txt"):
        perform("write", path=path, content="12")
    assert [entry["path"] for entry in perform("list")["entries"]] == ["a.txt", "b.txt", "x"]
    found = perform("list", patterns=["**/*.txt"], path="x")
    assert [entry["path"] for entry in found["entries"]] == ["x/c.txt"]
    entry = found["entries"][0]
    assert (entry["kind"], entry["size"], entry["modified"][-6:]) == ("file", 2, "+00:00")
    assert found["truncated"] is False


def test_a_long_list_is_cut_and_says_so(perform: Perform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_operation, "MAX_LISTED", 2)
    for path in ("a", "b", "c"):
        perform("write", path=path, content="")
    listed = perform("list")
    assert (len(listed["entries"]), listed["truncated"]) == (2, True)


def test_cleanup_deletes_matching_files_and_the_folders_left_empty(perform: Perform, tmp_path: Path) -> None:
    for path in ("tmp/a", "tmp/x/y/b", "tmp/keep.me", "c.log", "d.txt"):
        perform("write", path=path, content="")
    (tmp_path / "workspace/tmp/link").symlink_to(tmp_path)
    result = perform("cleanup", patterns=["tmp/[ax]", "tmp/x/**", "*.log"])
    assert (sorted(result["deleted"]), result["count"]) == (["c.log", "tmp/a", "tmp/x/y/b"], 3)
    left = [entry["path"] for entry in perform("list", patterns=["**"])["entries"]]
    assert left == ["d.txt", "tmp", "tmp/keep.me", "tmp/link"]


def test_cleanup_leaves_a_matching_folder_that_is_not_empty(perform: Perform) -> None:
    perform("write", path="tmp/new", content="")
    assert perform("cleanup", patterns=["tmp"])["count"] == 0
    assert perform("read", path="tmp/new")["size"] == 0


def test_cleanup_leaves_what_is_new(perform: Perform, tmp_path: Path) -> None:
    for path in ("old", "new"):
        perform("write", path=path, content="")
    hour_ago = time.time() - 3600
    os.utime(tmp_path / "workspace/old", (hour_ago, hour_ago))
    assert perform("cleanup", patterns=["*"], older_than_seconds=1800)["deleted"] == ["old"]


@pytest.mark.parametrize(
    ("data", "encoding", "code"),
    [
        (b"\xff", "text", "not_text"),
        (b"a\x00", "text", "not_text"),
        (b"{", "json", "not_json"),
        (b'{"a": 1, "a": 2}', "json", "not_json"),
        (b"\xff", "json", "not_text"),
    ],
)
def test_a_file_that_is_not_what_was_asked_for(
    perform: Perform, tmp_path: Path, data: bytes, encoding: str, code: str
) -> None:
    perform("mkdir", path="x")
    (tmp_path / "workspace/file").write_bytes(data)
    error = error_of(perform, "read", path="file", encoding=encoding)
    assert (error.code, error.retryable) == (code, False)


def test_content_that_is_not_base64_is_refused(perform: Perform) -> None:
    assert error_of(perform, "write", path="a", content="é", encoding="base64").code == "bad_content"
    assert error_of(perform, "write", path="a", content="A", encoding="base64").code == "bad_content"


def test_read_has_a_cap(perform: Perform) -> None:
    perform("write", path="a", content="12345")
    assert error_of(perform, "read", path="a", max_bytes=4).code == "too_large"
    assert perform("read", path="a", max_bytes=5)["content"] == "12345"


def test_the_workspace_itself_refuses_a_path_that_nobody_checked(tmp_path: Path) -> None:
    call = make_call({"operation": "delete", "path": "../secret", "missing_ok": True})
    with pytest.raises(ActionError) as caught:
        FileOperation(lambda: tmp_path / "workspace").execute(call)
    assert (caught.value.code, caught.value.retryable) == ("path_outside_workspace", False)


@pytest.mark.parametrize(
    ("parameters", "code", "path"),
    [
        ({}, "missing_parameter", "p.operation"),
        ({"operation": "shred", "path": "a"}, "not_in_enum", "p.operation"),
        ({"operation": "{{ params.x }}"}, "not_templated", "p.operation"),
        ({"operation": "read"}, "missing_parameter", "p.path"),
        ({"operation": "write", "path": "a"}, "missing_parameter", "p.content"),
        ({"operation": "copy", "path": "a"}, "missing_parameter", "p.destination"),
        ({"operation": "cleanup"}, "missing_parameter", "p.patterns"),
        ({"operation": "cleanup", "patterns": []}, "out_of_range", "p.patterns"),
        ({"operation": "cleanup", "patterns": ["a", "../*"]}, "path_outside_workspace", "p.patterns[1]"),
        ({"operation": "cleanup", "patterns": ["/tmp/*"]}, "path_outside_workspace", "p.patterns[0]"),
        ({"operation": "read", "path": "/etc/passwd"}, "path_outside_workspace", "p.path"),
        ({"operation": "read", "path": "/proc/self/environ"}, "path_outside_workspace", "p.path"),
        ({"operation": "read", "path": "a\x00"}, "path_outside_workspace", "p.path"),
        (
            {"operation": "move", "path": "a", "destination": "a/../../b"},
            "path_outside_workspace",
            "p.destination",
        ),
    ],
    ids=str,
)
def test_faulty_parameters_are_found_when_the_definition_is_saved(
    parameters: dict[str, Any], code: str, path: str
) -> None:
    issues = FileOperation.parameters.check(parameters, "p")
    assert [(issue.code, issue.path) for issue in issues] == [(code, path)]


@pytest.mark.parametrize("operation", file_operation.NEEDS)
def test_every_operation_says_what_it_did(perform: Perform, operation: str) -> None:
    perform("write", path="a", content="1")
    values = {"path": "a", "content": "2", "destination": "c", "patterns": ["*"]}
    if operation == "mkdir":
        values["path"] = "folder"
    output = perform(operation, **{name: values[name] for name in file_operation.NEEDS[operation]})
    assert output["operation"] == operation
    assert len(output) > 2
