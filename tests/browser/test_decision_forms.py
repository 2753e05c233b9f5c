"""A decision with a form: somebody fills it in and changes the sum, the record shows both; another takes a request back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import People
from tests.browser.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FORM = [
    {
        "name": "centre",
        "label": "Cost centre",
        "type": "enum",
        "enum": ["A10", "B20"],
        "required": True,
        "description": "Who pays for it.",
    },
    {"name": "until", "label": "Valid until", "type": "date"},
    {"name": "share", "label": "Our share", "type": "number", "min": 0, "max": 100, "default": 50},
    {"name": "why", "label": "Reason", "type": "text", "required": True, "on": "reject"},
]


def definition(name: str) -> dict[str, Any]:
    given = {
        "title": "Desks for the attic",
        "instructions": "Compare the offers before you decide.",
        "approvers": ["alice"],
        "timeout_seconds": 86_400,
        "data": {"amount": 1200, "supplier": "Holz & Söhne", "urgent": True},
        "editable": ["amount", "urgent"],
        "form": FORM,
    }
    ask = {"name": "Approve the order", "action": "approval_gate", "parameters": given}
    return {"id": name, "name": "Order", "version": "2.0.0", "tasks": {"ask": ask}}


def ask_alice(served: Served, name: str, by: str) -> str:
    """Starts a run that asks her; its number."""
    file = Path(served.env["BATON_DATA_DIR"]).parent / f"{name}.json"
    file.write_text(json.dumps(definition(name)))
    served.baton("import", str(file), "--as", "admin")
    return str(json.loads(served.baton("start", name, "--as", by, "--json"))["run"])


def open_request(page: Page, run: str) -> None:
    page.goto(f"/runs/{run}/?task=ask")
    page.get_by_role("link", name="Everything about this request").click()
    page.wait_for_url("**/approvals/*/**")


def test_a_form_is_filled_in_and_the_sum_is_changed(people: People) -> None:
    run = ask_alice(people.served, "order-form", "admin")
    alice = people.sign_in("alice")
    open_request(alice, run)
    alice.keyboard.press("a")
    choice = alice.locator("details[data-decision=approve]")
    amount = choice.get_by_label("amount")
    expect(amount).to_be_focused()
    amount.fill("900")
    choice.get_by_label("Our share").fill("130")
    choice.get_by_role("button", name="Approve").click()
    assert choice.get_by_label("Cost centre").evaluate("box => box.validity.valueMissing")
    choice.get_by_label("Cost centre").select_option("B20")
    choice.get_by_label("Our share").fill("30")
    choice.get_by_label("Valid until").fill("2026-12-24")
    choice.get_by_role("button", name="Approve").click()
    alice.wait_for_url(lambda url: f"/runs/{run}/" in url)
    open_panel = alice.locator("#panel")
    expect(open_panel.locator("del")).to_have_text("1200")
    expect(open_panel.locator("ins")).to_have_text("900")
    alice.goto(f"/runs/{run}/events/")
    expect(alice.locator("ol.events")).to_contain_text("amount: 1200 → 900")
    output = json.loads(people.served.baton("status", run, "--json"))["tasks"]["ask"]["output"]
    assert output["fields"] == {"centre": "B20", "until": "2026-12-24", "share": 30}
    assert output["data"] == {"amount": 900, "supplier": "Holz & Söhne", "urgent": True}


def test_who_asked_takes_it_back_and_nobody_is_asked_any_more(people: People) -> None:
    run = ask_alice(people.served, "order-recall", "bob")
    alice, bob = people.sign_in("alice"), people.sign_in("bob")
    open_request(bob, run)
    bob.locator("details[data-recall] > summary").click()
    bob.get_by_label("Why you take it back").fill("Wrong supplier")
    bob.get_by_role("button", name="Recall", exact=True).click()
    bob.wait_for_url(lambda url: f"/runs/{run}/" in url)
    alice.goto("/approvals/?show=decided")
    alice.locator("[data-mail]", has_text="Desks for the attic").first.click()
    expect(alice.get_by_role("heading", name="Recalled by Bob Bennett")).to_be_visible()
    expect(alice.locator("#record")).to_contain_text("Wrong supplier")
