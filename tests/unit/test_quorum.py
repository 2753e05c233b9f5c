"""When those who were asked have decided, as a table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.planning.quorum import Ballot, fault_of, progress, said, verdict

PEOPLE = {"ann": 1, "bob": 2, "cas": 3, "dan": 4}


def ballots(*words: str) -> list[Ballot]:
    """ "+ann" approves, "-bob" rejects, "+cas@finance" approves for a group, "+ann,finance" for either."""
    found = []
    for word in words:
        name, _, groups = word[1:].partition("@")
        own, _, more = name.partition(",")
        names = [
            *([own] if not groups else []),
            *(f"group:{one}" for one in (groups or more).split(",") if one),
        ]
        found.append(Ballot(PEOPLE[own], own, tuple(names), word[0] == "+"))
    return found


@pytest.mark.parametrize(
    ("quorum", "names", "cast", "veto", "decided"),
    [
        ("any", "ann bob", "", True, ""),
        (None, "ann bob", "+bob", True, "approved"),
        ("any", "ann bob", "-bob", True, "rejected"),
        ("any", "ann bob", "-bob", False, ""),
        ("any", "ann bob", "-bob -ann", False, "rejected"),
        ("any", "ann bob", "-bob +ann", False, "approved"),
        ("any", "group:finance", "-cas@finance", False, ""),
        ("all", "ann bob", "+ann", True, ""),
        ("all", "ann bob", "+ann +bob", True, "approved"),
        ("all", "ann bob", "+ann -bob", True, "rejected"),
        ("all", "ann bob", "-bob", False, "rejected"),
        ("all", "ann group:finance", "+cas@finance", True, ""),
        ("all", "ann group:finance", "+cas@finance +ann", True, "approved"),
        ("all", "ann group:finance", "-cas@finance +ann", False, ""),
        ("all", "ann group:finance", "-cas@finance +ann +dan@finance", False, "approved"),
        # One person, one vote: ann fills her own seat, and another must speak for the group.
        ("all", "ann group:finance", "+ann,finance", True, ""),
        ("all", "ann group:finance", "+ann,finance +cas@finance", True, "approved"),
        ("all", "group:law group:finance", "+ann@law,finance +bob@law", True, "approved"),
        (2, "ann bob cas", "+ann", True, ""),
        (2, "ann bob cas", "+ann +cas", True, "approved"),
        (2, "ann bob cas", "-ann +cas", False, ""),
        (2, "ann bob cas", "-ann -cas", False, "rejected"),
        (2, "group:finance", "+ann@finance", True, ""),
        (2, "group:finance", "+ann@finance +bob@finance", True, "approved"),
        ("60%", "ann bob cas", "+ann", True, ""),
        ("60%", "ann bob cas", "+ann +bob", True, "approved"),
        ("50%", "ann bob cas dan", "-ann -bob", False, ""),
        ("50%", "ann bob cas dan", "-ann -bob -cas", False, "rejected"),
        ("1%", "ann bob", "+ann", True, "approved"),
        ("100%", "ann bob", "+ann", True, ""),
        ({"group:law": 1, "group:finance": 2}, "group:law group:finance", "+ann@law +bob@finance", True, ""),
        (
            {"group:law": 1, "group:finance": 2},
            "group:law group:finance",
            "+ann@law,finance +bob@finance +cas@finance",
            True,
            "approved",
        ),
        # Whoever is in both fills the seat that is left.
        (
            {"group:law": 1, "group:finance": 1},
            "group:law group:finance",
            "+ann@law,finance +bob@law",
            True,
            "approved",
        ),
        ("1 of group:law, 1 of ann", "ann group:law", "+bob@law", True, ""),
        ("1 of group:law, 1 of ann", "ann group:law", "+bob@law +ann", True, "approved"),
        ("1 of ann", "ann bob", "-ann", False, "rejected"),
        ({"ann": 1}, "ann bob", "+bob", True, ""),
        ({"ann": 1}, "ann bob", "-ann", False, "rejected"),
        ({"ann": 1, "group:law": 1}, "ann group:law", "-bob@law", False, ""),
    ],
)
def test_verdict(quorum: Any, names: str, cast: str, veto: bool, decided: str) -> None:
    assert verdict(quorum, names.split(), ballots(*cast.split()), veto=veto) == decided


@pytest.mark.parametrize(
    ("quorum", "names", "why"),
    [
        ("any", "ann", ""),
        ("all", "ann", ""),
        (2, "ann bob", ""),
        (3, "ann bob", "only 2 may"),
        (3, "ann group:finance", ""),
        ("60%", "ann", ""),
        ("0%", "ann", "from 1%"),
        ("101%", "ann", "from 1%"),
        (0, "ann", "A quorum is"),
        (True, "ann", "A quorum is"),
        (1.5, "ann", "A quorum is"),
        ("most", "ann", "A quorum is"),
        ([2], "ann", "A quorum is"),
        ({"group:law": 2, "ann": 1}, "ann group:law", ""),
        ("2 of group:law, 1 of ann", "ann group:law", ""),
        ("2 of ann", "ann", "one person"),
        ("1 of bob", "ann", "none of the approvers"),
        ("0 of ann", "ann", "a whole number"),
        ("1 of ann, 1 of ann", "ann", "A quorum is"),
        ("1 of ann, bob", "ann bob", "A quorum is"),
        ("1 of", "ann", "A quorum is"),
        ({}, "ann", "A quorum is"),
        ({"bob": 1}, "ann", "none of the approvers"),
        ({"ann": 2}, "ann", "one person"),
        ({"ann": 0}, "ann", "a whole number"),
        ({"ann": True}, "ann", "a whole number"),
    ],
)
def test_what_can_never_be_reached_is_said(quorum: Any, names: str, why: str) -> None:
    fault = fault_of(quorum, names.split())
    assert (why in fault) if why else fault == ""


@pytest.mark.parametrize(
    ("quorum", "words"),
    [
        ("any", "one is enough"),
        ("all", "all of them"),
        (2, "2 of them"),
        ("60%", "2 of 3"),
        ("100%", "all of them"),
        ({"ann": 1, "group:law": 2}, "1 of ann and 2 of law"),
        ("1 of ann,2  of group:law", "1 of ann and 2 of law"),
    ],
)
def test_how_many_it_takes_in_words(quorum: Any, words: str) -> None:
    assert said(quorum, ["ann", "bob", "cas"]) == words


def test_progress() -> None:
    assert progress("1 of ann, 1 of cas", ["ann", "bob", "cas"], ballots("+ann", "+bob")) == (1, 2)
    assert progress("all", ["ann", "bob", "cas"], ballots("+ann", "-bob")) == (1, 3)


_QUORUMS = st.sampled_from(["any", "all", 1, 2, 3, "50%", "67%"])
_CAST = st.permutations(sorted(PEOPLE)).flatmap(
    lambda order: st.lists(st.booleans(), max_size=4).map(
        lambda yes: [f"{'+' if one else '-'}{name}" for one, name in zip(yes, order, strict=False)]
    )
)


@given(_QUORUMS, _CAST, st.booleans())
def test_when_everybody_has_voted_it_is_decided(quorum: Any, cast: list[str], veto: bool) -> None:
    names = sorted(PEOPLE)
    decided = verdict(quorum, names, ballots(*cast), veto=veto)
    if len(cast) == len(names):
        assert decided
    # One more vote never takes a decision back, but for a veto.
    for more in ("+", "-"):
        left = [name for name in names if name not in {word[1:] for word in cast}]
        if left and decided and not veto:
            assert verdict(quorum, names, ballots(*cast, more + left[0]), veto=veto) == decided
