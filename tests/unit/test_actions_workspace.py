"""The workspace: nothing outside it is ever read, written, moved or deleted, and nobody sees half a file."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.actions import paths, workspace
from orchestrator.actions.paths import WorkspaceError
from orchestrator.actions.workspace import Workspace

SECRET = b"outside"

OPERATIONS: dict[str, Callable[[Workspace, str], object]] = {
    "read": lambda space, path: space.read(path, max_bytes=100),
    "write": lambda space, path: space.write(path, b"x"),
    "append": lambda space, path: space.append(path, b"x"),
    "copy from": lambda space, path: space.copy(path, "copied"),
    "copy to": lambda space, path: space.copy("plain.txt", path),
    "move from": lambda space, path: space.move(path, "moved"),
    "move to": lambda space, path: space.move("plain.txt", path),
    "delete": lambda space, path: space.delete(path),
    "make_folder": lambda space, path: space.make_folder(path + "/new"),
    "find": lambda space, path: space.find(["*"], under=path),
}

HOSTILE = [
    "",
    ".",
    "..",
    "../outside/secret.txt",
    "../../etc/passwd",
    "folder/../../outside/secret.txt",
    "folder/..",
    "./plain.txt",
    "folder/./file",
    "folder//file",
    "folder/",
    "/",
    "/etc/passwd",
    "//etc/passwd",
    "/proc/self/environ",
    "~/.ssh/id_rsa",
    "~root/x",
    "..\\outside\\secret.txt",
    "folder\\file",
    "plain.txt\x00.png",
    "a\nb",
    "a\x1b[31m",
    "\ud800",
    "gpj.\u202etxt",
    "a\u200bb",
    "x" * 300,
    "é" * 200,
    "/".join("d" * 33),
    "/".join(["n" * 200] * 6),
    ".baton-tmp-1",
    "folder/.baton-tmp-1",
    "link.txt",
    "link-to-folder/secret.txt",
    "link-inside/file",
    "dangling",
    "hard.txt",
    "pipe",
    "folder/pipe",
    "socket",
]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_bytes(SECRET)
    return folder


@pytest.fixture
def space(tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "plain.txt").write_bytes(b"plain")
    (root / "folder" / "file").write_bytes(b"inner")
    (root / "link.txt").symlink_to(outside / "secret.txt")
    (root / "link-to-folder").symlink_to(outside)
    (root / "link-inside").symlink_to(root / "folder")
    (root / "dangling").symlink_to(outside / "new.txt")
    os.link(outside / "secret.txt", root / "hard.txt")
    os.mkfifo(root / "pipe")
    os.mkfifo(root / "folder" / "pipe")
    monkeypatch.chdir(root)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        yield Workspace(root)


def nothing_outside_changed(outside: Path) -> bool:
    return [(entry.name, entry.read_bytes()) for entry in outside.iterdir()] == [("secret.txt", SECRET)]


@pytest.mark.parametrize(
    ("path", "operation"),
    # Without a folder find looks at the whole workspace.
    [pair for pair in product(HOSTILE, OPERATIONS) if pair != ("", "find")],
    ids=ascii,
)
def test_a_hostile_path_is_refused_by_every_operation(
    space: Workspace, outside: Path, path: str, operation: str
) -> None:
    with pytest.raises(WorkspaceError) as caught:
        OPERATIONS[operation](space, path)
    into_a_file = operation in ("make_folder", "find") and caught.value.code == "not_a_folder"
    assert caught.value.code == "path_outside_workspace" or into_a_file
    assert nothing_outside_changed(outside)
    assert (space.root / "plain.txt").read_bytes() == b"plain"


@given(st.lists(st.sampled_from(["..", ".", "", "/", "a", "link", "\\", "\x00", "~", "é"]), max_size=6))
def test_what_split_path_accepts_has_only_parts_that_lead_down(pieces: list[str]) -> None:
    path = "/".join(pieces)
    try:
        parts = paths.split_path(path)
    except WorkspaceError as error:
        assert error.code == "path_outside_workspace"
    else:
        assert "/".join(parts) == path
        assert not {"", ".", ".."} & set(parts)


@given(st.text(max_size=20))
def test_any_text_is_a_path_inside_or_refused_with_a_printable_sentence(text: str) -> None:
    try:
        parts = paths.split_path(text)
    except WorkspaceError as error:
        assert error.message.isprintable()
    else:
        normal = os.path.normpath(os.path.join("/root", *parts))
        assert normal.startswith("/root/")


@pytest.mark.parametrize(
    ("path", "operation", "code"),
    [
        ("missing", "read", "not_found"),
        ("missing/deep", "read", "not_found"),
        ("missing", "delete", "not_found"),
        ("missing", "copy from", "not_found"),
        ("missing", "move from", "not_found"),
        ("missing", "find", "not_found"),
        ("folder", "read", "not_a_regular_file"),
        ("folder", "write", "not_a_regular_file"),
        ("folder", "append", "not_a_regular_file"),
        ("folder", "copy from", "not_a_regular_file"),
        ("folder", "move to", "not_a_regular_file"),
        ("folder", "delete", "not_empty"),
        ("plain.txt/x", "write", "not_a_folder"),
        ("plain.txt", "make_folder", "not_a_folder"),
        ("plain.txt", "find", "not_a_folder"),
    ],
)
def test_a_path_that_does_not_fit_has_a_code_of_its_own(
    space: Workspace, path: str, operation: str, code: str
) -> None:
    with pytest.raises(WorkspaceError) as caught:
        OPERATIONS[operation](space, path)
    assert caught.value.code == code


def test_what_is_written_is_read_back_and_folders_are_made(space: Workspace) -> None:
    space.write("new/deep/file.bin", b"\x00\xff")
    assert space.read("new/deep/file.bin", max_bytes=2) == b"\x00\xff"


def test_append_creates_and_then_adds(space: Workspace) -> None:
    assert space.append("log.txt", b"one") == 3
    assert space.append("log.txt", b"two") == 6
    assert space.read("log.txt", max_bytes=100) == b"onetwo"


def test_copy_keeps_the_source_and_move_does_not(space: Workspace) -> None:
    assert space.copy("plain.txt", "a/copy.txt") == 5
    space.move("plain.txt", "b/moved.txt")
    assert (space.root / "a/copy.txt").read_bytes() == (space.root / "b/moved.txt").read_bytes() == b"plain"
    assert not (space.root / "plain.txt").exists()


def test_delete_says_whether_it_was_there(space: Workspace) -> None:
    assert space.delete("plain.txt") is True
    assert space.delete("plain.txt", missing_ok=True) is False
    assert space.delete("no/such/folder", missing_ok=True) is False


def test_an_empty_folder_is_deleted(space: Workspace) -> None:
    space.make_folder("x/y")
    assert space.delete("x/y") is True
    assert not (space.root / "x/y").exists()


def test_make_folder_says_whether_it_is_new(space: Workspace) -> None:
    assert space.make_folder("x/y/z") is True
    assert space.make_folder("x/y/z") is False


@pytest.mark.parametrize(
    "act",
    [
        lambda space: space.write("plain.txt", b"new", overwrite=False),
        lambda space: space.copy("folder/file", "plain.txt", overwrite=False),
        lambda space: space.move("folder/file", "plain.txt", overwrite=False),
    ],
    ids=["write", "copy", "move"],
)
def test_without_overwrite_a_file_that_is_there_stays(
    space: Workspace, act: Callable[[Workspace], object]
) -> None:
    with pytest.raises(WorkspaceError) as caught:
        act(space)
    assert caught.value.code == "exists"
    assert (space.root / "plain.txt").read_bytes() == b"plain"
    assert (space.root / "folder/file").read_bytes() == b"inner"


def test_of_two_that_create_the_same_file_one_is_refused(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_new = workspace.write_new

    def write_slowly(folder: int, name: str, chunks: object) -> int:
        (space.root / "race.txt").write_bytes(b"first")
        return write_new(folder, name, chunks)  # type: ignore[arg-type]

    monkeypatch.setattr(workspace, "write_new", write_slowly)
    with pytest.raises(WorkspaceError) as caught:
        space.write("race.txt", b"second", overwrite=False)
    assert caught.value.code == "exists"
    assert (space.root / "race.txt").read_bytes() == b"first"


def test_reading_more_than_allowed_is_refused(space: Workspace) -> None:
    with pytest.raises(WorkspaceError) as caught:
        space.read("plain.txt", max_bytes=4)
    assert caught.value.code == "too_large"


def test_a_sparse_file_counts_with_its_full_size(space: Workspace) -> None:
    with (space.root / "sparse").open("wb") as file:
        file.truncate(5 * 1024**3)
    for operation in ("read", "copy from", "append"):
        with pytest.raises(WorkspaceError) as caught:
            OPERATIONS[operation](space, "sparse")
        assert caught.value.code == "too_large"


def test_a_file_that_grows_while_it_is_read_is_still_capped(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = os.read

    def read_and_grow(file: int, count: int) -> bytes:
        with (space.root / "plain.txt").open("ab") as growing:
            growing.write(b"." * 10)
        return read(file, count)

    monkeypatch.setattr(os, "read", read_and_grow)
    with pytest.raises(WorkspaceError) as caught:
        space.read("plain.txt", max_bytes=8)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize("operation", ["write", "append", "copy from"])
def test_nothing_larger_than_the_cap_is_stored(tmp_path: Path, operation: str) -> None:
    space = Workspace(tmp_path, max_file_bytes=3)
    (tmp_path / "big").write_bytes(b"1234")
    with pytest.raises(WorkspaceError) as caught:
        {
            "write": lambda: space.write("new", b"1234"),
            "append": lambda: space.append("big", b"5"),
            "copy from": lambda: space.copy("big", "new"),
        }[operation]()
    assert caught.value.code == "too_large"
    assert [entry.name for entry in tmp_path.iterdir()] == ["big"]


def test_a_full_disk_is_a_passing_error_and_leaves_the_old_file(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(WorkspaceError) as caught:
        space.write("plain.txt", b"new")
    assert (caught.value.code, caught.value.retryable) == ("no_space", True)
    assert "No space left" in caught.value.message
    assert (space.root / "plain.txt").read_bytes() == b"plain"
    assert not list(space.root.glob(".baton-tmp-*"))


def test_a_link_slipped_in_between_check_and_use_is_not_followed(
    space: Workspace, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is replaced by a link right before it is entered: what comparing resolved paths would miss."""
    enter = workspace.enter

    def swap_then_enter(folder: int, name: str) -> int:
        (space.root / "folder").rename(space.root / "aside")
        (space.root / "folder").symlink_to(outside)
        return enter(folder, name)

    monkeypatch.setattr(workspace, "enter", swap_then_enter)
    with pytest.raises(WorkspaceError) as caught:
        space.write("folder/secret.txt", b"overwritten")
    assert caught.value.code == "path_outside_workspace"
    assert nothing_outside_changed(outside)


