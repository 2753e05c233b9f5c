"""Nothing that the label called saved is lost, and nothing that it did not is forgotten: two people, no network, a dead server."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import People
from tests.browser.drawing import Drawing
from tests.browser.served import Served
from tests.browser.test_editor_keys import TASKS

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def key(served: Served, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    name = f"safe-{request.node.name.replace('_', '-')[:40]}"
    path = tmp_path / "flow.json"
    path.write_text(json.dumps({"id": name, "name": "Safe", "version": "2.0.0", "tasks": TASKS}))
    served.baton("import", str(path))
    return name


def _add(drawing: Drawing, after: str, name: str) -> None:
    drawing.step(after).click()
    drawing.press("n")
    drawing.choose(name)
    expect(drawing.step(name)).to_be_focused()


def test_two_people_draw_at_once_and_both_are_kept(people: People, key: str) -> None:
    one, other = (Drawing.opened(people.sign_in("admin"), key) for _ in range(2))
    for round_ in range(3):
        _add(one, "Left", f"From one {round_}")
        _add(other, "Right", f"From other {round_}")
    for drawing in (one, other):
        drawing.saved()
        for round_ in range(3):
            expect(drawing.step(f"From one {round_}")).to_be_visible(timeout=20_000)
            expect(drawing.step(f"From other {round_}")).to_be_visible(timeout=20_000)
    assert one.draft() == other.draft()


def test_the_same_field_twice_asks_in_a_quiet_bar(people: People, key: str) -> None:
    one, other = (Drawing.opened(people.sign_in("admin"), key) for _ in range(2))
    other.page.context.set_offline(True)  # so that it does not hear of the first
    _rename(one, "Mine")
    one.saved()
    _rename(other, "Yours")
    other.page.context.set_offline(False)
    bar = other.page.locator('[data-part="dispute"]')
    expect(bar).to_be_visible(timeout=20_000)
    expect(bar).to_contain_text("theirs “Mine”, yours “Yours”")
    expect(other.page.locator('[data-part="saved"]')).to_contain_text("Not saved")
    other.page.get_by_role("button", name="Keep mine").click()
    other.saved()
    expect(one.step("Yours")).to_be_visible(timeout=20_000)
    people.wrong.clear()  # the browser itself tells of the 409 and of the network that was away


def _rename(drawing: Drawing, name: str) -> None:
    drawing.step("Start").click()
    drawing.press("F2")
    drawing.page.keyboard.type(name)
    drawing.press("Enter")
    expect(drawing.step(name)).to_be_visible()


def test_what_is_drawn_without_a_network_waits_in_the_browser(people: People, key: str) -> None:
    page = people.sign_in("admin")
    drawing = Drawing.opened(page, key)
    page.context.set_offline(True)
    _add(drawing, "Left", "Drawn alone")
    expect(page.locator('[data-part="saved"]')).to_contain_text("Not saved, retrying")
    assert_accessible(page, "editor without a network")
    page.close(run_before_unload=False)
    context = people.contexts[-1]
    context.set_offline(False)
    again = Drawing.opened(context.new_page(), key)
    expect(again.step("Drawn alone")).to_be_visible()
    assert "Drawn alone" in {task["name"] for task in again.tasks().values()}
    people.wrong.clear()  # the network that was away


def test_a_server_killed_in_between_loses_nothing_that_was_saved(
    people: People, served: Served, key: str
) -> None:
    page = people.sign_in("admin")
    drawing = Drawing.opened(page, key)
    for number in range(3):
        _add(drawing, "Left", f"Before {number}")
    drawing.saved()
    _kill_web(served)
    for number in range(3):
        _add(drawing, "Right", f"After {number}")
    expect(page.locator('[data-part="saved"]')).to_have_attribute("data-state", "saved", timeout=60_000)
    page.reload()
    drawing.wait_until_ready()
    for number in range(3):
        expect(drawing.step(f"Before {number}")).to_have_count(1)
        expect(drawing.step(f"After {number}")).to_have_count(1)
    people.wrong.clear()  # what was asked while it was dead


def _kill_web(served: Served) -> None:
    """The process that answers requests, without a warning; the keeper starts another."""
    data = served.env["BATON_DATA_DIR"]
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            pid = int(entry.name)
            words = (entry / "cmdline").read_bytes().split(b"\0")
            variables = (entry / "environ").read_bytes()
            if b"web" in words and b"be" in words and data.encode() in variables:
                os.kill(pid, signal.SIGKILL)


STATES = {
    "nothing selected": (),
    "a step selected": ("Tab",),
    "settings open": ("Enter",),
    "adding": ("n",),
    "all commands": ("Control+k",),
    "the sheet of keys": ("?",),
    "publishing": ("Control+s",),
    "connecting": ("c",),
    "everything selected": ("Control+a",),
}
DIALOGS = {"adding", "all commands", "the sheet of keys", "publishing"}


def test_every_state_of_the_editor_is_accessible(people: People, key: str) -> None:
    page = people.sign_in("admin")
    drawing = Drawing.opened(page, key)
    for name, keys in STATES.items():
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
        drawing.step("Start").click()
        drawing.press(*keys)
        if name in DIALOGS:
            expect(page.locator("dialog[open]")).to_be_visible()
        assert_accessible(page, f"editor, {name}")
