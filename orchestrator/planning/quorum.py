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

ANY: Final = "any"
ALL: Final = "all"
GROUP: Final = "group:"
_PERCENT: Final = re.compile(r"(\d{1,3})\s*%")

Verdict = Literal["approved", "rejected", ""]


@dataclass(frozen=True, slots=True)
class Ballot:
    """One person's decision. `names` are the approvers for whom this person may speak."""

    user_id: int
    username: str
    names: tuple[str, ...]
    approves: bool
    in_place_of: str = ""

    def as_json(self) -> dict[str, Any]:
        decision = "approved" if self.approves else "rejected"
        said = {"user": self.user_id, "by": self.username, "for": list(self.names), "decision": decision}
        return {**said, "in_place_of": self.in_place_of} if self.in_place_of else said

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Ballot:
        return cls(
            stored["user"],
            stored["by"],
            tuple(stored["for"]),
            stored["decision"] == "approved",
            stored.get("in_place_of", ""),
        )


def fault_of(quorum: Any, names: Sequence[str]) -> str:
    """Why a gate with these approvers can never reach this quorum, or what is wrong with it; '' when nothing is."""
    if quorum in (None, ANY, ALL):
        return ""
    if isinstance(quorum, str) and (found := _PERCENT.fullmatch(quorum.strip())):
        return "" if 1 <= int(found[1]) <= 100 else "A share is from 1% to 100%."
    if not isinstance(quorum, int) or isinstance(quorum, bool) or quorum < 1:
        return "A quorum is any, all, a number of people such as 2, or a share such as 60%."
    people = [name for name in names if not name.startswith(GROUP)]
    if len(people) == len(names) and quorum > len(people):
        return (
            f"It takes {quorum} approvals, and only {len(people)} may give one. Name more, or ask for fewer."
        )
    return ""


def verdict(quorum: Any, names: Sequence[str], ballots: Sequence[Ballot], *, veto: bool) -> Verdict:
    """What the ballots so far decide; '' while it is open. With `veto` one rejection is enough."""
    if veto and any(not ballot.approves for ballot in ballots):
        return "rejected"
    approvals = [ballot for ballot in ballots if ballot.approves]
    needed, given = _needed(quorum, names), _given(quorum, names, approvals)
    if given >= needed:
        return "approved"
    return "rejected" if given + _may_yet_come(quorum, names, ballots) < needed else ""


def said(quorum: Any, names: Sequence[str]) -> str:
    """How many it takes, in words: "one is enough", "all of them", "2 of them"."""
    if _counts_people(quorum):
        needed = _needed(quorum, names)
        return "one is enough" if needed == 1 else f"{needed} of them"
    needed = _needed(quorum, names)
    return "all of them" if needed == len(names) else f"{needed} of {len(names)}"


def progress(quorum: Any, names: Sequence[str], ballots: Sequence[Ballot]) -> tuple[int, int]:
    """How many of how many approvals there are."""
    return _given(quorum, names, [one for one in ballots if one.approves]), _needed(quorum, names)


def _counts_people(quorum: Any) -> bool:
    """Any and a plain number count people; all and a share count seats."""
    return quorum in (None, ANY) or isinstance(quorum, int)


def _needed(quorum: Any, names: Sequence[str]) -> int:
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
    return len(_filled(names, approvals))


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
    approved = _filled(names, [ballot for ballot in ballots if ballot.approves])
    return len(open_people) + len([name for name in groups if name not in approved])
