"""Whether there are people enough to decide a gate: what is wrong with its levels, and who must not vote too early.

One person decides on one level. Where all who may are named one by one it is known whether there are enough of them; who
is in a group is not known here, nor need it stay so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.definition.fields import Field, Parts, has_type, holds_template
from orchestrator.definition.issues import Issue, at, show
from orchestrator.definition.normal import approver_names
from orchestrator.planning import ladder, quorum
from orchestrator.planning.quorum import GROUP

MOST_LEVELS: Final = 10
MAX_PATIENCE: Final = 31 * 86_400  # seconds that a level may wait
NAME_LENGTH: Final = 100
ON_TIMEOUT: Final = ("reject", "approve", "fail", "escalate")
IN_ORDER: Final = "in_order"
TOGETHER: Final = "together"
ORDERS: Final = (IN_ORDER, TOGETHER)
LEVELS: Final = Parts(
    "level",
    (
        Field("name", "string", "What people read.", max_length=NAME_LENGTH, example="Finance"),
        Field(
            "approvers",
            "any",
            "Names of users or group:name, separated by commas.",
            required=True,
            widget="people",
        ),
        Field(
            "quorum",
            "any",
            "any, all, a number, a share such as 60%, or how many of each: 2 of group:finance, 1 of ann.",
            widget="loose",
            example="any",
        ),
        Field(
            "timeout_seconds",
            "number",
            "",
            label="Wait at most",
            minimum=1,
            maximum=MAX_PATIENCE,
        ),
        Field("on_timeout", "string", "", label="Then", enum=ON_TIMEOUT, templated=False),
        Field("veto", "boolean", "Whether one rejection is enough.", templated=False, advanced=True),
        Field(
            "escalation",
            "list",
            "What happens while nobody decides, instead of what the gate says.",
            parts=ladder.RUNGS,
            advanced=True,
        ),
    ),
)
_KNOWN: Final = tuple(field.name for field in LEVELS.fields)


@dataclass(frozen=True, slots=True)
class Need:
    """How many of these people a level still takes; None: of people that are not known one by one."""

    name: str
    count: int
    people: frozenset[str] | None


def lacking(needs: Sequence[Need]) -> list[int]:
    """The places of levels that want more people than there are for them together; none when each may get its own."""
    slots = [place for place, need in enumerate(needs) if need.people is not None for _ in range(need.count)]
    holder: dict[str, int] = {}  # person → number of the slot they fill
    for slot, _ in enumerate(slots):
        seen: set[str] = set()
        if not _seat(slot, slots, needs, holder, seen):
            return sorted({slots[slot], *(slots[holder[one]] for one in seen)})
    return []


def _seat(
    slot: int, slots: Sequence[int], needs: Sequence[Need], holder: dict[str, int], seen: set[str]
) -> bool:
    """Give the slot somebody, who may leave another slot to somebody else for it."""
    for person in sorted(needs[slots[slot]].people or ()):
        if person in seen:
            continue
        seen.add(person)
        if person not in holder or _seat(holder[person], slots, needs, holder, seen):
            holder[person] = slot
            return True
    return False


def need_of(
    name: str, asked: Any, names: Sequence[str], *, more: bool, given: int = 0, gone: Iterable[str] = ()
) -> Need:
    """What a level still needs. `more`: others may come to decide it; `gone` have decided already."""
    is_known = not more and not any(one.startswith(GROUP) or holds_template(one) for one in names)
    needed = max(0, quorum.progress(asked, names, [])[1] - given)
    return Need(name, needed, frozenset(names) - set(gone) if is_known else None)


def said(needs: Sequence[Need], places: Sequence[int]) -> str:
    """That these levels want more people than there are."""
    wanted = sum(needs[place].count for place in places)
    people = sorted({person for place in places for person in needs[place].people or ()})
    names = " and ".join(f"“{needs[place].name}”" for place in places)
    there = f"only {', '.join(people)} may give them" if people else "nobody may give one"
    return (
        f"Nobody can decide this: {names} take {wanted} approvals of different people, and {there}. One person "
        "decides on one level; name more people or a group."
    )


# What a definition says


def faults_of(given: Mapping[str, Any], path: str) -> list[Issue]:
    """Everything that is wrong with the levels of a gate, each in its place."""
    levels, where = given.get("levels"), at(path, "levels")
    if levels is None or holds_template(levels):
        return []
    if given.get("approvers") not in (None, []):
        text = "Give approvers or levels, not both: a gate with approvers has one level."
        return [Issue(where, "levels_and_approvers", text)]
    if not isinstance(levels, list) or not 1 <= len(levels) <= MOST_LEVELS:
        text = f"levels is a list of 1 to {MOST_LEVELS} maps such as {{name: Team lead, approvers: [ann]}}."
        return [Issue(where, "wrong_type", text)]
    issues = [
        issue for place, one in enumerate(levels) for issue in _level_faults(one, given, at(where, place))
    ]
    return issues or _distinct(given, levels, where)


def dead_end(given: Mapping[str, Any], path: str) -> list[Issue]:
    """A level whose time leads on to others, where there are none."""
    levels = given.get("levels") or [given]
    if not isinstance(levels, list) or not all(isinstance(one, dict) for one in levels):
        return []
    in_order = given.get("order") != TOGETHER
    last = len(levels) - 1
    text = (
        "escalate asks others once the time is over, and there are none: give escalation a rung with to, or "
        "choose reject, approve or fail."
    )
    where = [at(at(path, "levels"), place) if "levels" in given else path for place in range(len(levels))]
    return [
        Issue(at(where[place], "on_timeout"), "nobody_to_escalate_to", text)
        for place, one in enumerate(levels)
        if one.get("on_timeout", given.get("on_timeout")) == "escalate"
        and not (in_order and place < last)
        and not asks_others(one.get("escalation", given.get("escalation")))
    ]


def asks_others(escalation: Any) -> bool:
    """Whether a ladder leads to others, as far as the definition tells."""
    if not isinstance(escalation, list):
        return holds_template(escalation)
    return any(isinstance(rung, dict) and rung.get("to") for rung in escalation)


def approver_faults(approvers: Any, where: str) -> list[Issue]:
    """What is wrong with the names of those who may decide."""
    if holds_template(approvers):
        return []
    if not isinstance(approvers, str | list | None):
        return [
            Issue(where, "wrong_type", f"approvers is a name or a list of names; it is {show(approvers)}.")
        ]
    if isinstance(approvers, list):
        wrong = [index for index, name in enumerate(approvers) if not isinstance(name, str)]
        if wrong:
            return [Issue(at(where, index), "wrong_type", "An approver is a name.") for index in wrong]
    names = approver_names(approvers)
    if not names:
        text = "Nobody can decide this approval; name at least one approver: a user, or group:name."
        return [Issue(where, "no_approver", text)]
    return [
        Issue(where, "no_approver", f"{show(name)} names no group; write group:name.")
        for name in names
        if name == GROUP
    ]


def quorum_faults(asked: Any, approvers: Any, where: str) -> list[Issue]:
    """Why those named can never reach the quorum."""
    if holds_template(asked) or holds_template(approvers):
        return []
    names = approver_names(approvers)
    if any(holds_template(name) for name in names):
        names = ["group:whoever"]  # what a parameter gives may be several
    fault = quorum.fault_of(asked, names)
    return [Issue(where, "no_quorum", fault)] if fault else []


def timeout_faults(seconds: Any, where: str) -> list[Issue]:
    if seconds is None or holds_template(seconds):
        return []
    if has_type(seconds, "number") and 1 <= seconds <= MAX_PATIENCE:
        return []
    text = f"The timeout of an approval is from 1 second to 31 days; it is {show(seconds)}."
    return [Issue(where, "out_of_range", text)]


def _level_faults(level: Any, gate: Mapping[str, Any], path: str) -> list[Issue]:
    if not isinstance(level, dict):
        return [
            Issue(path, "wrong_type", f"A level is a map with approvers, and a name; it is {show(level)}.")
        ]
    issues = [
        Issue(at(path, name), "unknown_field", f"A level has no {show(name)}; it has {', '.join(_KNOWN)}.")
        for name in level
        if name not in _KNOWN
    ]
    name, veto, outcome = level.get("name"), level.get("veto"), level.get("on_timeout")
    if name is not None and not (isinstance(name, str) and len(name) <= NAME_LENGTH):
        text = f"The name of a level is text of at most {NAME_LENGTH} characters."
        issues.append(Issue(at(path, "name"), "wrong_type", text))
    if veto is not None and not isinstance(veto, bool):
        issues.append(Issue(at(path, "veto"), "wrong_type", f"veto is true or false; it is {show(veto)}."))
    if outcome is not None and outcome not in ON_TIMEOUT:
        text = f"{show(outcome)} is none of the choices: {', '.join(ON_TIMEOUT)}."
        issues.append(Issue(at(path, "on_timeout"), "not_in_enum", text))
    return [
        *issues,
        *approver_faults(level.get("approvers"), at(path, "approvers")),
        *quorum_faults(level.get("quorum", gate.get("quorum")), level.get("approvers"), at(path, "quorum")),
        *ladder.faults_of(level.get("escalation"), at(path, "escalation")),
        *timeout_faults(level.get("timeout_seconds"), at(path, "timeout_seconds")),
    ]


def _distinct(given: Mapping[str, Any], levels: Sequence[Mapping[str, Any]], where: str) -> list[Issue]:
    """That the levels together have as many people as they take."""
    needs = [
        _need(one, f"{one.get('name') or f'Level {number}'}", given) for number, one in enumerate(levels, 1)
    ]
    places = lacking(needs)
    return [Issue(at(where, places[-1]), "too_few_people", said(needs, places))] if places else []


def _need(level: Mapping[str, Any], name: str, gate: Mapping[str, Any]) -> Need:
    approvers, asked = level.get("approvers"), level.get("quorum", gate.get("quorum"))
    is_open = (
        holds_template(approvers)
        or holds_template(asked)
        or asks_others(level.get("escalation", gate.get("escalation")))
    )
    return need_of(name, None if holds_template(asked) else asked, approver_names(approvers), more=is_open)
