"""The agent of a coroutine: all tasks in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from orchestrator.agents.client.answers import Assignment
from orchestrator.agents.client.hands import Hand, logger
from orchestrator.agents.client.serving import Serving
from orchestrator.agents.client.tasks import AsyncTask, Completed, Outcome, failure

Work = Callable[[AsyncTask], Awaitable[object]]


class AsyncAgent(Serving[Work]):
    """Carries out tasks by a coroutine, which is cancelled when its time is over."""

    async def run(self, function: Work | None = None) -> None:
        """Serve until stopped. Raises ClientError when Baton does not want this agent."""
        await self._serve(function)

    def _begin(self, hand: Hand, given: Assignment, function: Work) -> Coroutine[Any, Any, None]:
        task = AsyncTask(given, hand.write, hand.attach)
        return hand.carry(task, asyncio.create_task(_outcome(function, task)))


async def _outcome(function: Work, task: AsyncTask) -> Outcome:
    try:
        return Completed(await function(task))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the outcome of the attempt
        logger.warning("%s failed", task, exc_info=error)
        return failure(error)
