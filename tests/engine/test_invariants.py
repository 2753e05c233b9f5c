"""The checker itself: what it must find when it is put into a history by hand."""

from __future__ import annotations

import pytest

from orchestrator.models import Event, Run
from tests.engine.flows import Crank, flow, task
from tests.invariants import violations

pytestmark = pytest.mark.django_db


@pytest.fixture
def finished() -> Run:
    crank = Crank()
    return crank.play(crank.start(flow({"a": task(), "b": task("a")})))


def test_a_run_that_went_well_has_no_violation(finished: Run) -> None:
    assert list(violations(finished)) == []


@pytest.mark.parametrize("type_", ["task.completed", "task.started", "task.failed", "task.skipped"])
def test_something_after_the_outcome_of_a_task_is_found(finished: Run, type_: str) -> None:
    first = finished.events.get(type="task.completed", task="a")
    Event.objects.filter(run=finished, seq=finished.seq).update(
        type=type_, task="a", data={**first.data, "attempt": 1}
    )
    found = [problem for problem in violations(finished) if "once:" in problem]
    assert found == [
        f"run {finished.pk} (completed): once: a[-1] has {type_} ({finished.seq}) after task.completed"
    ]
