"""The socket of a request: it tells how far its record goes, to those who may see it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from monitoring import hub
from orchestrator import engine
from orchestrator.models import Approval, Run
from tests.api.conftest import gate
from tests.live.conftest import InDatabase
from tests.live.sockets import Socket
from tests.people import person


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "RUNS_SECONDS", 0.05)


def asked(owner: User) -> Approval:
    run: Run = engine.start(engine.save_workflow(gate("ann"), user=owner), user=owner)
    return run.approvals.select_related("run").get()


async def test_a_comment_and_a_decision_are_told_and_other_events_are_not(
    in_db: InDatabase, people: dict[str, User]
) -> None:
    ann = await in_db(person, "ann", "approver")
    approval = await in_db(asked, people["owner"])
    async with Socket(f"ws/approvals/{approval.pk}/", ann) as socket:
        first = await socket.hears()
        assert first | {"seq": 0} == {
            "v": 1,
            "request": approval.pk,
            "seq": 0,
            "status": "open",
            "question": 0,
        }
        await in_db(engine.comment, approval.pk, "Hello", user=people["owner"])
        assert (await socket.hears())["seq"] > first["seq"]
        await in_db(engine.pause, approval.run_id)
        assert await socket.hears_nothing()
        await in_db(engine.resume, approval.run_id)
        await in_db(engine.decide, approval.pk, "approve", user=ann)
        assert (await socket.hears())["status"] == "approved"


async def test_whoever_comes_beside_others_is_told_at_once_too(
    in_db: InDatabase, people: dict[str, User]
) -> None:
    approval = await in_db(asked, people["owner"])
    path = f"ws/approvals/{approval.pk}/"
    async with Socket(path, people["owner"]) as first:
        told = await first.hears()
        async with Socket(path, people["owner"]) as second:
            assert await second.hears() == told


@pytest.mark.parametrize(("who", "opens"), [("owner", True), ("viewer", True), ("outsider", False)])
async def test_who_may_listen(in_db: InDatabase, people: dict[str, Any], who: str, opens: bool) -> None:
    approval = await in_db(asked, people["owner"])
    async with Socket(f"ws/approvals/{approval.pk}/", people[who]) as socket:
        assert socket.is_open is opens
