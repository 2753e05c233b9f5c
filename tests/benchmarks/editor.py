"""The editor's budgets in headless Chromium: `make bench-editor`. Prints a table and exits with 1 where a budget is broken.

Frames are measured as the page sees them, by the moments at which the browser asks for the next one; on a machine without a
graphics card that is a floor.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from tests.browser.served import Served, serving
from tests.needs import chromium

SIZES = (500, 1000, 5000)
FRAMES = 120
OPERATIONS = 100

_READY = """document.addEventListener("editor:ready", (event) => {
  globalThis.bench = event.detail; globalThis.readyAt = performance.now(); });"""
_FRAMES = """async ([what, count]) => {
  const { surface, carry } = globalThis.bench;
  const { viewport } = surface;
  const gaps = []; let last = 0; let load = null;
  if (what.startsWith("drag")) { surface.select([surface.model.order[Math.floor(surface.model.order.length / 2)]]);
    viewport.reveal(surface.chosen()[0]); load = carry(); }
  const step = (i) => what.startsWith("pan") ? viewport.panBy((i % 40 < 20 ? -1 : 1) * 30, (i % 40 < 20 ? -1 : 1) * 8)
    : what.startsWith("zoom") ? viewport.zoomAt(i % 60 < 30 ? 1.04 : 1 / 1.04) : load.shift({ x: i * 6, y: i * 2 });
  await new Promise((resolve) => { let i = 0; const tick = (now) => {
    if (last && i > 5) gaps.push(now - last);
    last = now; step(i); i += 1;
    if (i < count) requestAnimationFrame(tick); else resolve(); }; requestAnimationFrame(tick); });
  load?.cancel();
  return gaps;
}"""
# What is measured is the move, not the way to where it begins.
_AT_REST = """() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => requestIdleCallback(resolve))))"""
_LAYOUT = """async () => {
  const { surface } = globalThis.bench;
  const keys = surface.model.order; const took = [];
  for (let i = 0; i < 5; i += 1) { const from = performance.now(); globalThis.places = surface.tidied(keys); took.push(performance.now() - from); }
  const boxes = Object.values(globalThis.places).sort((a, b) => a.x - b.x);
  let overlaps = 0;
  for (let i = 0; i < boxes.length; i += 1) for (let j = i + 1; j < boxes.length && boxes[j].x < boxes[i].x + 200; j += 1)
    if (Math.abs(boxes[j].y - boxes[i].y) < 64) overlaps += 1;
  return { took, overlaps };
}"""
_POSTS = """async (count) => {
  const { session, surface } = globalThis.bench; const took = [];
  for (let i = 0; i < count; i += 1) { const from = performance.now();
    session.edit([{ op: "set", key: surface.model.order[i % surface.model.order.length], field: ["description"], value: `as of ${i}` }], { label: "bench" });
    await session.flush(); took.push(performance.now() - from); }
  return took;
}"""


@dataclass(frozen=True)
class Figure:
    name: str
    value: float
    unit: str
    budget: float | None = None

    @property
    def held(self) -> bool:
        return self.budget is None or self.value <= self.budget

    def __str__(self) -> str:
        limit = "" if self.budget is None else f"{'≤' if self.held else 'NOT ≤'} {self.budget:g}"
        return f"{self.name:48} {self.value:10.1f} {self.unit:4} {limit}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-editor", description=__doc__)
    parser.add_argument("--heap-minutes", type=float, default=0, help="pan for so long and watch the heap")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    given = parser.parse_args()
    figures: list[Figure] = []
    arguments = ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]
    with (
        tempfile.TemporaryDirectory(prefix="baton-bench-") as folder,
        serving(Path(folder)) as served,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        for figure in _measured(served, browser, Path(folder), given):
            print(figure, flush=True)
            figures.append(figure)
    sys.exit(0 if all(figure.held for figure in figures) else 1)


def _measured(served: Served, browser: Browser, folder: Path, given: argparse.Namespace) -> Any:
    page = _signed_in(served, browser)
    for size in given.sizes:
        key = _imported(served, folder, size)
        yield from _of_size(page, key, size)
    key = _imported(served, folder, 2000)
    _opened(page, key)
    layout = page.evaluate(_LAYOUT)
    yield Figure("layout of 2,000", statistics.median(layout["took"]), "ms", 200)
    yield Figure("  nodes that overlap", layout["overlaps"], "", 0)
    yield Figure("JavaScript of the editor, gzipped", _script_size(page), "kB", 60)
    if given.heap_minutes:
        _opened(page, "bench-1000")
        yield Figure(
            f"heap grows in {given.heap_minutes:g} min of panning", _heap(page, given.heap_minutes), "%", 5
        )


def _of_size(page: Page, key: str, size: int) -> Any:
    yield Figure(f"{size:,} nodes open", _opened(page, key), "ms", 1000 if size <= 1000 else None)
    mean_budget = 17 if size <= 1000 else 34
    for what, prepare in _MOVES.items():
        prepare(page)
        gaps = page.evaluate(_FRAMES, [what, FRAMES])
        yield Figure(f"  {what}, mean", statistics.mean(gaps), "ms", mean_budget)
        yield Figure(f"  {what}, p95", _p95(gaps), "ms", 20 if size <= 500 else None)
    took = page.evaluate(_POSTS, OPERATIONS)
    yield Figure("  operation POST, p95", _p95(took), "ms", 150 if size <= 1000 else None)


def _near(page: Page) -> None:
    page.evaluate("globalThis.bench.surface.viewport.zoomTo(1)")
    page.evaluate(_AT_REST)


def _whole(page: Page) -> None:
    page.evaluate("globalThis.bench.surface.viewport.fit()")
    page.evaluate(_AT_REST)


_MOVES: dict[str, Callable[[Page], None]] = {
    "pan": _near,
    "zoom": _near,
    "drag": _near,
    "pan, all in sight": _whole,
    "zoom, all in sight": _whole,
    "drag, all in sight": _whole,
}


def _signed_in(served: Served, browser: Browser) -> Page:
    context: BrowserContext = browser.new_context(
        base_url=served.url, viewport={"width": 1440, "height": 900}
    )
    context.set_default_timeout(60_000)
    context.add_init_script(_READY)
    page = context.new_page()
    page.goto("/sign-in/")
    page.locator("[name=username]").fill("admin")
    page.locator("[name=password]").fill(served.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    return page


def _opened(page: Page, key: str) -> float:
    """ms from asking for the page until the canvas is drawn; the second of two visits, with scripts cached."""
    for _ in range(2):
        page.goto(f"/workflows/{key}/edit/canvas/")
        page.wait_for_selector("[data-editor][data-ready]")
    found: float = page.evaluate("globalThis.readyAt")
    return found


def _imported(served: Served, folder: Path, size: int) -> str:
    key = f"bench-{size}"
    path = folder / f"{key}.json"
    path.write_text(json.dumps(_workflow(key, size)))
    served.baton("import", str(path))
    return key


def _workflow(key: str, size: int) -> dict[str, Any]:
    """A random layered DAG with about 1.5 edges a task, the same each time."""
    chance = random.Random(size)
    width = max(2, round(size**0.5))
    tasks: dict[str, Any] = {}
    for i in range(size):
        before = [f"t{j}" for j in range(max(0, (i // width - 1) * width), i // width * width)]
        needs = chance.sample(before, min(len(before), chance.choice((1, 1, 2)))) if before else []
        tasks[f"t{i}"] = {
            "name": f"Step {i}",
            "action": "condition_check",
            "dependencies": needs,
            "parameters": {"checks": {"ok": "true"}},
        }
    return {"id": key, "name": f"Bench {size}", "version": "2.0.0", "tasks": tasks}


def _script_size(page: Page) -> float:
    sizes: list[int] = []

    def keep(response: Response) -> None:
        if response.request.resource_type == "script":
            sizes.append(int(response.headers["content-length"]))

    page.on("response", keep)
    page.evaluate("caches.keys()")
    client = page.context.new_cdp_session(page)
    client.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.reload()
    page.wait_for_selector("[data-editor][data-ready]")
    page.remove_listener("response", keep)
    client.send("Network.setCacheDisabled", {"cacheDisabled": False})
    return sum(sizes) / 1000


def _heap(page: Page, minutes: float) -> float:
    client = page.context.new_cdp_session(page)

    def used() -> float:
        client.send("HeapProfiler.collectGarbage")
        found: float = client.send("Runtime.getHeapUsage")["usedSize"]
        return found

    page.evaluate(_FRAMES, ["pan", 600])
    start = used()
    for _ in range(max(1, round(minutes * 60 / 10))):
        page.evaluate(_FRAMES, ["pan", 600])
    return 100 * (used() - start) / start


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


if __name__ == "__main__":
    main()
