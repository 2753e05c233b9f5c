"""Goes round the outboxes, about once a second. Whatever is wrong with one, the others are looked at as ever."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, connection

from orchestrator import conf
from orchestrator.actions.paths import WorkspaceError
from orchestrator.agents.outbox.box import Box
from orchestrator.agents.outbox.folder import Folder
from orchestrator.agents.outbox.settling import held_by
from orchestrator.agents.outbox.visit import Visit, hold
from orchestrator.database import is_away
from orchestrator.models import Agent

logger = logging.getLogger(__name__)


NOBODY_SECONDS = 5.0  # between two looks for the first agent that has an outbox


class Postman:
    """Any number may go round: what they know is in the database and in the files."""

    def __init__(self) -> None:
        self._boxes: dict[int, Box] = {}

    @property
    def has_boxes(self) -> bool:
        return bool(self._boxes)

    def look(self) -> int:
        """Look at every outbox; in how many there was something to do."""
        agents = list(outbox_agents())
        self._boxes = {agent.pk: self._boxes.get(agent.pk) or Box(agent.key) for agent in agents}
        return sum(self._guarded(agent) for agent in agents)

    def _guarded(self, agent: Agent) -> bool:
        box = self._boxes[agent.pk]
        trouble, did = "", False
        try:
            with Folder.opened(conf.postbox(), agent.key) as folder:
                did = Visit(agent, box, folder).look()
                trouble = box.full
        except WorkspaceError as error:
            trouble = error.message
        except OSError as error:
            trouble = f"{error.strerror or error}: {error.filename or box.key}"
        except Exception as error:
            if is_away(error):
                raise
            if box.trouble != repr(error):
                logger.exception("The outbox of %s could not be dealt with and is looked at again", box.key)
            box.trouble = trouble = repr(error)
        box.warn(trouble)
        return did


def outbox_agents() -> list[Agent]:
    return list(Agent.objects.filter(transport=Agent.Transport.OUTBOX))


def hold_all() -> None:
    """Hold what the agents hold already, before a clock may find that nobody has done so for a while: they may have
    been at work for days, and it was only Baton that was away."""
    try:
        for agent in outbox_agents():
            for lease in held_by(agent).values():
                hold(lease)
    except DatabaseError as error:
        logger.warning("What outbox agents hold could not be held for them: %s", error)
        connection.close()


def run_forever(stop: threading.Event) -> None:
    """Go round until told to stop."""
    postman = Postman()
    while not stop.is_set():
        try:
            postman.look()
        except Exception as error:
            if is_away(error):
                logger.warning("The outboxes wait for the database: %s", error)
            else:
                logger.exception("The round of the outboxes failed and is repeated")
            connection.close()
        stop.wait(conf.tick_seconds() if postman.has_boxes else NOBODY_SECONDS)
    connection.close()
