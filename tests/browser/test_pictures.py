"""Drawings saved as SVG and PNG, two versions in one drawing, and the preview that follows what is typed."""

from __future__ import annotations

import base64
import json
import struct
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = 'A <script>alert(1)</script> & "B" \' ]]> \u00e9\u5929'
# Draws what the page was given with the modules of the page, and tells how the pictures came out.
_DRAW = """async ([module, data, theme, kind]) => {
  const [{ createModel }, { svgOf, pngOf }] = await Promise.all([import(module + "model.js"), import(module + "export.js")]);
  const model = createModel(data, () => 60);
  if (kind === "svg") return (await svgOf(model, { title: data.title, theme })).text;
  const { blob, width, height, said } = await pngOf(model, { title: data.title, theme });
  return { width, height, said, size: blob.size };
}"""
_COLOURS = """async (png) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  const pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const found = new Set(new Uint32Array(pen.getImageData(0, 0, image.width, image.height).data.buffer));
  return found.size;
}"""


def graph(count: int, **given: Any) -> dict[str, Any]:
    nodes = [
        {"key": f"t{n}", "name": f"Task {n}", "kind": "work", "icon": "i-bot", "note": "Agent task"}
        for n in range(count)
    ]
    edges = [{"from": f"t{n // 3}", "to": f"t{n}"} for n in range(1, count)]
    return {"nodes": nodes, "edges": edges, "title": "Many tasks", **given}


@pytest.fixture
def page(people: People) -> Page:
    found = people.sign_in("admin", viewport={"width": 1280, "height": 900})
    found.goto("/workflows/approval_chain/versions/1/")
    found.locator(".node").first.wait_for()
    return found


def modules(page: Page) -> str:
    """The folder of the canvas's modules, as the page knows it."""
    found: str = page.evaluate(
        "() => performance.getEntriesByType('resource').map((one) => one.name).find((name) => name.includes('canvas/model'))"
    )
    return found.rpartition("/")[0] + "/"


def draw(page: Page, data: dict[str, Any], kind: str, theme: str = "light") -> Any:
    return page.evaluate(_DRAW, [modules(page), data, theme, kind])


def texts(root: ET.Element) -> str:
    return " ".join(text for part in root.iter() for text in [part.text or ""])


def assert_stands_alone(text: str) -> ET.Element:
    """It parses, holds no script, no handler and no address but its own parts."""
    root = ET.fromstring(text)
    for part in root.iter():
        assert part.tag not in (f"{SVG}script", f"{SVG}foreignObject", f"{SVG}image")
        for name, value in part.attrib.items():
            assert not name.lower().startswith("on"), name
            assert "://" not in value and (not name.endswith("href") or value.startswith("#")), value
    styles = texts(root.find(f"{SVG}style"))  # type: ignore[arg-type]
    for outside in ("url(", "@import", "var(", "light-dark", "color-mix", "oklab"):
        assert outside not in styles
    used = {part.attrib["href"] for part in root.iter(f"{SVG}use")}
    assert used == {f"#{part.attrib['id']}" for part in root.iter(f"{SVG}symbol")}
    return root


