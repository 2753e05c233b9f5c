"""What agents of both kinds do: register, fetch, hold as many tasks as there is room for, and stop in good order."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final, Generic, TypeVar

import httpx

from orchestrator.agents.client import answers, hands
from orchestrator.agents.client.answers import Assignment, ClientError
from orchestrator.agents.client.calls import AsyncClient
from orchestrator.agents.client.hands import Hand, logger, patiently

Function = TypeVar("Function", bound=Callable[..., Any])
T = TypeVar("T")

LAST_ANSWER_SECONDS: Final = 0.5  # for an answer that is on its way when the agent is stopped
_QUICKLY: Final = 1.0  # an empty answer that came sooner than this did not wait for work


class Serving(ABC, Generic[Function]):
    """An agent made of one function. What is not given is said to Baton neither, which then leaves it as it knows it;
    but `capacity` is said in any case."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        agent_id: str,
        capabilities: Sequence[str] | None = None,
        capacity: int = 1,
        pools: Sequence[str] | None = None,
        name: str | None = None,
        description: str | None = None,
        resources: dict[str, Any] | None = None,
        grace: float = 30.0,
        wait: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`grace`: seconds that running tasks get when the agent is stopped. Raises ValueError."""
        if capacity < 1:
            raise ValueError(f"An agent has room for at least one task; capacity is {capacity}.")
        self.url = answers.address(url)
        answers.headers(token)
        self.agent_id = agent_id
        self.capacity = capacity
        self._token = token
        self._description = {
            "name": name,
            "description": description,
            "capabilities": None if capabilities is None else list(capabilities),
            "pools": None if pools is None else list(pools),
            "capacity": capacity,
            "resources": resources,
        }
        self._grace = grace
        self._wait = wait
        self._transport = transport
        self._function: Function | None = None
        self._hands: dict[asyncio.Task[None], Hand] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stops = 0

    @abstractmethod
    def _begin(self, hand: Hand, given: Assignment, function: Function) -> Coroutine[Any, Any, None]:
        """Begin the work, and give what carries it to its end."""

    def task(self, function: Function) -> Function:
        """Make this function the one that carries out tasks."""
        self._function = function
        return function

    def stop(self) -> None:
        """Take nothing new, let running tasks end for the time of grace and give back the others. Called again, it does
        not wait. From any thread."""
        self._stops += 1
        if self._loop is not None:
            with suppress(RuntimeError):  # it has ended just now
                self._loop.call_soon_threadsafe(self._heed)

    def _heed(self) -> None:
        self._stopping.set()
        if self._stops > 1:
            self._hurrying.set()

    async def _serve(self, function: Function | None) -> None:
        """Until it is stopped. Raises ClientError when Baton does not want this agent."""
        chosen = function or self._function
        if chosen is None:
            raise ValueError("An agent needs a function: mark one with @agent.task, or give it to run().")
        self._stopping, self._hurrying = asyncio.Event(), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        if self._stops:
            self._heed()
        try:
            with self._signals():
                async with AsyncClient(self.url, self._token, transport=self._transport) as client:
                    await self._work(client, chosen)
        finally:
            self._loop, self._stops = None, 0

    async def _work(self, client: AsyncClient, function: Function) -> None:
        try:
            await self._unless_stopped(self._register(client))
            while not self._stopping.is_set():
                found = await self._unless_stopped(self._fetch(client), LAST_ANSWER_SECONDS) or ()
                if self._stopping.is_set():
                    await self._turn_down(client, found)
                    return
                for given in found:
                    hand = Hand(client, given)
                    carried = asyncio.create_task(self._begin(hand, given, function))
                    self._hands[carried] = hand
                    carried.add_done_callback(self._forget)
        except BaseException:
            self._hurrying.set()  # nobody is there to deliver to, or we are told to go
            raise
        finally:
            await self._wind_down()

    async def _turn_down(self, client: AsyncClient, found: Sequence[Assignment]) -> None:
        """Give back what came when it was wanted no more: it need not wait for the end of its lease."""
        until = time.monotonic() + hands.GIVING_BACK_SECONDS
        for given in found:
            try:
                await patiently(partial(client.release, given.lease), "Giving back", lambda: until)
            except ClientError as error:
                logger.warning("%s of run %d could not be given back: %s", given.task, given.run, error)

    def _forget(self, carried: asyncio.Task[None]) -> None:
        del self._hands[carried]
        if not carried.cancelled() and carried.exception() is not None:
            logger.error("A task could not be carried to its end", exc_info=carried.exception())

    async def _register(self, client: AsyncClient) -> None:
        await patiently(lambda: client.register(self.agent_id, **self._description), "Registering")
        logger.info("Agent %s is registered with %s", self.agent_id, self.url)

    async def _fetch(self, client: AsyncClient) -> list[Assignment]:
        """Work, once there is room for any."""
        while len(self._hands) >= self.capacity:
            await asyncio.wait(self._hands, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0)  # what is done is forgotten by a callback
        if self._stopping.is_set():
            return []
        room = self.capacity - len(self._hands)
        asked = time.monotonic()
        found = await patiently(
            lambda: client.claim(self.agent_id, wait=self._wait, most=room), "Fetching work"
        )
        if not found and time.monotonic() - asked < min(_QUICKLY, self._wait):
            await hands.pause(_QUICKLY)
        return found

    async def _unless_stopped(self, call: Coroutine[Any, Any, T], last: float = 0.0) -> T | None:
        """What the call gives; None if the agent was stopped before. What is on its way then has `last` seconds to come."""
        calling = asyncio.create_task(call)
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({calling, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not calling.done() and last and not self._hurrying.is_set():
                await asyncio.wait({calling}, timeout=last)
            return calling.result() if calling.done() else None
        finally:
            calling.cancel()
            stopping.cancel()

    async def _wind_down(self) -> None:
        """Wait for what runs, then give it back."""
        if self._hands:
            logger.info(
                "Agent %s waits up to %g s for %d tasks", self.agent_id, self._grace, len(self._hands)
            )
            hurrying = asyncio.create_task(self._hurrying.wait())
            ends: set[asyncio.Future[Any]] = {
                asyncio.gather(*self._hands, return_exceptions=True),
                hurrying,
            }
            await asyncio.wait(ends, timeout=self._grace, return_when=asyncio.FIRST_COMPLETED)
            hurrying.cancel()
            await self._give_back()
        logger.info("Agent %s has ended", self.agent_id)

    async def _give_back(self) -> None:
        for hand in self._hands.values():
            hand.give_up()
        if self._hands:
            await asyncio.wait(self._hands, timeout=hands.GIVING_BACK_SECONDS * 2)
        for carried in list(self._hands):
            carried.cancel()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT stop it, where a process lets itself be told: in its main thread."""
        if threading.current_thread() is not threading.main_thread() or os.name == "nt":
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        for number in before:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)
