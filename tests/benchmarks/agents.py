"""Agents that wait: `make bench-agents`. What a thousand of them cost one web process, and how soon work reaches them.

Prints a table and exits with 1 where a budget is broken. What it costs is told as a ratio: with them beside without them, in
one run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks.editor import Figure
from tests.benchmarks.memory import pss_kb
from tests.browser.served import Served, serving

AGENTS = 1000
PAGES = 200
TASKS = 60
WAIT = 60
WARMING = 50
RAMP_SECONDS = 40.0  # they do not all come in one moment, nor ask anew in one
SETTLE_SECONDS = 5.0
WORKFLOW = {
    "id": "bench-agents",
    "name": "Bench agents",
    "version": "2.0.0",
    "tasks": {"a": {"action": "agent_task", "agent_id": "pool:crew", "parameters": {"description": "x"}}},
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-agents", description=__doc__)
    parser.add_argument("--agents", type=int, default=AGENTS)
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.make:
        print(json.dumps(_made(given.agents)))
        return
    held = True
    with tempfile.TemporaryDirectory(prefix="baton-agents-") as folder, serving(Path(folder)) as served:
        for figure in asyncio.run(_measured(served, given.agents)):
            held &= figure.held
            print(figure, flush=True)
    sys.exit(0 if held else 1)


def _made(count: int) -> dict[str, Any]:
    """Agents with a token each, a workflow for them, and a token to start it with; in a process of its own."""
    import django

    django.setup()
    from django.contrib.auth.models import User

    from orchestrator import engine, tokens
    from orchestrator.engine import agents

    engine.save_workflow(WORKFLOW)
    crew = {}
    for number in range(count):
        agent = agents.register(f"agent-{number}", pools=["crew"])
        crew[agent.key] = tokens.issue_for_agent(agent)[1]
    admin = User.objects.get(username="admin")
    return {"crew": crew, "token": tokens.issue(admin, "bench")[1]}


def _setup(served: Served, count: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.agents", "--make", "--agents", str(count)]
    env = {**served.env, "DJANGO_SETTINGS_MODULE": "orchestrator.settings"}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


async def _measured(served: Served, count: int) -> list[Figure]:
    made = _setup(served, count)
    page = _signed_in(served)
    web = _web_process(served)
    crew = Crew(served, made["crew"])
    await _warm(page, crew)
    alone = _page_ms(page)
    memory = pss_kb(web)
    waiting = [asyncio.create_task(crew.serve(key, n / count)) for n, key in enumerate(made["crew"])]
    await crew.all_wait()
    await asyncio.sleep(SETTLE_SECONDS)
    beside = await asyncio.to_thread(_page_ms, page)
    memory_beside = pss_kb(web)
    reached = await _reached(served, made["token"], crew)
    _ended(waiting)
    return list(_figures(count, (memory, memory_beside), (alone, beside), reached))


async def _warm(page: Callable[[], None], crew: Crew) -> None:
    """What is loaded once and stays, for pages and for the first agent that asks, is no cost of those who wait."""
    _page_ms(page)
    for _ in range(WARMING):
        await crew.ask_once()


def _ended(waiting: Sequence[asyncio.Task[None]]) -> None:
    """Whoever was turned away meanwhile did not wait, and the figures would not be those of so many."""
    for task in waiting:
        if task.done():
            task.result()
        task.cancel()


def _figures(
    count: int,
    memory: tuple[float, float],
    pages: tuple[Sequence[float], Sequence[float]],
    reached: Sequence[float],
) -> Iterator[Figure]:
    yield Figure("memory of the web process, nobody waits", memory[0] / 1024, "MB")
    yield Figure(f"memory with {count:,} agents that wait, beside", 100 * memory[1] / memory[0], "%", 120)
    yield Figure("a page, p95, nobody waits", _p95(pages[0]), "ms")
    yield Figure(
        f"a page, p95, with {count:,} agents, beside", 100 * _p95(pages[1]) / _p95(pages[0]), "%", 120
    )
    yield Figure("a task reaches an agent, median", statistics.median(reached), "ms")
    yield Figure("a task reaches an agent, p95", _p95(reached), "ms", 500)


class Crew:
    """Agents over plain connections, so that a thousand of them cost this process little."""

    def __init__(self, served: Served, tokens: dict[str, str]) -> None:
        self._host, _, self._port = served.url.removeprefix("http://").partition(":")
        self._tokens = tokens
        self._waiting: set[str] = set()
        self.got: asyncio.Queue[float] = asyncio.Queue()

    async def all_wait(self) -> None:
        async with asyncio.timeout(120):
            while len(self._waiting) < len(self._tokens):
                await asyncio.sleep(0.1)

    async def ask_once(self) -> None:
        key = next(iter(self._tokens))
        await self._ask(key, f"/api/agents/{key}/claim", {"wait": 0.01})

    async def serve(self, key: str, share: float) -> None:
        await asyncio.sleep(share * RAMP_SECONDS)
        wait = WAIT * (1 + share) / 2
        while True:
            self._waiting.add(key)
            found = await self._ask(key, f"/api/agents/{key}/claim", {"wait": wait})
            wait = WAIT
            for task in found.get("tasks", ()):
                self.got.put_nowait(time.perf_counter())
                await self._ask(key, f"/api/leases/{task['lease']}/complete", {"output": None})

    async def _ask(self, key: str, path: str, body: Any) -> Any:
        reader, writer = await asyncio.open_connection(self._host, int(self._port))
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._tokens[key]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        )
        try:
            writer.write(head.encode() + content)
            answer = await reader.read()
        finally:
            writer.close()
        status, _, rest = answer.partition(b"\r\n")
        if b" 200 " not in status:
            raise RuntimeError(answer[:500].decode(errors="replace"))
        return json.loads(rest.partition(b"\r\n\r\n")[2])


async def _reached(served: Served, token: str, crew: Crew) -> list[float]:
    """ms from asking for a run until an agent has its task."""
    found = []
    async with httpx.AsyncClient(base_url=served.url, headers={"Authorization": f"Bearer {token}"}) as api:
        for number in range(TASKS):
            await asyncio.sleep(
                0.05 + 0.013 * (number % 16)
            )  # at no fixed distance to the looks of the server
            from_ = time.perf_counter()
            (await api.post("/api/workflows/bench-agents/start", json={})).raise_for_status()
            found.append(1000 * (await asyncio.wait_for(crew.got.get(), 30) - from_))
    return found


def _signed_in(served: Served) -> Callable[[], None]:
    """A look at a page, as somebody who is signed in."""
    client = httpx.Client(base_url=served.url, follow_redirects=True, timeout=30)
    client.get("/sign-in/")
    form = {
        "username": "admin",
        "password": served.password,
        "csrfmiddlewaretoken": client.cookies["csrftoken"],
    }
    client.post("/sign-in/", data=form, headers={"Referer": served.url}).raise_for_status()
    return lambda: client.get("/workflows/").raise_for_status() and None


def _page_ms(look: Callable[[], None]) -> list[float]:
    took = []
    for _ in range(PAGES):
        started = time.perf_counter()
        look()
        took.append(1000 * (time.perf_counter() - started))
    return took


def _web_process(served: Served) -> int:
    data = served.env["BATON_DATA_DIR"].encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            words = _read(entry / "cmdline").split(b"\0")
            if b"be" in words and b"web" in words and data in _read(entry / "environ"):
                return int(entry.name)
    raise RuntimeError("There is no web process.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


if __name__ == "__main__":
    main()
