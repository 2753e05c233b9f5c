"""Large workflows as somebody sees them first: laid out without overlaps, in a shape one can look at, and opened where most is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import People
from tests.browser.drawing import Drawing
from tests.browser.served import Served
from tests.engine.test_wfcommons import RECORDED, recorded

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WINDOW: Any = {"width": 1440, "height": 900}
_KEEP = 'document.addEventListener("editor:ready", (event) => { globalThis.editor = event.detail; });'
_DRAWN = """() => {
  const { model, viewport } = globalThis.editor.surface;
  const nodes = [...model.nodes.values()];
  let overlaps = 0;
  nodes.forEach((a, i) => nodes.slice(i + 1).forEach((b) => {
    overlaps += a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h; }));
  const runsThrough = (edge) => edge.points.slice(1).some((to, i) => { const from = edge.points[i];
    const [left, right, top, bottom] = [Math.min(from.x, to.x), Math.max(from.x, to.x), Math.min(from.y, to.y), Math.max(from.y, to.y)];
    return nodes.some((node) => left < node.x + node.w && node.x < right && top < node.y + node.h && node.y < bottom); });
  const backwards = model.edges.filter((edge) => edge.to.x <= edge.from.x).length;
  viewport.fit();
  return { overlaps, backwards, through: model.edges.filter(runsThrough).length, aspect: model.bounds.w / model.bounds.h, scale: viewport.view.k };
}"""
_IN_SIGHT = """() => {
  const frame = document.querySelector(".canvas-app").getBoundingClientRect();
  return [...document.querySelectorAll(".canvas-app .node .n-body")].map((body) => body.getBoundingClientRect())
    .filter((box) => box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom).length;
}"""
# A zoom in two steps: where a task is in the window after each frame, by the figures of the view and by what is seen; and once it rests.
_ZOOMED = """async () => {
  const { model, viewport } = globalThis.editor.surface;
  const [plane, scene, body] = [".plane", ".scene", ".node .n-body"].map((name) => document.querySelector(name));
  const node = model.nodes.get(body.closest("[data-key]").dataset.key);
  const drawn = scene.getAttribute("transform");
  const frames = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const look = () => { const at = document.querySelector(".surface").getBoundingClientRect(); const box = body.getBoundingClientRect();
    return { is: [box.x - at.x, box.y - at.y, box.width], stretched: plane.style.transform !== "", anew: scene.getAttribute("transform") !== drawn,
      wanted: [viewport.view.x + node.x * viewport.view.k, viewport.view.y + node.y * viewport.view.k, node.w * viewport.view.k] }; };
  const seen = [];
  viewport.zoomAt(1.1, 500, 300); await frames(); viewport.zoomAt(1.2, 400, 200); await frames(); seen.push(look());
  while (plane.style.transform) await frames();
  seen.push(look());
  viewport.zoomAt(0.4, 500, 300); await frames(); seen.push(look()); viewport.zoomTo(1.5); await frames();
  viewport.zoomAt(1.05, 500, 300); await frames(); viewport.zoomAt(1.05, 500, 300); viewport.panBy(-1000, 0); await frames(); seen.push(look());
  return seen;
}"""
# A random graph: what overlaps, whether the same comes out again, and how many columns there are for the tasks of its longest path.
_RANDOM = """async ([module, seed]) => {
  const { layered } = await import(module);
  const chance = () => { seed = (seed + 0x6d2b79f5) | 0; let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t; return ((t ^ (t >>> 14)) >>> 0) / 4294967296; };
  const count = 2 + Math.floor(chance() ** 2 * 150);
  const links = [];
  for (let i = 0; i < count * chance() * 2; i += 1) {
    const [from, to] = [Math.floor(chance() * count), Math.floor(chance() * count)];
    if (from < to || (count > 12 && chance() < 0.03)) links.push({ from, to, failure: chance() < 0.1, labelWidth: chance() < 0.1 ? 60 : 0 });
  }
  const { places, routes } = layered(Array.from({ length: count }, () => ({ w: 200, h: 64 })), links);
  const again = layered(Array.from({ length: count }, () => ({ w: 200, h: 64 })), links);
  let overlaps = 0;
  places.forEach((a, i) => places.slice(i + 1).forEach((b) => { overlaps += Math.abs(a.x - b.x) < 200 && Math.abs(a.y - b.y) < 64; }));
  const through = routes.filter((route) => route?.slice(1).some((to, i) => { const from = route[i];
    const [left, right, top, bottom] = [Math.min(from.x, to.x), Math.max(from.x, to.x), Math.min(from.y, to.y), Math.max(from.y, to.y)];
    return places.some((at) => left < at.x + 199 && at.x + 1 < right && top < at.y + 63 && at.y + 1 < bottom); })).length;
  const depth = places.map(() => 1);
  links.sort((a, b) => a.to - b.to).forEach(({ from, to }) => { depth[to] = Math.max(depth[to], depth[from] + 1); });
  return { count, overlaps, through, same: JSON.stringify(again) === JSON.stringify({ places, routes }),
    columns: new Set(places.map((at) => at.x)).size, longest: Math.max(...depth) };
}"""


def _editor(people: People, key: str) -> Page:
    page = people.sign_in("admin", viewport=WINDOW)
    page.add_init_script(_KEEP)
    Drawing.opened(page, key)
    return page


def _imported(served: Served, path: Path) -> str:
    found: str = json.loads(served.baton("import", str(path), "--json"))["id"]
    return found


def _made(served: Served, folder: Path, tasks: dict[str, Any], name: str) -> str:
    path = folder / "flow.json"
    path.write_text(json.dumps({"id": name, "name": name, "version": "2.0.0", "tasks": tasks}))
    return _imported(served, path)


def _task(*needs: str, **more: Any) -> dict[str, Any]:
    check = {"action": "condition_check", "parameters": {"checks": {"ok": "true"}}}
    return {**check, "dependencies": list(needs), **more}


@pytest.mark.parametrize(("name", "count"), RECORDED.items(), ids=RECORDED)
def test_a_recorded_workflow_opens_where_most_is_and_reads(
    people: People, served: Served, name: str, count: int
) -> None:
    page = _editor(people, _imported(served, recorded(name)))
    assert page.evaluate(_IN_SIGHT) >= min(count, 18)
    drawn = page.evaluate(_DRAWN)
    assert (drawn["overlaps"], drawn["through"], drawn["backwards"]) == (0, 0, 0)
    assert 1 / 3 <= drawn["aspect"] <= 4
    # Tasks share the window: each has so much of it, however many there are.
    assert drawn["scale"] * count**0.5 >= 2


def test_a_fan_of_hundreds_is_a_block_between_its_ends(
    people: People, served: Served, tmp_path: Path
) -> None:
    fan = {f"t{i}": _task("first") for i in range(400)}
    key = _made(served, tmp_path, {"first": _task(), **fan, "last": _task(*fan)}, "fan")
    drawn = _editor(people, key).evaluate(_DRAWN)
    assert (drawn["overlaps"], drawn["through"], drawn["backwards"]) == (0, 0, 0)
    assert 0.5 <= drawn["aspect"] <= 2.5


def test_one_step_far_from_all_others_is_not_all_that_opens(
    people: People, served: Served, tmp_path: Path
) -> None:
    lone = {"lone": _task(position={"x": 0, "y": 0})}
    rows = {f"a{i}": _task(position={"x": 20, "y": 3000 + 94 * i}) for i in range(8)}
    next_ = {f"b{i}": _task(f"a{i}", position={"x": 300, "y": 3000 + 94 * i}) for i in range(8)}
    key = _made(served, tmp_path, lone | rows | next_, "lone-step")
    assert _editor(people, key).evaluate(_IN_SIGHT) >= 14
    run = json.loads(served.baton("start", key, "--wait", "--json"))["run"]
    page = people.sign_in("admin", viewport=WINDOW)
    page.goto(f"/runs/{run}/")
    page.locator(".canvas-app .node").first.wait_for(state="attached")
    assert page.evaluate(_IN_SIGHT) >= 10


def test_a_zoom_stretches_what_is_drawn_and_is_drawn_anew_at_rest(people: People, served: Served) -> None:
    page = _editor(people, "parallel_processing")
    zooming, resting, far, beside = page.evaluate(_ZOOMED)
    for seen in (zooming, resting, far):
        assert seen["is"] == pytest.approx(seen["wanted"], abs=1)
    assert zooming["stretched"]
    assert not resting["stretched"]
    assert resting["anew"]
    assert not far["stretched"], "what is drawn does not reach so far"
    assert not beside["stretched"], "nor beside it"


def test_random_graphs_never_overlap_and_small_ones_keep_a_column_for_each_rank(people: People) -> None:
    page = people.sign_in("admin")
    page.goto("/workflows/new/blank/")
    module = page.evaluate("() => new URL('/static/js/canvas/layout.js', location.href).href")
    for seed in range(80):
        found = page.evaluate(_RANDOM, [module, seed])
        assert (found["overlaps"], found["through"], found["same"]) == (0, 0, True), seed
        if found["count"] <= 12:
            assert found["columns"] == found["longest"], seed
