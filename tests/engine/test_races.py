"""Two want different things of one task at the same moment: one wins, the other changes nothing and is told so."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User

from orchestrator import clock, engine
from orchestrator.engine import leases
from orchestrator.engine.turn import Claim, ClaimRequest, take_turn
from orchestrator.exceptions import ConflictError
from orchestrator.models import Run, TaskRun
from tests.engine.flows import Crank, event_types, flow, states, succeeded, task
from tests.engine.racing import HEAD_START, PATIENCE, RACES, TIMEOUT, Arena, arena, dawdle
from tests.invariants import assert_invariants
from tests.people import person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(TIMEOUT)]

ONE_TRY = flow({"a": task(timeout_seconds=5)}, name="One try")
TWO_TRIES = flow({"a": task(timeout_seconds=5, retry_count=1)}, name="Two tries")
LATENESS = random.Random(1)
UNTIL = timedelta(seconds=6)  # past the timeout, not past the lease

Record = Callable[[str, object], None]


@pytest.fixture
def two() -> Iterator[Arena]:
    with arena(2) as made:
        yield made


def claimed(crank: Crank, workflow: Any) -> tuple[Run, Claim]:
    run = crank.start_of(workflow)
    return run, crank.turn(claim=1, run=run).claims[0]


def both_orders(winners: Counter[str], names: set[str], record: Record) -> None:
    """A race that always ends the same way is none."""
    record("winners", ", ".join(f"{name} {count}" for name, count in sorted(winners.items())))
    assert set(winners) == names, winners
    assert sum(winners.values()) == RACES


# Complete against timeout


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> list[threading.Barrier]:
    """Where the clock, having found what is due, waits for the worker before it settles it."""
    lines: list[threading.Barrier] = []

    def settle(*given: Any, **named: Any) -> Any:
        lines[-1].wait()
        dawdle(LATENESS.randrange(HEAD_START))
        return take_turn(*given, **named)

    monkeypatch.setattr(clock, "take_turn", settle)
    return lines


def test_complete_against_timeout(
    crank: Crank, two: Arena, line: list[threading.Barrier], record_property: Record
) -> None:
    workflows = [engine.save_workflow(ONE_TRY), engine.save_workflow(TWO_TRIES)]
    winners: Counter[str] = Counter()
    for number in range(RACES):
        run, claim = claimed(crank, workflows[number % 2])
        line.append(threading.Barrier(2, timeout=PATIENCE))
        recorded, ticked = two.at_once(
            partial(record_outcome, line[-1], claim, crank), partial(clock.tick, crank.now + UNTIL)
        )
        assert ticked == 1, ticked
        winners[timeout_winner(run, recorded.conflicts)] += 1
        assert_invariants([run])
        if run.status == "running":
            engine.cancel(run.pk)  # its retry is of no interest here
    both_orders(winners, {"complete", "timeout"}, record_property)


def record_outcome(line: threading.Barrier, claim: Claim, crank: Crank) -> Any:
    line.wait()
    dawdle(LATENESS.randrange(HEAD_START))
    return take_turn([succeeded(claim, "done")], now=crank.now + UNTIL)


def timeout_winner(run: Run, conflicts: dict[int, list[str]]) -> str:
    run.refresh_from_db()
    row = run.tasks.get()
    types = event_types(run)
    if row.status == "completed":
        assert (run.status, row.output, conflicts) == ("completed", "done", {})
        assert types == ["workflow.started", "task.started", "task.completed", "workflow.completed"]
        return "complete"
    assert (row.error["code"], row.output) == ("timeout", None)
    assert conflicts
    ends = ["task.failed", "workflow.failed"] if run.status == "failed" else ["task.retrying"]
    assert types == ["workflow.started", "task.started", *ends, "outcome.refused"]
    return "timeout"


# Complete against cancel


def test_complete_against_cancel(crank: Crank, two: Arena, record_property: Record) -> None:
    workflow = engine.save_workflow(ONE_TRY)
    winners: Counter[str] = Counter()
    for _ in range(RACES):
        run, claim = claimed(crank, workflow)
        recorded, cancelled = two.at_once(
            partial(take_turn, [succeeded(claim, "done")], claiming=ClaimRequest("w", 1), now=crank.now),
            partial(engine.cancel, run.pk, reason="enough"),
        )
        winners[cancel_winner(run, recorded.conflicts, cancelled)] += 1
        assert_invariants([run])
    both_orders(winners, {"complete", "cancel"}, record_property)


def cancel_winner(run: Run, conflicts: dict[int, list[str]], cancelled: object) -> str:
    run.refresh_from_db()
    row = run.tasks.get()
    types = event_types(run)
    if run.status == "completed":
        assert (row.status, row.output, conflicts) == ("completed", "done", {})
        assert isinstance(cancelled, ConflictError), cancelled
        ends = ["task.completed", "workflow.completed", "cancel.refused"]
    else:
        assert (run.status, row.status, row.output) == ("cancelled", "cancelled", None)
        assert conflicts
        ends = ["task.cancelled", "workflow.cancelled", "outcome.refused"]
    assert types == ["workflow.started", "task.started", *ends]
    return "complete" if run.status == "completed" else "cancel"


# Two workers, one task


@pytest.mark.parametrize("only_this_run", [False, True], ids=["of any run", "of this run"])
def test_two_workers_claim_one_task(
    crank: Crank, two: Arena, only_this_run: bool, record_property: Record
) -> None:
    workflow = engine.save_workflow(ONE_TRY)
    winners: Counter[str] = Counter()
    for _ in range(RACES):
        run = crank.start_of(workflow)
        wanted = run.pk if only_this_run else None
        turns = two.at_once(*[_claiming(name, wanted, crank) for name in ("w1", "w2")])
        winners[claim_winner(run, turns)] += 1
        assert_invariants([run])
        take_turn([succeeded(claim) for turn in turns for claim in turn.claims], now=crank.now)
    both_orders(winners, {"w1", "w2"}, record_property)


def _claiming(name: str, run_id: int | None, crank: Crank) -> Callable[[], Any]:
    return partial(take_turn, claiming=ClaimRequest(name, 5, run_id=run_id), now=crank.now)


def claim_winner(run: Run, turns: list[Any]) -> str:
    """The one that got it; the other got nothing and saw nothing that it could have."""
    claims = [claim for turn in turns for claim in turn.claims]
    assert [claim.task.run_id for claim in claims] == [run.pk]
    loser = next(turn for turn in turns if not turn.claims)
    assert (loser.left_over, loser.conflicts) == (False, {})
    assert not leases.anything_claimable()
    row = TaskRun.objects.get(run=run)
    assert (row.claim, row.attempt, row.worker) == (1, 1, claims[0].task.worker)
    assert event_types(run) == ["workflow.started", "task.started"]
    assert states(run) == {"a": "running"}
    return row.worker


# Two people, one decision


ONE_OF_TWO = flow(
    {"ask": task(action="approval_gate", parameters={"approvers": ["ann", "bob"]})}, name="One of two"
)
TWO_LEVELS = flow(
    {
        "ask": task(
            action="approval_gate",
            parameters={
                "levels": [
                    {"name": "Lead", "approvers": ["ann", "bob"]},
                    {"name": "Board", "approvers": ["cas"]},
                ]
            },
        )
    },
    name="Two levels",
)


@pytest.fixture
def deciders() -> list[User]:
    return [person("ann", "approver"), person("bob", "approver")]


@pytest.mark.parametrize(
    "ways", [("approve", "approve"), ("approve", "reject")], ids=["alike", "against each other"]
)
def test_two_approvers_at_once(
    ways: tuple[str, str], two: Arena, deciders: list[User], record_property: Record
) -> None:
    workflow = engine.save_workflow(ONE_OF_TWO)
    winners: Counter[str] = Counter()
    for _ in range(RACES):
        run = engine.start(workflow)
        pk = run.approvals.get().pk
        answers = two.at_once(
            *(
                partial(engine.decide, pk, way, user=user, comment=user.username)
                for way, user in zip(ways, deciders, strict=True)
            )
        )
        winners[decision_winner(run, answers, ways)] += 1
        assert_invariants([run])
    both_orders(winners, {"ann", "bob"}, record_property)


def decision_winner(run: Run, answers: list[Any], ways: tuple[str, str]) -> str:
    """Exactly one decided; the other was told who."""
    run.refresh_from_db()
    approval = run.approvals.get()
    refused = [one for one in answers if isinstance(one, ConflictError)]
    assert len(refused) == 1, answers
    assert approval.decided_by is not None
    winner = approval.decided_by.username
    assert (refused[0].status, winner in refused[0].message) == (409, True), refused[0].message
    way = ways[("ann", "bob").index(winner)]
    assert (approval.status, approval.comment) == ("approved" if way == "approve" else "rejected", winner)
    assert approval.votes.get().person.username == winner
    assert run.status == ("completed" if way == "approve" else "failed")
    return winner


def test_the_last_vote_of_a_level_by_two_at_once(
    two: Arena, deciders: list[User], record_property: Record
) -> None:
    workflow, cas = engine.save_workflow(TWO_LEVELS), person("cas", "approver")
    winners: Counter[str] = Counter()
    for _ in range(RACES):
        run = engine.start(workflow)
        pk = run.approvals.get().pk
        answers = two.at_once(*(partial(engine.decide, pk, "approve", user=user) for user in deciders))
        winners[level_winner(run, answers)] += 1
        engine.decide(pk, "approve", user=cas)
        assert_invariants([run])
        assert event_types(run).count("approval.level_approved") == 1
    both_orders(winners, {"ann", "bob"}, record_property)


def level_winner(run: Run, answers: list[Any]) -> str:
    """One vote took the request to its second level, the other changed nothing; either way the second is asked once."""
    approval = run.approvals.get()
    assert (approval.status, approval.level) == ("open", 2)
    winner = approval.votes.get().person.username
    (refused,) = [one for one in answers if isinstance(one, ConflictError)]
    assert (refused.status, winner in refused.message) == (409, True), refused.message
    assert [one.name for one in approval.approvers.filter(done=False)] == ["cas"]
    return winner
