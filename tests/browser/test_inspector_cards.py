"""Lists of maps in the inspector, each map a card, and cards within cards."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.accessibility import violations
from tests.browser.conftest import People
from tests.browser.inspecting import Inspecting

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def page(people: People) -> Page:
    return people.sign_in("admin", viewport={"width": 1280, "height": 900})


def test_levels_and_a_form_are_made_card_by_card(page: Page) -> None:
    gate = {
        "action": "approval_gate",
        "parameters": {"levels": [{"name": "Lead", "approvers": ["alice"], "odd": 1}]},
    }
    asking = Inspecting(page, "Levels", [{"op": "add", "key": "gate", "task": gate}], "gate")
    levels, form = asking.at("parameters", "levels"), asking.at("parameters", "form")
    first = levels.get_by_role("group", name="Level 1")
    expect(first.get_by_label("Name")).to_have_value("Lead")
    levels.get_by_role("button", name="New level").click()
    fresh = levels.get_by_role("group", name="New level")
    expect(fresh.get_by_label("Name")).to_be_focused()
    assert asking.sent == []  # nothing is in it yet
    fresh.get_by_label("Name").fill("Finance")
    fresh.get_by_label("Approvers").fill("group:finance, bob")
    fresh.get_by_label("Quorum").fill("2")
    fresh.get_by_label("Wait at most").fill("7200")
    fresh.get_by_label("Then").select_option("escalate")
    form.get_by_role("button", name="New field").click()
    asking.settle()
    second = levels.get_by_role("group", name="Level 2")
    expect(second.get_by_text("2 h")).to_be_visible()
    finance = {
        "name": "Finance",
        "approvers": ["group:finance", "bob"],
        "quorum": 2,
        "timeout_seconds": 7200,
        "on_timeout": "escalate",
    }
    lead = gate["parameters"]["levels"][0]
    assert asking.draft()["tasks"]["gate"]["parameters"]["levels"] == [lead, finance]
    field = form.get_by_role("group", name="New field")
    field.get_by_label("Name").fill("cost_centre")
    field.get_by_label("Type").select_option("enum")
    field.get_by_label("Choices").fill("A1\nB2")
    assert [
        one for one in violations(page) if "page-has-heading-one" not in one
    ] == []  # it is alone on its page
    second.get_by_role("button", name="Move level 2 up").click()
    asking.settle()
    found = asking.draft()["tasks"]["gate"]["parameters"]
    assert found["levels"] == [finance, lead]
    assert found["form"] == [{"name": "cost_centre", "type": "enum", "enum": ["A1", "B2"]}]
    expect(levels.get_by_role("group", name="Level 1").get_by_label("Name")).to_have_value("Finance")
    levels.get_by_role("button", name="Remove level 1").click()
    levels.get_by_role("button", name="Remove level 1").click()
    asking.settle()
    assert "levels" not in asking.draft()["tasks"]["gate"]["parameters"]


def test_a_card_is_moved_by_keys_and_takes_the_focus_with_it(page: Page) -> None:
    levels = [{"name": name, "approvers": "ann"} for name in "ABC"]
    gate = {"action": "approval_gate", "parameters": {"levels": levels}}
    asking = Inspecting(page, "Moved", [{"op": "add", "key": "gate", "task": gate}], "gate")

    def order() -> list[str]:
        return [one["name"] for one in asking.draft()["tasks"]["gate"]["parameters"]["levels"]]

    asking.panel.get_by_role("button", name="Move level 3 up").focus()
    page.keyboard.press("Enter")
    asking.wait_for_sent(1)
    asking.settle()
    assert order() == ["A", "C", "B"]
    expect(asking.panel.get_by_role("button", name="Move level 2 up")).to_be_focused()
    page.keyboard.press("Enter")
    asking.wait_for_sent(2)
    asking.settle()
    assert order() == ["C", "A", "B"]
    # It can go no further up, and the focus stays on it.
    expect(asking.panel.get_by_role("button", name="Move level 1 down")).to_be_focused()


def test_what_cannot_be_read_on_a_card_says_which(page: Page) -> None:
    gate = {"action": "approval_gate", "parameters": {"levels": [{"approvers": "ann"}, {"approvers": "bob"}]}}
    asking = Inspecting(page, "Cards", [{"op": "add", "key": "gate", "task": gate}], "gate")
    second = asking.panel.get_by_role("group", name="Level 2")
    second.get_by_label("Wait at most").fill("soon")
    second.get_by_label("Wait at most").blur()
    note = asking.panel.locator("[data-refused]:not([hidden])")
    expect(note).to_contain_text("Wait at most of number 2: “soon” is not a number")
    second.get_by_label("Then").select_option("approve")
    asking.show(None)
    asking.show("gate")
    expect(second.get_by_label("Wait at most")).to_have_value("soon")
    expect(second.get_by_label("Then")).to_have_value("approve")
    assert asking.sent == []
    second.get_by_label("Wait at most").fill("90")
    second.get_by_label("Wait at most").blur()
    expect(note).to_have_count(0)
    asking.settle()
    assert asking.draft()["tasks"]["gate"]["parameters"]["levels"][1] == {
        "approvers": "bob",
        "timeout_seconds": 90,
        "on_timeout": "approve",
    }


def test_a_level_has_a_ladder_of_its_own(page: Page) -> None:
    lead, board = {"name": "Lead", "approvers": ["ann"]}, {"name": "Board", "approvers": ["bob"]}
    gate = {"action": "approval_gate", "parameters": {"levels": [lead, board]}}
    asking = Inspecting(page, "Ladders", [{"op": "add", "key": "gate", "task": gate}], "gate")
    levels = asking.at("parameters", "levels")

    def stored() -> list[dict[str, Any]]:
        asking.settle()
        found: list[dict[str, Any]] = asking.draft()["tasks"]["gate"]["parameters"]["levels"]
        return found

    first = levels.get_by_role("group", name="Level 1", exact=True)
    first.locator("summary").click()
    first.get_by_role("button", name="New rung").click()
    expect(first.get_by_label("After")).to_be_focused()
    first.get_by_label("After").fill("3600")
    first.get_by_label("Ask").fill("eve, group:managers")
    first.get_by_label("Ask").blur()
    rung = {"after_seconds": 3600, "to": ["eve", "group:managers"]}
    assert stored() == [lead | {"escalation": [rung]}, board]
    # It goes with its level, and another rung is added there.
    levels.get_by_role("button", name="Move level 1 down").click()
    assert stored() == [board, lead | {"escalation": [rung]}]
    second = levels.get_by_role("group", name="Level 2", exact=True)
    second.get_by_role("button", name="New rung").click()
    second.get_by_label("After").last.fill("soon")
    second.get_by_label("After").last.blur()
    note = asking.panel.locator("[data-refused]:not([hidden])")
    expect(note).to_contain_text("After of number 2: “soon” is not a number")
    asking.show(None)
    asking.show("gate")
    expect(second.get_by_label("After").last).to_have_value("soon")
    ids = page.locator("[data-members] [id]").evaluate_all("all => all.map((one) => one.id)")
    assert len(ids) == len(set(ids))
    second.get_by_label("After").last.fill("7200")
    second.get_by_label("After").last.blur()
    assert stored() == [board, lead | {"escalation": [rung, {"after_seconds": 7200}]}]
    assert [one for one in violations(page) if "page-has-heading-one" not in one] == []
    for left in (1, 0):
        before = len(asking.sent)
        second.get_by_role("button", name="Remove rung 1").click()
        expect(second.get_by_label("After")).to_have_count(left)
        asking.wait_for_sent(before + 1)
        asking.settle()
    assert stored() == [board, lead]


def test_what_was_taken_away_is_not_brought_back_by_an_answer_from_before(page: Page) -> None:
    gate = {
        "action": "approval_gate",
        "parameters": {"levels": [{"approvers": name} for name in ("ann", "bob")]},
    }
    asking = Inspecting(page, "Stale", [{"op": "add", "key": "gate", "task": gate}], "gate")
    levels = asking.at("parameters", "levels")
    held: dict[str, Route] = {}

    def hold(route: Route) -> None:
        """The first of each kind."""
        if route.request.method in held:
            route.continue_()
        held.setdefault(route.request.method, route)

    page.route("**/edit/inspector/gate/", hold)
    page.route("**/draft/ops", hold)
    page.evaluate("held.inspector.refresh('gate')")
    while "GET" not in held:
        page.evaluate("1")  # a handler runs while its page is asked something
    before = held["GET"].fetch()
    levels.get_by_role("button", name="Remove level 1").click()
    asking.wait_for_sent(1)
    while "POST" not in held:
        page.evaluate("1")
    held["GET"].fulfill(response=before)
    page.wait_for_function("() => !document.querySelector('#inspector[aria-busy]')")
    expect(levels.get_by_role("group", name=re.compile(r"Level \d"))).to_have_count(1)
    held["POST"].continue_()
    asking.settle()
    expect(levels.get_by_label("Approvers")).to_have_value("bob")
    assert asking.draft()["tasks"]["gate"]["parameters"]["levels"] == [{"approvers": "bob"}]
