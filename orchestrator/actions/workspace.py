"""The one door to the workspace directory: everything that opens, lists, writes or deletes a user's file.

A path is walked folder by folder from an open descriptor of the workspace, and no step follows a link, so neither a
link that was there before nor one that is slipped in meanwhile leads out. Comparing resolved paths instead would be
a race. Files are written beside their place and moved over it, so a reader sees the old or the new, never half.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.actions import paths
from orchestrator.actions.paths import WorkspaceError

MEBIBYTE = 1024 * 1024
MAX_FILE_BYTES = 64 * MEBIBYTE
MAX_ENTRIES = 10_000  # looked at by one search

_CHUNK = 256 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a pipe must not wait for its other end.
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing found in the workspace. `modified` is in seconds since 1970; `size` in bytes, 0 for folders."""

    path: str
    kind: str  # file, folder or other; links are "other"
    size: int
    modified: float


class Workspace:
    """One directory and what may be done in it. Raises WorkspaceError and nothing else."""

    def __init__(self, root: Path, *, max_file_bytes: int = MAX_FILE_BYTES) -> None:
        self.root = root
        self.max_file_bytes = max_file_bytes

    def read(self, path: str, *, max_bytes: int) -> bytes:
        with _explained(path), self._parent(path) as (folder, name), plain_file(folder, name) as file:
            return b"".join(chunks(file, max_bytes))

    def write(self, path: str, data: bytes, *, overwrite: bool = True) -> None:
        """Put the whole content in place at once, creating the folders above it."""
        if len(data) > self.max_file_bytes:
            raise _too_large(self.max_file_bytes)
        with _explained(path), self._parent(path, create=True) as (folder, name):
            _store(folder, name, [data], overwrite=overwrite)

    def append(self, path: str, data: bytes) -> int:
        """Add to the end of a file, creating it if need be; returns its size afterwards."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        with (
            _explained(path),
            self._parent(path, create=True) as (folder, name),
            plain_file(folder, name, flags) as file,
        ):
            if os.fstat(file).st_size + len(data) > self.max_file_bytes:
                raise _too_large(self.max_file_bytes)
            _write_all(file, data)
            os.fsync(file)
            return os.fstat(file).st_size

    def copy(self, source: str, destination: str, *, overwrite: bool = True) -> int:
        """Returns the number of bytes copied."""
        with (
            _explained(source),
            self._parent(source) as (from_folder, from_name),
            plain_file(from_folder, from_name) as file,
            self._parent(destination, create=True) as (folder, name),
        ):
            return _store(folder, name, chunks(file, self.max_file_bytes), overwrite=overwrite)

    def move(self, source: str, destination: str, *, overwrite: bool = True) -> None:
        with (
            _explained(source),
            self._parent(source) as (from_folder, from_name),
            self._parent(destination, create=True) as (folder, name),
        ):
            _require_plain(from_name, _status(from_folder, from_name))
            _make_way(folder, name, overwrite=overwrite)
            _rename(from_folder, from_name, folder, name, overwrite=overwrite)
            os.fsync(from_folder)

    def delete(self, path: str, *, missing_ok: bool = False) -> bool:
        """Delete a file or an empty folder; returns whether it was there."""
        try:
            with _explained(path), self._parent(path) as (folder, name):
                _remove(folder, name)
        except WorkspaceError as error:
            if missing_ok and error.code == "not_found":
                return False
            raise
        return True

    def make_folder(self, path: str) -> bool:
        """Create a folder and those above it; returns whether it is new."""
        parts = paths.split_path(path)
        with _explained(path), self._folder(parts[:-1], create=True) as parent:
            is_new = _make_folder(parent, parts[-1])
            os.close(enter(parent, parts[-1]))
            return is_new

    def find(self, patterns: Sequence[str], *, under: str = "") -> list[Entry]:
        """What matches any of the globs, by path. Names that no path could name are left out."""
        state = paths.start(patterns)
        parts = paths.split_path(under) if under else ()
        with _explained(under or "the workspace"), self._folder(parts) as folder:
            return list(_search(folder, parts, state, _Budget()))

    @contextmanager
    def _parent(self, path: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
        parts = paths.split_path(path)
        with self._folder(parts[:-1], create=create) as folder:
            yield folder, parts[-1]

    @contextmanager
    def _folder(self, parts: Sequence[str], *, create: bool = False) -> Iterator[int]:
        """An open descriptor of the folder, reached without following a link."""
        self.root.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                if create:
                    _make_folder(folder, part)
                inner = enter(folder, part)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)


class _Budget:
    """Counts what a search looks at, so that a huge folder ends in an error and not in minutes."""

    def __init__(self) -> None:
        self.seen = 0

    def spend(self) -> None:
        self.seen += 1
        if self.seen > MAX_ENTRIES:
            raise WorkspaceError(
                "too_large",
                f"The search meets more than {MAX_ENTRIES} files and folders; narrow the pattern.",
            )


def _search(
    folder: int, above: Sequence[str], state: frozenset[paths.Rest], budget: _Budget
) -> Iterator[Entry]:
    for name, status in _listing(folder, budget):
        reached = paths.step(state, name)
        if not reached:
            continue
        here = (*above, name)
        if () in reached:
            yield _entry("/".join(here), status)
        if stat.S_ISDIR(status.st_mode) and paths.goes_on(reached) and len(here) < paths.MAX_DEPTH:
            yield from _search_below(folder, here, reached, budget)


def _search_below(
    folder: int, here: Sequence[str], state: frozenset[paths.Rest], budget: _Budget
) -> Iterator[Entry]:
    try:
        inner = enter(folder, here[-1])
    except WorkspaceError:
        return  # it was deleted or replaced since it was listed
    try:
        yield from _search(inner, here, state, budget)
    finally:
        os.close(inner)


def _listing(folder: int, budget: _Budget) -> list[tuple[str, os.stat_result]]:
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            budget.spend()
            if paths.name_fault(entry.name):
                continue
            with suppress(FileNotFoundError):
                found.append((entry.name, entry.stat(follow_symlinks=False)))
    return sorted(found, key=lambda item: item[0])


def _entry(path: str, status: os.stat_result) -> Entry:
    kind = "file" if _is_plain(status) else "folder" if stat.S_ISDIR(status.st_mode) else "other"
    size = status.st_size if kind == "file" else 0
    return Entry(path, kind, size, status.st_mtime)


def enter(folder: int, name: str) -> int:
    """An open descriptor of a folder in this one; never by way of a link."""
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except NotADirectoryError:
        if stat.S_ISLNK(_status(folder, name).st_mode):
            raise _link(name) from None
        raise WorkspaceError("not_a_folder", f'"{name}" is not a folder.') from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _link(name) from None
        raise


def _make_folder(parent: int, name: str) -> bool:
    try:
        os.mkdir(name, 0o755, dir_fd=parent)
    except FileExistsError:
        return False
    return True


def _status(folder: int, name: str) -> os.stat_result:
    return os.stat(name, dir_fd=folder, follow_symlinks=False)


def _is_plain(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def _require_plain(name: str, status: os.stat_result) -> None:
    if _is_plain(status):
        return
    if stat.S_ISDIR(status.st_mode):
        raise WorkspaceError("not_a_regular_file", f'"{name}" is a folder, not a file.')
    if stat.S_ISLNK(status.st_mode):
        raise _link(name)
    if stat.S_ISREG(status.st_mode):
        raise paths.outside(f'"{name}" has a second name (a hard link), which may lie outside the workspace.')
    raise paths.outside(
        f'"{name}" is a pipe, socket or device; what flows through it is not in the workspace.'
    )


def _link(name: str) -> WorkspaceError:
    return paths.outside(f'"{name}" is a symbolic link; the workspace follows none.')


@contextmanager
def plain_file(folder: int, name: str, flags: int = os.O_RDONLY) -> Iterator[int]:
    """An open descriptor that is surely of a plain file: what was opened is asked, not the name."""
    try:
        file = os.open(name, flags | _FILE, 0o644, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            _require_plain(name, _status(folder, name))
        raise
    try:
        _require_plain(name, os.fstat(file))
        yield file
    finally:
        os.close(file)


def chunks(file: int, max_bytes: int) -> Iterator[bytes]:
    """The content of an open file, which may have so many bytes."""
    # The size known beforehand spares the work; the count while reading is what holds, as the file may grow.
    if os.fstat(file).st_size > max_bytes:
        raise _too_large(max_bytes)
    left = max_bytes
    while chunk := os.read(file, min(_CHUNK, left + 1)):
        left -= len(chunk)
        if left < 0:
            raise _too_large(max_bytes)
        yield chunk


def _too_large(limit: int) -> WorkspaceError:
    return WorkspaceError("too_large", f"The file is larger than the {limit} bytes allowed here.")


def _store(folder: int, name: str, chunks: Iterable[bytes], *, overwrite: bool) -> int:
    """Write a temporary file to the end and to the disk, then give it its name. Returns its size."""
    _make_way(folder, name, overwrite=overwrite)
    temporary = paths.TEMPORARY_PREFIX + secrets.token_hex(8)
    try:
        size = write_new(folder, temporary, chunks)
        _rename(folder, temporary, folder, name, overwrite=overwrite)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    return size


def write_new(folder: int, name: str, chunks: Iterable[bytes], mode: int | None = None) -> int:
    """Write a file that must not be there yet. With a `mode` it has just that, and is nobody else's before."""
    file = os.open(name, _NEW, 0o644 if mode is None else 0o600, dir_fd=folder)
    try:
        if mode is not None:
            os.fchmod(file, mode)
        for chunk in chunks:
            _write_all(file, chunk)
        os.fsync(file)
        return os.fstat(file).st_size
    finally:
        os.close(file)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _make_way(folder: int, name: str, *, overwrite: bool) -> None:
    """Refuse a place that is taken by anything but a plain file, or by one that must stay."""
    try:
        status = _status(folder, name)
    except FileNotFoundError:
        return
    _require_plain(name, status)
    if not overwrite:
        raise _exists(name)


