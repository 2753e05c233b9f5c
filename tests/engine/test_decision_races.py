"""A request is decided once: by one of those asked, by the clock, by a cancel or by whoever takes it back."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User

from orchestrator import engine
from orchestrator.engine import Beside, points
from orchestrator.engine.turn import take_turn
from orchestrator.exceptions import ConflictError
from orchestrator.models import Approval, Workflow
from orchestrator.planning.signals import Due
from tests.engine.flows import flow, task
from tests.engine.racing import HEAD_START, PATIENCE, RACES, TIMEOUT, Arena, arena, dawdle
from tests.invariants import assert_invariants
from tests.people import person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(TIMEOUT)]

LATENESS = random.Random(1)

Record = Callable[[str, object], None]


@pytest.fixture
def two() -> Iterator[Arena]:
    with arena(2) as made:
        yield made


@pytest.fixture
def cid() -> User:
    return person("cid", "operator")


def workflow(**given: Any) -> Workflow:
    gate = task(
        action="approval_gate", parameters={"approvers": ["ann", "bob"], "timeout_seconds": 60, **given}
    )
    return engine.save_workflow(flow({"ask": gate, "after": task("ask")}))


def asked(of: Workflow, by: User) -> Approval:
    return engine.start(of, user=by).approvals.get()


@pytest.fixture(autouse=True)
def line() -> Iterator[None]:
    """Both have been checked when the first of them takes its turn."""
    barrier = threading.Barrier(2, timeout=PATIENCE)

    def meet() -> None:
        barrier.wait()
        dawdle(LATENESS.randrange(HEAD_START))

    points.arm("decide before turn", meet)
    points.arm("recall before turn", meet)
    yield
    points.disarm()


@pytest.mark.parametrize("on_recall", ["fail", "cancel"])
def test_approve_against_recall(
    two: Arena, ann: User, cid: User, on_recall: str, record_property: Record
) -> None:
    made, winners = workflow(on_recall=on_recall), Counter[str]()
    for _ in range(RACES):
        approval = asked(made, cid)
        approved, recalled = two.at_once(
            partial(engine.decide, approval.pk, "approve", user=ann),
            partial(engine.recall, approval.pk, user=cid),
        )
        approval.refresh_from_db()
        late, said = (
            (recalled, "ann approved it") if approval.status == "approved" else (approved, "cid recalled it")
        )
        assert isinstance(late, ConflictError) and said in late.message, late
        assert isinstance(approved, ConflictError) != isinstance(recalled, ConflictError)
        winners[approval.status] += 1
        assert approval.votes.count() == (approval.status == "approved")
        assert_invariants([approval.run])
    record_property("winners", dict(winners))
    assert set(winners) == {"approved", "recalled"}, winners


def test_approve_against_the_timeout(two: Arena, ann: User, cid: User, record_property: Record) -> None:
    """Whoever comes later changes nothing: the clock finds nothing due, the person is told that the time is over."""
    made, winners = workflow(), Counter[str]()
    for _ in range(RACES):
        approval = asked(made, cid)
        due = Due(approval.run_id, approval.task_run_id)
        answers = two.at_once(
            partial(engine.decide, approval.pk, "approve", user=ann), partial(_time_is_over, due, approval)
        )
        approval.refresh_from_db()
        winners[approval.status] += 1
        refused = isinstance(answers[0], ConflictError)
        assert refused == (approval.status == "expired"), answers
        assert not refused or "it expired" in answers[0].message
        assert (approval.decided_by == ann) != refused
        types = approval.run.events.filter(type__in=["approval.approved", "approval.expired"])
        assert types.values_list("type", flat=True).get() == f"approval.{approval.status}"
        assert_invariants([approval.run])
    record_property("winners", dict(winners))
    assert set(winners) == {"approved", "expired"}, winners


def _time_is_over(due: Due, approval: Approval) -> None:
    points.reached("recall before turn")  # at the line, too
    assert approval.deadline_at is not None
    take_turn([due], now=approval.deadline_at)


def test_approve_against_cancel(two: Arena, ann: User, cid: User, record_property: Record) -> None:
    """The request is approved and its run cancelled after that, or withdrawn with the run, and then nobody approves it."""
    made, winners = workflow(), Counter[str]()
    for _ in range(RACES):
        approval = asked(made, cid)
        answers = two.at_once(
            partial(engine.decide, approval.pk, "approve", user=ann), partial(_cancelled, approval)
        )
        approval.refresh_from_db()
        winners[approval.status] += 1
        refused = isinstance(answers[0], ConflictError)
        assert refused == (approval.status == "cancelled"), answers
        assert not refused or "it was withdrawn" in answers[0].message
        assert approval.run.status == "cancelled" and approval.votes.count() == (not refused)
        assert_invariants([approval.run])
    record_property("winners", dict(winners))
    assert set(winners) == {"approved", "cancelled"}, winners


def _cancelled(approval: Approval) -> None:
    points.reached("recall before turn")
    engine.cancel(approval.run_id)


def test_two_edits_at_once(two: Arena, ann: User, cid: User, record_property: Record) -> None:
    """Whoever is later changes nothing: they were shown what is asked no more."""
    bob = person("bob", "approver")
    made = workflow(data={"sum": 1}, editable=True, quorum="all")
    winners: Counter[int] = Counter()
    for _ in range(RACES):
        approval = asked(made, cid)
        acts = [
            partial(
                engine.decide,
                approval.pk,
                "approve",
                user=who,
                beside=Beside(edits={"sum": value}, seal=approval.content_hash),
            )
            for who, value in ((ann, 2), (bob, 3))
        ]
        answers = two.at_once(*acts)
        approval.refresh_from_db()
        (late,) = [one for one in answers if isinstance(one, ConflictError)]
        assert late.code == "content_changed", late
        assert approval.status == "open" and approval.votes.count() == 1
        winners[approval.data["sum"]] += 1
        assert_invariants([approval.run])
    record_property("winners", dict(winners))
    assert set(winners) == {2, 3}, winners
