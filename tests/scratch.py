"""Empty databases of a PostgreSQL that is there, for what runs apart from the suite: benchmarks and chaos."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import LiteralString

import psycopg
from psycopg import sql

SERVER = os.environ.get("SCRATCH_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")


def why_no_postgres() -> str:
    """'' when it answers."""
    try:
        psycopg.connect(SERVER, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        return f"PostgreSQL does not answer: {error}"
    return ""


def address_of(name: str) -> str:
    return SERVER.rpartition("/")[0] + "/" + name


def remove_database(name: str) -> None:
    """If it is there, whoever is connected to it."""
    _tell_server("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


@contextmanager
def postgres_database(name: str) -> Iterator[str]:
    """The address of a new database, which is removed in the end; one left from before is removed first."""
    remove_database(name)
    _tell_server("CREATE DATABASE {}", name)
    try:
        yield address_of(name)
    finally:
        remove_database(name)


def _tell_server(statement: LiteralString, name: str) -> None:
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(sql.SQL(statement).format(sql.Identifier(name)))


def run_apart(
    module: str, words: list[str], database: AbstractContextManager[Mapping[str, str]], **environment: str
) -> int:
    """The exit code of `python -m module words…`, in a process of its own, since Django knows one configuration."""
    with tempfile.TemporaryDirectory(prefix="baton-apart-") as folder, database as address:
        whole = {**os.environ, "BATON_DATA_DIR": folder, "BATON_LOG_LEVEL": "ERROR", **environment, **address}
        return subprocess.run([sys.executable, "-m", module, *words], env=whole, check=False).returncode