def test_a_link_slipped_in_as_the_target_of_a_write_is_replaced_and_not_followed(
    space: Workspace, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_new = workspace.write_new

    def swap_then_write(folder: int, name: str, chunks: object) -> int:
        (space.root / "plain.txt").unlink()
        (space.root / "plain.txt").symlink_to(outside / "secret.txt")
        return write_new(folder, name, chunks)  # type: ignore[arg-type]

    monkeypatch.setattr(workspace, "write_new", swap_then_write)
    space.write("plain.txt", b"new")
    assert nothing_outside_changed(outside)
    assert not (space.root / "plain.txt").is_symlink()


def test_a_folder_swapped_for_a_link_during_a_search_is_left_out(
    space: Workspace, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter = workspace.enter

    def swap_then_enter(folder: int, name: str) -> int:
        (space.root / "folder").rename(space.root / "aside")
        (space.root / "folder").symlink_to(outside)
        return enter(folder, name)

    monkeypatch.setattr(workspace, "enter", swap_then_enter)
    assert "folder/secret.txt" not in [entry.path for entry in space.find(["folder/*"])]


def test_every_descriptor_is_closed_again(space: Workspace) -> None:
    before = os.listdir("/proc/self/fd")
    for path in ("plain.txt", "folder/file", "link.txt", "pipe", "missing", "link-to-folder/secret.txt"):
        for operation in OPERATIONS.values():
            try:
                operation(space, path)
            except WorkspaceError:
                continue
    assert len(os.listdir("/proc/self/fd")) == len(before)


@pytest.fixture
def tree(tmp_path: Path, outside: Path) -> Workspace:
    root = tmp_path / "tree"
    for name in (
        "a.txt",
        "b.log",
        "x/c.txt",
        "x/y/d.txt",
        "x/y/e.log",
        "z/f[1].txt",
        ".hidden",
        ".baton-tmp-1",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"12")
    (root / "link").symlink_to(outside)
    return Workspace(root)


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["*"], [".hidden", "a.txt", "b.log", "link", "x", "z"]),
        (["*.txt"], ["a.txt"]),
        (["?.log"], ["b.log"]),
        (["[ab].*"], ["a.txt", "b.log"]),
        (["x/*"], ["x/c.txt", "x/y"]),
        (["**/*.txt"], ["a.txt", "x/c.txt", "x/y/d.txt", "z/f[1].txt"]),
        (["x/**"], ["x/c.txt", "x/y", "x/y/d.txt", "x/y/e.log"]),
        (["**/y/**/*.log"], ["x/y/e.log"]),
        (["**/**/**/d.txt"], ["x/y/d.txt"]),
        (["link/*"], []),
        (["nothing"], []),
        (["a.txt", "a.*", "**"], [".hidden", "a.txt", "b.log", "link", "x", "x/c.txt", "x/y", "x/y/d.txt", "x/y/e.log",
                                  "z", "z/f[1].txt"]),
    ],
    ids=str,
)  # fmt: skip
def test_globs_find_without_following_links(tree: Workspace, patterns: list[str], found: list[str]) -> None:
    assert [entry.path for entry in tree.find(patterns)] == found


