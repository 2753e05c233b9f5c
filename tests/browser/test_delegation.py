"""Somebody goes away and names who decides meanwhile; that person decides in the inbox, and the record says for whom."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def go_away(page: Page, delegate: str) -> None:
    page.goto("/profile/away/")
    page.get_by_label("Who decides meanwhile").fill(delegate)
    page.get_by_label("Until").fill((date.today() + timedelta(days=2)).isoformat())
    page.get_by_role("button", name="Let them decide").click()
    expect(page.get_by_role("row", name="Bob Bennett")).to_be_visible()


def come_back(page: Page) -> None:
    page.goto("/profile/away/")
    page.get_by_role("button", name="Revoke what Bob Bennett decides for you").click()
    page.locator("dialog[open]").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Nobody decides for you.")).to_be_visible()


def ask_alice(people: People, title: str) -> str:
    """Starts a run that asks her, and nobody else, for a decision; its number."""
    named = ("--param", "level1_approver=alice", "--param", f"request_title={title}")
    made = json.loads(people.served.baton("create", "approval_chain", *named, "--as", "admin", "--json"))
    started = json.loads(people.served.baton("start", made["id"], "--as", "admin", "--json"))
    return str(started["run"])


def test_a_delegate_decides_in_the_inbox_and_the_record_says_for_whom(people: People) -> None:
    alice, bob = people.sign_in("alice"), people.sign_in("bob")
    go_away(alice, "bob")
    run = ask_alice(people, "Desks for the cellar")
    bob.goto("/approvals/?show=delegated")
    mail = bob.locator("[data-mail]", has_text="Desks for the cellar")  # the list renews itself
    expect(mail).to_contain_text("for Alice Archer", timeout=30_000)
    mail.click()
    expect(bob.get_by_role("heading", name="Desks for the cellar")).to_be_visible()
    expect(bob.get_by_text("You decide for Alice Archer.")).to_be_visible()
    choice = bob.locator("details[data-decision=approve]").first
    choice.locator("summary").click()
    choice.locator("textarea").fill("In her place")
    choice.locator("button[type=submit]").click()
    expect(bob.get_by_text("“Desks for the cellar” was approved.")).to_be_visible(timeout=30_000)
    bob.goto("/approvals/?show=decided")
    said = bob.locator("[data-mail]", has_text="Desks for the cellar")
    expect(said).to_contain_text("by Bob Bennett for Alice Archer")
    bob.goto(f"/runs/{run}/events/")
    expect(bob.locator("ol.events li", has_text="was approved")).to_contain_text("bob for alice")
    come_back(alice)
    bob.goto("/approvals/")
    expect(bob.get_by_role("link", name="Others")).to_have_count(0)
