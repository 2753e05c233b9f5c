"""Every key of the canvas, one by one, on one drawing: start → left, right → end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import People
from tests.browser.drawing import Drawing
from tests.browser.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Check = Callable[[Drawing], None]


def _task(name: str, x: int, y: int, *after: str) -> dict[str, Any]:
    return {
        "name": name,
        "action": "agent_task",
        "dependencies": list(after),
        "position": {"x": x, "y": y},
        "parameters": {"instructions": "Do it."},
    }


TASKS = {
    "start": _task("Start", 0, 96),
    "left": _task("Left", 320, 0, "start"),
    "right": _task("Right", 320, 192, "start"),
    "end": _task("End", 640, 96, "left", "right"),
}


KEY = "keys"
_AS_AT_FIRST = """async ([address, tasks]) => {
  const csrf = JSON.parse(document.getElementById("editor-data").textContent).csrf;
  const { rev, definition } = await (await fetch(address)).json();
  const ops = Object.keys(definition.tasks).map((key) => ({ op: "remove", key }));
  for (const id of Object.keys(definition.metadata?.canvas?.groups ?? {})) ops.push({ op: "group", id, group: null });
  for (const [key, task] of Object.entries(tasks)) ops.push({ op: "add", key, task });
  const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
  return (await fetch(`${address}/ops`, { method: "POST", headers, body: JSON.stringify({ base_rev: rev, ops }) })).status;
}"""


@pytest.fixture(scope="module")
def page(served: Served, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One tab for all keys: signing in and importing anew for each would take longer than the keys."""
    path = tmp_path_factory.mktemp("keys") / "flow.json"
    path.write_text(json.dumps({"id": KEY, "name": "Keys", "version": "2.0.0", "tasks": TASKS}))
    served.baton("import", str(path))
    people = People(served, browser)
    yield people.sign_in("admin")
    for context in people.contexts:
        context.close()
    assert not people.wrong, "\n".join(people.wrong)


@pytest.fixture
def drawing(page: Page) -> Drawing:
    """The same drawing at the start of every test."""
    if page.locator("[data-editor]").count():
        Drawing(page, KEY).saved()  # leaving before that would be asked about
    else:
        Drawing.opened(page, KEY)
    assert page.evaluate(_AS_AT_FIRST, [f"/api/workflows/{KEY}/draft", TASKS]) == 200
    found = Drawing.opened(page, KEY)
    found.step("Start").click()
    return found


def _focus_is(name: str) -> Check:
    return lambda drawing: expect(drawing.step(name)).to_be_focused()


def _selected(*names: str) -> Check:
    def check(drawing: Drawing) -> None:
        for name in ("Start", "Left", "Right", "End"):
            expect(drawing.step(name)).to_have_attribute("aria-selected", str(name in names).lower())

    return check


def _gone(name: str) -> Check:
    return lambda drawing: expect(drawing.step(name)).to_have_count(0)


def _needs(name: str, *after: str) -> Check:
    return lambda drawing: _same(sorted(drawing.needs(name)), sorted(after))


def _same(found: Any, wanted: Any) -> None:
    assert found == wanted


def _at(name: str, x: int, y: int) -> Check:
    return lambda drawing: _same(_place(drawing, name), (x, y))


def _place(drawing: Drawing, name: str) -> tuple[float, float]:
    task = next(task for task in drawing.tasks().values() if task["name"] == name)
    return task["position"]["x"], task["position"]["y"]


def _open_dialog(title: str) -> Check:
    return lambda drawing: expect(drawing.page.get_by_role("heading", name=title)).to_be_visible()


def _zoom(figure: str) -> Check:
    return lambda drawing: expect(drawing.page.locator("[data-zoom-figure]")).to_have_text(figure)


def _inspector_has_focus(drawing: Drawing) -> None:
    expect(drawing.page.locator('[data-part="inspector"] :focus')).to_have_count(1)


