"""The socket of an open draft: who else is there, and what they have done to it.

It says `hello`, then `people` and `rev` whenever there is something to say; the page says `{"t": "at", "task": key}`,
with null for none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from editor.rooms import Rooms
from orchestrator.definition.names import text_fault
from orchestrator.models import Workflow
from orchestrator.permissions import Person, can, workflows_for
from orchestrator.web.feeds import VERSION, Feed
from orchestrator.web.lookout import Bell

LONGEST_KEY = 64
REFUSAL = 'What is understood here is {"t": "at", "task": the key of a task, or null}.'


class DraftFeed(Feed):
    """Open to whoever may change the draft, like the pages that show it."""

    workflow_id: int
    tab: str
    rev: int | None = None
    people: list[dict[str, Any]] | None = None
    refusing = False

    def allows(self, person: Person) -> bool:
        key = self.scope["url_route"]["kwargs"]["key"]
        workflow = workflows_for(person).only("pk", "owner_id").filter(key=key).first()
        if workflow is None or not can(person, "design", workflow):
            return False
        self.workflow_id = workflow.pk
        return True

    @contextmanager
    def bell(self) -> Iterator[Bell]:
        rooms = Rooms.here()
        with rooms.bell(self.workflow_id) as bell, rooms.tab(self.workflow_id, self.person) as self.tab:
            yield bell

    async def heard(self, frame: dict[str, Any], bell: Bell) -> bool:
        match frame:
            case {"t": "at", "task": str() | None as task} if len(frame) == 2 and _may_be_shown(task or ""):
                Rooms.here().move(self.tab, task or "")
            case {"ping": 1}:
                pass
            case _:
                self.refusing = True
                bell.set()
        return True

    async def disconnect(self, code: int) -> None:
        await super().disconnect(code)
        if self.follower is not None:
            await Rooms.here().say_farewell()

    async def news(self) -> dict[str, Any] | None:
        found = Rooms.here().seen(self.workflow_id)
        if found is None:
            return None
        if found.rev is None:
            raise Workflow.DoesNotExist
        message = self._hello(found.rev) if self.rev is None else self._next(self.rev)
        if message is None:
            return None
        self._bell.set()  # there may be more
        return {"v": VERSION, **message}

    def _hello(self, rev: int) -> dict[str, Any]:
        self.rev, self.people = rev, Rooms.here().people(self.workflow_id)
        return {"t": "hello", "rev": rev, "me": {"id": self.person.pk}, "people": self.people}

    def _next(self, rev: int) -> dict[str, Any] | None:
        """Revisions go before people: who edits is seen in what they do."""
        if revision := Rooms.here().since(self.workflow_id, rev):
            self.rev = revision.rev
            mine = revision.user_id == self.person.pk
            return {
                "t": "rev",
                "rev": revision.rev,
                "by": revision.name or None,
                "mine": mine,
                "kind": revision.kind,
            }
        people = Rooms.here().people(self.workflow_id)
        if people != self.people:
            self.people = people
            return {"t": "people", "people": people}
        if self.refusing:
            self.refusing = False
            return {"t": "refused", "why": REFUSAL}
        return None


def _may_be_shown(key: str) -> bool:
    return len(key) <= LONGEST_KEY and not text_fault(key)
