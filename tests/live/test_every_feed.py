"""What holds for every socket there is, found by its route: who is refused, and what ends it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone

from orchestrator.asgi import FEEDS as ROUTES
from orchestrator.models import Approval, Run
from orchestrator.web import feeds
from tests.live.conftest import InDatabase
from tests.live.sockets import Socket, make_run

People = dict[str, User]
FEEDS = [name for pattern in ROUTES if (name := pattern.name)]


def asking_run(owner: User, events: int = 1) -> Run:
    """A run with a request for approval."""
    run = make_run(owner, events)
    run.asked = Approval.objects.create(
        run=run, task_run=run.tasks.get(), epoch=1, title="Pay?", requested_at=timezone.now()
    )
    return run


def path_of(feed: str, run: Run) -> str:
    return {
        "run-feed": f"ws/runs/{run.pk}/",
        "me-feed": "ws/me/",
        "talk-feed": f"ws/approvals/{run.asked.pk}/",
        "draft-feed": f"ws/workflows/{run.workflow.key}/",
    }[feed]


@pytest.mark.parametrize("feed", FEEDS)
async def test_a_stranger_is_refused_before_the_socket_opens(
    in_db: InDatabase, people: People, feed: str
) -> None:
    run = await in_db(asking_run, people["owner"])
    async with Socket(path_of(feed, run)) as socket:
        assert not socket.is_open


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
async def test_a_page_of_another_site_is_refused(
    in_db: InDatabase, people: People, feed: str, origin: str | None
) -> None:
    run = await in_db(asking_run, people["owner"])
    async with Socket(path_of(feed, run), people["owner"], origin=origin) as socket:
        assert not socket.is_open


@pytest.mark.parametrize(
    "path",
    ["", "ws/", "ws/runs/", "ws/runs/x/", "ws/runs/1/more/", "ws/workflows/", "ws/workflows/a b/", "admin/"],
)
async def test_any_other_address_is_refused(in_db: InDatabase, people: People, path: str) -> None:
    async with Socket(path, people["owner"]) as socket:
        assert not socket.is_open


@pytest.mark.parametrize("feed", FEEDS)
async def test_signing_out_ends_the_feed(
    in_db: InDatabase, people: People, monkeypatch: pytest.MonkeyPatch, feed: str
) -> None:
    monkeypatch.setattr(feeds, "RECHECK_SECONDS", 0.05)
    run = await in_db(asking_run, people["owner"])
    async with Socket(path_of(feed, run), people["owner"]) as socket:
        await in_db(socket.client.logout)
        assert await socket.is_closed_with() == feeds.NOT_ALLOWED


@pytest.mark.parametrize("feed", FEEDS)
async def test_while_the_database_is_away_a_socket_is_refused_and_opens_later(
    in_db: InDatabase, people: People, monkeypatch: pytest.MonkeyPatch, feed: str
) -> None:
    run = await in_db(asking_run, people["owner"])
    path, ask = path_of(feed, run), feeds.viewer
    monkeypatch.setattr(feeds, "viewer", lambda scope: _raise(OperationalError("away")))
    async with Socket(path, people["owner"]) as socket:
        assert (socket.is_open, socket.refusal) == (False, 1000)
    monkeypatch.setattr(feeds, "viewer", ask)
    async with Socket(path, people["owner"]) as socket:
        assert socket.is_open


@pytest.mark.parametrize("feed", FEEDS)
async def test_a_feed_does_not_hang_on_a_redis_that_is_away(
    in_db: InDatabase, people: People, settings: Any, feed: str
) -> None:
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }
    run = await in_db(asking_run, people["owner"], events=2)
    async with Socket(path_of(feed, run), people["owner"]) as socket:
        assert socket.is_open
        await socket.says({"resume": 1} if feed == "run-feed" else {"ping": 1})
        assert await socket.hears()


def _raise(error: Exception) -> Any:
    raise error
