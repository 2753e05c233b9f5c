"""Two people with the same draft open in the list view: each sees the other, and what the other has changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.browser.conftest import People

PATIENCE = 20_000.0  # milliseconds, for what comes by way of somebody else's page

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def new_draft(page: Page, name: str) -> str:
    """A workflow with one step, and the address of its list view."""
    page.goto("/workflows/new/blank/")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create and fill in as a list").click()
    form = page.locator("#new-step")
    form.get_by_label("Name").fill("Load")
    form.get_by_label("Agent").fill("demo")
    form.get_by_role("button", name="Add the step").click()
    expect(page.locator("#step-load")).to_be_visible()
    return re.sub(r"[?#].*", "", page.url)


def rename(page: Page, name: str) -> None:
    field = page.locator("#about-title").locator("xpath=ancestor::section").get_by_label("Name")
    field.fill(name)
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def avatars(page: Page) -> Locator:
    return page.get_by_role("list", name="Also editing").get_by_role("listitem")


def changed(page: Page) -> Locator:
    return page.locator("[data-changed]")


def test_two_people_see_each_other_and_what_the_other_changes(people: People) -> None:
    ours, theirs = people.sign_in("admin"), people.sign_in("alice")
    url = new_draft(ours, "Together")
    ours.goto(f"{url}?step=load")
    expect(ours.locator("[data-watch]")).to_be_hidden()
    theirs.goto(url)
    expect(avatars(theirs)).to_have_count(1, timeout=PATIENCE)
    expect(avatars(theirs)).to_have_attribute("title", re.compile(", at Load$"), timeout=PATIENCE)
    expect(avatars(ours)).to_have_count(1, timeout=PATIENCE)
    expect(ours.locator("#announcer")).to_have_text(re.compile("is editing, too"))

    ours.get_by_label("Name").first.fill("Typed and not sent")
    rename(theirs, "Together again")
    expect(changed(ours)).to_contain_text(re.compile(r"changed this draft; revision 3\."), timeout=PATIENCE)
    expect(changed(theirs)).to_be_hidden()
    expect(ours.get_by_label("Name").first).to_have_value("Typed and not sent")
    with ours.context.expect_page() as opened:
        changed(ours).get_by_role("link", name="Show in a new tab").click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Together again")
    expect(ours.get_by_label("Name").first).to_have_value("Typed and not sent")
    opened.value.close()

    theirs.close()
    expect(avatars(ours)).to_have_count(0, timeout=PATIENCE)


def test_the_json_view_tells_of_it_too_and_leads_to_the_draft_as_it_is(people: People) -> None:
    ours, theirs = people.sign_in("admin"), people.sign_in("alice")
    url = new_draft(ours, "As text")
    ours.goto(f"{url}json/")
    theirs.goto(url)
    expect(avatars(ours)).to_have_count(1, timeout=PATIENCE)
    rename(theirs, "As other text")
    expect(changed(ours)).to_be_visible(timeout=PATIENCE)
    changed(ours).get_by_role("link", name="Show", exact=True).click()
    expect(ours.get_by_role("textbox", name="Definition")).to_have_value(re.compile('"As other text"'))
    expect(changed(ours)).to_be_hidden()


def test_what_was_changed_while_the_socket_was_gone_is_told_when_it_is_back(people: People) -> None:
    ours, theirs = people.sign_in("admin"), people.sign_in("alice")
    url = new_draft(ours, "Cut off")
    rev = iter([2, 3])
    sockets = greeting(ours, lambda: hello(next(rev)))
    ours.goto(url)
    theirs.goto(url)
    rename(theirs, "Cut off no more")
    expect(changed(ours)).to_be_hidden()
    sockets[-1].close(code=4000)
    expect(changed(ours)).to_contain_text(
        re.compile(r"Alice Archer changed this draft; revision 3\."), timeout=PATIENCE
    )


def hello(rev: int, crowd: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    return {"v": 1, "t": "hello", "rev": rev, "me": {"id": 1}, "people": list(crowd)}


def greeting(page: Page, message: Callable[[], dict[str, Any]]) -> list[WebSocketRoute]:
    """In place of the server every socket of the draft says this, and nothing more by itself."""
    sockets: list[WebSocketRoute] = []

    def serve(route: WebSocketRoute) -> None:
        sockets.append(route)
        route.send(json.dumps(message()))

    page.route_web_socket(re.compile("/ws/workflows/"), serve)
    return sockets


def test_without_a_socket_the_page_asks_for_the_changes(people: People) -> None:
    ours, theirs = people.sign_in("admin"), people.sign_in("alice")
    url = new_draft(ours, "Unplugged")
    failures: list[WebSocketRoute] = []

    def refuse(route: WebSocketRoute) -> None:
        failures.append(route)
        route.close(code=1011)

    ours.route_web_socket(re.compile("/ws/workflows/"), refuse)
    with ours.expect_request(re.compile(r"/draft/changes\?since=2$")):
        ours.goto(url)
    assert len(failures) >= 3
    theirs.goto(url)
    rename(theirs, "Plugged in")
    expect(changed(ours)).to_contain_text(
        re.compile(r"Alice Archer changed this draft; revision 3\."), timeout=PATIENCE
    )


def test_of_many_people_four_are_shown_and_all_are_named(people: People) -> None:
    page = people.sign_in("admin")
    url = new_draft(page, "Crowded")
    names = ["Ann", "Bea", "Cy", "Dan", "Eve", "Flo", "Gus"]
    crowd = [
        {"id": 1000 + number, "name": name, "initials": name[:2].upper(), "at": None}
        for number, name in enumerate(names)
    ]
    sockets = greeting(page, lambda: hello(2, crowd))
    page.goto(url)
    expect(avatars(page)).to_have_count(5, timeout=PATIENCE)
    expect(avatars(page).last).to_have_text(re.compile(r"^\+3"), timeout=PATIENCE)
    expect(avatars(page).last).to_have_attribute("title", "Eve; Flo; Gus", timeout=PATIENCE)
    sockets[-1].send(json.dumps({"v": 1, "t": "people", "people": crowd[:5]}))
    expect(avatars(page).last).to_have_attribute("title", "Eve", timeout=PATIENCE)
    sockets[-1].close(code=4403)
    expect(avatars(page)).to_have_count(0, timeout=PATIENCE)
