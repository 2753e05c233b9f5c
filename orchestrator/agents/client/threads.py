"""The agent of a plain function: each task in a thread of its own."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from orchestrator.agents.client.answers import Assignment
from orchestrator.agents.client.hands import Hand, logger
from orchestrator.agents.client.serving import Serving
from orchestrator.agents.client.tasks import Completed, Outcome, Task, failure

Work = Callable[[Task], object]


class Agent(Serving[Work]):
    """Carries out tasks by a function: what it returns is the output, what it raises fails the attempt."""

    def task(self, function: Work) -> Work:
        return super().task(_plain(function))

    def run(self, function: Work | None = None) -> None:
        """Serve until stopped. Raises ClientError when Baton does not want this agent."""
        asyncio.run(self._serve(function and _plain(function)))

    def _begin(self, hand: Hand, given: Assignment, function: Work) -> Coroutine[Any, Any, None]:
        loop = asyncio.get_running_loop()
        task = Task(given, hand.write, hand.attach, loop)
        work: asyncio.Future[Outcome] = loop.create_future()

        def carry_out() -> None:
            outcome = _outcome(function, task)
            with suppress(RuntimeError):  # the agent has ended without it
                loop.call_soon_threadsafe(settle, outcome)

        def settle(outcome: Outcome) -> None:
            if not work.done():
                work.set_result(outcome)

        # A daemon: work that does not heed `cancelled` must not keep the process from ending.
        threading.Thread(target=carry_out, name=f"task {task}", daemon=True).start()
        return hand.carry(task, work)


def _plain(function: Work) -> Work:
    if inspect.iscoroutinefunction(function):
        raise TypeError("This is a coroutine; AsyncAgent carries out tasks by one.")
    return function


def _outcome(function: Work, task: Task) -> Outcome:
    try:
        return Completed(function(task))
    except BaseException as error:  # noqa: BLE001 - also an exit of a thread is the outcome of its attempt
        logger.warning("%s failed", task, exc_info=error)
        return failure(error)
