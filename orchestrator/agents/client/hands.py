"""One lease from the moment it is taken up: kept alive, its lines sent, its outcome delivered."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, Final, TypeVar

from orchestrator.agents.client.answers import (
    MOST_LINES,
    Assignment,
    ClientError,
    File,
    LeaseLostError,
    Sign,
)
from orchestrator.agents.client.calls import AsyncClient
from orchestrator.agents.client.tasks import AsyncTask, Completed, Failed, Outcome, Task

logger = logging.getLogger("orchestrator.agents.client")

T = TypeVar("T")

HEARTBEAT_SECONDS: Final = 15.0
LINES_SECONDS: Final = 0.5  # between two requests with lines of one task
GIVING_BACK_SECONDS: Final = 5.0
_SHORTEST_BEAT: Final = 0.3
_MOST_KEPT: Final = 5000  # lines; of one attempt no more are stored
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0

pause = asyncio.sleep  # tests wait in their own way


def pauses() -> Iterator[float]:
    """Ever longer, each by chance, so that many agents do not come back as one."""
    for tried in itertools.count():
        yield min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(tried, 10)) * random.uniform(0.75, 1.25)  # noqa: S311


def _for_ever() -> float:
    return float("inf")


async def patiently(call: Callable[[], Awaitable[T]], what: str, until: Callable[[], float] = _for_ever) -> T:
    """Repeat what fails for a passing reason, as long as the next try comes before `until` by the monotonic clock."""
    for wait in pauses():
        try:
            return await call()
        except ClientError as error:
            seconds = max(wait, error.retry_after or 0.0)
            if not error.is_passing or time.monotonic() + seconds > until():
                raise
            logger.warning("%s is tried again in %.1f s: %s", what, seconds, error)
        await pause(seconds)
    raise AssertionError("Pauses do not end.")


class Hand:
    """Holds one lease. All but `write` is called in the event loop."""

    task: Task | AsyncTask
    work: asyncio.Future[Outcome]

    def __init__(self, client: AsyncClient, given: Assignment) -> None:
        self._client = client
        self._lease = given.lease
        self._loop = asyncio.get_running_loop()
        self._lines: deque[tuple[str, str]] = deque()
        self._stirred = asyncio.Event()
        self._over = asyncio.Event()
        self._lost = False
        self._last = float("inf")
        self._extend(given.seconds)

    def _extend(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._beat = min(HEARTBEAT_SECONDS, max(_SHORTEST_BEAT, seconds / 3))

    def _end(self) -> float:
        """Until when it is worth to try again."""
        return min(self._until, self._last)

    def write(self, level: str, text: str) -> None:
        """Keep a line to be sent. From any thread."""
        if len(self._lines) >= _MOST_KEPT:
            return
        self._lines.append((level, text))
        try:
            self._loop.call_soon_threadsafe(self._stirred.set)
        except RuntimeError:
            logger.debug("A line of %s came after its agent had ended", self.task)

    async def attach(self, name: str, data: File) -> None:
        """Hand in a file, trying again while Baton is away and the lease lasts. Raises ClientError."""
        if self._lost:
            raise LeaseLostError(409, "lease_lost", f"{self.task} is somebody else's by now.")
        try:
            await patiently(
                lambda: self._client.attach(self._lease, name, data), f"{name} of {self.task}", self._end
            )
        except LeaseLostError as error:
            self._lose(error)
            raise

    def give_up(self) -> None:
        """Stop the work; the task goes back undone, unless the work is done already."""
        self._last = time.monotonic() + GIVING_BACK_SECONDS
        self.task.cancelled.set()
        self._over.set()
        self.work.cancel()

    def _lose(self, reason: object) -> None:
        """The server has said that it is somebody else's."""
        if not self._lost and not self._over.is_set():
            logger.warning("The lease of %s is lost: %s", self.task, reason)
        self._lost = True
        self.task.cancelled.set()

    def carry(self, task: Task | AsyncTask, work: asyncio.Future[Outcome]) -> Coroutine[Any, Any, None]:
        """What leads from the first heartbeat to the delivered outcome."""
        self.task, self.work = task, work
        return self._carried(work)

    async def _carried(self, work: asyncio.Future[Outcome]) -> None:
        beats = asyncio.create_task(self._keep_alive())
        lines = asyncio.create_task(self._send_lines())
        work.add_done_callback(lambda _: self._over.set())
        try:
            await self._over.wait()
            self._stirred.set()
            await lines
            await self._deliver()
        finally:
            for one in (beats, lines, work):
                one.cancel()

    async def _keep_alive(self) -> None:
        while not self._lost:
            await pause(self._beat)
            try:
                sign = await patiently(self._heartbeat, f"A heartbeat of {self.task}", self._end)
            except ClientError as error:
                if not error.is_passing:
                    self._lose(error)
                    return
                logger.warning("The lease of %s ran out and Baton could not be told: %s", self.task, error)
                self.task.cancelled.set()
                return
            if sign.cancelled:
                self._lose("the task was cancelled")
            self._extend(sign.seconds)

    async def _heartbeat(self) -> Sign:
        return await self._client.heartbeat(self._lease)

    async def _send_lines(self) -> None:
        """As they come, twice a second at most; what is left at once when the work has ended."""
        while not self._over.is_set() or self._lines:
            await self._stirred.wait()
            if not self._over.is_set():
                self._stirred.clear()
            if self._lines:
                await self._send_some()
                await self._rest()

    async def _rest(self) -> None:
        if self._over.is_set():
            return
        resting = asyncio.ensure_future(pause(LINES_SECONDS))
        closing = asyncio.ensure_future(self._over.wait())
        await asyncio.wait({resting, closing}, return_when=asyncio.FIRST_COMPLETED)
        resting.cancel()
        closing.cancel()
        if self._lines:
            self._stirred.set()

    async def _send_some(self) -> None:
        some = [self._lines.popleft() for _ in range(min(len(self._lines), MOST_LINES))]
        if self._lost:
            return
        try:
            await patiently(lambda: self._client.log(self._lease, some), f"The log of {self.task}", self._end)
        except LeaseLostError as error:
            self._lose(error)
        except ClientError as error:
            logger.warning("%d lines of the log of %s are lost: %s", len(some), self.task, error)

    async def _deliver(self) -> None:
        if self._lost:
            logger.warning("The outcome of %s came too late and is dropped", self.task)
            return
        try:
            await patiently(self._settle, f"The outcome of {self.task}", self._end)
        except LeaseLostError as error:
            logger.warning("The outcome of %s came too late and is dropped: %s", self.task, error)
        except ClientError as error:
            logger.error("The outcome of %s was not taken: %s", self.task, error)

    async def _settle(self) -> None:
        outcome = self.work.result() if self.work.done() and not self.work.cancelled() else None
        if isinstance(outcome, Completed):
            await self._complete(outcome)
        elif isinstance(outcome, Failed):
            await self._fail(outcome)
        else:
            await self._client.release(self._lease)

    async def _complete(self, outcome: Completed) -> None:
        """An output that cannot be sent is the failure of the attempt. One that is not what was agreed has already been
        recorded as such when that is heard of."""
        try:
            await self._client.complete(self._lease, outcome.output)
        except (TypeError, ValueError, RecursionError) as error:
            await self._fail(Failed(f"The output is no JSON: {error}", "output_invalid", False))
        except ClientError as error:
            if error.status not in (400, 413) or error.code == "output_invalid":
                raise
            await self._fail(Failed(f"The output was refused: {error.message}", "output_invalid", False))

    async def _fail(self, outcome: Failed) -> None:
        await self._client.fail(self._lease, outcome.message, code=outcome.code, retryable=outcome.retryable)
