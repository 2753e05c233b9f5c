"""The socket of a run: who may open it, what it says, and when it closes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, OperationalError

from monitoring import hub
from orchestrator.models import Run
from orchestrator.web import feeds
from tests.live.conftest import InDatabase
from tests.live.sockets import Socket, make_run, move_on

People = dict[str, User]


@pytest.mark.parametrize("is_trial", [False, True])
@pytest.mark.parametrize(("who", "expected"), [("owner", True), ("viewer", True), ("outsider", False)])
async def test_a_run_is_shown_to_whoever_may_see_it(
    in_db: InDatabase, people: People, who: str, expected: bool, is_trial: bool
) -> None:
    run = await in_db(make_run, people["owner"])
    await in_db(Run.objects.update, is_trial=is_trial)
    async with Socket(f"ws/runs/{run.pk}/", people[who]) as socket:
        assert socket.is_open is expected


async def test_a_run_that_does_not_exist_is_refused_like_one_that_may_not_be_seen(
    in_db: InDatabase, people: People
) -> None:
    run = await in_db(make_run, people["owner"])
    async with (
        Socket(f"ws/runs/{run.pk + 1}/", people["viewer"]) as missing,
        Socket(f"ws/runs/{run.pk}/", people["outsider"]) as hidden,
    ):
        assert (missing.is_open, missing.refusal) == (hidden.is_open, hidden.refusal) == (False, 1000)


async def test_nothing_is_said_before_the_page_says_what_it_knows(in_db: InDatabase, people: People) -> None:
    run = await in_db(make_run, events=3)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        assert await socket.hears_nothing()
        await socket.says({"resume": 1})
        message = await socket.hears()
        assert (message["v"], message["run"], message["seq"]) == (1, run.pk, 3)
        assert [event["seq"] for event in message["events"]] == [2, 3]


async def test_a_page_that_is_up_to_date_hears_nothing_until_something_happens(
    in_db: InDatabase, people: People
) -> None:
    run = await in_db(make_run, events=3)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        await socket.says({"resume": 3})
        assert await socket.hears_nothing()
        await in_db(move_on, run)
        message = await socket.hears()
        assert [event["seq"] for event in message["events"]] == [4]


async def test_a_page_far_behind_gets_the_whole_state(in_db: InDatabase, people: People) -> None:
    run = await in_db(make_run, events=600)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        await socket.says({"resume": 1})
        message = await socket.hears()
        assert (message["snapshot"], message["seq"], message["events"]) == (True, 600, [])
        assert list(message["tasks"]) == ["only"]


async def test_a_page_that_claims_to_be_ahead_gets_the_whole_state(in_db: InDatabase, people: People) -> None:
    run = await in_db(make_run, events=3)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        await socket.says({"resume": 9})
        assert (await socket.hears())["snapshot"]


async def test_many_events_in_quick_succession_come_in_few_messages_and_none_is_lost(
    in_db: InDatabase, people: People
) -> None:
    run = await in_db(make_run)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        await socket.says({"resume": 1})
        for _ in range(60):
            await in_db(move_on, run)
        messages = await socket.hears_up_to(61)
        seqs = [event["seq"] for message in messages for event in message["events"]]
        assert seqs == list(range(2, 62))
        assert len(messages) < 30


async def test_resuming_again_repeats_what_was_missed(in_db: InDatabase, people: People) -> None:
    run = await in_db(make_run, events=3)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        for _ in range(2):
            await socket.says({"resume": 1})
            assert [event["seq"] for event in (await socket.hears())["events"]] == [2, 3]


@pytest.mark.parametrize(
    "frame",
    [
        {},
        [],
        "resume",
        1,
        {"resume": -1},
        {"resume": "1"},
        {"resume": True},
        {"resume": 1.5},
        {"resume": 1, "run": 2},
        {"subscribe": 2},
        {"resume": 1, "padding": "x" * 300},
    ],
    ids=str,
)
async def test_a_frame_that_is_not_of_the_protocol_closes_the_socket(
    in_db: InDatabase, people: People, frame: Any
) -> None:
    run = await in_db(make_run)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        await socket.says(frame)
        assert await socket.is_closed_with() == feeds.BAD_FRAME


@pytest.mark.parametrize(
    "raw", [{"text_data": "{"}, {"text_data": "[" * 150}, {"bytes_data": b"{}"}], ids=str
)
async def test_a_frame_that_is_not_json_closes_the_socket(
    in_db: InDatabase, people: People, raw: dict[str, Any]
) -> None:
    run = await in_db(make_run)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        await socket.wire.send_to(**raw)
        assert await socket.is_closed_with() == feeds.BAD_FRAME


async def test_a_ping_is_welcome(in_db: InDatabase, people: People) -> None:
    run = await in_db(make_run, events=2)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        await socket.says({"ping": 1})
        await socket.says({"resume": 1})
        assert (await socket.hears())["seq"] == 2


async def test_a_lost_right_ends_the_feed(
    in_db: InDatabase, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "RECHECK_SECONDS", 0.05)
    run = await in_db(make_run)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        await in_db(people["viewer"].groups.clear)
        assert await socket.is_closed_with() == feeds.NOT_ALLOWED


async def test_a_new_password_ends_the_feeds_of_the_old_session(
    in_db: InDatabase, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "RECHECK_SECONDS", 0.05)
    async with Socket("ws/me/", people["viewer"]) as socket:
        people["viewer"].set_password("another password")
        await in_db(people["viewer"].save)
        assert await socket.is_closed_with() == feeds.NOT_ALLOWED


async def test_a_run_that_is_deleted_ends_its_feed(in_db: InDatabase, people: People) -> None:
    run = await in_db(make_run)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        await in_db(run.delete)
        await socket.says({"resume": 1})
        assert await socket.is_closed_with() == feeds.GONE


async def test_a_database_that_is_away_for_a_moment_delays_the_news_and_no_more(
    in_db: InDatabase, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await in_db(make_run, events=2)
    answers = iter([DatabaseError("away"), DatabaseError("away")])
    read = hub.live

    def flaky(run: Run, since: int) -> dict[str, Any]:
        if error := next(answers, None):
            raise error
        return read(run, since)

    monkeypatch.setattr(hub, "live", flaky)
    monkeypatch.setattr(feeds, "TROUBLE_SECONDS", 0.05)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        await socket.says({"resume": 1})
        assert (await socket.hears())["seq"] == 2


async def test_while_the_database_is_away_nobody_loses_the_right_to_look(
    in_db: InDatabase, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await in_db(make_run, events=2)
    answers, ask = iter([OperationalError("away")] * 3), feeds.viewer
    monkeypatch.setattr(feeds, "TROUBLE_SECONDS", 0.01)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        monkeypatch.setattr(feeds, "RECHECK_SECONDS", 0.0)
        monkeypatch.setattr(
            feeds, "viewer", lambda scope: _raise(error) if (error := next(answers, None)) else ask(scope)
        )
        await socket.says({"resume": 1})
        assert (await socket.hears())["seq"] == 2
    assert next(answers, None) is None


def _raise(error: Exception) -> Any:
    raise error


async def test_an_unexpected_error_closes_the_socket_instead_of_leaving_it_silent(
    in_db: InDatabase, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await in_db(make_run)
    monkeypatch.setattr(hub, "live", lambda run, since: 1 / 0)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as socket:
        await socket.says({"resume": 0})
        assert await socket.is_closed_with() == 1011


async def test_closing_one_socket_leaves_the_others_informed(in_db: InDatabase, people: People) -> None:
    run = await in_db(make_run)
    async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as stays:
        await stays.says({"resume": 1})
        async with Socket(f"ws/runs/{run.pk}/", people["viewer"]) as goes:
            await goes.says({"resume": 1})
        await in_db(move_on, run)
        assert (await stays.hears())["seq"] == 2


async def test_sockets_that_ask_the_same_share_one_reading(
    in_db: InDatabase, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await in_db(make_run, events=2)
    read, readings = hub.live, []
    monkeypatch.setattr(hub, "live", lambda run, since: (readings.append(since), read(run, since))[1])
    first, second = await asyncio.gather(*(hub.Hub().message(run.pk, 1) for _ in range(1)), asyncio.sleep(0))
    del second
    look_out = hub.Hub()
    same = await asyncio.gather(*(look_out.message(run.pk, 1) for _ in range(20)))
    assert all(message == first for message in same)
    assert readings == [1, 1]
