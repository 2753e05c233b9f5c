"""Who decides in whose place: the rules as tables, and a clock that moves over their edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.planning.delegation import Absence, Asked, Decider, Right, refusal, right_of

ANN, BOB, CID = 1, 2, 3
FINANCE, LEGAL = 10, 20
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(days: float) -> datetime:
    return NOON + timedelta(days=days)


def away(
    person: int = ANN, to: int = BOB, start: float = 0, end: float = 5, revoked: float | None = None
) -> Absence:
    return Absence(person, to, at(start), at(end), None if revoked is None else at(revoked))


@pytest.mark.parametrize(
    ("absence", "holds_on"),
    [
        (away(), {0, 1, 2, 3, 4}),  # its first moment, and not its last
        (away(start=2), {2, 3, 4}),
        (away(revoked=3), {0, 1, 2}),  # what was before it was revoked stays as it was
        (away(start=2, revoked=1), set()),  # revoked before it began
        (away(revoked=9), {0, 1, 2, 3, 4}),  # revoked when it was over
    ],
    ids=["as given", "later", "revoked", "revoked before", "revoked after"],
)
def test_a_delegation_holds_on(absence: Absence, holds_on: set[int]) -> None:
    assert {day for day in range(-1, 8) if absence.holds(at(day))} == holds_on


REFUSED = {
    "to oneself": (away(to=ANN), [], "self"),
    "ends as it begins": (away(start=1, end=1), [], "ends_too_soon"),
    "ends before it begins": (away(start=3, end=2), [], "ends_too_soon"),
    "is over": (away(start=-2, end=0), [], "over"),
    "longer than a year": (away(end=366.1), [], "too_long"),
    "begins in more than a year": (away(start=366.1, end=367), [], "too_far"),
    "away twice, to two people": (away(), [away(to=CID, start=4, end=9)], "already_away"),
    "away twice, to the same": (away(), [away(start=4, end=9)], "already_away"),
    "for each other": (away(), [away(BOB, ANN, 4, 9)], "cycle"),
    "for each other, the other way round": (away(BOB, ANN), [away(ANN, BOB, -9, 1)], "cycle"),
}
ALLOWED = {
    "the first": (away(), []),
    "of a year": (away(end=366), []),
    "one after the other": (away(), [away(to=CID, start=5, end=9)]),
    "one before the other": (away(), [away(to=CID, start=-5, end=0)]),
    "another was revoked": (away(), [away(to=CID, start=-1, end=9, revoked=-0.5)]),
    "another was revoked before it began": (away(), [away(to=CID, start=2, end=9, revoked=1)]),
    "for each other at other times": (away(), [away(BOB, ANN, 5, 9)]),
    "a delegate who is away": (away(), [away(BOB, CID)]),
    "one delegate for two people": (away(), [away(CID, BOB)]),
    "three in a ring, for nothing is passed on": (away(CID, ANN), [away(ANN, BOB), away(BOB, CID)]),
}


@pytest.mark.parametrize(("new", "known", "code"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused(new: Absence, known: list[Absence], code: str) -> None:
    found = refusal(new, known, NOON)
    assert found is not None
    assert found.code == code
    assert found.is_conflict == bool(known)
    assert found.message.endswith(".")


@pytest.mark.parametrize(("new", "known"), ALLOWED.values(), ids=ALLOWED)
def test_it_is_allowed(new: Absence, known: list[Absence]) -> None:
    assert refusal(new, known, NOON) is None


def test_what_is_refused_today_is_allowed_once_the_other_is_revoked() -> None:
    other = away(to=CID)
    assert refusal(away(), [other], NOON) is not None
    assert refusal(away(start=1), [replace(other, revoked_at=at(1))], at(1)) is None


ann = Decider(ANN, "ann", frozenset({FINANCE}))
bob = Decider(BOB, "bob", frozenset())
cid = Decider(CID, "cid", frozenset({LEGAL}))


def user(number: int, name: str) -> Asked:
    return Asked(number, name, None)


def group(number: int, name: str) -> Asked:
    return Asked(None, f"group:{name}", number)


asks_ann, asks_bob, asks_cid = user(ANN, "ann"), user(BOB, "bob"), user(CID, "cid")
asks_finance, asks_legal = group(FINANCE, "finance"), group(LEGAL, "legal")

# What is asked of bob, those he decides for, who is asked, who started the run: what he may.
RIGHTS = {
    "asked": ([], [asks_bob], None, Right("asked")),
    "not asked": ([], [asks_ann], None, Right("nobody")),
    "nobody is asked": ([ann], [], None, Right("nobody")),
    "for one who is asked": ([ann], [asks_ann], None, Right("delegated", ann)),
    "for one who is asked by name before the account was": (
        [ann],
        [Asked(None, "ann", None)],
        None,
        Right("delegated", ann),
    ),
    "for a member of a group": ([ann], [asks_finance], None, Right("delegated", ann)),
    "not for a group of another": ([ann], [asks_legal], None, Right("nobody")),
    "asked and delegated counts as asked": ([ann], [asks_ann, asks_bob], None, Right("asked")),
    "of two for the one named first": ([ann, cid], [asks_cid, asks_ann], None, Right("delegated", cid)),
    "of two, one of whom is asked": ([ann, cid], [asks_legal], None, Right("delegated", cid)),
    "of two in one group for the first": (
        [replace(cid, groups=frozenset({FINANCE})), ann],
        [asks_finance],
        None,
        Right("delegated", ann),
    ),
    "not on what one started": ([], [asks_bob], BOB, Right("requester")),
    "not on what one started for another": ([ann], [asks_ann], BOB, Right("requester")),
    "not on what who is away started": ([ann], [asks_ann], ANN, Right("requester", ann)),
    "asked, though who is away started it": ([ann], [asks_ann, asks_bob], ANN, Right("asked")),
    "for the one who did not start it": ([ann, cid], [asks_ann, asks_cid], ANN, Right("delegated", cid)),
    "who started it and is not asked is nobody": ([], [asks_ann], BOB, Right("nobody")),
}


@pytest.mark.parametrize(("others", "asked", "requester", "expected"), RIGHTS.values(), ids=RIGHTS)
def test_bob_decides(
    others: list[Decider], asked: list[Asked], requester: int | None, expected: Right
) -> None:
    found = right_of(bob, others, asked, requester)
    assert found == expected
    assert found.may == (expected.word in {"asked", "delegated"})
