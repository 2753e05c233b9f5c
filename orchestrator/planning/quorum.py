"""When those who were asked have decided: how many of them it takes, and what one rejection means.

Each approver that a gate names is a seat: a user, or a group, for which one of its members speaks. A person votes once and
fills one seat, their own before that of a group.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from orchestrator.definition.fields import holds_template

ANY: Final = "any"
ALL: Final = "all"
GROUP: Final = "group:"
_PERCENT: Final = re.compile(r"(\d{1,3})\s*%")
_OF_EACH: Final = re.compile(r"(\d{1,6})\s+of\s+(\S.*)")

Verdict = Literal["approved", "rejected", ""]


@dataclass(frozen=True, slots=True)
class Ballot:
    """One person's decision, on one level. `names` are the approvers for whom this person may speak."""

    user_id: int
    username: str
    names: tuple[str, ...]
    approves: bool
    in_place_of: str = ""
    in_place_of_id: int | None = None
    level: int = 1

    @property
    def people(self) -> set[int | None]:
        """Whose vote it is: of whoever cast it, and of whoever it was cast for."""
        return {self.user_id, self.in_place_of_id} - {None}

    def as_json(self) -> dict[str, Any]:
        decision = "approved" if self.approves else "rejected"
        said = {"user": self.user_id, "by": self.username, "for": list(self.names), "decision": decision}
        if self.in_place_of:
            said |= {"in_place_of": self.in_place_of, "in_place_of_id": self.in_place_of_id}
        return {**said, "level": self.level} if self.level != 1 else said

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Ballot:
        return cls(
            stored["user"],
            stored["by"],
            tuple(stored["for"]),
            stored["decision"] == "approved",
            stored.get("in_place_of", ""),
            stored.get("in_place_of_id"),
            stored.get("level", 1),
        )


def read(quorum: Any) -> Any:
    """ "2 of group:finance, 1 of ann" as the map that says the same; anything else as it is."""
    parts = [part.strip() for part in quorum.split(",")] if isinstance(quorum, str) else []
    found = [each for part in parts if (each := _OF_EACH.fullmatch(part))]
    wanted = {each[2]: int(each[1]) for each in found}
    return wanted if found and len(wanted) == len(parts) else quorum


def fault_of(quorum: Any, names: Sequence[str]) -> str:
    """Why a gate with these approvers can never reach this quorum, or what is wrong with it; '' when nothing is."""
    quorum = read(quorum)
    if isinstance(quorum, dict):
        return _fault_of_each(quorum, names)
    if quorum in (None, ANY, ALL):
        return ""
    if isinstance(quorum, str) and (found := _PERCENT.fullmatch(quorum.strip())):
        return "" if 1 <= int(found[1]) <= 100 else "A share is from 1% to 100%."
    if not isinstance(quorum, int) or isinstance(quorum, bool) or quorum < 1:
        return _WHAT
    people = [name for name in names if not name.startswith(GROUP)]
    if len(people) == len(names) and quorum > len(people):
        return (
            f"It takes {quorum} approvals, and only {len(people)} may give one. Name more, or ask for fewer."
        )
    return ""


_WHAT: Final = (
    "A quorum is any, all, a number of people such as 2, a share such as 60%, or how many of each, such as "
    "2 of group:finance, 1 of ann."
)


def _fault_of_each(wanted: dict[Any, Any], names: Sequence[str]) -> str:
    """What is wrong with a map that says how many of each it takes."""
    for name, count in wanted.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            return f"How many of {name} it takes is a whole number from 1."
        if name not in names and not any(holds_template(one) for one in names):
            return f"{name} is none of the approvers: name them there, too."
        if count > 1 and not name.startswith(GROUP) and not holds_template(name):
            return f"{name} is one person; write group:{name} if it is a group."
    return "" if wanted else _WHAT


def verdict(quorum: Any, names: Sequence[str], ballots: Sequence[Ballot], *, veto: bool) -> Verdict:
    """What the ballots so far decide; '' while it is open. With `veto` one rejection is enough."""
    quorum = read(quorum)
    if veto and any(not ballot.approves for ballot in ballots):
        return "rejected"
    approvals = [ballot for ballot in ballots if ballot.approves]
    needed, given = _needed(quorum, names), _given(quorum, names, approvals)
    if given >= needed:
        return "approved"
    return "rejected" if given + _may_yet_come(quorum, names, ballots) < needed else ""


