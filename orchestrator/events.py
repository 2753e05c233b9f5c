"""The event chain of a run, and the news that it has grown.

Each event's digest is an HMAC over the digest before it and its own content, so that a row changed, removed or slipped
in later shows. Live views are told only "run r has news" and read the rows themselves.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings

from orchestrator.models import Event
from orchestrator.secrets import keyed_digest

logger = logging.getLogger(__name__)

NEWS_CHANNEL = "baton.runs"


@dataclass(frozen=True, slots=True)
class ChainBreak:
    """The first event that does not follow from the one before it."""

    run_id: int
    seq: int
    problem: str


def dump(data: Any) -> str:
    """JSON in the one form that digests are made of."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def link(
    previous: str,
    run_id: int,
    seq: int,
    type_: str,
    task: str,
    index: int,
    actor: str,
    at: datetime,
    data: str,
) -> str:
    """The digest of one event; `data` is its JSON as `dump` writes it."""
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    head = f"{run_id}|{seq}|{type_}|{task}|{index}|{actor}|{moment}|"
    return keyed_digest(previous.encode(), head.encode(), data.encode())


def verify_chain(run_id: int, head: str) -> ChainBreak | None:
    """Recompute a run's chain; None when every event follows and the last is the one the run names."""
    previous, expected = "", 1
    for event in Event.objects.filter(run_id=run_id).order_by("seq").iterator():
        if event.seq != expected:
            return ChainBreak(run_id, expected, f"event {expected} is missing")
        if _relink(previous, event) != event.digest:
            return ChainBreak(run_id, event.seq, "its content is not what was recorded")
        previous, expected = event.digest, expected + 1
    return None if previous == head else ChainBreak(run_id, expected, "the last events are missing")


def _relink(previous: str, event: Event) -> str:
    return link(
        previous,
        event.run_id,
        event.seq,
        event.type,
        event.task,
        event.index,
        event.actor,
        event.at,
        dump(event.data),
    )


@lru_cache(maxsize=1)
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)


def announce(run_ids: Iterable[int]) -> None:
    """Tell web processes which runs have news, where there is Redis; elsewhere they look by themselves.

    Called after commit. Never fails: who misses the news finds it by the slow poll.
    """
    ids: Sequence[int] = sorted(run_ids)
    if not settings.REDIS_URL or not ids:
        return
    try:
        _redis(settings.REDIS_URL).publish(NEWS_CHANNEL, json.dumps(ids))
    except redis.RedisError as error:
        logger.warning("Live views were not told of news: %s", error)
