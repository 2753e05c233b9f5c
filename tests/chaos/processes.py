"""The processes of a Baton as the kernel sees them: who they are, who made them, and who is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Seen:
    """A process; with its time of birth, since numbers are given again."""

    pid: int
    title: str
    parent: int
    born: str

    @property
    def role(self) -> str:
        """What it does in Baton, by the name that the supervisor gives it; '' for others."""
        return self.title.removeprefix("baton-") if self.title.startswith("baton-") else ""

    @property
    def is_alive(self) -> bool:
        now = see(self.pid)
        return now is not None and now.born == self.born

    @property
    def reads_a_pipe(self) -> bool:
        """Whether it waits for what comes out of a pipe, rather than for a lock."""
        try:
            return "pipe" in (_PROC / str(self.pid) / "wchan").read_text()
        except OSError:
            return False


def see(pid: int) -> Seen | None:
    """The process, or None when there is none but one to be reaped."""
    try:
        head, _, rest = (_PROC / str(pid) / "stat").read_text().rpartition(")")
    except OSError:
        return None
    fields = rest.split()
    return None if fields[0] in "ZX" else Seen(pid, head.partition("(")[2], int(fields[1]), fields[19])


def everyone() -> Iterator[Seen]:
    for folder in _PROC.iterdir():
        if folder.name.isdecimal() and (found := see(int(folder.name))):
            yield found


def family(root: int) -> list[Seen]:
    """The process and everything below it."""
    children = defaultdict(list)
    all_ = list(everyone())
    for one in all_:
        children[one.parent].append(one)
    found = [one for one in all_ if one.pid == root]
    for one in found:
        found += children[one.pid]
    return found


def strays(mark: str, root: int) -> list[Seen]:
    """Processes with this text in their environment whose ancestors are gone."""
    below = {one.pid for one in family(root)}
    return [one for one in everyone() if one.pid not in below and _is_marked(one, mark)]


def _is_marked(one: Seen, mark: str) -> bool:
    try:
        return mark.encode() in (_PROC / str(one.pid) / "environ").read_bytes()
    except OSError:
        return False
