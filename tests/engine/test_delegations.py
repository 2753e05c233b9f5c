"""Decisions in the place of somebody who is away, on a clock that moves, with what the record says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner, Result
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction

from orchestrator import engine
from orchestrator.cli import main
from orchestrator.cli.exits import Exit
from orchestrator.engine import delegations
from orchestrator.exceptions import BatonError, ConflictError, InvalidError, NotAllowedError
from orchestrator.models import Approval, Delegation, Run, Vote
from orchestrator.permissions import approvals_delegated, approvals_to_decide, can
from tests.engine.flows import flow, task
from tests.invariants import assert_invariants
from tests.people import person

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def days(number: float) -> datetime:
    return NOON + timedelta(days=number)


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(NOON, tick=False) as found:
        yield found


@pytest.fixture
def ann(clock: time_machine.Coordinates) -> User:
    return person("ann", "approver")


@pytest.fixture
def bob(ann: User) -> User:
    return person("bob", "approver")


@pytest.fixture
def cid(bob: User) -> User:
    return person("cid", "approver")


def asking(*approvers: str, user: User | None = None, **given: Any) -> Approval:
    """An open request, in a run that this user started."""
    gate = task(action="approval_gate", parameters={"title": "Pay?", "approvers": list(approvers), **given})
    workflow = engine.save_workflow(flow({"gate": gate, "pay": task("gate")}))
    return engine.start(workflow, user=user).approvals.get()


def decides(user: User, approval: Approval) -> bool:
    """Whether they do, by what lists and pages ask; and no part of Baton says otherwise."""
    found = approvals_to_decide(user).filter(pk=approval.pk).exists()
    assert found == approvals_to_decide(user, ever=True).filter(pk=approval.pk).exists()
    assert found == can(user, "approve", approval)
    assert found == (engine.approvals.right_to_decide(approval, user).word != "nobody")
    return found


def test_a_delegate_decides_while_it_holds_and_the_person_all_the_time(
    clock: time_machine.Coordinates, ann: User, bob: User
) -> None:
    approval = asking("ann")
    engine.delegate(ann, "bob", starts_at=days(1), ends_at=days(3))
    for day, expected in ((0, False), (0.99, False), (1, True), (2.99, True), (3, False), (9, False)):
        clock.move_to(days(day))
        assert decides(bob, approval) is expected, day
        assert approvals_delegated(bob).exists() is expected
        assert decides(ann, approval)
        assert not approvals_delegated(ann).exists()


def test_the_record_says_for_whom(ann: User, bob: User) -> None:
    approval = asking("ann")
    engine.delegate(ann, "bob", ends_at=days(3))
    engine.decide(approval.pk, "approve", user=bob, comment="fine")
    approval.refresh_from_db()
    assert (approval.status, approval.decided_by) == ("approved", bob)
    vote = Vote.objects.get()
    assert (vote.person, vote.for_person, vote.override) == (bob, ann, False)
    event = approval.run.events.get(type="approval.approved")
    assert (event.actor, event.data["on_behalf_of"]) == ("user:bob", "ann")
    output = approval.run.tasks.get(key="gate").output
    assert output == {"decision": "approved", "by": ["bob"], "comment": "fine", "for": ["ann"]}
    assert_invariants()


def test_a_rejection_says_it_too(ann: User, bob: User) -> None:
    approval = asking("ann")
    engine.delegate(ann, "bob", ends_at=days(3))
    engine.decide(approval.pk, "reject", user=bob, comment="no budget")
    run = Run.objects.get()
    assert "bob for ann rejected it: no budget" in run.error["message"]
    assert run.events.get(type="approval.rejected").data["on_behalf_of"] == "ann"


def test_of_what_one_decides_oneself_nothing_is_said_of_another(ann: User, bob: User) -> None:
    approval = asking("ann", "bob")
    engine.delegate(ann, "bob", ends_at=days(3))
    engine.decide(approval.pk, "approve", user=bob)
    assert Vote.objects.get().for_person is None
    assert "on_behalf_of" not in approval.run.events.get(type="approval.approved").data
    assert "for" not in approval.run.tasks.get(key="gate").output
    assert not approvals_delegated(bob).exists()


def test_a_group_of_who_is_away_is_decided_for_too(ann: User, bob: User, cid: User) -> None:
    finance = Group.objects.create(name="finance")
    ann.groups.add(finance)
    approval = asking("group:finance")
    engine.delegate(ann, "bob", ends_at=days(3))
    assert decides(bob, approval)
    assert not decides(cid, approval)
    engine.decide(approval.pk, "approve", user=bob)
    assert Vote.objects.get().for_person == ann


def test_nothing_is_passed_on(ann: User, bob: User, cid: User) -> None:
    engine.delegate(ann, "bob", ends_at=days(3))
    engine.delegate(bob, "cid", ends_at=days(3))
    of_ann, of_bob = asking("ann"), asking("bob")
    assert decides(bob, of_ann) and decides(cid, of_bob)
    assert not decides(cid, of_ann)
    with pytest.raises(NotAllowedError, match="not one of those"):
        engine.decide(of_ann.pk, "approve", user=cid)


def test_a_request_that_is_asked_of_two_who_are_away_is_decided_once(ann: User, bob: User, cid: User) -> None:
    approval = asking("cid", "ann")
    for one in (ann, cid):
        engine.delegate(one, "bob", ends_at=days(3))
    assert list(approvals_to_decide(bob)) == [approval]
    engine.decide(approval.pk, "approve", user=bob)
    assert [vote.for_person for vote in Vote.objects.all()] == [cid]
    with pytest.raises(ConflictError):
        engine.decide(approval.pk, "approve", user=ann)


@pytest.mark.parametrize("starter", ["ann", "bob"])
def test_nobody_decides_on_a_run_that_they_or_who_is_away_started(starter: str, ann: User, bob: User) -> None:
    engine.delegate(ann, "bob", ends_at=days(3))
    user = {"ann": ann, "bob": bob}[starter]
    approval = asking("ann", user=user)
    with pytest.raises(NotAllowedError, match="started this run") as caught:
        engine.decide(approval.pk, "approve", user=bob)
    assert caught.value.code == "own_request"
    allowed = asking("ann", user=user, allow_requester=True)
    assert engine.decide(allowed.pk, "approve", user=bob).status == "approved"


def test_an_administrator_who_overrides_does_so_in_nobodys_place(ann: User) -> None:
    root = person("root", superuser=True)
    engine.delegate(ann, "root", ends_at=days(3))
    approval = asking("ann", user=ann)
    engine.decide(approval.pk, "approve", user=root, comment="urgent", override=True)
    assert (Vote.objects.get().override, Vote.objects.get().for_person) == (True, None)


@pytest.mark.parametrize("what", ["revoked", "delegate lost the role", "delegate left", "person left"])
def test_it_ends_before_its_time_when(what: str, ann: User, bob: User) -> None:
    approval = asking("ann")
    made = engine.delegate(ann, "bob", ends_at=days(3))
    assert decides(bob, approval)
    if what == "revoked":
        engine.revoke_delegation(made)
    elif what == "delegate lost the role":
        bob.groups.clear()
    else:
        User.objects.filter(pk={"delegate left": bob, "person left": ann}[what].pk).update(is_active=False)
    bob = User.objects.get(username="bob")
    assert not approvals_to_decide(bob).exists()
    assert not can(bob, "approve", approval)
    if what != "delegate left":  # who has left cannot sign in, so that nobody asks
        with pytest.raises(NotAllowedError):
            engine.decide(approval.pk, "approve", user=bob)


def test_of_one_that_is_over_nothing_is_revoked(
    clock: time_machine.Coordinates, ann: User, bob: User
) -> None:
    made = engine.delegate(ann, "bob", ends_at=days(1))
    clock.move_to(days(2))
    engine.revoke_delegation(made)
    assert Delegation.objects.get().revoked_at is None
    later = engine.delegate(ann, "bob", ends_at=days(4))
    for _ in range(2):
        engine.revoke_delegation(later)
        later.refresh_from_db()
        assert later.revoked_at == days(2)
        clock.shift(60)


def test_it_begins_now_at_the_earliest(ann: User, bob: User) -> None:
    made = engine.delegate(ann, "bob", starts_at=days(-5), ends_at=days(1), by=ann, reason="On leave")
    assert (made.starts_at, made.created_at, made.created_by, made.reason) == (NOON, NOON, ann, "On leave")


Refused = tuple[type[BatonError], str, Callable[[User, User], object]]
REFUSED: dict[str, Refused] = {
    "oneself": (InvalidError, "self", lambda ann, _: engine.delegate(ann, "ann", ends_at=days(1))),
    "nobody": (InvalidError, "no_delegate", lambda ann, _: engine.delegate(ann, "eve", ends_at=days(1))),
    "no role": (InvalidError, "no_delegate", lambda ann, _: engine.delegate(ann, "vic", ends_at=days(1))),
    "one who left": (
        InvalidError,
        "no_delegate",
        lambda ann, _: engine.delegate(ann, "gone", ends_at=days(1)),
    ),
    "the past": (
        InvalidError,
        "ends_too_soon",
        lambda ann, _: engine.delegate(ann, "bob", starts_at=days(-3), ends_at=days(-1)),
    ),
    "two years": (InvalidError, "too_long", lambda ann, _: engine.delegate(ann, "bob", ends_at=days(730))),
    "a second": (ConflictError, "already_away", lambda ann, _: engine.delegate(ann, "bob", ends_at=days(1))),
    "each other": (ConflictError, "cycle", lambda _, cid: engine.delegate(cid, "ann", ends_at=days(1))),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_not_made_for(what: str, ann: User, bob: User, cid: User) -> None:
    person("vic", "viewer")
    User.objects.filter(pk=person("gone", "approver").pk).update(is_active=False)
    if what in {"a second", "each other"}:
        engine.delegate(ann, "cid", ends_at=days(9))
    before = Delegation.objects.count()
    error, code, act = REFUSED[what]
    with pytest.raises(error) as caught:
        act(ann, cid)
    issues = getattr(caught.value, "issues", ())
    assert (issues[0].code if issues else caught.value.code) == code
    assert Delegation.objects.count() == before


def test_who_decides_on_nothing_has_nothing_to_delegate(bob: User) -> None:
    with pytest.raises(NotAllowedError, match="approver role"):
        engine.delegate(person("vic", "viewer"), "bob", ends_at=days(1))


def test_there_are_not_endlessly_many(ann: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delegations, "MOST", 2)
    for day in (0, 1):
        engine.delegate(ann, "bob", starts_at=days(day), ends_at=days(day + 1))
    with pytest.raises(ConflictError, match="more than 2"):
        engine.delegate(ann, "bob", starts_at=days(5), ends_at=days(6))


@pytest.mark.parametrize("what", ["itself", "time"])
def test_the_database_refuses_what_no_rule_may_let_through(what: str, ann: User, bob: User) -> None:
    to, ends = (ann, days(1)) if what == "itself" else (bob, days(0))
    with pytest.raises(IntegrityError), transaction.atomic():
        Delegation.objects.create(person=ann, to=to, starts_at=days(0), ends_at=ends)


def test_what_one_decides_is_found_by_two_queries_however_many_are_away(
    ann: User, bob: User, cid: User, django_assert_num_queries: Any
) -> None:
    asking("ann"), asking("cid")
    can(bob, "approve")  # learns the rights
    with django_assert_num_queries(2):
        assert approvals_to_decide(bob).count() == 0
    engine.delegate(ann, "bob", ends_at=days(3))
    engine.delegate(cid, "bob", ends_at=days(3))
    with django_assert_num_queries(2):
        assert approvals_to_decide(bob).count() == 2


# The command line


@pytest.fixture
def baton(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.delenv("BATON_USER", raising=False)
    monkeypatch.setenv("COLUMNS", "160")

    def run(*words: object, code: int = 0) -> Result:
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert result.exit_code == code, f"{result.exit_code}: {result.output} {result.exception!r}"
        return result

    return run


def test_the_command_makes_lists_and_revokes_one(baton: Callable[..., Result], ann: User, bob: User) -> None:
    said = baton("delegate", "bob", "--from", "2026-03-02", "--until", "2026-03-04", "--as", "ann").stdout
    assert "bob decides for ann until 2026-03-05 00:00 UTC." in said
    made = json.loads(baton("delegations", "--json").stdout)["delegations"][0]
    assert (made["person"], made["to"], made["created_by"]) == ("ann", "bob", "ann")
    assert made["starts_at"] == "2026-03-02T00:00:00+00:00"
    assert "bob" in baton("delegations", "--user", "ann").stdout
    assert "Nobody" in baton("delegations", "--revoke", made["id"]).stdout
    assert Delegation.objects.get().revoked_at == NOON
    assert "no delegation 999" in baton("delegations", "--revoke", 999, code=Exit.NOT_FOUND).stderr


def test_the_command_makes_one_in_anothers_name(baton: Callable[..., Result], ann: User, bob: User) -> None:
    person("root", superuser=True)
    words = ("delegate", "bob", "--until", "2026-03-01T18:30", "--user", "ann", "--as", "root")
    made = json.loads(baton(*words, "--json").stdout)
    assert (made["person"], made["created_by"]) == ("ann", "root")
    assert made["ends_at"] == "2026-03-01T18:30:00+00:00"
    baton(*words, code=Exit.CONFLICT)


def test_a_delegate_decides_on_the_command_line(baton: Callable[..., Result], ann: User, bob: User) -> None:
    first, second = asking("ann"), asking("ann")
    engine.delegate(ann, "bob", ends_at=days(3))
    decided = json.loads(baton("approve", first.run_id, "--as", "bob", "--json").stdout)
    assert (decided["decided_by"], decided["decided_for"]) == ("bob", "ann")
    assert "Rejected as bob for ann" in baton("reject", second.run_id, "--as", "bob").stdout
    assert "bob for ann" in baton("debug", second.run_id).stdout