def said(quorum: Any, names: Sequence[str]) -> str:
    """How many it takes, in words: "one is enough", "all of them", "2 of them"."""
    quorum = read(quorum)
    if isinstance(quorum, dict):
        return " and ".join(f"{count} of {name.removeprefix(GROUP)}" for name, count in quorum.items())
    if _counts_people(quorum):
        needed = _needed(quorum, names)
        return "one is enough" if needed == 1 else f"{needed} of them"
    needed = _needed(quorum, names)
    return "all of them" if needed == len(names) else f"{needed} of {len(names)}"


def progress(quorum: Any, names: Sequence[str], ballots: Sequence[Ballot]) -> tuple[int, int]:
    """How many of how many approvals there are."""
    quorum = read(quorum)
    return _given(quorum, names, [one for one in ballots if one.approves]), _needed(quorum, names)


def _counts_people(quorum: Any) -> bool:
    """Any and a plain number count people; all, a share and a map count seats."""
    return quorum is None or quorum == ANY or isinstance(quorum, int)


def _needed(quorum: Any, names: Sequence[str]) -> int:
    if isinstance(quorum, dict):
        return sum(quorum.values())
    if quorum in (None, ANY):
        return 1
    if isinstance(quorum, int):
        return quorum
    if quorum == ALL:
        return max(1, len(names))
    found = _PERCENT.fullmatch(str(quorum).strip())
    share = int(found[1]) if found else 100
    return max(1, math.ceil(share * len(names) / 100))


def _given(quorum: Any, names: Sequence[str], approvals: Sequence[Ballot]) -> int:
    if _counts_people(quorum):
        return len({ballot.user_id for ballot in approvals})
    if isinstance(quorum, dict):
        return _seated(quorum, [ballot.names for ballot in approvals])
    return len(_filled(names, approvals))


def _seated(wanted: dict[str, int], voices: Sequence[Sequence[str]]) -> int:
    """How many of the seats these can fill at most, each of them one, in whatever way they are placed."""
    seats = [name for name, count in wanted.items() for _ in range(count)]
    holder: dict[int, int] = {}

    def seat(voice: int, tried: set[int]) -> bool:
        for place, name in enumerate(seats):
            if name in voices[voice] and place not in tried:
                tried.add(place)
                if place not in holder or seat(holder[place], tried):
                    holder[place] = voice
                    return True
        return False

    return sum(seat(voice, set()) for voice in range(len(voices)))


def _filled(names: Sequence[str], ballots: Sequence[Ballot]) -> set[str]:
    """The seats that these fill, each person one: whoever has the least choice first."""
    filled: set[str] = set()
    for ballot in sorted(ballots, key=lambda one: len(one.names)):
        own = sorted(
            (name for name in names if name in ballot.names), key=lambda name: name.startswith(GROUP)
        )
        free = next((name for name in own if name not in filled), None)
        if free is not None:
            filled.add(free)
    return filled


def _may_yet_come(quorum: Any, names: Sequence[str], ballots: Sequence[Ballot]) -> int:
    """How many more approvals there may be at most. How many are in a group is not known here, nor need it stay so."""
    voted = {name for ballot in ballots for name in ballot.names}
    open_people = [name for name in names if not name.startswith(GROUP) and name not in voted]
    groups = [name for name in names if name.startswith(GROUP)]
    if _counts_people(quorum):
        return len(names) * 1000 if groups else len(open_people)
    if isinstance(quorum, dict):
        given = [ballot.names for ballot in ballots if ballot.approves]
        others = [
            (name,) for name in [*open_people, *(one for one in groups for _ in range(quorum.get(one, 0)))]
        ]
        return _seated(quorum, [*given, *others]) - _seated(quorum, given)
    approved = _filled(names, [ballot for ballot in ballots if ballot.approves])
    return len(open_people) + len([name for name in groups if name not in approved])
