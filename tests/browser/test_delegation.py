"""Somebody goes away and names who decides meanwhile; that person decides in the inbox, and the record says for whom."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def go_away(page: Page, delegate: str) -> None:
    page.goto("/profile/away/")
    page.get_by_label("Who decides for you").fill(delegate)
    page.get_by_label("Until").fill((date.today() + timedelta(days=2)).isoformat())
    page.get_by_role("button", name="Let them decide").click()
    expect(page.get_by_role("row", name="Bob Bennett")).to_be_visible()


def come_back(page: Page) -> None:
    page.goto("/profile/away/")
    page.get_by_role("button", name="Revoke what Bob Bennett decides for you").click()
    page.locator("dialog[open]").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Nobody decides for you.")).to_be_visible()


def test_a_delegate_decides_in_the_inbox_and_the_record_says_for_whom(people: People) -> None:
    alice, bob, admin = (people.sign_in(name) for name in ("alice", "bob", "admin"))
    go_away(alice, "bob")
    admin.goto("/workflows/new/approval_chain/")
    admin.get_by_role("button", name="Create and start").click()
    admin.wait_for_url("**/runs/*/")
    run = admin.url.rstrip("/").rpartition("/")[2]
    open_request_of(bob, run)
    expect(bob.get_by_text("You decide for Alice Archer.")).to_be_visible()
    choice = bob.locator("details[data-decision=approve]").first
    choice.locator("summary").click()
    choice.locator("textarea").fill("In her place")
    choice.locator("button[type=submit]").click()
    bob.wait_for_url(lambda url: url.rstrip("/").endswith("/approvals"))
    bob.goto("/approvals/?show=decided")
    expect(bob.locator("[data-mail]").first).to_contain_text("by Bob Bennett for Alice Archer")
    admin.goto(f"/runs/{run}/events/")
    expect(admin.locator("ol.events li", has_text="was approved")).to_contain_text("bob for alice")
    come_back(alice)
    bob.goto("/approvals/")
    expect(bob.get_by_role("link", name="For others")).to_have_count(0)


def open_request_of(page: Page, run: str) -> None:
    """Opens the request of this run among those for others: the demo has one more of the same."""
    waiting = page.locator("[data-mail]", has_text="for Alice Archer")
    for _ in range(100):
        page.goto("/approvals/?show=delegated")
        for place in range(waiting.count()):
            page.goto("/approvals/?show=delegated")
            waiting.nth(place).click()
            page.wait_for_url("**/approvals/*/**")
            if page.get_by_role("link", name=f"run #{run}").count():
                return
        page.wait_for_timeout(100)
    raise AssertionError(f"Nothing of run {run} waits for somebody else")
