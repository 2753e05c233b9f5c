"""The look-out for drafts that somebody has open: who is there, and up to which revision it has come.

The pages of this web process are known at once; those of others, and the revision, by a look at the database for all
drafts together. Where there is Redis every process says when there is news; elsewhere it looks twice a second.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Collection, Coroutine, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

from channels.db import database_sync_to_async
from django.db import Error, connections
from django.utils import timezone

from editor import presence
from editor.presence import DRAFTS_CHANNEL, MOST_REVISIONS, Revision, Seen, Tab
from orchestrator.permissions import Person
from orchestrator.templatetags.baton import person
from orchestrator.web.lookout import LookOut, trouble_outlasted

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
LOOK_SECONDS_WITH_NEWS = 5.0
SOONEST_SECONDS = 0.1  # between two looks, however much news there is
WRITE_SECONDS = 0.5  # between two writes
RENEW_SECONDS = 15.0
FAREWELL_SECONDS = 2.0

# A thread of its own: while the database keeps a writer waiting, the other feeds go on reading.
_writer = ThreadPoolExecutor(1, thread_name_prefix="baton-presence")


class Rooms(LookOut):
    """The open drafts of one event loop."""

    channel = DRAFTS_CHANNEL

    def __init__(self) -> None:
        super().__init__()
        self.process = uuid4().hex
        self._here: dict[str, Tab] = {}
        self._seen: dict[int, Seen] = {}
        self._recent: dict[int, deque[Revision]] = {}
        self._unwritten: set[int] = set()  # drafts that somebody came to, left or moved in
        self._news = asyncio.Event()
        self._moved = asyncio.Event()
        self._writing = asyncio.Lock()

    # What a page says and asks

    @contextmanager
    def tab(self, workflow_id: int, who: Person) -> Iterator[str]:
        """The page is there for as long as this lasts; the name by which it moves."""
        key = uuid4().hex
        self._put(Tab(key, workflow_id, who.pk, person(who), "", timezone.now()))
        self._news.set()
        try:
            yield key
        finally:
            del self._here[key]
            self._changed(workflow_id)

    def move(self, key: str, task: str) -> None:
        """The page has selected this task, '' for none."""
        if self._here[key].at != task:
            self._put(replace(self._here[key], at=task, moved_at=timezone.now()))

    def seen(self, workflow_id: int) -> Seen | None:
        """The draft as it was at the last look; None before the first."""
        return self._seen.get(workflow_id)

    def people(self, workflow_id: int) -> list[dict[str, Any]]:
        here = [tab for tab in self._here.values() if tab.workflow_id == workflow_id]
        found = self._seen.get(workflow_id)
        return presence.people([*here, *(found.tabs if found else ())])

    def since(self, workflow_id: int, rev: int) -> Revision | None:
        """The next revision that is known after this one."""
        return next((one for one in self._recent.get(workflow_id, ()) if one.rev > rev), None)

    async def say_farewell(self) -> None:
        """Let other processes know who has gone, without waiting long: a lease that is not renewed says it, too."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await asyncio.shield(asyncio.ensure_future(self.write()))

    # What it does while somebody watches

    def duties(self) -> Iterable[Coroutine[Any, Any, None]]:
        return self._look(), self._keep_written()

    def told(self, ids: list[int]) -> None:
        if any(pk in self._bells for pk in ids):
            self._news.set()

    def forget(self, key: Hashable) -> None:
        assert isinstance(key, int)
        self._seen.pop(key, None)
        self._recent.pop(key, None)

    async def write(self, *, renewing: bool = False) -> None:
        """Put what has changed here into the database. What cannot be written now is written the next time."""
        async with self._writing:
            news, self._unwritten = self._unwritten, set()
            if not news and not renewing:
                return
            try:
                await _write(self.process, list(self._here.values()), news)
            except Error as error:
                logger.warning("Others were not told who edits: %s", error)
                self._unwritten |= news

    async def _keep_written(self) -> None:
        while True:
            self._moved.clear()
            await self.write(renewing=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEW_SECONDS):
                    await self._moved.wait()
            await asyncio.sleep(WRITE_SECONDS)

    async def _look(self) -> None:
        while True:
            self._news.clear()
            started = time.monotonic()
            with trouble_outlasted():
                await self._look_once()
            # A database that is slow to answer is asked less often.
            await asyncio.sleep(max(SOONEST_SECONDS, time.monotonic() - started))
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS_WITH_NEWS if self.hears_news else LOOK_SECONDS):
                    await self._news.wait()

    async def _look_once(self) -> None:
        watched = [key for key in self._bells if isinstance(key, int)]
        known = {pk: found.rev if (found := self._seen.get(pk)) else None for pk in watched}
        for pk, found in (await _look_at(known, self.process)).items():
            if pk not in self._bells:
                continue
            if (before := self._seen.get(pk)) != found:
                self._take(pk, found)
                if before is None or (before.rev, before.tabs) != (found.rev, found.tabs):
                    self.ring([pk])

    def _take(self, pk: int, found: Seen) -> None:
        self._seen[pk] = replace(found, revisions=())
        self._recent.setdefault(pk, deque(maxlen=MOST_REVISIONS)).extend(found.revisions)

    def _put(self, tab: Tab) -> None:
        self._here[tab.key] = tab
        self._changed(tab.workflow_id)

    def _changed(self, workflow_id: int) -> None:
        self._unwritten.add(workflow_id)
        self._moved.set()
        self.ring([workflow_id])


def _write_and_close(process: str, tabs: Sequence[Tab], news: Collection[int]) -> None:
    try:
        presence.write(process, tabs, news)
    finally:
        # This is seldom, and the thread is nobody else's: a connection that waited here would be one too many.
        connections.close_all()


_write = database_sync_to_async(_write_and_close, thread_sensitive=False, executor=_writer)
_look_at = database_sync_to_async(presence.look)
