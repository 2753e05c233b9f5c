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
from json.encoder import encode_basestring
from typing import Any

import redis
from django.conf import settings

from orchestrator.models import Event
from orchestrator.secrets import digest_key, keyed_digest

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
    return _encode(data)


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


class Chain:
    """The end of a run's chain, and what is added to it at one moment."""

    def __init__(self, run_id: int, seq: int, digest: str, at: datetime) -> None:
        self.seq = seq
        self.digest = digest
        self._run_id = run_id
        self._key = digest_key()
        self._moment = _moment(at)

    def add(
        self, type_: str, task: str, index: int, actor: str, data: Any
    ) -> tuple[int, str, str, int, str, str, str]:
        """One event more: its number, type, task, index, actor, data as JSON and digest."""
        self.seq += 1
        text = _dump_fence(data) or dump(data)
        head = f"{self._run_id}|{self.seq}|{type_}|{task}|{index}|{actor}|{self._moment}|"
        self.digest = keyed_digest(self._key, self.digest.encode(), head.encode(), text.encode())
        return self.seq, type_, task, index, actor, text, self.digest


def _dump_fence(data: Any) -> str:
    """What `dump` makes of the data that most events have, the fence of an attempt; '' for any other."""
    if len(data) > 4 or not data.keys() >= _FENCE:
        return ""
    fence = f'"attempt":{data["attempt"]},"claim":{data["claim"]},"epoch":{data["epoch"]}}}'
    if len(data) == 3:
        return "{" + fence
    return f'{{"agent":{encode_basestring(data["agent"])},{fence}' if "agent" in data else ""


_FENCE = {"attempt", "claim", "epoch"}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


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
    chain = Chain(event.run_id, event.seq - 1, previous, event.at)
    chain.add(event.type, event.task, event.index, event.actor, event.data)
    return chain.digest


@lru_cache(maxsize=1)
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)


def announce(run_ids: Iterable[int]) -> None:
    """Tell web processes which runs have news."""
    tell(NEWS_CHANNEL, run_ids)


def tell(channel: str, ids: Iterable[int]) -> None:
    """Tell web processes of news of these, where there is Redis; elsewhere they look by themselves.

    Called after commit. Never fails: who misses the news finds it by the slow poll.
    """
    numbers: Sequence[int] = sorted(ids)
    if not settings.REDIS_URL or not numbers:
        return
    try:
        _redis(settings.REDIS_URL).publish(channel, json.dumps(numbers))
    except redis.RedisError as error:
        logger.warning("Live views were not told of news: %s", error)
