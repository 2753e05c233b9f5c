"""What may be written as a path or a glob of the workspace: the part that needs no disk.

A path is relative, its parts are joined by `/`, and no part can lead anywhere but down. The same rules answer
when a definition is saved and when a task runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from orchestrator.definition.issues import show
from orchestrator.definition.names import text_fault

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 1024
MAX_DEPTH = 32
TEMPORARY_PREFIX = ".baton-tmp-"  # files being written; nobody else may name or see them

Rest = tuple[str, ...]  # the parts of a pattern that are still to be met


class WorkspaceError(Exception):
    """What was asked for is not possible in the workspace."""

    TEMPORARY_CODES = frozenset({"no_space", "file_error"})

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later with nothing but time having passed."""
        return self.code in self.TEMPORARY_CODES


def outside(message: str) -> WorkspaceError:
    return WorkspaceError("path_outside_workspace", message)


def split_path(path: str) -> tuple[str, ...]:
    """The parts of a relative path; raises WorkspaceError `path_outside_workspace` for anything else."""
    if not path:
        raise outside("The path is empty; name a file inside the workspace, such as reports/today.csv.")
    if path.startswith(("/", "~")):
        raise outside(f"{show(path)} is not a relative path; paths start inside the workspace.")
    parts = tuple(path.split("/"))
    if len(parts) > MAX_DEPTH:
        raise outside(f"{show(path)} is nested deeper than {MAX_DEPTH} folders.")
    for part in parts:
        fault = name_fault(part)
        if fault:
            raise outside(f"{show(path)} {fault}.")
    if len(path.encode()) > MAX_PATH_BYTES:
        raise outside(f"{show(path)} is longer than {MAX_PATH_BYTES} bytes.")
    return parts


def name_fault(name: str) -> str:
    """Why this cannot be the name of a file or folder, as the end of a sentence; empty when it can."""
    if name in ("", "."):
        return "has an empty part; write each folder once, without ./ or a closing slash"
    if name == "..":
        return "leads out with ..; the workspace cannot be left"
    if "\\" in name:
        return "holds a backslash; folders are separated by /"
    fault = text_fault(name)
    if fault:
        return f"holds {fault}"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"has a name longer than {MAX_NAME_BYTES} bytes"
    if name.startswith(TEMPORARY_PREFIX):
        return f"uses the reserved prefix {TEMPORARY_PREFIX}"
    return ""


def start(patterns: Iterable[str]) -> frozenset[Rest]:
    """The state of a search before its first step: every pattern still to be met in full.

    A pattern is a path whose parts may hold `*`, `?` and `[abc]`; the part `**` stands for any folders, also none.
    """
    return frozenset(split_path(pattern) for pattern in patterns)


def step(state: frozenset[Rest], name: str) -> frozenset[Rest]:
    """The state after going into `name`. It holds () when what was reached matches a whole pattern."""
    reached: set[Rest] = set()
    for rest in state:
        reached |= _step_one(rest, name)
    return frozenset(reached)


def _step_one(rest: Rest, name: str) -> set[Rest]:
    if not rest:
        return set()
    head, tail = rest[0], rest[1:]
    if head != "**":
        return {tail} if fnmatchcase(name, head) else set()
    if not tail:
        return {rest, ()}
    return {rest} | _step_one(tail, name)


def goes_on(state: frozenset[Rest]) -> bool:
    """Whether anything below can still match."""
    return any(state)
