"""Where files are kept: whole or not at all, under names of our own, and gone when nobody knows them."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from orchestrator import files
from orchestrator.exceptions import NotFoundError

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.BATON = {**settings.BATON, "FILES": tmp_path / "files"}
    return tmp_path / "files"


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def content(key: str) -> bytes:
    with files.open_file(key) as handle:
        return handle.read()


def test_what_is_stored_is_what_is_read(folder: Path) -> None:
    stored = files.store(io.BytesIO(b"hello"), 5, area="attachments")
    assert stored.size == 5
    assert stored.sha256 == hashlib.sha256(b"hello").hexdigest()
    assert stored.content_type == "text/plain"
    assert content(stored.key) == b"hello"
    assert len(stored.key) <= files.KEY_LENGTH
    (path,) = (path for path in folder.rglob("*") if path.is_file())
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_stream_of_pieces_is_taken_too() -> None:
    stored = files.store(iter([b"ab", b"", b"cd"]), 10, area="attachments")
    assert content(stored.key) == b"abcd"


def test_the_largest_that_is_kept_has_just_the_limit() -> None:
    assert files.store(io.BytesIO(b"x" * files.CHUNK * 2), files.CHUNK * 2, area="a").size == files.CHUNK * 2


def test_one_byte_more_is_refused_and_nothing_is_left_of_it(folder: Path) -> None:
    with pytest.raises(files.FileTooLargeError, match="at most 128 KiB"):
        files.store(io.BytesIO(b"x" * (files.CHUNK * 2 + 1)), files.CHUNK * 2, area="a")
    assert kept(folder) == []


def test_more_than_the_limit_is_not_read() -> None:
    stream = io.BytesIO(b"x" * files.CHUNK * 100)
    with pytest.raises(files.FileTooLargeError):
        files.store(stream, files.CHUNK, area="a")
    assert stream.tell() <= files.CHUNK * 2


def test_an_empty_file_is_refused(folder: Path) -> None:
    with pytest.raises(files.FileEmptyError):
        files.store(io.BytesIO(b""), 10, area="a")
    assert kept(folder) == []


def test_a_stream_that_breaks_off_leaves_nothing(folder: Path) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(files.StorageError):
        files.store(breaking(), 10, area="a")
    assert kept(folder) == []


def test_a_full_disk_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(files.StorageError, match="No space left"):
        files.store(io.BytesIO(b"hello"), 5, area="a")
    assert kept(folder) == []


def test_files_whose_rows_were_not_made_go_again(folder: Path) -> None:
    stored = files.store(io.BytesIO(b"hello"), 5, area="a")
    with pytest.raises(ZeroDivisionError), files.keeping(stored):
        _ = 1 / 0
    assert kept(folder) == []


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a",
        "a/",
        "../x",
        "a/../../etc/passwd",
        "/etc/passwd",
        "a/" + "0" * 31,
        "a/" + "G" * 32,
        "a/" + "0" * 32 + "\n",
    ],
    ids=["empty", "no slash", "no name", "up", "up and out", "root", "short", "letters", "line end"],
)
def test_a_key_that_is_not_ours_leads_nowhere(key: str) -> None:
    with pytest.raises(NotFoundError):
        files.open_file(key)
    with pytest.raises(NotFoundError):
        files.remove([key])


def test_what_is_gone_is_told_and_may_go_twice() -> None:
    stored = files.store(io.BytesIO(b"hello"), 5, area="a")
    files.remove([stored.key])
    files.remove([stored.key])
    with pytest.raises(NotFoundError, match="no longer kept"):
        files.open_file(stored.key)


def age(folder: Path, days: float) -> None:
    then = time.time() - days * 86_400
    for path in folder.rglob("*"):
        os.utime(path, (then, then))


def test_a_sweep_takes_what_is_old_and_unknown_of_its_own_area(folder: Path) -> None:
    known, lost, other = (files.store(io.BytesIO(b"x"), 5, area=area).key for area in ("a", "a", "b"))
    (folder / lost.rpartition("/")[0]).joinpath(lost[2:4], "f" * 32 + ".part").write_bytes(b"half")
    age(folder, 2)
    young = files.store(io.BytesIO(b"x"), 5, area="a").key
    assert files.sweep("a", lambda _: {known}, older_than=DAY) == 2
    assert kept(folder) == sorted(key.partition("/")[2] for key in (known, other, young))


def test_a_sweep_of_nothing_is_no_fault() -> None:
    assert files.sweep("never", lambda _: (), older_than=DAY) == 0


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"<html><script>alert(1)</script>", "text/plain"),
        (b"<svg onload='x'>", "text/plain"),
        ("für".encode()[:2], "text/plain"),
        (b"MZ\x00\x90", "application/octet-stream"),
        (b"\xff\xfe\xfd", "application/octet-stream"),
        (b"a\x00b", "application/octet-stream"),
    ],
    ids=["png", "jpeg", "gif", "webp", "pdf", "zip", "html", "svg", "cut text", "exe", "bytes", "NUL"],
)
def test_the_type_is_told_by_the_content(head: bytes, media_type: str) -> None:
    assert files.sniff(head) == media_type


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("offer.pdf", "offer.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\offer.pdf", "offer.pdf"),
        ("a\0b.txt", "ab.txt"),
        ('x"\r\nSet-Cookie: a=b', 'x"Set-Cookie: a=b'),
        ("\u202egnp.exe", "gnp.exe"),
        ("Angebot für Zoë.pdf", "Angebot für Zoë.pdf"),
        ("見積書.xlsx", "見積書.xlsx"),
        ("..", "file"),
        ("", "file"),
        ("dir/", "file"),
        ("x" * 300 + ".tar.gz", "x" * 197 + ".gz"),
        ("x." + "y" * 300, "x." + "y" * 198),
    ],
    ids=[
        "plain",
        "up",
        "windows",
        "NUL",
        "CRLF",
        "bidi",
        "umlaut",
        "kanji",
        "dots",
        "empty",
        "folder",
        "long",
        "long suffix",
    ],
)
def test_names_are_made_fit_to_show(name: str, shown: str) -> None:
    assert files.tidy_name(name) == shown


@given(st.text(max_size=400))
def test_any_name_can_be_shown(name: str) -> None:
    shown = files.tidy_name(name)
    assert 0 < len(shown) <= files.NAME_LENGTH
    assert not set(shown) & set("/\\\0\r\n")
    assert shown not in {".", ".."}
    assert files.tidy_name(shown) == shown


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (1, "1 byte"),
        (812, "812 bytes"),
        (1024, "1 KiB"),
        (3277, "3.2 KiB"),
        (10 * 1024**2, "10 MiB"),
        (5 * 1024**4, "5120 GiB"),
    ],
    ids=["one", "bytes", "KiB", "part", "MiB", "GiB"],
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert files.in_words(size) == words