def test_both_files_are_saved_from_the_page(page: Page, tmp_path: Path) -> None:
    for kind in ("SVG", "PNG"):
        with page.expect_download() as saved:
            page.get_by_role("button", name=f"Save picture as {kind}").click()
        assert saved.value.suggested_filename == f"approval_chain-1.{kind.lower()}"
        saved.value.save_as(tmp_path / f"it.{kind.lower()}")
    root = assert_stands_alone((tmp_path / "it.svg").read_text(encoding="utf-8"))
    for name in ("Register the request", "First approval", "Escalated approval", "Was it approved?"):
        assert name in texts(root)
    assert root.find(f"{SVG}title").text == "Workflow Approval chain"  # type: ignore[union-attr]
    assert "First approval" in (root.find(f"{SVG}desc").text or "")  # type: ignore[union-attr]
    png = (tmp_path / "it.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == tuple(2 * int(root.attrib[side]) for side in ("width", "height"))
    assert page.evaluate(_COLOURS, base64.b64encode(png).decode()) > 20


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_people_wrote_is_text_in_either_theme(theme: str, page: Page) -> None:
    data = graph(3, title=HOSTILE)
    data["nodes"][0] |= {
        "name": HOSTILE,
        "agent": "<b>",
        "state": "running",
        "word": "<i>",
        "figure": "</svg>",
    }
    data["nodes"][1] |= {
        "name": "bell \x07 and \ufffe",
        "problem": HOSTILE,
        "mark": "removed",
        "note": "</text>",
    }
    data["edges"][0] |= {"label": "<&>", "kind": "condition", "mark": "added"}
    text = draw(page, data, "svg", theme)
    root = assert_stands_alone(text)
    assert HOSTILE in texts(root) and "bell \ufffd and \ufffd" in texts(root)
    ground = root.find(f"{SVG}rect").attrib["fill"]  # type: ignore[union-attr]
    assert (int(ground[1:3], 16) > 128) is (theme == "light")


@pytest.mark.timeout(400)
def test_all_of_a_large_drawing_is_saved_and_a_picture_as_large_as_browsers_draw(page: Page) -> None:
    data = graph(5_000)
    for number, node in enumerate(data["nodes"]):
        node["position"] = {"x": number % 70 * 280, "y": number // 70 * 94}
    page.set_default_timeout(300_000)
    root = assert_stands_alone(draw(page, data, "svg"))
    titles = {part.text for part in root.iter(f"{SVG}title")}
    assert {node["name"] for node in data["nodes"]} <= titles
    found = draw(page, data, "png")
    assert found["size"] > 1_000_000
    assert max(found["width"], found["height"]) <= 16_384
    assert found["width"] * found["height"] <= 67_108_864
    assert "browsers draw no larger picture" in found["said"]


def test_a_drawing_too_large_for_a_picture_says_so(page: Page) -> None:
    data = graph(2)
    data["nodes"][0]["position"], data["nodes"][1]["position"] = {"x": 0, "y": 0}, {"x": 900_000, "y": 0}
    told = page.evaluate(
        f"(given) => ({_DRAW})(given).catch((error) => error.message)", [modules(page), data, "light", "png"]
    )
    assert told == "This drawing is too large for a PNG. Save it as SVG: that has no size."


def test_the_page_stays_as_it_was(page: Page) -> None:
    before = page.evaluate("() => document.body.children.length")
    draw(page, graph(5), "svg")
    assert page.evaluate("() => document.body.children.length") == before


# Two versions in one drawing


def test_a_task_on_the_canvas_leads_to_its_rows(people: People) -> None:
    page = people.sign_in("admin", viewport={"width": 1280, "height": 900})
    key = _changed_workflow(page)
    page.goto(f"/workflows/{key}/diff/1/draft/")
    expect(page.locator(".diff-counts")).to_contain_text("1 added")
    expect(page.locator(".diff-counts")).to_contain_text("1 removed")
    expect(page.locator(".diff-counts")).to_contain_text("1 renamed")
    for mark, word in (
        ("added", "Added"),
        ("removed", "Removed"),
        ("changed", "Changed"),
        ("renamed", "Renamed"),
    ):
        node = page.locator(f".node.m-{mark}").first
        expect(node.locator(".n-mark")).to_have_count(1)
        expect(node).to_contain_text(word)
    page.locator(".node.m-removed").click()
    expect(page.locator("section[id='task-b']")).to_be_focused()
    page.locator(".node:not([class*='m-'])").first.click()
    expect(page.locator("#announcer")).to_have_text("This task is the same in both.")


def _changed_workflow(page: Page) -> str:
    """A workflow whose draft differs from its version in every way."""
    task = {"action": "agent_task", "agent_id": "demo", "dependencies": []}
    tasks = {
        "start": {**task, "name": "Start"},
        "a": {**task, "name": "A", "dependencies": ["start"]},
        "b": {**task, "name": "B", "dependencies": ["start"]},
        "c": {**task, "name": "C", "dependencies": ["a"]},
    }
    page.goto("/workflows/new/import/")
    page.locator("textarea[name=text]").fill(
        json.dumps({"name": "Two states", "version": "2.0.0", "tasks": tasks})
    )
    page.get_by_role("button", name="Import").click()
    page.wait_for_url("**/workflows/two-states*/")
    key = page.url.rstrip("/").rpartition("/")[2]
    ops = [
        {"op": "remove", "key": "b"},
        {"op": "rename", "key": "c", "to": "z"},
        {"op": "set", "key": "a", "field": ["timeout_seconds"], "value": 5},
        {"op": "add", "key": "n", "task": {**task, "name": "N", "dependencies": ["a"]}},
    ]
    reply = page.evaluate(
        """async ([url, body]) => (await fetch(url, { method: "POST", body: JSON.stringify(body), headers: {
             "Content-Type": "application/json", "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"] } })).status""",
        [f"/api/workflows/{key}/draft/ops", {"base_rev": 1, "ops": ops}],
    )
    assert reply == 200
    return key


# Templates


def test_the_preview_follows_what_is_typed(people: People) -> None:
    page = people.sign_in("admin", viewport={"width": 1440, "height": 900})
    page.goto("/workflows/new/conditional_workflow/")
    preview = page.locator("#preview")
    preview.get_by_text("Task by task").click()
    before = preview.inner_text()
    chosen = page.get_by_label("Sample priority")
    high = chosen.input_value() != "high"
    chosen.select_option("high" if high else "low")
    expect(preview).not_to_have_text(before)
    expect(page.locator("#drawing .canvas-app")).to_have_count(1)
    expect(preview.get_by_role("listitem").first).to_be_visible()
    page.get_by_label("Request title").fill("Something else")
    page.get_by_label("Name", exact=True).fill("Followed")
    page.get_by_role("button", name="Create and open").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Followed")


def test_a_workflow_becomes_a_template_by_hand(people: People) -> None:
    page = people.sign_in("admin", viewport={"width": 1280, "height": 900})
    page.goto("/workflows/sequential_pipeline/")
    page.get_by_role("link", name="Save as template").click()
    page.get_by_label("Name").fill("Our pipeline")
    page.get_by_label("Documentation").fill("Line one\nLine two")
    page.get_by_role("button", name="Save the template").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Our pipeline")
    expect(page.locator(".prose")).to_have_text("Line one\nLine two")
    page.goto("/workflows/new/")
    card = page.get_by_role("listitem").filter(has_text="Our pipeline")
    expect(card.locator(".node").first).to_be_visible()
    card.get_by_role("link", name="Use it").click()
    page.get_by_role("button", name="Retire").click()
    expect(page.get_by_role("button", name="Bring back")).to_be_visible()
    page.wait_for_load_state()  # by then the question before it is there
    page.get_by_role("button", name="Delete").click()
    page.locator("dialog[open]").get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New workflow")
    expect(page.get_by_text("Our pipeline was deleted")).to_be_visible()
