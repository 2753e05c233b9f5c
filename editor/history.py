"""Which of a person's changes undo and redo would take next, read off the record of them all. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["edit", "undo", "redo", "publish"]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a draft: the revision it made, and for undo and redo the revision of the edit they are about."""

    rev: int
    kind: Kind
    of: int | None = None


@dataclass(slots=True)
class Stacks:
    """Revisions of edits, the next to be taken last. `latest` is for each edit the last step that was about it."""

    undo: list[int] = field(default_factory=list)
    redo: list[int] = field(default_factory=list)
    latest: dict[int, int] = field(default_factory=dict)


def stacks(steps: Iterable[Step]) -> Stacks:
    """From one person's steps, oldest first. A new edit ends what could be redone, as everywhere."""
    found = Stacks()
    for step in steps:
        _take(found, step)
    return found


def _take(found: Stacks, step: Step) -> None:
    if step.kind == "edit":
        found.undo.append(step.rev)
        found.redo.clear()
        found.latest[step.rev] = step.rev
    elif step.kind in ("undo", "redo") and step.of in found.latest:
        here, there = (found.undo, found.redo) if step.kind == "undo" else (found.redo, found.undo)
        if step.of in here:
            here.remove(step.of)
            there.append(step.of)
            found.latest[step.of] = step.rev
