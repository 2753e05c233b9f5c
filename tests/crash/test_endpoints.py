"""The web process dies around every commit of every write: the thing is there whole, with what belongs to it, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from django_q.models import OrmQ

from orchestrator.models import Run
from orchestrator.web import run_actions
from tests.crash import routes, stages
from tests.crash.endpoints import TABLE
from tests.crash.faulty import Died, Faults, commits, install, without_flushing
from tests.crash.remains import left
from tests.crash.stages import Case, Stage
from tests.invariants import assert_invariants

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

ALL = [(method, case) for (_route, method), cases in TABLE.items() for case in cases]


def test_every_endpoint_that_writes_is_in_the_table() -> None:
    assert routes.write_endpoints() == set(TABLE)


def test_every_verb_of_runs_and_tasks_is_in_the_table() -> None:
    verbs = {case.path.rstrip("/").rpartition("/")[2] for _, case in ALL if case.path.startswith("/runs/")}
    assert verbs == {*run_actions._RUN_VERBS, *run_actions._TASK_VERBS}


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    without_flushing(monkeypatch)
    return install(monkeypatch)


def staged(case: Case) -> Stage:
    found = stages.stage(signed_in=case.signed_in)
    case.prepare(found)
    return found


@pytest.mark.parametrize(("method", "case"), ALL, ids=lambda part: getattr(part, "path", part))
def test_a_write_is_whole_or_was_never_there(method: str, case: Case, faults: Faults) -> None:
    stage = staged(case)
    before = left()
    assert case.send(method, stage).status_code < 400
    after = left()
    at = 1
    while _died(at, method, case, stage := staged(case), faults):
        found = left()
        assert found in (before, after), faults.met[-1]
        _assert_complete()
        _send_again(method, case, stage, carried_out=found == after != before, after=after)
        at += 1
    assert at > 2 or before == after


def _died(at: int, method: str, case: Case, stage: Stage, faults: Faults) -> bool:
    try:
        with faults.failing(at, "died", of=commits):
            case.send(method, stage)
    except (Died, OperationalError):
        # On a connection that is gone the clearing up fails in its own way; whether this is death, `dead` tells.
        if not faults.dead:
            raise
    if not faults.dead:
        return False
    faults.revive()
    return True


def _assert_complete() -> None:
    """Events and counters are those of the rows, and workers know of what there is to do."""
    assert_invariants()
    if "orm" in settings.Q_CLUSTER and Run.objects.filter(claimable=True).exists():
        assert OrmQ.objects.exists()


def _send_again(method: str, case: Case, stage: Stage, *, carried_out: bool, after: dict[str, Any]) -> None:
    """Whoever heard nothing asks once more; an idempotency key and what can be done but once lead to one."""
    status = case.send(method, stages.again(stage)).status_code
    if carried_out and case.repeated:
        assert status == case.repeated
    else:
        assert status < 400
    if not carried_out or (case.repeated and not case.noted):
        assert left() == after
