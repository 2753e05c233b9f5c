"""The folder of one outbox agent: its file is read, replaced and set aside here, and nowhere else.

The folder belongs to the agent, who may put anything there at any moment. So nothing is done by a path: all goes from
an open descriptor, no link is followed, and what was opened is asked what it is. A file is replaced by changing places
with the new one, which leaves in our hands whatever was there at that instant, even if it was written a moment before.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.actions import paths
from orchestrator.actions.paths import WorkspaceError
from orchestrator.actions.workspace import chunks, enter, plain_file, write_new
from orchestrator.agents.outbox.shape import MAX_BYTES

FILE: Final = "outbox.json"
LOCK: Final = "outbox.lock"
REPLACED: Final = ".outbox.json.replaced"  # the file as it was before Baton last wrote
REJECTED: Final = "rejected"

LOCK_SECONDS: Final = 0.5
_TRIES: Final = 5
_LOCK_PAUSE: Final = 0.02
_LOCK_FILE: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS: Final = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}

_NO_REPLACE, _EXCHANGE = 1, 2  # flags of renameat2(2)
_renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)


class UnusableError(Exception):
    """What lies in the place of the file is none that may be read."""


class BusyError(OSError):
    """Somebody else has the lock."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """By which a file is told from what it was."""

    inode: int
    modified: int  # nanoseconds since 1970
    size: int
    mode: int


class Folder:
    """One folder, open. Raises OSError where the system does not permit what is to be done."""

    def __init__(self, descriptor: int) -> None:
        self._folder = descriptor

    @classmethod
    @contextmanager
    def opened(cls, root: Path, key: str) -> Iterator[Folder]:
        """That of the agent of this key, made if need be."""
        if len(paths.split_path(key)) != 1:
            raise paths.outside(f"{key!r} is no name of a folder.")
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        above = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            inner = _entered(above, key)
        finally:
            os.close(above)
        try:
            yield cls(inner)
        finally:
            os.close(inner)

    def stamp(self, name: str = FILE) -> Stamp | None:
        """None when there is nothing. Raises UnusableError."""
        try:
            status = os.stat(name, dir_fd=self._folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return _stamp_of(status)

    def read(self, name: str = FILE) -> tuple[bytes, Stamp]:
        """Raises UnusableError, FileNotFoundError; BusyError when it is replaced faster than it is read."""
        for _ in range(_TRIES):
            try:
                with plain_file(self._folder, name) as file:
                    stamp = _stamp_of(os.fstat(file))
                    return b"".join(chunks(file, MAX_BYTES)), stamp
            except WorkspaceError:
                # What was opened may have lost its name to a newer file meanwhile; what has the name now tells.
                self.stamp(name)
        raise BusyError(errno.EBUSY, f"{name} changes faster than it can be read")

    def replace(self, data: bytes, seen: Stamp | None) -> bool:
        """Put this in place of what was seen there; False when that has changed since. What it replaced remains beside
        it. Raises UnusableError."""
        if self.stamp() != seen:
            return False
        self.forget_replaced()
        mode = 0o600 if seen is None else stat.S_IMODE(seen.mode) & 0o666
        write_new(self._folder, REPLACED, [data], mode)
        try:
            _put(self._folder, REPLACED, FILE, _NO_REPLACE if seen is None else _EXCHANGE)
        except (FileExistsError, FileNotFoundError):
            return False
        os.fsync(self._folder)
        return True

    def late(self, seen: Stamp) -> bytes | None:
        """What was written to the replaced file after it had been seen so, None when nothing was."""
        with suppress(UnusableError, FileNotFoundError):
            if self.stamp(REPLACED) not in (None, seen):
                return self.read(REPLACED)[0]
        return None

    def forget_replaced(self) -> None:
        try:
            os.unlink(REPLACED, dir_fd=self._folder)
        except FileNotFoundError:
            return
        except (IsADirectoryError, PermissionError):
            self.reject("Baton keeps a file of its own under this name.", REPLACED)

    def reject(self, reason: str, name: str = FILE) -> str:
        """Set aside what lies there, whatever it is, and the reason beside it; under which name."""
        kept = f"{_moment()}-{name.lstrip('.')}"
        aside = _entered(self._folder, REJECTED)
        try:
            os.rename(name, kept, src_dir_fd=self._folder, dst_dir_fd=aside)
            with suppress(FileExistsError):
                write_new(aside, f"{kept}.reason.txt", [reason.encode("utf-8", "replace"), b"\n"], 0o600)
        finally:
            os.close(aside)
        return f"{REJECTED}/{kept}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock that agents may hold, too, while they write. Raises BusyError when it is not to be had soon."""
        lock = os.open(LOCK, _LOCK_FILE, 0o660, dir_fd=self._folder)
        try:
            _wait_for(lock)
            yield
        finally:
            os.close(lock)


def _entered(above: int, name: str) -> int:
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=above)
    return enter(above, name)


def _stamp_of(status: os.stat_result) -> Stamp:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "a device")
        raise UnusableError(f"In the place of the file there is {kind}.")
    if status.st_nlink > 1:
        raise UnusableError("The file has a second name (a hard link); it must have one.")
    if status.st_size > MAX_BYTES:
        raise UnusableError(f"The file has {status.st_size:,} bytes; at most {MAX_BYTES:,} are read.")
    return Stamp(status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode)


def _wait_for(lock: int) -> None:
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise BusyError(errno.EWOULDBLOCK, f"{LOCK} is held by somebody else") from None
            time.sleep(_LOCK_PAUSE)


def _put(folder: int, name: str, place: str, how: int) -> None:
    """Give a file its place. Where the system knows no exchange, what lies there is overwritten."""
    code = _renamed(folder, name, place, how)
    if code in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
        os.replace(name, place, src_dir_fd=folder, dst_dir_fd=folder)
    elif code:
        raise OSError(code, os.strerror(code))


def _renamed(folder: int, name: str, place: str, how: int) -> int:
    """0, or why not."""
    if _renameat2 is None:
        return errno.ENOSYS
    done = _renameat2(folder, os.fsencode(name), folder, os.fsencode(place), how)
    return 0 if done == 0 else ctypes.get_errno()


def _moment() -> str:
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime()) + f"-{time.time_ns() % 10**9:09d}"
