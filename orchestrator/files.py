"""Files that people and agents hand in, kept in one folder under names of Baton's own.

A file is written whole and flushed to disk before it gets its name, so that none is half there. For people it exists once
a row names its key: whoever stores one makes the row after the file, within `keeping`, and lets the file go after the row.
What a crash left between the two is swept up later, area by area. Nothing here knows the database.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import IO, Final

from orchestrator import conf
from orchestrator.exceptions import BatonError, InvalidError, NotFoundError

CHUNK: Final = 64 * 1024
NAME_LENGTH: Final = 200
KEY_LENGTH: Final = 64
_LONGEST_AREA: Final = 20
_LONGEST_SUFFIX: Final = 20
_HEAD: Final = 4096  # bytes by which the type is told
_BATCH: Final = 200
_KEY: Final = re.compile(rf"[a-z]{{1,{_LONGEST_AREA}}}/[0-9a-f]{{32}}")
# Control characters, what turns the direction of writing, line ends: nothing that a name is shown with.
_UNSHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
)
_BARE_END: Final = re.compile(r"[\s.]+\Z")
UNKNOWN_TYPE: Final = "application/octet-stream"


class FileTooLargeError(InvalidError):
    """The file is larger than is kept."""

    code = "file_too_large"
    status = 413


class FileEmptyError(InvalidError):
    """There is nothing in the file."""

    code = "file_empty"


class StorageError(BatonError):
    """The disk refused."""

    code = "storage"
    status = 507


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is kept. `content_type` is what its first bytes say it is, whatever its name claims."""

    key: str
    size: int
    sha256: str
    content_type: str


# Storing


def store(stream: IO[bytes] | Iterable[bytes], limit: int, *, area: str) -> Stored:
    """Keep what the stream gives, at most `limit` bytes, under a new key of this area.

    Raises FileTooLargeError, FileEmptyError or StorageError, and then nothing is left of it.
    """
    key = f"{area}/{secrets.token_hex(16)}"
    path = _path(key)
    draft = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        written = _write(draft, stream, limit)
        draft.rename(path)
        _flush_folder(path.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StorageError(f"The file could not be kept: {error.strerror or error}.") from error
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return Stored(key, *written)


def _write(draft: Path, stream: IO[bytes] | Iterable[bytes], limit: int) -> tuple[int, str, str]:
    """Size, digest and type of what was written."""
    size, digest, head = 0, hashlib.sha256(), b""
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        for chunk in _chunks(stream):
            size += len(chunk)
            if size > limit:
                raise FileTooLargeError(f"A file has at most {in_words(limit)}; this one has more.")
            head = head or chunk[:_HEAD]
            digest.update(chunk)
            handle.write(chunk)
        if not size:
            raise FileEmptyError("The file is empty. Choose one with something in it.")
        handle.flush()
        os.fsync(handle.fileno())
    return size, digest.hexdigest(), sniff(head)


def _chunks(stream: IO[bytes] | Iterable[bytes]) -> Iterator[bytes]:
    read = getattr(stream, "read", None)
    return iter(lambda: read(CHUNK), b"") if read is not None else iter(stream)


def _flush_folder(folder: Path) -> None:
    """The name is as safe as the content."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def keeping(*stored: Stored) -> Iterator[None]:
    """Within it the rows that name these are made. Should that fail, the files go again."""
    try:
        yield
    except BaseException:
        remove(one.key for one in stored)
        raise


# What is kept


def open_file(key: str) -> IO[bytes]:
    """For reading; the caller closes it. Raises NotFoundError when it is gone."""
    try:
        return _path(key).open("rb")
    except FileNotFoundError:
        raise NotFoundError("This file is no longer kept.", code="file_gone") from None


def remove(keys: Iterable[str]) -> None:
    """Let these go; one that is gone already is no fault. Called after commit."""
    for key in keys:
        _path(key).unlink(missing_ok=True)


def sweep(area: str, known: Callable[[Sequence[str]], Collection[str]], *, older_than: timedelta) -> int:
    """Remove what is older and which nobody knows: `known` tells, of some keys, those that a row names. How many went."""
    before, gone = time.time() - older_than.total_seconds(), 0
    found = [path for path in _folder(area).glob("*/*") if _age_known(path) < before]
    for start in range(0, len(found), _BATCH):
        part = {f"{area}/{path.name.removesuffix('.part')}": path for path in found[start : start + _BATCH]}
        lost = part.keys() - set(known(sorted(part)))
        for key in lost:
            part[key].unlink(missing_ok=True)
        gone += len(lost)
    return gone


def _age_known(path: Path) -> float:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return float("inf")


def _folder(area: str) -> Path:
    return conf.files() / area


def _path(key: str) -> Path:
    # Keys come from rows of ours; should one ever not, it leads nowhere.
    if not _KEY.fullmatch(key):
        raise NotFoundError("There is no such file.", code="file_gone")
    area, _, name = key.partition("/")
    return _folder(area) / name[:2] / name


# What people see of it


def tidy_name(name: str) -> str:
    """The name somebody gave a file as it is shown and offered again: no folders, nothing invisible, not too long."""
    base = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(char for char in base if unicodedata.category(char) not in _UNSHOWN)
    shown = _BARE_END.sub("", unicodedata.normalize("NFC", seen).lstrip())
    if len(shown) > NAME_LENGTH:
        suffix = PurePosixPath(shown).suffix
        suffix = suffix if len(suffix) <= _LONGEST_SUFFIX else ""
        shown = _BARE_END.sub("", shown[: NAME_LENGTH - len(suffix)] + suffix)
    return shown or "file"


def sniff(head: bytes) -> str:
    """What the first bytes of a file say it is. Whatever can be read as text is plain text, markup too."""
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return "text/plain" if _is_text(head) else UNKNOWN_TYPE


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a character may be cut at the end
    except UnicodeDecodeError:
        return False
    return True


def in_words(size: int) -> str:
    """A size for people: "812 bytes", "3.2 KiB", "10 MiB"."""
    if size < 1024:
        return "1 byte" if size == 1 else f"{size} bytes"
    for unit, factor in (("KiB", 1024), ("MiB", 1024**2), ("GiB", 1024**3)):
        if size < factor * 1024 or unit == "GiB":
            return f"{size / factor:.1f}".removesuffix(".0") + f" {unit}"
    raise AssertionError
