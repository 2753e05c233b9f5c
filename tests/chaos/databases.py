"""The databases on which chaos is made, each in an environment of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import sql

NAMES = ("sqlite", "postgresql")
SERVER = os.environ.get("CHAOS_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")

_QUICK = {"BATON_LEASE_SECONDS": "3"}  # a task whose worker died is free again after so many


def missing(name: str) -> str:
    """Why it cannot be used; '' when it can."""
    if name == "sqlite":
        return ""
    try:
        psycopg.connect(SERVER, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return f"PostgreSQL does not answer: {error}"
    return ""


@contextmanager
def environment(name: str, **given: str) -> Iterator[Mapping[str, str]]:
    """For processes that work on an empty database of this kind, which is removed in the end."""
    with tempfile.TemporaryDirectory(prefix="baton-chaos-") as folder, _address(name) as address:
        yield {
            **os.environ,
            **_QUICK,
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "DATABASE_URL": address,
            "REDIS_URL": "",
            "BATON_DATA_DIR": folder,
            "BATON_DEBUG": "0",
            "BATON_DEMO": "0",
            **given,
        }


@contextmanager
def _address(name: str) -> Iterator[str]:
    if name == "sqlite":
        yield ""
        return
    database = f"baton_chaos_{os.getpid()}"
    identifier = sql.Identifier(database)
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
        try:
            yield SERVER.rpartition("/")[0] + "/" + database
        finally:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
