"""The databases on which chaos is made, each in an environment of its own."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tests.scratch import postgres_database, why_no_postgres

NAMES = ("sqlite", "postgresql")

_QUICK = {"BATON_LEASE_SECONDS": "3"}  # a task whose worker died is free again after so many


def missing(name: str) -> str:
    """Why it cannot be used; '' when it can."""
    return "" if name == "sqlite" else why_no_postgres()


def each(names: Sequence[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Those of these that can be used, each with the environment of an empty one; of the others it is said why not."""
    for name in names:
        if why := missing(name):
            sys.stderr.write(f"{name}: nothing was done, {why}\n")
            continue
        with environment(name) as found:
            yield name, found


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
    with postgres_database(f"baton_chaos_{os.getpid()}") as address:
        yield address
