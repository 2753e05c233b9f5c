"""A run with a row that was damaged by hand: only that run stands still, with the reason; the others go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError

from orchestrator import clock, engine
from orchestrator.engine import rows
from orchestrator.engine.plans import plan_for
from orchestrator.engine.turn import take_turn
from orchestrator.exceptions import ConflictError
from orchestrator.models import Run, WorkflowVersion
from orchestrator.planning.signals import Due
from tests.engine.flows import Crank, event_types, flow, states, succeeded, task
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)


def definition(run: Run) -> None:
    WorkflowVersion.objects.filter(pk=run.version_id).update(definition={"tasks": 5})
    plan_for.cache_clear()


def counters(run: Run) -> None:
    """A count that would fall below nothing, which the database refuses."""
    Run.objects.filter(pk=run.pk).update(executing=0, unsettled=0)


def key(run: Run) -> None:
    run.tasks.filter(key="a").update(key="ghost")


def number(run: Run) -> None:
    """The next event would get the number of one that is there."""
    Run.objects.filter(pk=run.pk).update(seq=0)


DAMAGES: list[Callable[[Run], None]] = [definition, counters, key, number]
AT_THE_END = [definition, counters, number]  # a worker that knows the row need not read its key again


def pair(crank: Crank) -> tuple[Run, Run]:
    poison = crank.start(flow({"a": task(), "b": task("a")}, name="Poison"))
    return poison, crank.start(flow({"a": task(), "b": task("a")}, name="Good"))


def assert_set_aside(run: Run) -> None:
    row = Run.objects.filter(pk=run.pk).values("error", "claimable").get()
    assert row["error"]["code"] == "engine_error"
    assert "could not work out" in row["error"]["message"]
    assert row["claimable"] is False
    assert not run.tasks.filter(due_at__lte=Crank().now).exists()


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_what_is_claimed_beside_it_is_claimed(damage: Callable[[Run], None]) -> None:
    crank = Crank()
    poison, good = pair(crank)
    damage(poison)
    claims = crank.turn(claim=100).claims
    assert good.pk in {claim.task.run_id for claim in claims}
    crank.turn(*[succeeded(claim) for claim in claims if claim.task.run_id == good.pk])
    crank.play(good)
    good.refresh_from_db()
    assert good.status == "completed"
    assert_invariants([good])
    if not any(claim.task.run_id == poison.pk for claim in claims):
        assert_set_aside(poison)


@pytest.mark.parametrize("damage", AT_THE_END, ids=lambda damage: damage.__name__)
def test_what_is_recorded_beside_it_is_recorded(damage: Callable[[Run], None]) -> None:
    crank = Crank()
    poison, good = pair(crank)
    claims = crank.turn(claim=100).claims
    damage(poison)
    crank.turn(*[succeeded(claim, {"n": 1}) for claim in claims])
    assert states(good) == {"a": "completed", "b": "ready"}
    assert_set_aside(poison)
    crank.play(good)
    assert_invariants([good])


@pytest.mark.parametrize("damage", AT_THE_END, ids=lambda damage: damage.__name__)
def test_what_is_due_beside_it_is_settled_and_it_is_not_looked_at_again_at_once(
    damage: Callable[[Run], None],
) -> None:
    crank = Crank()
    poison, good = pair(crank)
    crank.turn(claim=100)
    damage(poison)
    crank.later(61)  # the leases of both are over
    assert states(good)["a"] == "ready"
    assert not poison.tasks.filter(due_at__lte=crank.now).exists()
    assert clock.tick(crank.now) == 0


def test_one_that_can_still_be_written_is_paused_and_says_why_in_its_history() -> None:
    crank = Crank()
    poison, _ = pair(crank)
    definition(poison)
    crank.turn(claim=100)
    poison.refresh_from_db()
    assert poison.status == "paused"
    assert event_types(poison)[-1] == "workflow.paused"


def test_a_person_who_acts_on_it_is_told() -> None:
    crank = Crank()
    poison, _ = pair(crank)
    definition(poison)
    with pytest.raises(ConflictError, match="has set it aside"):
        engine.cancel(poison.pk)


def test_mended_it_goes_on() -> None:
    crank = Crank()
    poison, _ = pair(crank)
    stored = WorkflowVersion.objects.get(pk=poison.version_id).definition
    definition(poison)
    crank.turn(claim=100)
    WorkflowVersion.objects.filter(pk=poison.version_id).update(definition=stored)
    engine.resume(poison.pk)
    crank.play(poison)
    poison.refresh_from_db()
    assert (poison.status, poison.error) == ("completed", None)
    assert_invariants([poison])


def test_a_database_that_is_away_is_nobodys_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    crank = Crank()
    poison, good = pair(crank)
    claims = crank.turn(claim=100).claims

    tried: list[int] = []

    def away(*_: object) -> None:
        tried.append(1)
        raise OperationalError("away")

    with monkeypatch.context() as patched:
        patched.setattr(rows, "save_runs", away)
        with pytest.raises(OperationalError):
            take_turn([succeeded(claim) for claim in claims], now=crank.now)
    assert len(tried) == 1  # it is not asked again for each run
    for run in (poison, good):
        run.refresh_from_db()
        assert (run.status, run.error) == ("running", None)


def test_a_turn_of_one_run_alone_seals_it_off_as_well() -> None:
    crank = Crank()
    poison, _ = pair(crank)
    crank.turn(claim=100)
    counters(poison)
    later = crank.now + timedelta(seconds=61)
    take_turn([Due(run_id=poison.pk, task_id=poison.tasks.get(key="a").pk)], now=later)
    assert_set_aside(poison)
