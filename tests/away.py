"""A database that goes away in the middle: from some statement on every one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, connection

SECRET = "server closed the connection unexpectedly; password=hunter2"


@dataclass
class Away:
    """`first` is the first statement that fails, counted from 1; `failed` are those that did."""

    first: int
    error: type[Exception]
    seen: int = 0
    failed: list[str] = field(default_factory=list)

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen += 1
        if self.seen < self.first:
            return execute(sql, params, many, context)
        self.failed.append(sql)
        raise self.error(SECRET)


@contextmanager
def database_away(first: int = 1, error: type[Exception] = OperationalError) -> Iterator[Away]:
    away = Away(first, error)
    with connection.execute_wrapper(away):
        yield away
