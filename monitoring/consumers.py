"""The sockets of the live feed: of a run, of a request for approval, and for the numbers on a person's rail."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from channels.db import database_sync_to_async

from monitoring.hub import hub
from orchestrator.permissions import Person, approvals_for, runs_for
from orchestrator.reads.record import Talk, talk_of
from orchestrator.web.context import Waiting, waiting_now
from orchestrator.web.feeds import VERSION, Feed
from orchestrator.web.lookout import Bell


class RunFeed(Feed):
    """Follows a run from the event the page says it knows: `{"resume": seq}`."""

    seq: int | None = None

    @property
    def run_id(self) -> int:
        return self.scope["url_route"]["kwargs"]["pk"]

    def allows(self, person: Person) -> bool:
        return runs_for(person).filter(pk=self.run_id).exists()

    def bell(self) -> AbstractContextManager[Bell]:
        return hub().run_bell(self.run_id)

    async def heard(self, frame: dict[str, Any], bell: Bell) -> bool:
        match frame:
            case {"resume": int(seq)} if len(frame) == 1 and seq >= 0 and not isinstance(seq, bool):
                self.seq = seq
                bell.set()
                return True
        return await super().heard(frame, bell)

    async def news(self) -> dict[str, Any] | None:
        if self.seq is None:
            return None
        since = self.seq
        message = await hub().message(self.run_id, since)
        if self.seq != since:  # the page has asked again meanwhile
            return None
        self.seq = message["seq"]
        return message if message["seq"] != since else None


class TalkFeed(Feed):
    """How far the record of a request goes; the page reads the rest itself."""

    told: Talk | None = None

    @property
    def approval_id(self) -> int:
        return self.scope["url_route"]["kwargs"]["pk"]

    def allows(self, person: Person) -> bool:
        found = approvals_for(person).filter(pk=self.approval_id).values_list("run_id", flat=True).first()
        self._run_id: int = found or 0
        return found is not None

    def bell(self) -> AbstractContextManager[Bell]:
        return hub().run_bell(self._run_id)

    async def news(self) -> dict[str, Any] | None:
        talk = await database_sync_to_async(talk_of)(self.approval_id, self.told)
        if talk == self.told:
            return None
        self.told = talk
        return {"v": VERSION, "request": self.approval_id, **asdict(talk)}


class MeFeed(Feed):
    """The number of requests that wait for this person, told again when others wait than before."""

    told: Waiting | None = None

    def allows(self, person: Person) -> bool:
        return person.is_authenticated

    def bell(self) -> AbstractContextManager[Bell]:
        return hub().approvals_bell()

    async def news(self) -> dict[str, Any] | None:
        now = await database_sync_to_async(waiting_now)(self.person)
        if now == self.told:
            return None
        self.told = now
        return {"v": VERSION, "approvals": now.number, "as_of": now.mark}
