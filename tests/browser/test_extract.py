"""Selected steps become a workflow of their own, from the panel and by the list of commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import People
from tests.browser.drawing import Drawing
from tests.browser.served import Served
from tests.browser.test_editor_keys import TASKS

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def _opened(people: People, served: Served, tmp_path: Path, key: str) -> Drawing:
    path = tmp_path / "flow.json"
    path.write_text(json.dumps({"id": key, "name": "Long", "version": "2.0.0", "tasks": TASKS}))
    served.baton("import", str(path))
    return Drawing.opened(people.sign_in("admin"), key)


def _select(drawing: Drawing, *names: str) -> None:
    drawing.step(names[0]).click()
    for name in names[1:]:
        drawing.step(name).click(modifiers=["Shift"])


def test_two_steps_become_one_that_starts_their_workflow(
    people: People, served: Served, tmp_path: Path
) -> None:
    drawing = _opened(people, served, tmp_path, "long")
    page = drawing.page
    _select(drawing, "Left", "Right")
    page.get_by_role("button", name="Extract to a workflow…").click()
    expect(page.locator("#picker")).to_contain_text("It is published at once")
    drawing.choose("Both sides")
    expect(drawing.step("Both sides")).to_be_focused()
    expect(drawing.step("Left")).to_have_count(0)
    said = page.locator("#toasts")
    expect(said).to_contain_text("2 steps are now the workflow Both sides.")
    assert_accessible(page, "editor after an extraction")
    assert (drawing.needs("Both sides"), drawing.needs("End")) == (["Start"], ["Both sides"])

    page.get_by_role("button", name="Undo").click()
    expect(drawing.step("Left")).to_be_visible()
    expect(drawing.step("Both sides")).to_have_count(0)
    page.get_by_role("button", name="Redo").click()
    expect(drawing.step("Both sides")).to_be_visible()
    expect(page.locator("[data-problem-stops]")).not_to_contain_text("stop")
    drawing.saved()
    page.get_by_role("button", name="Publish…").click()
    page.locator("#publish-dialog").get_by_role("button", name="Publish").click()
    page.wait_for_url("**/workflows/long/**")
    version = page.request.get("/workflows/long/versions/2.json").json()
    assert version["tasks"]["both_sides"]["parameters"]["workflow_id"] == "both-sides"
    inner = Drawing.opened(page, "both-sides")
    assert {task["name"] for task in inner.tasks().values()} == {"Left", "Right"}


def test_what_lies_between_is_named_and_nothing_is_done(
    people: People, served: Served, tmp_path: Path
) -> None:
    drawing = _opened(people, served, tmp_path, "apart")
    page = drawing.page
    before = drawing.draft()
    _select(drawing, "Start", "End")
    drawing.press("Control+k")
    expect(page.locator("#picker")).to_be_visible()
    page.locator("#picker input").fill("extract")
    drawing.press("Enter")
    expect(page.locator("#picker-title")).to_have_text("Extract 2 steps to a workflow")
    drawing.choose("Ends")
    expect(page.locator("#toasts")).to_contain_text("'left' runs after 'start' and before 'end'")
    assert drawing.draft() == before
    people.wrong.clear()  # the browser itself tells of the 400


def test_the_way_to_the_new_workflow_leads_back(people: People, served: Served, tmp_path: Path) -> None:
    drawing = _opened(people, served, tmp_path, "way")
    page = drawing.page
    _select(drawing, "Left", "Right")
    page.get_by_role("button", name="Extract to a workflow…").click()
    drawing.choose("Sides of it")
    page.locator("#toasts").get_by_role("link", name="Open it").click()
    page.wait_for_url("**/workflows/sides-of-it/edit/canvas/?from=way")
    expect(page.get_by_role("link", name="Long")).to_be_visible()


def test_a_list_that_opens_as_another_closes_stays_open(
    people: People, served: Served, tmp_path: Path
) -> None:
    """The browser tells of the closing later than it closes."""
    page = _opened(people, served, tmp_path, "lists").page
    page.evaluate(
        """async () => {
            const { pick } = await import("/static/js/editor/picker.js");
            const list = { title: "First", placeholder: "", items: [{ id: "a", label: "A" }] };
            const first = pick(list);
            document.querySelector("#picker input").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
            await first;
            globalThis.second = pick({ ...list, title: "Second" });
            await new Promise((resolve) => setTimeout(resolve, 100));
        }"""
    )
    expect(page.get_by_role("dialog", name="Second")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#picker")).to_be_hidden()
    assert page.evaluate("second") is None
