"""What the simulation says of a run is what the engine then does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from editor.simulation import Assumption, simulate
from orchestrator import actions
from orchestrator.definition import parse
from orchestrator.definition.language import JOINS
from tests.engine.flows import Crank, failed, flow, states, succeeded, task

pytestmark = pytest.mark.django_db


@st.composite
def flows(draw: st.DrawFn) -> dict[str, Any]:
    tasks: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 6))):
        before = list(tasks)
        needs = draw(st.lists(st.sampled_from(before), unique=True, max_size=3)) if before else []
        given: dict[str, Any] = {
            "mode": draw(st.sampled_from(["parallel", "sequential"])),
            "on_failure": draw(st.sampled_from(["fail", "skip"])),
        }
        if needs:
            given["join"] = draw(st.sampled_from(JOINS))
            if draw(st.booleans()):
                given["conditions"] = [f"tasks.{needs[0]}.status == 'completed'"]
        tasks[f"t{number}"] = task(*needs, **given)
    return flow(tasks)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flows(), st.sets(st.sampled_from([f"t{number}" for number in range(6)]), max_size=3))
def test_the_engine_does_what_was_foretold(data: dict[str, Any], failing: set[str]) -> None:
    definition = parse(data, actions=actions.schemas())
    foretold = simulate(definition, {key: Assumption("fails") for key in failing})
    crank = Crank()
    run = crank.start(data)
    crank.play(run, lambda claim: (failed if claim.task.key in failing else succeeded)(claim))
    assert {one.key: one.status for one in foretold.tasks} == states(run)
    assert foretold.status == run.status
