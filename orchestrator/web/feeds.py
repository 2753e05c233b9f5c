"""What the sockets of all parts have in common: who may open one, how it tells what is new, and when it ends.

A stranger is refused before the socket opens, and whoever may no longer look is shown out within a minute.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import CookieMiddleware
from django.core.exceptions import ObjectDoesNotExist
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error
from django.urls import URLPattern, re_path

from orchestrator.permissions import Person
from orchestrator.web.lookout import TROUBLE_SECONDS, Bell
from orchestrator.web.viewers import viewer

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 0.1  # between two messages: at most ten a second, whatever happens
RECHECK_SECONDS = 60.0
LONGEST_FRAME = 200
MOST_SOCKETS = 100  # of one person, to one web process
VERSION = 1

BAD_FRAME, NOT_ALLOWED, GONE = 4400, 4403, 4404


class Feed(AsyncWebsocketConsumer, ABC):
    """A socket of ours. A subclass says who may look, which bell rings for it, and what is new."""

    # Nothing is sent to a feed over the channel layer; waiting on it would end the feed with a Redis that goes away.
    channel_layer_alias = ""
    follower: asyncio.Task[None] | None = None
    person: Person

    @abstractmethod
    def allows(self, person: Person) -> bool:
        """Whether this person may look. Called in a thread, may ask the database."""

    @abstractmethod
    def bell(self) -> AbstractContextManager[Bell]:
        """Rings whenever there may be news."""

    @abstractmethod
    async def news(self) -> dict[str, Any] | None:
        """The next message, None when there is nothing to say."""

    async def heard(self, frame: dict[str, Any], bell: Bell) -> bool:
        """Take a frame of the client; False when it is not one of this protocol."""
        del bell
        return frame == {"ping": 1}

    async def connect(self) -> None:
        try:
            allowed = await self._allowed()
        except Error as error:
            # Refused like a stranger: the page counts a failure, comes back later, and after three of them polls.
            logger.warning("A live feed could not ask who looks: %s", error)
            allowed = False
        if not allowed:
            await self.close()
            return
        self._seat: int = self.person.pk
        if not seats().take(self._seat):
            # The page comes back later, and asks by HTTP until then.
            logger.warning("%s has as many live feeds open as one may; another was refused", self.person)
            await self.close()
            return
        await self.accept()
        self._ringing = self.bell()
        self._bell = self._ringing.__enter__()
        self._bell.set()  # for what was new before: the look-out rings but once for it, perhaps for others only
        self.follower = asyncio.create_task(self._follow())

    async def disconnect(self, code: int) -> None:
        del code
        if self.follower is None:
            return
        self._ringing.__exit__(None, None, None)
        seats().give_back(self._seat)
        self.follower.cancel()
        with suppress(asyncio.CancelledError):
            await self.follower

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        frame = _parse(text_data)
        if bytes_data is not None or frame is None or not await self.heard(frame, self._bell):
            await self.close(BAD_FRAME)

    async def _allowed(self) -> bool:
        asked_at = time.monotonic()
        self.person, allowed = await database_sync_to_async(self._ask)()
        self._checked_at = asked_at  # only what was answered counts as asked
        return allowed

    def _ask(self) -> tuple[Person, bool]:
        person = viewer(self.scope)
        return person, self.allows(person)

    async def _follow(self) -> None:
        try:
            while True:
                await self._wait()
                if not await self._look():
                    await self.close(NOT_ALLOWED)
                    return
                await asyncio.sleep(FLUSH_SECONDS)
        except ObjectDoesNotExist:
            await self.close(GONE)
        except Exception:
            logger.exception("A live feed broke off")
            await self.close(1011)

    async def _wait(self) -> None:
        left = max(0.0, RECHECK_SECONDS - (time.monotonic() - self._checked_at))
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._bell.wait()

    async def _still_allowed(self) -> bool:
        is_due = time.monotonic() - self._checked_at >= RECHECK_SECONDS
        return not is_due or await self._allowed()

    async def _look(self) -> bool:
        """Tell what is new; False when this person may no longer look. A database that is away is asked again."""
        self._bell.clear()
        try:
            if not await self._still_allowed():
                return False
            message = await self.news()
        except Error as error:
            logger.warning("A live feed could not read: %s", error)
            self._bell.set()
            await asyncio.sleep(TROUBLE_SECONDS)
            return True
        if message is not None:
            await self.send(json.dumps(message, cls=DjangoJSONEncoder, separators=(",", ":")))
        return True


class Nothing(AsyncWebsocketConsumer):
    """Every other address: refused."""

    channel_layer_alias = ""

    async def connect(self) -> None:
        await self.close()


class Seats:
    """How many sockets each person has open to this web process."""

    def __init__(self) -> None:
        self._taken: Counter[int] = Counter()

    def take(self, person_id: int) -> bool:
        """A place for one more socket of this person, to be given back; False when they have too many."""
        if self._taken[person_id] >= MOST_SOCKETS:
            return False
        self._taken[person_id] += 1
        return True

    def give_back(self, person_id: int) -> None:
        self._taken[person_id] -= 1
        if not self._taken[person_id]:
            del self._taken[person_id]

    def __bool__(self) -> bool:
        return bool(self._taken)


_seats: WeakKeyDictionary[asyncio.AbstractEventLoop, Seats] = WeakKeyDictionary()


def seats() -> Seats:
    """Those of the running event loop, whatever the feed."""
    return _seats.setdefault(asyncio.get_running_loop(), Seats())


def walled(routes: Sequence[URLPattern]) -> AllowedHostsOriginValidator:
    """These feeds behind the two walls of all: our own pages only, and a cookie to tell who it is."""
    router = URLRouter([*routes, re_path("", Nothing.as_asgi())])
    return AllowedHostsOriginValidator(CookieMiddleware(router))


def _parse(text: str | None) -> dict[str, Any] | None:
    if text is None or len(text) > LONGEST_FRAME:
        return None
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) else None
