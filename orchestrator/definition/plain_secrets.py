"""Secrets that stand in a definition for all to read: found by what their place is called and by how they look."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from orchestrator.definition.issues import Issue, at

_NAMES: Final = re.compile(
    r"(?:.*[_-])?(?:pass(?:word|wd|phrase)|secret|token|authorization|credentials?|(?:api|access|private)[_-]?key)",
    re.IGNORECASE,
)
_LOOKS: Final = re.compile(
    r"\b(?:Bearer|Basic) [\w.~+/=-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|\bxox[abprs]-[\w-]{10,}"
    r"|\bsk-[\w-]{16,}"
    r"|://[^/\s:@{}]+:[^/\s@{}]+@"
)
_ADVICE: Final = (
    "Keep it as a secret and write {{ secrets.name }} here, or make it a parameter that is secret."
)


def plain_secrets(definition: Mapping[str, Any]) -> list[Issue]:
    """One issue for each place where a password, a token or a key seems to be written down."""
    tasks = definition.get("tasks")
    parameters = definition.get("parameters")
    found: list[Issue] = []
    for key, task in tasks.items() if isinstance(tasks, dict) else ():
        found += _in(task, at("tasks", key), "")
    for name, spec in parameters.items() if isinstance(parameters, dict) else ():
        default = spec.get("default") if isinstance(spec, dict) else None
        found += _in(default, at(at("parameters", name), "default"), name)
    return found


def _in(value: Any, path: str, name: str) -> Iterator[Issue]:
    match value:
        case dict():
            for key, member in value.items():
                yield from _in(member, at(path, key), key)
        case list():
            for index, member in enumerate(value):
                yield from _in(member, at(path, index), name)
        case str() if _is_secret(name, value):
            yield Issue(path, "plain_secret", f"This looks like a secret in plain text. {_ADVICE}")


def _is_secret(name: str, value: str) -> bool:
    named = value.strip() and "{{" not in value and _NAMES.fullmatch(name)
    return bool(named or _LOOKS.search(value))
