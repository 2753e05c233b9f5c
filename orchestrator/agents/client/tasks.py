"""A task in the hands of an agent, as the function that carries it out sees it, and how that function ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.agents.client.answers import Assignment, File

LEVELS: Final = ("debug", "info", "warning", "error")
FAILED: Final = "agent_failed"


class Retryable(Exception):  # noqa: N818 - read where it is raised: what it is, is said by `raise`
    """The attempt failed; another may do better."""

    retryable = True

    def __init__(self, message: str, *, code: str = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class Permanent(Retryable):
    """It failed, and no other attempt would do better."""

    retryable = False


@dataclass(frozen=True, slots=True)
class Completed:
    output: Any


@dataclass(frozen=True, slots=True)
class Failed:
    message: str
    code: str
    retryable: bool


Outcome = Completed | Failed


def failure(error: BaseException) -> Failed:
    """What an exception says of the attempt."""
    if isinstance(error, Retryable):
        return Failed(error.message, error.code, error.retryable)
    return Failed(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, FAILED, True)


Attach = Callable[[str, File], Coroutine[Any, Any, None]]


class _Task:
    """What tasks of both kinds of agents have in common."""

    def __init__(self, given: Assignment, write: Callable[[str, str], None], attach: Attach) -> None:
        self.lease = given.lease
        self.run = given.run
        self.workflow = given.workflow
        self.key = given.task
        self.index = given.index
        self.attempt = given.attempt
        self.parameters = given.parameters
        self.idempotency_key = given.idempotency_key
        self.timeout_at = given.timeout_at
        self._write = write
        self._attach = attach

    def __str__(self) -> str:
        item = f"[{self.index}]" if self.index >= 0 else ""
        return f"{self.key}{item} of run {self.run}"

    def log(self, message: str, *values: object, level: str = "info") -> None:
        """Add a line, formatted like those of `logging`, to the log that people see on the page of the run."""
        if level not in LEVELS:
            raise ValueError(f"A level is one of {', '.join(LEVELS)}.")
        self._write(level, str(message) % values if values else str(message))


class Task(_Task):
    """A task of an `Agent`. `index` is that of an item of a for_each task, otherwise -1; `idempotency_key` is the same
    for each attempt; `cancelled` is set when nobody waits for the outcome any more."""

    def __init__(
        self,
        given: Assignment,
        write: Callable[[str, str], None],
        attach: Attach,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(given, write, attach)
        self.cancelled = threading.Event()
        self._loop = loop

    def attach(self, name: str, data: File) -> None:
        """Hand in a file, bytes or the path of one, which people find on the page of the run. It is kept once this returns;
        under a name that was used before it takes the place of that. Raises ClientError."""
        asyncio.run_coroutine_threadsafe(self._attach(name, data), self._loop).result()


class AsyncTask(_Task):
    """The same of an `AsyncAgent`, whose `cancelled` can be awaited."""

    def __init__(self, given: Assignment, write: Callable[[str, str], None], attach: Attach) -> None:
        super().__init__(given, write, attach)
        self.cancelled = asyncio.Event()

    async def attach(self, name: str, data: File) -> None:
        """Hand in a file, bytes or the path of one, which people find on the page of the run. It is kept once this returns;
        under a name that was used before it takes the place of that. Raises ClientError."""
        await self._attach(name, data)
