"""Each template, created and started in the browser, is seen to run to its end without a reload, approvals and all."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ENDS_WITHIN = 60.0
_WATCH = """() => {
  window.kept = true;
  window.seen = {};
  const note = (row) => (window.seen[row.dataset.taskRow] ??= []).push(row.dataset.state);
  const rows = document.querySelectorAll("[data-task-row]");
  rows.forEach(note);
  const watcher = new MutationObserver((changes) => changes.forEach(({ target }) => note(target)));
  rows.forEach((row) => watcher.observe(row, { attributes: true, attributeFilter: ["data-state"] }));
}"""


def create_and_start(page: Page, template: str) -> None:
    page.goto(f"/workflows/new/{template}/")
    page.get_by_role("button", name="Create and start").click()
    page.wait_for_url("**/runs/*/")
    page.evaluate(_WATCH)


def status(page: Page) -> str:
    return page.locator("[data-live=status]").first.inner_text().strip()


def approve_what_waits(page: Page) -> None:
    """Opens the inbox and approves the first request in it, if there is one that this person may decide."""
    page.goto("/approvals/")
    mail = page.locator("[data-mail] a, a[data-mail]").first
    if mail.count() == 0:
        return
    page.goto(mail.get_attribute("href") or "")
    choice = page.locator("details[data-decision=approve], details[data-override=approve]").first
    if choice.count() == 0:
        return
    here = page.url
    choice.locator("summary").click()
    choice.locator("textarea").fill("Seen and agreed")
    choice.locator("button[type=submit]").click()
    page.wait_for_url(lambda url: url != here)  # on to the next request, or back to the list


@pytest.mark.parametrize(
    ("template", "decided"),
    [
        ("sequential_pipeline", False),
        ("parallel_processing", False),
        ("approval_chain", True),
        ("conditional_workflow", True),
    ],
)
def test_a_template_runs_live_to_its_end(people: People, template: str, decided: bool) -> None:
    page = people.sign_in("admin")
    deciders = [people.sign_in(name) for name in ("alice", "bob")] if decided else []
    create_and_start(page, template)
    deadline, turn = time.monotonic() + ENDS_WITHIN, 0
    while status(page) != "Completed":
        assert time.monotonic() < deadline, f"{template} is still {status(page)}"
        if deciders:
            approve_what_waits(deciders[turn % 2])
            turn += 1
        page.wait_for_timeout(100)
    assert page.evaluate("window.kept") is True
    settled = {"success", "skipped"}
    rows = page.locator("[data-task-row]")
    expect(rows).not_to_have_count(0)
    seen: dict[str, list[str]] = page.evaluate("window.seen")
    assert {states[-1] for states in seen.values()} <= settled, seen
    assert all(len(states) > 1 for key, states in seen.items() if key not in first_of(seen)), seen
    page.reload()
    assert {row.get_attribute("data-state") for row in rows.all()} <= settled


def first_of(seen: dict[str, list[str]]) -> set[str]:
    """The tasks that had settled already when the page was first drawn: nothing is left of them to be seen changing."""
    return {key for key, states in seen.items() if states[0] in {"success", "skipped"}}
