"""A question back stops the clock of a request: tables on a moving clock, who may ask and answer, and races."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User

from orchestrator import engine, vault
from orchestrator.engine import points
from orchestrator.engine.turn import take_turn
from orchestrator.events import verify_chain
from orchestrator.exceptions import ConflictError, InvalidError, NotAllowedError, NotFoundError
from orchestrator.models import Approval, Question, Run, TaskRun
from orchestrator.permissions import approvals_asked_about
from orchestrator.planning.signals import Due
from orchestrator.web.context import waiting_now
from tests.engine.flows import EPOCH, Crank, event_types, flow, task
from tests.engine.racing import HEAD_START, PATIENCE, RACES, TIMEOUT, Arena, arena, dawdle
from tests.invariants import assert_invariants
from tests.people import person

pytestmark = pytest.mark.django_db

LADDER = [{"after_seconds": 10}, {"after_seconds": 100, "to": "boss"}]
DEADLINE = 200
LATENESS = random.Random(1)


def asked(crank: Crank, olga: User | None, **parameters: Any) -> Run:
    gate = {"approvers": ["ann", "bob"], "escalation": LADDER, "timeout_seconds": DEADLINE, **parameters}
    return crank.start(flow({"ask": task(action="approval_gate", parameters=gate)}), user=olga)


class Clocked:
    """A request whose clock a test moves; what has happened is told with the time of the test."""

    def __init__(self, crank: Crank, run: Run, ann: User, olga: User) -> None:
        self.crank, self.run, self.ann, self.olga = crank, run, ann, olga
        self.pk = run.approvals.get().pk

    def at(self, second: float) -> Clocked:
        """Move to this second, with a clock that looks at every moment at which something is due."""
        end = EPOCH + timedelta(seconds=second)
        while self.crank.now < end:
            due = self.run.tasks.get().due_at
            self.crank.later(
                (min(end, max(due, self.crank.now) if due else end) - self.crank.now).total_seconds()
            )
        return self

    def ask(self) -> Question:
        return engine.ask(self.pk, "Why?", user=self.ann, now=self.crank.now)

    def answer(self) -> Question:
        return engine.answer(self.pk, "Because.", user=self.olga, now=self.crank.now)

    def withdraw(self) -> Question:
        return engine.withdraw_question(self.pk, user=self.ann, now=self.crank.now)

    @property
    def happened(self) -> dict[str, float]:
        """When each thing happened that the clock did."""
        kinds = {"approval.reminded", "approval.escalated", "approval.expired"}
        rows = self.run.events.filter(type__in=kinds).order_by("seq").values_list("type", "at")
        return {kind.partition(".")[2]: (at - EPOCH).total_seconds() for kind, at in rows}


@pytest.fixture
def clocked(crank: Crank, ann: User, olga: User) -> Clocked:
    return Clocked(crank, asked(crank, olga), ann, olga)


# (when each question is asked and answered) → when the clock does what
STOPS: dict[str, tuple[list[tuple[float, float]], dict[str, float]]] = {
    "never": ([], {"reminded": 10, "escalated": 100, "expired": 200}),
    "before the first rung": ([(4, 24)], {"reminded": 30, "escalated": 120, "expired": 220}),
    "between the rungs": ([(50, 90)], {"reminded": 10, "escalated": 140, "expired": 240}),
    "across a rung": ([(90, 150)], {"reminded": 10, "escalated": 160, "expired": 260}),
    "across the deadline": ([(190, 500)], {"reminded": 10, "escalated": 100, "expired": 510}),
    "a second before the end": ([(199, 9_999)], {"reminded": 10, "escalated": 100, "expired": 10_000}),
    "twice": ([(4, 14), (30, 50)], {"reminded": 20, "escalated": 130, "expired": 230}),
    "twice, the second late": ([(4, 14), (205, 400)], {"reminded": 20, "escalated": 110, "expired": 405}),
    "answered at once": ([(4, 4)], {"reminded": 10, "escalated": 100, "expired": 200}),
    "as it opens": ([(0, 300)], {"reminded": 310, "escalated": 400, "expired": 500}),
}


@pytest.mark.parametrize("name", STOPS)
def test_the_time_that_it_stood_does_not_count(clocked: Clocked, name: str) -> None:
    stops, happened = STOPS[name]
    for start, end in stops:
        clocked.at(start).ask()
        clocked.at(end)
        assert clocked.run.tasks.get().due_at is None
        clocked.answer()
    clocked.at(max(happened.values()) + 5)
    assert clocked.happened == happened
    assert clocked.run.approvals.get().deadline_at == EPOCH + timedelta(seconds=happened["expired"])
    assert clocked.run.approvals.get().status == "expired"
    assert_invariants()


def test_a_question_that_is_withdrawn_lets_the_clock_go_on(clocked: Clocked) -> None:
    clocked.at(50).ask()
    assert clocked.at(80).withdraw().outcome == "withdrawn"
    clocked.at(250)
    assert clocked.happened == {"reminded": 10, "escalated": 130, "expired": 230}


def test_without_deadline_and_rungs_there_is_only_the_question(crank: Crank, ann: User, olga: User) -> None:
    clocked = Clocked(crank, asked(crank, olga, timeout_seconds=None, escalation=None), ann, olga)
    clocked.at(5).ask()
    clocked.at(9).answer()
    row = clocked.run.tasks.get()
    assert (row.due_at, row.timeout_at) == (None, None)
    assert clocked.run.approvals.get().deadline_at is None


def test_a_decision_closes_the_question(clocked: Clocked) -> None:
    clocked.at(5).ask()
    engine.decide(clocked.pk, "approve", user=person("bob", "approver"))
    question = Question.objects.get()
    assert (question.outcome, question.answer) == ("closed", "")
    with pytest.raises(ConflictError):
        clocked.answer()
    assert_invariants()


def test_a_vote_that_decides_nothing_leaves_the_clock_standing(crank: Crank, ann: User, olga: User) -> None:
    bob = person("bob", "approver")
    clocked = Clocked(crank, asked(crank, olga, quorum="all"), ann, olga)
    clocked.at(5).ask()
    engine.decide(clocked.pk, "approve", user=bob)
    clocked.at(500)
    assert clocked.happened == {}
    clocked.answer()
    engine.decide(clocked.pk, "approve", user=ann)
    assert clocked.run.tasks.get().output["by"] == ["bob", "ann"]


def test_a_cancelled_run_closes_the_question(clocked: Clocked) -> None:
    clocked.at(5).ask()
    engine.cancel(clocked.run.pk)
    assert Question.objects.get().outcome == "closed"


def test_one_question_at_a_time(clocked: Clocked) -> None:
    clocked.ask()
    with pytest.raises(ConflictError, match="ann has asked olga already"):
        engine.ask(clocked.pk, "And why?", user=person("bob", "approver"))
    assert Question.objects.count() == 1


def test_what_is_over_is_not_stopped_any_more(clocked: Clocked) -> None:
    clocked.crank.now += timedelta(seconds=DEADLINE)  # the clock has not looked yet
    with pytest.raises(ConflictError, match="over"):
        clocked.ask()


def test_the_record_and_the_chain_have_it_all(clocked: Clocked) -> None:
    clocked.at(5).ask()
    clocked.at(9).answer()
    told = [kind for kind in event_types(clocked.run) if kind.startswith("approval.")]
    assert told == ["approval.required", "approval.question_asked", "approval.question_answered"]
    clocked.run.refresh_from_db()
    assert verify_chain(clocked.run.pk, clocked.run.digest) is None
    question = Question.objects.get()
    assert (question.outcome, question.answer, question.ended_by) == ("answered", "Because.", clocked.olga)


# Who


def test_whoever_is_asked_finds_it_among_what_waits_for_them(clocked: Clocked) -> None:
    before = waiting_now(clocked.olga).number
    clocked.ask()
    assert list(approvals_asked_about(clocked.olga)) == [Approval.objects.get()]
    assert waiting_now(clocked.olga).number == before + 1
    clocked.answer()
    assert waiting_now(clocked.olga).number == before


def test_who_sees_nothing_else_sees_what_they_were_asked(crank: Crank, ann: User) -> None:
    starter = person("carl")
    run = asked(crank, starter)
    pk = run.approvals.get().pk
    with pytest.raises(NotFoundError):
        engine.comment(pk, "Hello", user=starter)
    engine.ask(pk, "Why?", user=ann, now=crank.now)
    assert engine.answer(pk, "Because.", user=starter, now=crank.now).answer == "Because."


@pytest.mark.parametrize("who", ["olga", "vera"])
def test_only_those_who_decide_ask(clocked: Clocked, who: str) -> None:
    user = clocked.olga if who == "olga" else person("vera", "viewer")
    with pytest.raises(NotAllowedError):
        engine.ask(clocked.pk, "Why?", user=user)


def test_only_the_one_who_was_asked_answers(clocked: Clocked) -> None:
    clocked.ask()
    with pytest.raises(NotAllowedError):
        engine.answer(clocked.pk, "Because.", user=clocked.ann)


def test_somebody_else_who_decides_may_withdraw_it_and_nobody_besides(clocked: Clocked) -> None:
    clocked.ask()
    with pytest.raises(NotAllowedError):
        engine.withdraw_question(clocked.pk, user=clocked.olga)
    assert engine.withdraw_question(clocked.pk, user=person("bob", "approver")).outcome == "withdrawn"


def test_a_named_person_who_may_see_the_run_is_asked(clocked: Clocked) -> None:
    vera = person("vera", "viewer")
    said = engine.ask(clocked.pk, "Why?", user=clocked.ann, to="vera", now=clocked.crank.now)
    assert said.asked_of == vera


@pytest.mark.parametrize("to", ["carl", "nobody", "ann", "gone"])
def test_who_cannot_answer_is_not_asked(clocked: Clocked, to: str) -> None:
    person("carl")
    gone = person("gone", "viewer")
    type(gone).objects.filter(pk=gone.pk).update(is_active=False)
    with pytest.raises(InvalidError) as refused:
        engine.ask(clocked.pk, "Why?", user=clocked.ann, to=to)
    assert refused.value.code == "nobody_to_ask"
    assert clocked.run.tasks.get().due_at is not None


def test_of_a_run_that_nobody_started_somebody_is_named(crank: Crank, ann: User) -> None:
    run = asked(crank, None)
    with pytest.raises(InvalidError, match="Nobody who is here started this run"):
        engine.ask(run.approvals.get().pk, "Why?", user=ann)


def test_secrets_are_taken_out_of_questions_and_answers(clocked: Clocked) -> None:
    vault.put("crm", "tok-123456")
    now = clocked.crank.now
    assert engine.ask(clocked.pk, "tok-123456?", user=clocked.ann, now=now).text == "••••••••?"
    assert engine.answer(clocked.pk, "tok-123456!", user=clocked.olga, now=now).answer == "••••••••!"


# Races


@pytest.fixture
def two() -> Iterator[Arena]:
    with arena(2) as made:
        yield made
    points.disarm()


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(TIMEOUT)
def test_a_question_against_the_timeout(crank: Crank, two: Arena, record_property: Any) -> None:
    ann, olga = person("ann", "approver"), person("olga", "operator")
    winners: Counter[str] = Counter()
    line = threading.Barrier(2, timeout=PATIENCE)
    points.arm("ask before turn", line.wait)

    def time_is_over(row: TaskRun, now: datetime) -> None:
        line.wait()
        dawdle(LATENESS.randrange(HEAD_START))
        take_turn([Due(row.run_id, row.pk)], now=now)

    for _ in range(RACES):
        run = asked(crank, olga, escalation=None)
        row = run.tasks.get()
        over = crank.now + timedelta(seconds=DEADLINE)
        before = over - timedelta(seconds=1)
        pk = run.approvals.get().pk
        answers = two.at_once(
            partial(engine.ask, pk, "Why?", user=ann, now=before),
            partial(time_is_over, row, over),
        )
        won = "timeout" if isinstance(answers[0], ConflictError) else "question"
        winners[won] += 1
        approval = Approval.objects.get(pk=pk)
        assert approval.status == ("expired" if won == "timeout" else "open")
        assert Question.objects.filter(approval=pk, outcome="open").exists() is (won == "question")
    record_property("winners", dict(winners))
    assert set(winners) == {"timeout", "question"}
    assert_invariants()


# Levels


def in_levels(crank: Crank, olga: User, order: str) -> Run:
    person("bob", "approver")
    levels = [
        {"name": "First", "approvers": ["ann"], "timeout_seconds": 100},
        {"name": "Second", "approvers": ["bob"], "timeout_seconds": 300},
    ]
    gate = {"levels": levels, "order": order}
    return crank.start(flow({"ask": task(action="approval_gate", parameters=gate)}), user=olga)


def test_every_level_that_is_asked_stands(crank: Crank, ann: User, olga: User) -> None:
    clocked = Clocked(crank, in_levels(crank, olga, "together"), ann, olga)
    clocked.at(50).ask()
    clocked.at(5_000).answer()
    ends = [EPOCH + timedelta(seconds=4_950 + seconds) for seconds in (100, 300)]
    shown = [datetime.fromisoformat(one["deadline_at"]) for one in clocked.run.approvals.get().levels]
    assert shown == ends
    assert clocked.run.tasks.get().due_at == ends[0]
    assert_invariants()


def test_once_a_level_is_decided_its_question_is_closed_and_the_next_has_its_whole_time(
    crank: Crank, ann: User, olga: User
) -> None:
    clocked = Clocked(crank, in_levels(crank, olga, "in_order"), ann, olga)
    clocked.at(50).ask()
    clocked.at(400)
    engine.decide(clocked.pk, "approve", user=ann)
    assert Question.objects.get().outcome == "closed"
    row = clocked.run.tasks.get()
    assert row.due_at is not None and "question" not in row.output
    assert engine.decide(clocked.pk, "approve", user=User.objects.get(username="bob")).status == "approved"
    assert_invariants()
