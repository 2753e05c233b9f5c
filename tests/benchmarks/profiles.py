"""The databases that can be measured: the default and that of a team."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from tests.scratch import postgres_database, why_no_postgres

REDIS = os.environ.get("BENCH_REDIS", "redis://127.0.0.1:6379/14")
DATABASE = "baton_bench"

Address = dict[str, str]


@dataclass(frozen=True)
class Profile:
    """`missing` says why it cannot be measured, '' if it can; `database` makes an empty one for as long as it is open."""

    name: str
    missing: Callable[[], str]
    database: Callable[[], AbstractContextManager[Address]]


@contextmanager
def _sqlite() -> Iterator[Address]:
    yield {"DATABASE_URL": "", "REDIS_URL": ""}


@contextmanager
def _postgres() -> Iterator[Address]:
    with postgres_database(DATABASE) as address:
        yield {"DATABASE_URL": address, "REDIS_URL": ""}


@contextmanager
def _team() -> Iterator[Address]:
    with Redis.from_url(REDIS) as client, _postgres() as address:
        client.flushdb()
        yield {**address, "REDIS_URL": REDIS}


def _no_team() -> str:
    try:
        with Redis.from_url(REDIS, socket_connect_timeout=1) as client:
            client.ping()
    except RedisError as error:
        return f"Redis does not answer: {error}"
    return why_no_postgres()


PROFILES = (
    Profile("sqlite", lambda: "", _sqlite),
    Profile("postgresql", why_no_postgres, _postgres),
    Profile("postgresql+redis", _no_team, _team),
)
