"""One look-out for all the sockets of a web process, and only while there are any.

It looks whether the watched runs have moved on, five times a second. Where there is Redis the engine says so itself and
looking is a slow second line. A socket gets a bell: an event that is set when there may be something new, however much.
Whoever waits for it clears it *before* reading; clearing it after would lose what came in between.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error
from django.db.models import Count, Max
from redis.asyncio import Redis
from redis.exceptions import RedisError

from orchestrator.events import NEWS_CHANNEL
from orchestrator.models import Approval, Run
from orchestrator.reads.live import live

logger = logging.getLogger(__name__)

RUNS_SECONDS = 0.2
RUNS_SECONDS_WITH_NEWS = 5.0
APPROVALS_SECONDS = 2.0
TROUBLE_SECONDS = 1.0
MOST_SOCKETS = 100  # of one person, to one web process

Bell = asyncio.Event


class Hub:
    """The look-out of one event loop."""

    def __init__(self) -> None:
        self._runs: dict[int, set[Bell]] = {}
        self._approvals: set[Bell] = set()
        self._seqs: dict[int, int] = {}
        self._open: tuple[int, int] | None = None
        self._rings: dict[int, int] = {}
        self._seats: Counter[int] = Counter()
        self._reading: dict[tuple[int, int, int], asyncio.Task[dict[str, Any]]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.hears_news = False

    @contextmanager
    def run_bell(self, run_id: int) -> Iterator[Bell]:
        """A bell for the news of one run."""
        bell = Bell()
        self._runs.setdefault(run_id, set()).add(bell)
        self._wake_up()
        try:
            yield bell
        finally:
            self._runs[run_id].discard(bell)
            if not self._runs[run_id]:
                for forgotten in (self._runs, self._seqs, self._rings):
                    forgotten.pop(run_id, None)
            self._doze_off()

    @contextmanager
    def approvals_bell(self) -> Iterator[Bell]:
        """A bell for requests for approval, anybody's."""
        bell = Bell()
        self._approvals.add(bell)
        self._wake_up()
        try:
            yield bell
        finally:
            self._approvals.discard(bell)
            self._doze_off()

    def take_seat(self, person_id: int) -> bool:
        """A place for one more socket of this person, to be given back; False when they have too many."""
        if self._seats[person_id] >= MOST_SOCKETS:
            return False
        self._seats[person_id] += 1
        return True

    def give_back_seat(self, person_id: int) -> None:
        self._seats[person_id] -= 1
        if not self._seats[person_id]:
            del self._seats[person_id]

    async def message(self, run_id: int, since: int) -> dict[str, Any]:
        """What a page that knows the run up to `since` is to be told; read once for all that ask the same."""
        # A reading begun before the last ring may miss what it rang for, so it is not shared with who asks after it.
        key = (run_id, since, self._rings.get(run_id, 0))
        if key not in self._reading:
            task = self._reading[key] = asyncio.create_task(_message(run_id, since))
            task.add_done_callback(lambda _: self._reading.pop(key, None))
        # The reading goes on for the others when one socket closes.
        return await asyncio.shield(self._reading[key])

    def _wake_up(self) -> None:
        if self._tasks:
            return
        self._tasks = [
            asyncio.create_task(self._look_at_runs()),
            asyncio.create_task(self._look_at_approvals()),
        ]
        if settings.REDIS_URL:
            self._tasks.append(asyncio.create_task(self._listen()))

    def _doze_off(self) -> None:
        if self._runs or self._approvals:
            return
        for task in self._tasks:
            task.cancel()
        self._tasks = []

    def _ring(self, run_ids: Iterable[int]) -> None:
        for run_id in run_ids:
            if run_id not in self._runs:
                continue
            self._rings[run_id] = self._rings.get(run_id, 0) + 1
            for bell in self._runs[run_id]:
                bell.set()

    async def _look_at_runs(self) -> None:
        while True:
            started = time.monotonic()
            if self._runs:
                with _trouble_outlasted():
                    seqs = await _seqs(list(self._runs))
                    self._ring(run_id for run_id, seq in seqs.items() if self._seqs.get(run_id) != seq)
                    self._seqs = seqs
            pause = RUNS_SECONDS_WITH_NEWS if self.hears_news else RUNS_SECONDS
            # A database that is slow to answer is asked less often.
            await asyncio.sleep(max(pause, time.monotonic() - started))

    async def _look_at_approvals(self) -> None:
        while True:
            if self._approvals:
                with _trouble_outlasted():
                    found = await _open_approvals()
                    if found != self._open:
                        self._open = found
                        for bell in self._approvals:
                            bell.set()
            await asyncio.sleep(APPROVALS_SECONDS)

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear_news()
            except (RedisError, OSError) as error:
                logger.warning("No news over Redis, looking instead: %s", error)
            finally:
                self.hears_news = False
            await asyncio.sleep(TROUBLE_SECONDS)

    async def _hear_news(self) -> None:
        async with Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as channel:
            await channel.subscribe(NEWS_CHANNEL)
            self.hears_news = True
            async for news in channel.listen():
                if news["type"] == "message":
                    self._ring(json.loads(news["data"]))


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The look-out of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


@contextmanager
def _trouble_outlasted() -> Iterator[None]:
    try:
        yield
    except Error as error:
        logger.warning("The live feed could not look: %s", error)


@database_sync_to_async
def _seqs(run_ids: list[int]) -> dict[int, int]:
    return dict(Run.objects.filter(pk__in=run_ids).order_by().values_list("pk", "seq"))


@database_sync_to_async
def _open_approvals() -> tuple[int, int]:
    """Changes whenever a request is opened or closed."""
    rows = Approval.objects.filter(status=Approval.Status.OPEN)
    found = rows.aggregate(number=Count("pk"), last=Max("pk"))
    return found["number"], found["last"] or 0


@database_sync_to_async
def _message(run_id: int, since: int) -> dict[str, Any]:
    return live(Run.objects.only("pk").get(pk=run_id), since)
