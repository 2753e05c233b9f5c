"""Runs that go on all the while: started over the API one after the other, each until it is accepted."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx

from tests.chaos.flow import KEY

_AGAIN_SECONDS = 0.1


class Trickle:
    """Starts a run about every `pace` seconds while the block lasts. `started` are the ids so far."""

    def __init__(self, url: str, token: str, pace: float) -> None:
        self.pace = pace
        self.started: list[int] = []
        self.problems: list[str] = []
        self._url = f"{url}/api/workflows/{KEY}/start"
        self._client = httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=10)
        self._numbers = iter(range(1, 1_000_000))
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(2)

    def __enter__(self) -> Trickle:
        self._pool.submit(self._flow)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._pool.shutdown()
        self._client.close()

    def later(self, **parameters: Any) -> Future[int | None]:
        """Start one beside the others; its id once it is accepted."""
        return self._pool.submit(self.start, **parameters)

    def start(self, **parameters: Any) -> int | None:
        """The same key is offered until there is an answer: an accepted run counts once, however often it was asked for."""
        with self._lock:
            number = next(self._numbers)
        body = {"parameters": {"n": number, **parameters}}
        headers = {"Idempotency-Key": f"chaos-{number}"}
        while not self._ended.is_set():
            try:
                answer = self._client.post(self._url, json=body, headers=headers)
            except httpx.HTTPError:  # the web is being replaced
                self._ended.wait(_AGAIN_SECONDS)
                continue
            return self._accept(answer)
        return None

    def _accept(self, answer: httpx.Response) -> int | None:
        if answer.status_code not in {200, 201}:
            self.problems.append(f"A start was answered by {answer.status_code}: {answer.text[:200]}")
            return None
        run = int(answer.json()["id"])
        self.started.append(run)
        return run

    def _flow(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            self.start()
            self._ended.wait(max(0.0, began + self.pace - time.monotonic()))
