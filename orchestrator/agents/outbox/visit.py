"""One look at the file of one agent: settle what is finished, take back what is lost, give what is new."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from orchestrator import conf
from orchestrator.agents.outbox import shape
from orchestrator.agents.outbox.box import Box
from orchestrator.agents.outbox.entries import Work, entry_of, fault_of
from orchestrator.agents.outbox.folder import Folder, Stamp, UnusableError
from orchestrator.agents.outbox.merging import Closing, merged, revised
from orchestrator.agents.outbox.outcomes import first_of
from orchestrator.agents.outbox.settling import held_by, settle, task_id_of, withdrawn
from orchestrator.agents.outbox.shape import Entry, Outbox
from orchestrator.database import is_away
from orchestrator.definition.issues import DefinitionError
from orchestrator.engine import agent_work, agents
from orchestrator.engine.agent_work import Assignment
from orchestrator.exceptions import ConflictError
from orchestrator.models import Agent, Lease

logger = logging.getLogger(__name__)

PATIENCE: Final = 5.0  # seconds that a file may be half-written
LATE_SECONDS: Final = 10.0  # that a file which was replaced is still looked at
MOST_AT_ONCE: Final = 10
FULL_BYTES: Final = shape.MAX_BYTES // 2  # a file of this size is given nothing new
_TRIES: Final = 5


@dataclass(slots=True)
class Visit:
    """Raises OSError, and what the database raises; the next visit goes on from there."""

    agent: Agent
    box: Box
    folder: Folder

    def look(self) -> bool:
        """Whether anything was settled, taken back or given."""
        held = held_by(self.agent)
        self._catch_up()
        found = self._content()
        did = False
        if found is not None:
            did = self._deal_with(*found, held)
        keep_alive(self.box, held)
        return did

    # Reading

    def _content(self) -> tuple[Outbox, Stamp | None] | None:
        """What is in the file, a new content where there is none; None while it is being written."""
        try:
            stamp = self.folder.stamp()
            if self.box.content is not None and self.box.knows(stamp):
                return self.box.content, stamp
            data, stamp = self.folder.read()
        except UnusableError as error:
            return self._rejected(str(error))
        except FileNotFoundError:
            return self._fresh(), None
        try:
            content, issues = shape.parse(data)
        except DefinitionError as error:
            if self.box.broken_for(stamp) < PATIENCE:
                return None
            return self._rejected("\n".join(str(issue) for issue in error.issues))
        self.box.tell_faults(issues)
        if content != self.box.content:
            agents.seen([self.agent.pk])
        self.box.remember(content, stamp)
        return content, stamp

    def _fresh(self) -> Outbox:
        """The last content that was sound, or that of an agent which has done nothing yet."""
        if self.box.content is not None:
            return self.box.content
        agent = self.agent
        return shape.empty(agent.key, agent.name, agent.kind, agent.capabilities)

    def _rejected(self, reason: str) -> tuple[Outbox, None]:
        name = self.folder.reject(reason)
        self.box.broken = None
        logger.warning("The outbox of %s was moved to %s: %s", self.box.key, name, reason.partition("\n")[0])
        return self._fresh(), None

    # Settling and giving

    def _deal_with(self, content: Outbox, stamp: Stamp | None, held: dict[str, Lease]) -> bool:
        closed: dict[str, Closing] = {}
        wanted: list[Entry] = []
        if stamp is None or self.box.quiet != frozenset(held):
            closed = settle(self.box, content, held)
            closed |= withdrawn(self.agent, self.box, content, {*held, *closed})
            wanted = self._missing(content, held)
        wanted += self._taken(stamp, held)
        if closed or wanted or stamp is None:
            self._write(content, stamp, wanted, closed)
        else:
            self.box.quiet = frozenset(held)
        return bool(closed or wanted)

    def _missing(self, content: Outbox, held: dict[str, Lease]) -> list[Entry]:
        """Entries of tasks that are the agent's and stand nowhere in its file."""
        there = {*first_of(content["tasks"]), *first_of(content["history"])}
        lost = [lease for task_id, lease in held.items() if task_id not in there]
        return [entry for lease in lost if (entry := self._again(lease, held))]

    def _again(self, lease: Lease, held: dict[str, Lease]) -> Entry | None:
        try:
            given = agent_work.assignment_of(lease)
        except Exception as error:  # whatever keeps it from being given out is its outcome
            if is_away(error):
                raise
            self._give_up(lease, held, f"The task cannot be given out again: {error}")
            return None
        return self._entry(given, held) if given else None

    def _taken(self, stamp: Stamp | None, held: dict[str, Lease]) -> list[Entry]:
        """Entries of new tasks, as many as the agent and its file have room for."""
        room = shape.MAX_BYTES - (stamp.size if stamp else 0)
        self.box.full = ""
        if stamp and room < FULL_BYTES:
            self.box.full = f"It has {stamp.size:,} bytes, too many for new tasks; shorten its history."
            return []
        found = []
        for given in agent_work.take(self.agent, MOST_AT_ONCE):
            held[task_id_of(given.lease)] = given.lease
            entry = self._entry(given, held)
            if entry is None:
                continue
            room -= len(shape.dump(entry)) * 2
            if room < 0:
                agent_work.release(held.pop(entry["task_id"]))
            else:
                found.append(entry)
        return found

    def _entry(self, given: Assignment, held: dict[str, Lease]) -> Entry | None:
        entry = entry_of(_work(given))
        fault = fault_of(entry)
        if fault:
            self._give_up(given.lease, held, f"The task does not fit into an outbox: {fault}")
            return None
        return entry

    def _give_up(self, lease: Lease, held: dict[str, Lease], message: str) -> None:
        held.pop(task_id_of(lease), None)
        try:
            agent_work.fail(lease, message[:1000], code="not_given_out", retryable=False)
        except ConflictError:
            return

    # Writing

    def _write(
        self, content: Outbox, stamp: Stamp | None, wanted: list[Entry], closed: dict[str, Closing]
    ) -> None:
        """Put it into the file, whatever the agent writes meanwhile; what cannot be put now is found by the next look."""
        at = timezone.now().isoformat()
        with self.folder.locked():
            for _ in range(_TRIES):
                new = revised(content, wanted, closed, at)
                if new == content and stamp is not None:
                    return
                if self.folder.replace(shape.dump(new), stamp):
                    self.box.wrote(new, stamp, content)
                    break
                found = self._content()
                if found is None:
                    return
                content, stamp = found
        self._catch_up()

    def _catch_up(self) -> None:
        """Bring what was written to a file that had just been replaced into the one that took its place."""
        if self.box.replaced is None:
            return
        seen, base = self.box.replaced
        data = self.folder.late(seen)
        if data is not None and self._merged_in(base, data):
            return
        if time.monotonic() - self.box.replaced_at > LATE_SECONDS:
            self.folder.forget_replaced()
            self.box.replaced = None

    def _merged_in(self, base: Outbox, data: bytes) -> bool:
        try:
            theirs, _ = shape.parse(data)
        except DefinitionError:
            return False  # it is being written
        found = self._content()
        if found is None:
            return False
        ours, stamp = found
        with self.folder.locked():
            new = merged(base, theirs, ours)
            if new == ours or not self.folder.replace(shape.dump(new), stamp):
                return False
            self.box.wrote(new, stamp, ours)
        return True


def _work(given: Assignment) -> Work:
    return Work(
        lease=given.lease.pk,
        run=given.run,
        workflow=given.workflow,
        task=given.task,
        index=given.index,
        attempt=given.attempt,
        parameters=given.parameters,
        idempotency_key=given.idempotency_key,
        created_at=given.lease.taken_at,
        due_at=given.timeout_at,
    )


def keep_alive(box: Box, held: dict[str, Lease]) -> None:
    """Hold the leases, some time before they would run out."""
    if time.monotonic() - box.kept_at < conf.lease_seconds() / 3:
        return
    box.kept_at = time.monotonic()
    for lease in held.values():
        hold(lease)


def hold(lease: Lease) -> None:
    try:
        agent_work.keep_alive(lease)
    except ConflictError:
        return  # it has just gone; the next look takes it back
