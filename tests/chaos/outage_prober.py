"""Somebody who looks at every page and endpoint all the time, and writes down each answer that is not as promised.

Promised is: while the database answers, what was asked for; while it does not, 503 with the time to come back and a
sentence. Never a 500, never a trace, never silence.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import httpx

LONGEST_SECONDS = 30.0
SETTLED_SECONDS = 1.0  # after the database is back, until every page must be
INSIDE = ("Traceback", "OperationalError", "InterfaceError", "psycopg", "site-packages", "redis.exceptions")
HEALTH = ("/healthz", "/readyz")
PAGES = (
    "/",
    "/workflows/",
    "/workflows/outages/",
    "/workflows/new/",
    "/runs/",
    "/runs/1/",
    "/runs/1/events/",
    "/runs/1/tasks/t1/",
    "/approvals/",
    "/profile/",
    "/profile/tokens/",
    "/settings/secrets/",
    "/admin/",
)
PARTS = ("/runs/1/head/", "/", "/approvals/")
ENDPOINTS = (
    "/api/workflows",
    "/api/workflows/outages",
    "/api/workflows/outages/status",
    "/api/runs",
    "/api/runs/1",
    "/api/runs/1/status",
    "/api/runs/1/events",
    "/api/approvals",
    "/api/templates",
)
JSON = ("/runs/1/live?since=0",)

Ask = tuple[str, dict[str, str]]


@dataclass
class Weather:
    """Whether the database is away just now, as whoever takes it away says. Between the two it may be either."""

    database: Literal["there", "away", "changing"] = "there"
    since: float = field(default_factory=time.monotonic)

    def becomes(self, database: Literal["there", "away", "changing"]) -> None:
        self.database = database
        self.since = time.monotonic()


@dataclass
class Findings:
    """What the prober saw."""

    statuses: Counter[int] = field(default_factory=Counter)
    while_away: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    slowest_path: str = ""
    problems: Counter[str] = field(default_factory=Counter)


class Prober:
    """Asks with a few threads until the block ends."""

    def __init__(self, address: str, session: str, token: str, weather: Weather, threads: int = 3) -> None:
        self.findings = Findings()
        self._address = address
        self._weather = weather
        browser = {"Cookie": f"sessionid={session}", "Accept": "text/html"}
        program = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        asks: list[Ask] = [(path, browser) for path in (*PAGES, *HEALTH)]
        asks += [(path, browser | {"HX-Request": "true"}) for path in PARTS]
        asks += [(path, browser | {"Accept": "application/json"}) for path in JSON]
        asks += [(path, program) for path in ENDPOINTS]
        self._asks = itertools.cycle(asks)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Prober:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * LONGEST_SECONDS)

    def _ask_on(self) -> None:
        with httpx.Client(base_url=self._address, timeout=2 * LONGEST_SECONDS) as client:
            while not self._stop.wait(0.02):
                with self._lock:
                    ask = next(self._asks)
                self._ask(client, *ask)

    def _ask(self, client: httpx.Client, path: str, headers: dict[str, str]) -> None:
        began = time.monotonic()
        weather, since = self._weather.database, self._weather.since
        try:
            answer = client.get(path, headers=headers)
        except httpx.HTTPError as error:
            self._note(f"{path}: no answer ({type(error).__name__})")
            return
        if since != self._weather.since or (weather == "there" and began - since < SETTLED_SECONDS):
            weather = "changing"
        problem = _problem(path, answer, weather)
        with self._lock:
            self._count(path, answer.status_code, time.monotonic() - began, weather == "away")
        if problem:
            self._note(f"{path}: {problem}")

    def _count(self, path: str, status: int, seconds: float, away: bool) -> None:
        found = self.findings
        found.statuses[status] += 1
        if away:
            found.while_away[status] += 1
        if seconds > found.slowest:
            found.slowest, found.slowest_path = seconds, path
        if seconds > LONGEST_SECONDS:
            found.problems[f"{path}: took longer than {LONGEST_SECONDS:g} s"] += 1

    def _note(self, problem: str) -> None:
        with self._lock:
            self.findings.problems[problem] += 1


def _problem(path: str, answer: httpx.Response, weather: str) -> str:
    """What is wrong with the answer, '' if nothing."""
    status = answer.status_code
    if status not in {200, 503}:
        return f"{status} {answer.headers.get('Location', '')}"
    if found := [word for word in INSIDE if word in answer.text]:
        return f"{status} shows {found}"
    if status == 200:
        return "200 while the database was away" if weather == "away" else ""
    if weather == "there" and path not in HEALTH:
        return "503 though the database is there"
    return _wrong_503(path, answer)


def _wrong_503(path: str, answer: httpx.Response) -> str:
    if not answer.headers.get("Retry-After", "").isdecimal():
        return "503 without Retry-After"
    if path in HEALTH:
        return (
            "" if not all(part["ok"] for part in answer.json()["parts"].values()) else "503 and all is well"
        )
    return "" if "database" in answer.text else f"503 that does not say what is wrong: {answer.text[:80]}"
