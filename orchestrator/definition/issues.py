"""What a check has to say: located findings with a stable code, and the exception that carries them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]

ROOT = "$"
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding. `path` is where ('tasks.load.dependencies[0]', '$' for the whole), `message` says what is wrong
    and how to mend it, `hint` is the nearest right name where there is one."""

    path: str
    code: str
    message: str
    severity: Severity = "error"
    hint: str = ""

    def as_dict(self) -> dict[str, str]:
        return {
            "path": self.path,
            "code": self.code,
            "message": self.message,
            "severity": self.severity,
            "hint": self.hint,
        }

    def __str__(self) -> str:
        return self.message if self.path == ROOT else f"{self.path}: {self.message}"


class DefinitionError(Exception):
    """The definition cannot be accepted; `issues` says why, all of it."""

    def __init__(self, issues: Iterable[Issue]) -> None:
        self.issues = tuple(issues)
        super().__init__(self.issues)

    def __str__(self) -> str:
        if not self.issues:
            return "The definition cannot be accepted."
        more = len(self.issues) - 1
        return f"{self.issues[0]} (and {more} more)" if more else str(self.issues[0])


def warning(path: str, code: str, message: str, hint: str = "") -> Issue:
    return Issue(path, code, message, "warning", hint)


def at(path: str, key: str | int) -> str:
    """The path of one member of what stands at `path`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{show(key)}]"
    return key if path == ROOT else f"{path}.{key}"


def show(value: object) -> str:
    """A value as it may stand in a sentence: one line, printable, short, whatever its size."""
    match value:
        case None | bool():
            return {None: "null", True: "true", False: "false"}[value]
        case str():
            text = value[:_SHOWN]
            quoted = repr(text) if text.isprintable() else ascii(text)
            return quoted if len(value) <= _SHOWN else f"{quoted[:-1]}…{quoted[-1]}"
        case list() | tuple():
            return f"a list of {len(value)}"
        case dict():
            return f"a map of {len(value)}"
        case int() if abs(value) > 10**_SHOWN:
            return "a very large number"
        case _:
            return repr(value)[:_SHOWN]
