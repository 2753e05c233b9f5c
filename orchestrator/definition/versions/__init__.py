"""Schema versions: every older definition is brought to the current schema by pure steps, one version at a time.

1.0.0 had tasks, dependencies and actions; 1.1.0 added execution_mode; 1.2.0 added conditions; 2.0.0 added checkpoints and
retries, declared parameters and the expression language. A step takes data that may still be wrong in any way: what it
cannot read it leaves as it is, for the rules to report. Here live the steps and the rewriting of the older dialect; not
the rules of the current schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.definition.issues import Issue, show
from orchestrator.definition.names import did_you_mean, nearest
from orchestrator.definition.versions.steps import STEPS

CURRENT: Final = "2.0.0"
VERSIONS: Final = (*STEPS, CURRENT)
_LONGEST: Final = 20  # characters of a version
_LARGEST: Final = 10**_LONGEST


@dataclass(frozen=True, slots=True)
class Migration:
    """What became of a definition. `data` is of the current schema; `from_version` is the one it was written for, and
    '' with `understood` False where that is not known. An error among `issues` names what could not be translated."""

    data: dict[str, Any]
    from_version: str
    issues: tuple[Issue, ...] = ()
    understood: bool = True


def migrate(data: Mapping[str, Any]) -> Migration:
    """The definition in the current schema. Never raises, and leaves what it was given as it is."""
    found = version_of(data.get("version"))
    if found not in VERSIONS:
        return Migration(dict(data), "", (_unknown(data["version"]),), understood=False)
    migrated, issues = dict(data), list[Issue]()
    for version in VERSIONS[VERSIONS.index(found) : -1]:
        migrated, more = STEPS[version](migrated)
        issues += more
    return Migration({**migrated, "version": CURRENT}, found, tuple(issues))


def version_of(value: object) -> str:
    """The version as it is written in full: '1.0', 2 and 2.0 are accepted; a definition that names none is current."""
    if value is None:
        return CURRENT
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, int) and abs(value) > _LARGEST:
        return ""  # writing out an endless number would fail
    text = str(value).strip().removeprefix("v")
    return text + ".0" * (2 - text.count(".")) if len(text) <= _LONGEST else ""


def _unknown(value: object) -> Issue:
    known = ", ".join(VERSIONS)
    if _is_newer(version_of(value)):
        text = f"This definition is of schema {show(value)}, which is newer than {CURRENT}. Update Baton to read it."
        return Issue("version", "unknown_version", text)
    hint = nearest(version_of(value), reversed(VERSIONS))  # of several that are as near, the newest
    text = f"There is no schema version {show(value)}; there are {known}.{did_you_mean(hint)}"
    return Issue("version", "unknown_version", text, hint=hint)


def _is_newer(version: str) -> bool:
    parts = version.split(".")
    return all(part.isdecimal() for part in parts) and _numbers(parts) > _numbers(CURRENT.split("."))


def _numbers(parts: Iterable[str]) -> tuple[int, ...]:
    return tuple(map(int, parts))


__all__ = ["CURRENT", "VERSIONS", "Migration", "migrate", "version_of"]
