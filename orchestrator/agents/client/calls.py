"""The routes for agents, each as a method: `Client` waits for its answers, `AsyncClient` awaits them.

All of them raise RefusedError when the token is not accepted, LeaseLostError when the task is somebody else's by now,
and ClientError for whatever else goes wrong. The two classes are kept the same, method by method.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from orchestrator.agents.client import answers
from orchestrator.agents.client.answers import (
    Assignment,
    ClientError,
    File,
    LeaseLostError,
    Post,
    RefusedError,
    Sign,
    of_lease,
)

__all__ = ["Assignment", "AsyncClient", "Client", "ClientError", "LeaseLostError", "RefusedError", "Sign"]


class Client:
    """The address comes from BATON_URL and the token from BATON_AGENT_TOKEN when they are not given."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = answers.address(url)
        self._http = httpx.Client(
            base_url=self.url,
            headers=answers.headers(token),
            transport=transport,
            timeout=answers.TIMEOUT_SECONDS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def register(self, agent_id: str, **description: Any) -> dict[str, Any]:
        """Say what this agent can do; what is left out stays as it is known."""
        found: dict[str, Any] = answers.checked(self._post(answers.registering(agent_id, description)))
        return found

    def claim(self, agent_id: str, *, wait: float = 30, most: int = 1) -> list[Assignment]:
        """Up to `most` tasks, waiting so many seconds for the first."""
        return answers.assignments(self._post(answers.claiming(agent_id, wait, most)))

    def heartbeat(self, lease: int) -> Sign:
        """Hold the lease for as long again."""
        return answers.sign(self._post(of_lease(lease, "heartbeat")))

    def log(self, lease: int, lines: Sequence[tuple[str, str]]) -> None:
        """Add lines, at most 100, each of a level and a text."""
        answers.checked(self._post(of_lease(lease, "log", lines=answers.lines_of(lines))))

    def attach(self, lease: int, name: str, data: File) -> dict[str, Any]:
        """Keep a file with the task: bytes, or the path of one. Under the same name it takes the place of the earlier one."""
        path, headers = answers.attaching(lease, name), answers.headers_of(data)
        with answers.opened(data) as content:
            found: dict[str, Any] = answers.checked(self._put(path, content, headers))
        return found

    def complete(self, lease: int, output: Any = None) -> None:
        """Raises TypeError or ValueError when the output is no JSON."""
        answers.checked(self._post(of_lease(lease, "complete", output=output)))

    def fail(self, lease: int, message: str, *, code: str = "agent_failed", retryable: bool = True) -> None:
        body = {"message": answers.accepted(message), "code": code, "retryable": retryable}
        answers.checked(self._post(of_lease(lease, "fail", **body)))

    def release(self, lease: int) -> None:
        """Give the task back undone; the attempt does not count."""
        answers.checked(self._post(of_lease(lease, "release")))

    def _put(self, path: str, content: Any, headers: dict[str, str]) -> httpx.Response:
        try:
            return self._http.put(
                path, content=content, headers=headers, timeout=answers.FILE_TIMEOUT_SECONDS
            )
        except httpx.RequestError as error:
            raise answers.unreachable(self.url, error) from error

    def _post(self, post: Post) -> httpx.Response:
        try:
            return self._http.post(post.path, json=post.body, timeout=post.timeout)
        except httpx.RequestError as error:
            raise answers.unreachable(self.url, error) from error


class AsyncClient:
    """The same for coroutines."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.url = answers.address(url)
        # As many connections as there are tasks: one that waits must not keep a heartbeat from going out.
        self._http = httpx.AsyncClient(
            base_url=self.url,
            headers=answers.headers(token),
            transport=transport,
            timeout=answers.TIMEOUT_SECONDS,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def register(self, agent_id: str, **description: Any) -> dict[str, Any]:
        """Say what this agent can do; what is left out stays as it is known."""
        answer = await self._post(answers.registering(agent_id, description))
        found: dict[str, Any] = answers.checked(answer)
        return found

    async def claim(self, agent_id: str, *, wait: float = 30, most: int = 1) -> list[Assignment]:
        """Up to `most` tasks, waiting so many seconds for the first."""
        return answers.assignments(await self._post(answers.claiming(agent_id, wait, most)))

    async def heartbeat(self, lease: int) -> Sign:
        """Hold the lease for as long again."""
        return answers.sign(await self._post(of_lease(lease, "heartbeat")))

    async def log(self, lease: int, lines: Sequence[tuple[str, str]]) -> None:
        """Add lines, at most 100, each of a level and a text."""
        answers.checked(await self._post(of_lease(lease, "log", lines=answers.lines_of(lines))))

    async def attach(self, lease: int, name: str, data: File) -> dict[str, Any]:
        """Keep a file with the task: bytes, or the path of one. Under the same name it takes the place of the earlier one."""
        found: dict[str, Any] = answers.checked(await self._put(answers.attaching(lease, name), data))
        return found

    async def complete(self, lease: int, output: Any = None) -> None:
        """Raises TypeError or ValueError when the output is no JSON."""
        answers.checked(await self._post(of_lease(lease, "complete", output=output)))

    async def fail(
        self, lease: int, message: str, *, code: str = "agent_failed", retryable: bool = True
    ) -> None:
        body = {"message": answers.accepted(message), "code": code, "retryable": retryable}
        answers.checked(await self._post(of_lease(lease, "fail", **body)))

    async def release(self, lease: int) -> None:
        """Give the task back undone; the attempt does not count."""
        answers.checked(await self._post(of_lease(lease, "release")))

    async def _put(self, path: str, data: File) -> httpx.Response:
        try:
            return await self._http.put(
                path,
                content=answers.in_chunks(data),
                headers=answers.headers_of(data),
                timeout=answers.FILE_TIMEOUT_SECONDS,
            )
        except httpx.RequestError as error:
            raise answers.unreachable(self.url, error) from error

    async def _post(self, post: Post) -> httpx.Response:
        try:
            return await self._http.post(post.path, json=post.body, timeout=post.timeout)
        except httpx.RequestError as error:
            raise answers.unreachable(self.url, error) from error
