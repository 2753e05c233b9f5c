"""A turn over several runs that fails as a whole, taken again run by run, so that one bad run holds nothing else up.

What the planner fails on is set aside within the turn (`quarantine`). This is for what fails around it: a row that
cannot be read, a definition that does not compile any more, a value that the database refuses.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db import connection

from orchestrator.database import is_away
from orchestrator.engine import quarantine
from orchestrator.engine.points import committing
from orchestrator.models import Run

logger = logging.getLogger(__name__)

Attempted = Callable[[int], Any]


def is_ours_to_mend(error: BaseException) -> bool:
    """Not while the database is away, which is nobody's fault; nor inside somebody's transaction, who gets the error."""
    return isinstance(error, Exception) and not is_away(error) and not connection.in_atomic_block


def each(run_ids: list[int], attempt: Attempted, now: datetime) -> Iterator[tuple[int, Any]]:
    """What `attempt` gives for each of these runs, in a transaction of its own; None for one that had to be sealed off."""
    for run_id in run_ids:
        try:
            yield run_id, attempt(run_id)
        except Exception as error:
            if is_away(error):
                raise
            logger.exception("Run %s was sealed off", run_id)
            with committing("seal"):
                quarantine.seal_off(run_id, error, now)
            yield run_id, None


def claimable(limit: int) -> list[int]:
    """The runs that a claim would look at, without reading more of them."""
    found = Run.objects.filter(claimable=True).order_by("touched_at")
    return list(found.values_list("pk", flat=True)[:limit])
