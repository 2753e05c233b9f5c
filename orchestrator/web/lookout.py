"""One look-out for all the sockets of a web process that follow the same kind of thing, and only while there are any.

A socket gets a bell: an event that is set when there may be something new, however much. Whoever waits for it clears it
*before* reading; clearing it after would lose what came in between. Where there is Redis other processes say when to
look, and looking by itself is a slow second line.
"""

from __future__ import annotations

import asyncio
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Self
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import Error
from redis.asyncio import Redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

TROUBLE_SECONDS = 1.0

Bell = asyncio.Event


class LookOut(ABC):
    """The look-out of one event loop. A subclass says what it does while somebody watches."""

    channel: ClassVar[str]  # of Redis, on which other processes tell of news
    _here: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[type, Any]]] = WeakKeyDictionary()

    def __init__(self) -> None:
        self._bells: dict[Hashable, set[Bell]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.hears_news = False

    @classmethod
    def here(cls) -> Self:
        """The look-out of the running event loop."""
        of_loop = cls._here.setdefault(asyncio.get_running_loop(), {})
        if cls not in of_loop:
            of_loop[cls] = cls()
        found: Self = of_loop[cls]
        return found

    @abstractmethod
    def duties(self) -> Iterable[Coroutine[Any, Any, None]]:
        """What is done for as long as there is a bell."""

    @abstractmethod
    def told(self, ids: list[int]) -> None:
        """Another process says that there is news of these."""

    @abstractmethod
    def forget(self, key: Hashable) -> None:
        """Nobody watches this any more."""

    @contextmanager
    def bell(self, key: Hashable) -> Iterator[Bell]:
        """A bell for the news of one thing."""
        bell = Bell()
        self._bells.setdefault(key, set()).add(bell)
        self._wake_up()
        try:
            yield bell
        finally:
            self._bells[key].discard(bell)
            if not self._bells[key]:
                del self._bells[key]
                self.forget(key)
            self._doze_off()

    def ring(self, keys: Iterable[Hashable]) -> None:
        for key in keys:
            for bell in self._bells.get(key, ()):
                bell.set()

    def _wake_up(self) -> None:
        if self._tasks:
            return
        self._tasks = [asyncio.create_task(duty) for duty in self.duties()]
        if settings.REDIS_URL:
            self._tasks.append(asyncio.create_task(self._listen()))

    def _doze_off(self) -> None:
        if self._bells:
            return
        for task in self._tasks:
            task.cancel()
        self._tasks = []

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
            await channel.subscribe(self.channel)
            self.hears_news = True
            async for news in channel.listen():
                if news["type"] == "message":
                    self.told(json.loads(news["data"]))


@contextmanager
def trouble_outlasted() -> Iterator[None]:
    """A database that is away is looked at again the next time."""
    try:
        yield
    except Error as error:
        logger.warning("The live feed could not look: %s", error)
