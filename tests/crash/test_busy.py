"""Another holds the database: a short while is waited out, after a longer one nothing that was done is lost."""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection, connections, transaction
from django.db.models import Model

from orchestrator import engine, worker
from orchestrator.engine import leases
from orchestrator.engine.attempts import attempts_for
from orchestrator.engine.turn import ClaimRequest, take_turn
from orchestrator.models import Event, LogLine, Run, Workflow
from tests.crash.faulty import without_flushing
from tests.engine.flows import event_types, flow, task
from tests.invariants import assert_invariants

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 60
WRITERS, TURNERS, EACH = 6, 2, 150  # 1,200 transactions


class Holder:
    """Another program that keeps everybody else from writing; reading goes on."""

    def __init__(self) -> None:
        self._held: Any = None

    def hold(self, table: type[Model] = Run) -> None:
        if connection.vendor == "postgresql":
            import psycopg

            self._held = psycopg.connect(**connection.get_connection_params())
            self._held.execute(f"LOCK TABLE {table._meta.db_table} IN EXCLUSIVE MODE")
        else:
            name = connection.settings_dict["NAME"]
            self._held = sqlite3.connect(name, isolation_level=None, check_same_thread=False)
            self._held.execute("BEGIN EXCLUSIVE")

    def let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()


@pytest.fixture
def other() -> Iterator[Holder]:
    found = Holder()
    yield found
    found.let_go()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database refuses after a fraction of the time that it would have in production."""
    options = connection.settings_dict["OPTIONS"]
    if connection.vendor == "postgresql":
        monkeypatch.setitem(options, "options", "-c lock_timeout=200ms")
    else:
        monkeypatch.setitem(options, "timeout", 0.2)
    connection.close()
    yield
    connection.close()


def test_a_lock_that_is_held_for_a_while_is_waited_out(other: Holder) -> None:
    workflow = engine.save_workflow(flow({"a": task()}))
    other.hold()
    order: list[str] = []

    def let_go() -> None:
        order.append("let go")
        other.let_go()

    timer = threading.Timer(0.5, let_go)
    timer.start()
    run = engine.start(workflow)
    order.append("started")
    timer.join(PATIENCE)
    assert order == ["let go", "started"]
    assert run.status == "running"


@pytest.mark.usefixtures("impatient")
def test_beyond_its_timeout_a_start_is_refused_and_leaves_nothing(other: Holder) -> None:
    workflow = engine.save_workflow(flow({"a": task()}))
    other.hold()
    with pytest.raises(OperationalError):
        engine.start(workflow, idempotency_key="once")
    other.let_go()
    assert not Run.objects.exists()
    assert engine.start(workflow, idempotency_key="once").status == "running"


class Holding:
    """An agent in the middle of whose work another takes the database."""

    def __init__(self) -> None:
        self.other = Holder()
        self.began = 0

    def __call__(self, _parameters: dict[str, Any], _context: Any) -> dict[str, Any]:
        self.began += 1
        self.other.hold()
        return {"n": 7}


holding = Holding()


@pytest.mark.usefixtures("impatient")
def test_a_worker_keeps_what_it_has_and_records_it_once_it_can(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding.__init__()  # type: ignore[misc]
    settings.BATON = {**settings.BATON, "AGENTS": {"hold": f"{__name__}.holding"}}
    refusals = _let_go_after(2, monkeypatch)
    run = engine.start(engine.save_workflow(flow({"a": task(agent_id="hold")})))
    worker.Worker("w").run_until(lambda _idle: True)
    run.refresh_from_db()
    assert (run.status, holding.began, len(refusals)) == ("completed", 1, 2)
    assert run.tasks.get().output == {"n": 7}
    assert event_types(run).count("task.started") == 1
    assert_invariants()


def _let_go_after(times: int, monkeypatch: pytest.MonkeyPatch) -> list[OperationalError]:
    """The other lets go once the worker has been refused so often; the refusals."""
    refusals: list[OperationalError] = []
    outlast = worker.Worker._outlast

    def counted(self: worker.Worker, error: OperationalError) -> None:
        refusals.append(error)
        if len(refusals) == times:
            holding.other.let_go()
        outlast(self, error)

    monkeypatch.setattr(worker, "AWAY_SECONDS", 0.01)
    monkeypatch.setattr(worker.Worker, "_outlast", counted)
    return refusals


def test_a_worker_outlasts_a_database_that_is_away_when_it_asks_whether_the_run_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "AWAY_SECONDS", 0.01)
    answers: list[Any] = [True, OperationalError("away")]

    def finished(_idle: float) -> bool:
        answer = answers.pop()
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    assert worker.Worker("w").run_until(finished) == 0
    assert answers == []


@pytest.mark.usefixtures("impatient")
def test_log_lines_that_could_not_be_stored_are_stored_later(other: Holder) -> None:
    engine.start(engine.save_workflow(flow({"a": task()})))
    claimed = take_turn(claiming=ClaimRequest("w", 1)).claims
    attempt = attempts_for(claimed, "w")[0]
    attempt.write_log("info", "one")
    other.hold(LogLine)
    with pytest.raises(OperationalError):
        leases.write_logs([attempt])
    other.let_go()
    attempt.write_log("info", "two")
    leases.write_logs([attempt])
    assert list(LogLine.objects.order_by("pk").values_list("message", flat=True)) == ["one", "two"]


def test_eight_writers_never_meet_a_locked_database_and_lose_no_update(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_flushing(monkeypatch)
    workflow = engine.save_workflow(flow({"a": task()}))
    runs = [engine.start(workflow) for _ in range(TURNERS)]
    work: list[Callable[[], Any]] = [lambda: _count_up(workflow.pk)] * WRITERS
    work += [lambda run=run: _pause_or_resume(run.pk) for run in runs]
    assert _all_at_once(work) == []
    workflow.refresh_from_db()
    assert workflow.draft_rev == 1 + WRITERS * EACH
    for run in runs:
        steered = Event.objects.filter(run=run, type__in=["workflow.paused", "workflow.resumed"])
        assert steered.count() == EACH
    assert_invariants()


def _count_up(workflow_id: int) -> None:
    with transaction.atomic():
        found = Workflow.objects.select_for_update().get(pk=workflow_id)
        found.draft_rev += 1
        found.save(update_fields=["draft_rev"])


def _pause_or_resume(run_id: int) -> None:
    paused = Run.objects.filter(pk=run_id, status="paused").exists()
    (engine.resume if paused else engine.pause)(run_id)


def _all_at_once(work: list[Callable[[], Any]]) -> list[Exception]:
    """Each of these many times, in a thread of its own; what went wrong."""
    wrong: list[Exception] = []

    def repeat(act: Callable[[], Any]) -> None:
        try:
            for _ in range(EACH):
                act()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test tells
            wrong.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=repeat, args=[act]) for act in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return wrong


@pytest.mark.usefixtures("impatient")
def test_a_process_that_stopped_in_its_turn_does_not_stop_the_others() -> None:
    workflow = engine.save_workflow(flow({"a": task()}))
    with (settings.DATA_DIR / "turn.lock").open("w") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        rescue = threading.Timer(PATIENCE, fcntl.flock, [stopped, fcntl.LOCK_UN])
        rescue.start()
        assert engine.start(workflow).status == "running"
        assert rescue.is_alive()
        rescue.cancel()
    assert engine.start(workflow).status == "running"
