"""The look-out: it looks once for all, only while somebody watches, and hears of news over Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError
from pytest_django.fixtures import Settings

from monitoring import hub
from orchestrator import events
from tests.live.conftest import InDatabase
from tests.live.sockets import make_run, move_on
from tests.needs import redis_url

PATIENCE = 5.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


class Looks:
    """Stands in for the question to the database: gives what is set, and counts."""

    def __init__(self) -> None:
        self.seqs: dict[int, int] = {}
        self.asked: list[list[int]] = []
        self.error: Exception | None = None

    async def __call__(self, run_ids: list[int]) -> dict[int, int]:
        self.asked.append(sorted(run_ids))
        if self.error:
            raise self.error
        return {run_id: self.seqs[run_id] for run_id in run_ids if run_id in self.seqs}


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    found = Looks()
    monkeypatch.setattr(hub, "_seqs", found)
    monkeypatch.setattr(hub, "RUNS_SECONDS", 0.01)
    return found


async def test_one_question_is_asked_for_all_the_runs_that_are_watched(looks: Looks) -> None:
    look_out = hub.Hub()
    with look_out.run_bell(1), look_out.run_bell(2), look_out.run_bell(2):
        await until(lambda: len(looks.asked) > 2)
    assert all(run_ids == [1, 2] for run_ids in looks.asked)


async def test_nobody_watching_means_nobody_asking(looks: Looks) -> None:
    look_out = hub.Hub()
    with look_out.run_bell(1):
        await until(lambda: len(looks.asked) > 0)
    await asyncio.sleep(0)
    asked = len(looks.asked)
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    with look_out.run_bell(1):
        await until(lambda: len(looks.asked) > asked)


async def test_every_bell_of_a_run_rings_when_it_moves_on_and_no_other(looks: Looks) -> None:
    looks.seqs = {1: 5, 2: 5}
    look_out = hub.Hub()
    with look_out.run_bell(1) as one, look_out.run_bell(1) as too, look_out.run_bell(2) as other:
        await until(lambda: one.is_set() and too.is_set() and other.is_set())
        for bell in (one, too, other):
            bell.clear()
        looks.seqs[1] = 6
        await until(lambda: one.is_set() and too.is_set())
        assert not other.is_set()


async def test_it_goes_on_looking_after_the_database_was_away(looks: Looks) -> None:
    looks.error = DatabaseError("away")
    look_out = hub.Hub()
    with look_out.run_bell(1) as bell:
        await until(lambda: len(looks.asked) > 1)
        looks.error, looks.seqs = None, {1: 1}
        await until(bell.is_set)


async def test_a_reading_begun_before_the_last_ring_is_not_shared(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    go_on = asyncio.Event()

    async def reading(run_id: int, since: int) -> dict[str, Any]:
        begun.append(run_id)
        await go_on.wait()
        return {"seq": len(begun)}

    monkeypatch.setattr(hub, "_message", reading)
    looks.seqs = {1: 1}
    look_out = hub.Hub()
    with look_out.run_bell(1) as bell:
        await until(bell.is_set)
        bell.clear()
        early = asyncio.create_task(look_out.message(1, 0))
        await until(lambda: len(begun) == 1)
        looks.seqs = {1: 2}
        await until(bell.is_set)
        late = asyncio.create_task(look_out.message(1, 0))
        await until(lambda: len(begun) == 2)
        go_on.set()
        await asyncio.gather(early, late)


async def test_a_ring_for_a_run_that_nobody_watches_leaves_nothing_behind() -> None:
    look_out = hub.Hub()
    look_out._ring([1, 2, 3])
    assert look_out._rings == {}


@pytest.mark.redis
async def test_news_over_redis_ring_without_a_look(
    in_db: InDatabase, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = redis_url()
    monkeypatch.setattr(hub, "RUNS_SECONDS", 60.0)
    run = await in_db(make_run)
    look_out = hub.Hub()
    with look_out.run_bell(run.pk) as bell:
        async with asyncio.timeout(PATIENCE):
            await bell.wait()
        await until(lambda: look_out.hears_news)
        bell.clear()
        await in_db(move_on, run)
        await in_db(events.announce, [run.pk, run.pk + 1])
        async with asyncio.timeout(PATIENCE):
            await bell.wait()


async def test_without_an_answer_of_redis_it_looks_instead(looks: Looks, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    looks.seqs = {1: 1}
    look_out = hub.Hub()
    with look_out.run_bell(1) as bell:
        await until(bell.is_set)
        bell.clear()
        looks.seqs = {1: 2}
        await until(bell.is_set)