def _rename(from_folder: int, from_name: str, folder: int, name: str, *, overwrite: bool) -> None:
    if not overwrite:
        _reserve(folder, name)
    os.replace(from_name, name, src_dir_fd=from_folder, dst_dir_fd=folder)
    os.fsync(folder)


def _reserve(folder: int, name: str) -> None:
    """Of two that want to create the same file, let only one go on."""
    try:
        os.close(os.open(name, _NEW, 0o644, dir_fd=folder))
    except FileExistsError:
        raise _exists(name) from None


def _exists(name: str) -> WorkspaceError:
    return WorkspaceError("exists", f'"{name}" is already there and overwrite is off.')


def _remove(folder: int, name: str) -> None:
    status = _status(folder, name)
    if stat.S_ISDIR(status.st_mode):
        os.rmdir(name, dir_fd=folder)
    else:
        _require_plain(name, status)
        os.unlink(name, dir_fd=folder)


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Every error of the operating system as a WorkspaceError with a stable code."""
    try:
        yield
    except FileNotFoundError:
        raise WorkspaceError("not_found", f'There is no "{path}" in the workspace.') from None
    except OSError as error:
        raise _from_os(path, error) from error


def _from_os(path: str, error: OSError) -> WorkspaceError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WorkspaceError("no_space", "No space left on the disk of the workspace.")
    if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
        return WorkspaceError("not_empty", f'The folder "{path}" is not empty; clean it up with "{path}/**".')
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return WorkspaceError("not_permitted", f'The workspace does not permit this with "{path}".')
    return WorkspaceError("file_error", f'"{path}": {error.strerror}.')
