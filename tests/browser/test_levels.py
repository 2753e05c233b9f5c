"""A budget of two levels, decided by two people in two sessions, live: nobody reloads a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def budget(title: str) -> dict[str, object]:
    return {
        "name": "Two-level budget",
        "version": "2.0.0",
        "tasks": {
            "draft": {"name": "Draft the budget", "action": "agent_task", "agent_id": "demo"},
            "ask": {
                "name": "Agree on the budget",
                "action": "approval_gate",
                "dependencies": ["draft"],
                "parameters": {
                    "title": title,
                    "timeout_seconds": 3600,
                    "send_back_to": ["draft"],
                    "levels": [
                        {"name": "Team lead", "approvers": ["alice"]},
                        {"name": "Finance", "approvers": ["bob"]},
                    ],
                },
            },
        },
    }


ARRIVES = 30_000


def start(people: People, folder: Path, title: str) -> str:
    """Publishes and starts it as somebody who decides on no level; the number of the run."""
    file = folder / "budget.json"
    file.write_text(json.dumps(budget(title)))
    made = json.loads(people.served.baton("import", str(file), "--as", "admin", "--json"))
    return str(json.loads(people.served.baton("start", made["id"], "--as", "admin", "--json"))["run"])


def mark(page: Page) -> None:
    """What a reload would take away."""
    page.evaluate("() => { window.kept = true; }")


def was_not_reloaded(page: Page) -> bool:
    return bool(page.evaluate("() => window.kept === true"))


def open_request(page: Page, title: str) -> None:
    mail = page.locator("[data-mail]", has_text=title)
    expect(mail).to_be_visible(timeout=ARRIVES)
    page.goto(mail.get_attribute("href") or "")
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible(timeout=ARRIVES)


def approve(page: Page, title: str) -> None:
    choice = page.locator("details[data-decision=approve]").first
    choice.locator("summary").click()
    choice.locator("textarea").fill("Fine by me")
    choice.locator("button[type=submit]").click()
    expect(page.get_by_role("heading", level=1, name=title)).to_have_count(0, timeout=ARRIVES)


def test_two_people_approve_a_budget_of_two_levels_live(people: People, tmp_path: Path) -> None:
    title = "Budget of the workshop"
    alice, bob, admin = (people.sign_in(name) for name in ("alice", "bob", "admin"))
    bob.goto("/approvals/")
    mark(bob)
    run = start(people, tmp_path, title)
    admin.goto(f"/runs/{run}/")
    mark(admin)
    alice.goto("/approvals/")
    open_request(alice, title)
    expect(alice.get_by_role("heading", name="Level 1 of 2: Team lead")).to_be_visible(timeout=ARRIVES)
    expect(bob.locator("[data-mail]", has_text=title)).to_have_count(0)
    approve(alice, title)
    expect(bob.locator("[data-mail]", has_text=title)).to_be_visible(timeout=ARRIVES)
    assert was_not_reloaded(bob)
    open_request(bob, title)
    expect(bob.get_by_role("heading", name="Level 2 of 2: Finance")).to_be_visible(timeout=ARRIVES)
    approve(bob, title)
    expect(admin.locator("[data-live=status]").first).to_contain_text("Completed", timeout=ARRIVES)
    assert was_not_reloaded(admin)
    record = people.served.baton("debug", run)
    assert "alice" in record
    assert "bob" in record


def test_a_request_is_sent_back_on_its_page_and_asked_anew(people: People, tmp_path: Path) -> None:
    title = "Budget of the sauna"
    alice = people.sign_in("alice")
    run = start(people, tmp_path, title)
    alice.goto("/approvals/")
    open_request(alice, title)
    choice = alice.locator("details[data-decision=send_back]")
    choice.locator("summary").click()
    choice.get_by_label("What is to be done again").fill("Leave out the sauna")
    choice.get_by_role("button", name="Send back").click()
    expect(alice.get_by_text("was sent back")).to_be_visible(timeout=ARRIVES)
    alice.goto(f"/runs/{run}/events/")
    expect(alice.locator("ol.events li", has_text="was sent back")).to_contain_text(
        "Leave out the sauna", timeout=ARRIVES
    )
    alice.goto("/approvals/")
    open_request(alice, title)
    approve(alice, title)
