"""What people write has a named point on either side of its commit; before it nothing is there, after it everything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from orchestrator import engine, tokens, vault
from orchestrator.engine import points
from orchestrator.models import ApiToken, Approval, ChatHook, Delegation, NoticePreference, TaskRun, Workflow
from orchestrator.notices import hooks
from orchestrator.notices.digests import choose
from tests.crash.endpoints import OTHER
from tests.crash.faulty import Died
from tests.crash.remains import left
from tests.crash.stages import DEFINITION, Stage, stage
from tests.invariants import assert_invariants

DAILY = NoticePreference.Mail.DAILY
ROOT = Path(__file__).parents[2] / "orchestrator"
# Where transactions are opened: with points around their commits, and for what is no state of Baton.
TRANSACTIONS = {
    "engine/points.py": "committing",
    "engine/transactions.py": "turns, with points in take_turn and start",
    "engine/quarantine.py": "a part of such a one",
    "engine/leases.py": "log lines",
    "cli/demo.py": "people of the demo",
}


def _stuck() -> int:
    return TaskRun.objects.values_list("pk", flat=True).get(key="stuck")


def _workflow() -> Workflow:
    return Workflow.objects.get()


def _resume(stage: Stage) -> None:
    engine.resume(stage.run.pk)


def _decide(stage: Stage) -> None:
    engine.decide(Approval.objects.get().pk, "approve", user=stage.olga)


def _migrate(_: Stage) -> None:
    engine.migrate_workflow(_workflow())


def _delegate(stage: Stage) -> None:
    engine.delegate(stage.olga, "ann", ends_at=timezone.now() + timedelta(days=1))


def _try(_: Stage) -> None:
    engine.start_trial(_workflow(), DEFINITION, {}, rev=1)


# What is done: the name of its points, and how it is done.
WRITES: dict[str, tuple[str, Callable[[Stage], object]]] = {
    "start": ("start", lambda _: engine.start(_workflow())),
    "pause": ("turn", lambda found: engine.pause(found.run.pk)),
    "resume": ("turn", _resume),
    "cancel": ("turn", lambda found: engine.cancel(found.run.pk)),
    "approve": ("turn", _decide),
    "retry": ("turn", lambda _: engine.retry_task(_stuck())),
    "skip": ("turn", lambda _: engine.skip_task(_stuck())),
    "fail": ("turn", lambda _: engine.fail_task(_stuck())),
    "complete": ("turn", lambda _: engine.complete_task(_stuck(), output={})),
    "trial": ("start", _try),
    "save": ("save", lambda _: engine.save_workflow(OTHER)),
    "publish": ("publish", lambda _: engine.publish(_workflow(), {**DEFINITION, "name": "New"})),
    "migrate": ("migrate", _migrate),
    "archive": ("archive", lambda _: engine.archive(_workflow())),
    "delegate": ("delegation", _delegate),
    "revoke delegation": (
        "revoke delegation",
        lambda _: engine.revoke_delegation(Delegation.objects.get()),
    ),
    "token": ("token", lambda found: tokens.issue(found.olga, "new")),
    "revoke": ("revoke", lambda _: tokens.revoke(ApiToken.objects.get(name="old"))),
    "secret": ("secret", lambda _: vault.put("other", "x")),
    "forget": ("forget", lambda _: vault.remove("crm")),
    "chat": ("chat", lambda _: hooks.add("ops", "slack", "https://hooks.example/x", ["asked"])),
    "pause chat": ("chat paused", lambda _: hooks.pause(ChatHook.objects.get(), paused=True)),
    "remove chat": ("chat gone", lambda _: hooks.remove(ChatHook.objects.get())),
    "choose mail": ("preference", lambda found: choose(found.olga, DAILY, now=timezone.now())),
}


def _prepare(what: str) -> Stage:
    found = stage()
    if what == "resume":
        engine.pause(found.run.pk)
    if what == "migrate":
        found.run.version.__class__.objects.update(schema_version="1.2.0")
    if what in ("pause chat", "remove chat"):
        hooks.add("ops", "slack", "https://hooks.example/x", ["asked"])
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", WRITES)
def test_a_write_is_there_from_its_commit_on(what: str) -> None:
    point, act = WRITES[what]
    kept: dict[str, bool] = {}
    for side in ("before", "after"):
        found = _prepare(what)
        was = left()
        points.arm(f"{point} {side} commit", _die)
        with pytest.raises(Died):
            act(found)
        points.disarm()
        kept[side] = left() != was
        assert_invariants()
    assert kept == {"before": False, "after": True}


def _die() -> None:
    raise Died


def test_every_transaction_has_its_points() -> None:
    opened = {
        str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if "transaction.atomic" in path.read_text()
    }
    assert opened == set(TRANSACTIONS)
