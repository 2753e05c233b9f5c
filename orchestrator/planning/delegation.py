"""Who decides in whose place while somebody is away.

The rules, in short: a delegate decides what names the person or a group of theirs, beside the person. Nothing is passed on:
what somebody decides by delegation is not part of what they delegate themselves. Whoever started a run, or published what
runs, decides on it neither themselves nor through a delegate. One person has one delegate at a time, and two people not each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

LONGEST: Final = timedelta(days=366)
FURTHEST: Final = timedelta(days=366)

Word = Literal["asked", "delegated", "requester", "author", "nobody"]


@dataclass(frozen=True, slots=True)
class Absence:
    """One delegation: who is away, who decides meanwhile, from when to when."""

    person: int
    to: int
    starts_at: datetime
    ends_at: datetime
    revoked_at: datetime | None = None

    @property
    def until(self) -> datetime:
        """When it is over: at its end, or when it was revoked before."""
        return self.ends_at if self.revoked_at is None else min(self.ends_at, self.revoked_at)

    def holds(self, now: datetime) -> bool:
        """Its first moment is part of it, its last is not."""
        return self.starts_at <= now < self.until

    def meets(self, other: Absence) -> bool:
        """Whether there is a moment at which both hold."""
        return max(self.starts_at, other.starts_at) < min(self.until, other.until)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a delegation is not made. `place` names the field it is about; a conflict is one with what there is."""

    code: str
    message: str
    place: str = ""

    @property
    def is_conflict(self) -> bool:
        return not self.place


def refusal(new: Absence, known: Iterable[Absence], now: datetime) -> Refusal | None:
    """What speaks against a new delegation; `known` are those of either of its two people."""
    return _wrong_in_itself(new, now) or _in_conflict(new, known)


def _wrong_in_itself(new: Absence, now: datetime) -> Refusal | None:
    if new.person == new.to:
        return Refusal("self", "Name somebody else: nobody decides in their own place.", "to")
    if new.ends_at <= new.starts_at:
        return Refusal("ends_too_soon", "It ends before it begins; choose a later end.", "ends_at")
    if new.ends_at <= now:
        return Refusal("over", "This time is over already; choose an end that is to come.", "ends_at")
    if new.ends_at - new.starts_at > LONGEST:
        return Refusal("too_long", f"It lasts at most {LONGEST.days} days; choose an earlier end.", "ends_at")
    if new.starts_at - now > FURTHEST:
        return Refusal(
            "too_far", f"It begins within {FURTHEST.days} days; choose an earlier start.", "starts_at"
        )
    return None


def _in_conflict(new: Absence, known: Iterable[Absence]) -> Refusal | None:
    meeting = [other for other in known if other.meets(new)]
    if any(other.person == new.person for other in meeting):
        return Refusal(
            "already_away",
            "Somebody decides for this person already in a part of that time; revoke that first, or choose other days.",
        )
    if any((other.person, other.to) == (new.to, new.person) for other in meeting):
        return Refusal(
            "cycle",
            "The other is away in a part of that time and has named this very person; choose somebody else.",
        )
    return None


@dataclass(frozen=True, slots=True)
class Asked:
    """One approver of a request, as it is stored."""

    user: int | None
    name: str
    group: int | None


@dataclass(frozen=True, slots=True)
class Decider:
    """A person with the groups they are in. `shown` is the name that people read."""

    id: int
    name: str
    groups: frozenset[int] = frozenset()
    shown: str = ""

    def is_named_by(self, asked: Asked) -> bool:
        return asked.user == self.id or asked.name == self.name or asked.group in self.groups


@dataclass(frozen=True, slots=True)
class Right:
    """Whether somebody decides, and for whom: None is for themselves."""

    word: Word
    of: Decider | None = None

    @property
    def may(self) -> bool:
        return self.word in {"asked", "delegated"}


def right_of(
    me: Decider,
    away: Sequence[Decider],
    asked: Sequence[Asked],
    requester: int | None,
    author: int | None = None,
) -> Right:
    """Whether `me` decides, themselves or for one of those `away`.

    Who is asked themselves decides for themselves, so that one person has one vote. Among several who are away it is for
    the one whom the request names first. `requester` is who started the run, and `author` who published what runs, each
    None where they may decide.
    """
    chosen = _for_whom(me, away, asked)
    if not chosen:
        return Right("nobody")
    if me.id in {requester, author}:
        return Right("requester" if me.id == requester else "author")
    free = next((one for one in chosen if one.id not in {requester, author}), None)
    if free is None:
        return Right("requester" if chosen[0].id == requester else "author", chosen[0])
    return Right("asked") if free.id == me.id else Right("delegated", free)


def _for_whom(me: Decider, away: Sequence[Decider], asked: Sequence[Asked]) -> list[Decider]:
    """Those whom the request names, `me` before all others."""
    if any(me.is_named_by(one) for one in asked):
        return [me]
    ordered = sorted(away, key=lambda one: one.id)
    return [person for one in asked for person in ordered if person.is_named_by(one)]