KEYS: dict[str, tuple[tuple[str, ...], Check]] = {
    "arrow right follows an edge": (("ArrowRight",), _focus_is("Left")),
    "arrow down goes to the nearest": (("ArrowRight", "ArrowDown"), _focus_is("Right")),
    "arrow up": (("ArrowRight", "ArrowDown", "ArrowUp"), _focus_is("Left")),
    "arrow left": (("ArrowRight", "ArrowLeft"), _focus_is("Start")),
    "End": (("End",), _focus_is("End")),
    "Home": (("End", "Home"), _focus_is("Start")),
    "] next sibling": (("ArrowRight", "]"), _focus_is("Right")),
    "[ previous sibling": (("ArrowRight", "]", "["), _focus_is("Left")),
    "Enter opens the settings": (("Enter",), _inspector_has_focus),
    "Escape deselects": (("Escape",), _selected()),
    "Space deselects and selects": (("Space",), _selected()),
    "Shift and arrow extend": (("Shift+ArrowRight",), _selected("Start", "Left")),
    "Ctrl+A": (("Control+a",), _selected("Start", "Left", "Right", "End")),
    "U upstream": (("End", "Escape", "u"), _selected("Start", "Left", "Right", "End")),
    "D downstream": (("ArrowRight", "Escape", "d"), _selected("Left", "End")),
    "N adds": (("n",), _open_dialog("Add a step after Start")),
    "/ adds": (("/",), _open_dialog("Add a step after Start")),
    "I inserts into the edge": (("e", "i"), _open_dialog("Add a step between Start and Left")),
    "Delete cuts an edge": (("e", "Delete"), _needs("Left")),
    "E goes on to the next edge": (("e", "e", "Delete"), _needs("Right")),
    "C connects": (("ArrowRight", "Escape", "c", "ArrowDown", "Enter"), _needs("Right", "Start", "Left")),
    "C finds by letters": (
        ("ArrowRight", "Escape", "c", "r", "i", "Enter"),
        _needs("Right", "Start", "Left"),
    ),
    "Escape ends connecting": (("c", "Escape", "End", "Enter"), _needs("End", "Left", "Right")),
    "M moves": (("m", "ArrowUp", "ArrowUp", "Enter"), _at("Start", 0, 64)),
    "Escape ends moving": (("m", "ArrowUp", "ArrowUp", "Escape"), _at("Start", 0, 96)),
    "Ctrl and arrow move": (("Control+ArrowDown",), _at("Start", 0, 112)),
    "Ctrl, Shift and arrow move far": (("Control+Shift+ArrowDown",), _at("Start", 0, 160)),
    "Delete": (("Delete",), _gone("Start")),
    "Ctrl+Delete joins": (
        ("ArrowRight", "Space", "Escape", "Control+Delete"),
        _needs("End", "Start", "Right"),
    ),
    "Ctrl+Z": (("Control+ArrowDown", "Control+z"), _at("Start", 0, 96)),
    "Ctrl+Shift+Z": (("Control+ArrowDown", "Control+z", "Control+Shift+z"), _at("Start", 0, 112)),
    "F finds": (("f",), _open_dialog("Find a step")),
    "Ctrl+F finds": (("Control+f",), _open_dialog("Find a step")),
    "Ctrl+K": (("Control+k",), _open_dialog("All commands")),
    "? lists": (("?",), _open_dialog("Keyboard shortcuts of the canvas")),
    "Ctrl+S publishes": (("Control+s",), _open_dialog("Publish the draft")),
    "0 is 100 %": (("+", "+", "0"), _zoom("100 %")),
}


@pytest.mark.parametrize("name", KEYS)
def test_key(drawing: Drawing, name: str) -> None:
    keys, check = KEYS[name]
    drawing.press(*keys)
    check(drawing)


def test_zoom_keys(drawing: Drawing) -> None:
    figure = drawing.page.locator("[data-zoom-figure]")
    drawing.press("0", "+")
    expect(figure).to_have_text("120 %")
    drawing.press("-")
    expect(figure).to_have_text("100 %")
    drawing.press("2")
    expect(figure).to_have_text("100 %")
    drawing.press("1")
    expect(drawing.step("End")).to_be_visible()


def test_duplicate_copy_cut_and_paste(drawing: Drawing) -> None:
    drawing.press("Control+d")
    expect(drawing.page.locator("[role=option]")).to_have_count(5)
    drawing.press("Control+z")
    expect(drawing.page.locator("[role=option]")).to_have_count(4)
    drawing.step("Left").click()
    drawing.press("Control+x")
    expect(drawing.step("Left")).to_have_count(0)
    drawing.press("Control+v")
    expect(drawing.step("Left")).to_have_count(1)
    drawing.press("Control+c", "Control+v")
    expect(drawing.step("Left")).to_have_count(2)


def test_rename_in_place_group_and_tidy(drawing: Drawing) -> None:
    drawing.press("F2")
    drawing.page.keyboard.type("Begin")
    drawing.press("Enter")
    expect(drawing.step("Begin")).to_be_focused()
    drawing.press("Control+a", "g")
    drawing.page.keyboard.type("All of it")
    drawing.press("Enter")
    drawing.saved()
    assert drawing.draft()["metadata"]["canvas"]["groups"]["group"]["name"] == "All of it"
    drawing.press("Control+a", "t")
    assert _place(drawing, "Begin") != (0, 96)


def test_tab_always_leaves_and_single_keys_can_be_switched_off(drawing: Drawing) -> None:
    drawing.press("?")
    drawing.page.locator("#shortcuts-dialog").get_by_label("Single keys are on").uncheck()
    drawing.press("Escape")
    drawing.step("Start").focus()
    drawing.press("n")
    expect(drawing.page.locator("#picker")).to_be_hidden()
    drawing.press("Tab")
    assert drawing.page.evaluate("!document.activeElement.closest('.canvas-app')")
    drawing.page.evaluate("localStorage.clear()")
