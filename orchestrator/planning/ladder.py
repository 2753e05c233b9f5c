"""What happens to a request that nobody decides: rungs, each some time after it was asked, that remind or ask others too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from orchestrator.definition.fields import Field, Parts, has_type, holds_template
from orchestrator.definition.issues import Issue, at, show
from orchestrator.definition.normal import approver_names
from orchestrator.planning.business import Calendar, later

MOST_RUNGS: Final = 20
LONGEST: Final = 31 * 86_400
RUNGS: Final = Parts(
    "rung",
    (
        Field(
            "after_seconds",
            "number",
            "How long after it was asked.",
            required=True,
            label="After",
            minimum=1,
            maximum=LONGEST,
        ),
        Field(
            "to",
            "any",
            "Who may decide from then on, too; without anybody those asked are reminded.",
            label="Ask",
            widget="people",
        ),
    ),
)
_KNOWN: Final = tuple(field.name for field in RUNGS.fields)


@dataclass(frozen=True, slots=True)
class Rung:
    """`to`: who may decide from then on, too; nobody new on a rung that only reminds."""

    after: float
    to: tuple[str, ...] = ()


def rungs_of(escalation: Any) -> list[Rung]:
    """The rungs in the order of time. What is faulty was refused by `faults_of`."""
    if not isinstance(escalation, list):
        return []
    found = [Rung(float(one["after_seconds"]), tuple(approver_names(one.get("to")))) for one in escalation]
    return sorted(found, key=lambda rung: rung.after)


def next_due(
    escalation: Any,
    climbed: int,
    asked_at: datetime,
    deadline: datetime | None,
    calendar: Calendar | None = None,
) -> datetime | None:
    """The next moment at which something happens to a request of which so many rungs are behind."""
    rungs = rungs_of(escalation)
    if climbed < len(rungs):
        at_ = later(asked_at, rungs[climbed].after, calendar)
        return at_ if deadline is None else min(at_, deadline)
    return deadline


def faults_of(escalation: Any, path: str) -> list[Issue]:
    """Everything that is wrong with it, each in its place."""
    if escalation is None or holds_template(escalation):
        return []
    if not isinstance(escalation, list):
        text = f"escalation is a list like [{{after_seconds: 14400}}]; it is {show(escalation)}."
        return [Issue(path, "wrong_type", text)]
    if len(escalation) > MOST_RUNGS:
        return [Issue(path, "out_of_range", f"An escalation has at most {MOST_RUNGS} rungs.")]
    return [issue for place, one in enumerate(escalation) for issue in _faults(one, at(path, place))]


def _faults(rung: Any, path: str) -> list[Issue]:
    if not isinstance(rung, dict):
        text = f"A rung is a map with after_seconds, and to for whom it is escalated; it is {show(rung)}."
        return [Issue(path, "wrong_type", text)]
    issues = [
        Issue(at(path, name), "unknown_field", f"A rung has no {show(name)}; it has after_seconds and to.")
        for name in rung
        if name not in _KNOWN
    ]
    after = rung.get("after_seconds")
    is_sound = isinstance(after, int | float) and has_type(after, "number") and 1 <= after <= LONGEST
    if not holds_template(after) and not is_sound:
        text = f"after_seconds is from 1 second to 31 days; it is {show(after)}."
        issues.append(Issue(at(path, "after_seconds"), "out_of_range", text))
    to = rung.get("to")
    if to is not None and not holds_template(to) and not _are_names(to):
        text = f"to is a name or a list of names: users, or group:name; it is {show(to)}."
        issues.append(Issue(at(path, "to"), "wrong_type", text))
    return issues


def _are_names(to: Any) -> bool:
    given: Sequence[Any] = to if isinstance(to, list) else [to]
    return all(isinstance(name, str) for name in given) and bool(approver_names(to))