def test_what_is_found_tells_kind_and_size(tree: Workspace) -> None:
    entries = {entry.path: (entry.kind, entry.size) for entry in tree.find(["*"])}
    assert entries["a.txt"] == ("file", 2)
    assert entries["x"] == ("folder", 0)
    assert entries["link"] == ("other", 0)


def test_globs_may_start_in_a_folder(tree: Workspace) -> None:
    assert [entry.path for entry in tree.find(["*.txt"], under="x/y")] == ["x/y/d.txt"]


@pytest.mark.parametrize("pattern", ["../*", "/etc/*", "x/../../*", "", "a\x00*"])
def test_a_glob_cannot_lead_out(tree: Workspace, pattern: str) -> None:
    with pytest.raises(WorkspaceError) as caught:
        tree.find([pattern])
    assert caught.value.code == "path_outside_workspace"


def test_a_search_that_meets_too_much_ends_in_an_error(
    tree: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "MAX_ENTRIES", 5)
    with pytest.raises(WorkspaceError) as caught:
        tree.find(["**"])
    assert caught.value.code == "too_large"


def matches_slowly(pattern: list[str], path: list[str]) -> bool:
    """What a glob means, without any care for speed."""
    if not pattern or not path:
        return pattern == path == []
    if pattern[0] == "**":
        return pattern == ["**"] or any(matches_slowly(pattern[1:], path[at:]) for at in range(len(path)))
    return fnmatchcase(path[0], pattern[0]) and matches_slowly(pattern[1:], path[1:])


@given(
    st.lists(st.sampled_from(["**", "*", "a", "b", "?", "a*"]), min_size=1, max_size=5),
    st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=5),
)
def test_a_search_finds_what_the_pattern_means(pattern: list[str], path: list[str]) -> None:
    state = paths.start(["/".join(pattern)])
    for name in path:
        state = paths.step(state, name)
    assert (() in state) == matches_slowly(pattern, path)


def test_a_pattern_made_to_be_slow_is_not(tmp_path: Path) -> None:
    state = paths.start(["/".join(["**", "*a*a*a*a*a*b"] * 15)])
    for _ in range(30):
        state = paths.step(state, "a" * 200)
    assert () not in state
    assert len(state) <= 31
