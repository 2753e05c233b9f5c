"""The example of several agents, built, published and run by somebody who only reads what the pages say."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import People
from tests.browser.drawing import Drawing

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STEPS = (
    ("Preprocess Data", "data_agent", "sequential", ()),
    ("Analysis Path 1", "analyst_1", "parallel", ("Preprocess Data",)),
    ("Analysis Path 2", "analyst_2", "parallel", ("Preprocess Data",)),
    ("Synthesize Results", "synthesizer", "", ("Analysis Path 1", "Analysis Path 2")),
)

RUNS = {"sequential": "one", "parallel": "beside"}  # how the settings say it


def test_the_list_view_builds_publishes_and_runs_without_scripts(people: People) -> None:
    page = people.sign_in("admin", java_script_enabled=False)
    page.goto("/workflows/")
    page.get_by_role("link", name="New").first.click()
    page.get_by_role("link", name="Start blank").click()
    page.get_by_label("Name").fill("Multi-Agent Processing")
    page.get_by_role("button", name="Create and fill in as a list").click()
    for name, agent, mode, after in STEPS:
        _add(page, name, agent, mode, after)
    page.get_by_label("What changed").fill("As in the request")
    page.get_by_role("button", name="Publish revision").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Multi-Agent Processing")
    assert _as_drawn(page.request.get("/workflows/multi-agent-processing/versions/1.json").json()) == STEPS
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/runs/*/")
    _wait_until_completed(page)


def test_the_mouse_builds_publishes_and_runs_on_the_canvas(people: People) -> None:
    page = people.sign_in("admin")
    drawing = _blank(page, "Drawn by mouse")
    page.get_by_role("button", name="Add the first step").click()
    drawing.choose(STEPS[0][0], f"Agent task called “{STEPS[0][0]}”")
    for (name, _, _, after), (right, down) in zip(STEPS[1:], ((110, -90), (110, 90), (110, 90)), strict=True):
        page.get_by_role("button", name="Fit to view").click()
        drawing.pull(after[0], right, down)
        drawing.choose(name, f"Agent task called “{name}”")
    page.get_by_role("button", name="Fit to view").click()
    drawing.connect("Analysis Path 2", "Synthesize Results")
    for name, agent, mode, _ in STEPS:
        drawing.step(name).click()
        _settings(drawing, name, agent, mode)
    _publish_and_run(drawing)


def test_the_keyboard_alone_builds_publishes_and_runs_on_the_canvas(people: People) -> None:
    page = people.sign_in("admin")
    drawing = _blank(page, "Drawn by keys")
    page.locator(".canvas-app").focus()
    drawing.press("n")
    drawing.choose(STEPS[0][0], "")
    for name, _, _, after in STEPS[1:]:
        _go_to(drawing, after[0])
        drawing.press("n")
        drawing.choose(name)
        for one in after[1:]:
            _go_to(drawing, one)
            drawing.press("c")
            page.keyboard.type(name[:6].lower())
            drawing.press("Enter")
    for name, agent, mode, _ in STEPS:
        _go_to(drawing, name)
        drawing.press("Enter")
        _settings_by_keys(drawing, name, agent, mode)
    _publish_and_run(drawing, by_keys=True)


def _go_to(drawing: Drawing, name: str) -> None:
    """By the list of steps, as somebody does who uses the keys alone."""
    if not drawing.page.evaluate("Boolean(document.activeElement.closest('.canvas-app'))"):
        drawing.press("Escape")  # out of the settings, back to the step
    drawing.press("f")
    drawing.choose(name)
    expect(drawing.step(name)).to_be_focused()


def _settings(drawing: Drawing, name: str, agent: str, mode: str) -> None:
    panel = drawing.page.locator('[data-part="inspector"]')
    expect(panel.locator("#inspect-title")).to_have_text(name)
    panel.get_by_label("Agent", exact=True).fill(agent)
    panel.get_by_label("Agent", exact=True).press("Tab")
    drawing.saved()
    if mode:
        panel.get_by_label("Runs", exact=True).select_option(mode)
        drawing.saved()


def _settings_by_keys(drawing: Drawing, name: str, agent: str, mode: str) -> None:
    expect(drawing.page.locator("#inspect-title")).to_have_text(name)
    _tab_to(drawing.page, "Agent")
    drawing.page.keyboard.type(agent)
    drawing.press("Tab")
    drawing.saved()
    if mode:
        _tab_to(drawing.page, "Runs")
        drawing.page.keyboard.type(RUNS[mode])
        drawing.press("Tab")
        drawing.saved()


def _tab_to(page: Page, label: str) -> None:
    """Presses Tab until the field with this label has the focus."""
    for _ in range(60):
        said = page.evaluate("document.activeElement.labels?.[0]?.textContent.trim() ?? ''")
        if said == label or said.startswith((f"{label}\n", f"{label} optional", f"{label}optional")):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"There is no way to {label} by Tab.")


def _publish_and_run(drawing: Drawing, *, by_keys: bool = False) -> None:
    page = drawing.page
    drawing.saved()
    if by_keys:
        drawing.press("Escape", "Control+s")
        expect(page.locator("#publish-dialog")).to_be_visible()
        _tab_to(page, "What changed")
        page.keyboard.type("As in the request")
        drawing.press("Enter")
    else:
        page.get_by_role("button", name="Publish…").click()
        page.get_by_label("What changed").fill("As in the request")
        page.get_by_role("button", name="Publish", exact=True).click()
    page.wait_for_url(f"**/workflows/{drawing.key}/")
    published = page.request.get(f"/workflows/{drawing.key}/versions/1.json").json()
    assert _as_drawn(published) == STEPS
    start = page.get_by_role("button", name="Start")
    if by_keys:
        start.focus()
        drawing.press("Enter")
    else:
        start.click()
    page.wait_for_url("**/runs/*/")
    _wait_until_completed(page)


def _blank(page: Page, name: str) -> Drawing:
    page.goto("/workflows/")
    page.get_by_role("link", name="New").first.click()
    page.get_by_role("link", name="Start blank").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create and draw").click()
    drawing = Drawing(page, name.lower().replace(" ", "-"))
    drawing.wait_until_ready()
    return drawing


def _as_drawn(definition: dict[str, Any]) -> tuple[Any, ...]:
    """The published definition in the words of `STEPS`."""
    tasks = definition["tasks"]
    return tuple(
        (
            task["name"],
            task["agent_id"],
            task.get("execution_mode", ""),
            tuple(tasks[key]["name"] for key in task["dependencies"]),
        )
        for task in tasks.values()
    )


def _add(page: Page, name: str, agent: str, mode: str, after: tuple[str, ...]) -> None:
    if "step=%2B" not in page.url:
        page.get_by_role("link", name="Add a step").click()
    form = page.locator("#new-step")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Agent").fill(agent)
    form.get_by_label("Execution mode").select_option(mode)
    for one in after:
        form.get_by_label(one).check()
    form.get_by_role("button", name="Add the step").click()
    expect(page.get_by_role("listitem").filter(has_text=name).first).to_be_visible()


def _wait_until_completed(page: Page) -> None:
    for _ in range(60):
        if page.get_by_text("Completed").count():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"The run does not end: {page.locator('main').inner_text()[:500]}")
