"""The inbox in the browser: by keys alone, while it renews itself, without scripts, and in every state of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.accessibility import assert_accessible, sideways
from tests.browser.conftest import People
from tests.chaos.servers import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Ask = Callable[..., None]
SLOW = 30_000  # what happens elsewhere is looked for now and then


# In one process, for each takes its time to start.
_START = """
import json, sys
import django
django.setup()
from django.contrib.auth.models import User
from orchestrator import engine
approver, *titles = json.loads(sys.argv[1])
step = {"action": "condition_check", "parameters": {"expression": "true"}}
title = {"title": "{{ params.title }}", "approvers": [approver], "data": {"why": "because"}}
gate = {"name": "Ask", "action": "approval_gate", "dependencies": ["before"], "parameters": title}
tasks = {"before": step, "ask": gate, "after": {**step, "dependencies": ["ask"]}}
asking = {"name": "Asking", "version": "2.0.0", "parameters": {"title": {"type": "string"}}, "tasks": tasks}
admin = User.objects.get(username="admin")
workflow = engine.save_workflow({**asking, "id": "asking"}, user=admin)
for given in titles:
    engine.start(workflow, {"title": given}, user=admin)
"""


@pytest.fixture
def ask(people: People) -> Ask:
    """Ask somebody, or a group, for decisions on something of these titles."""

    def start(*titles: str, approver: str = "alice") -> None:
        env = {**people.served.env, "DJANGO_SETTINGS_MODULE": "orchestrator.settings"}
        command = [sys.executable, "-c", _START, json.dumps([approver, *titles])]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stderr

    return start


def inbox(page: Page, text: str, count: int) -> Locator:
    """The inbox with what holds this text, once there are so many."""
    page.goto(f"/approvals/?q={text}")
    mails = page.locator("[data-mail]")
    expect(mails).to_have_count(count, timeout=SLOW)
    return mails


def shown(page: Page) -> Locator:
    return page.locator(".detail .d-title")


def focused(page: Page) -> str:
    text: str = page.evaluate("() => document.activeElement.innerText")
    return text


def test_the_inbox_is_worked_through_by_keys_alone(people: People, ask: Ask) -> None:
    page = people.sign_in("alice")
    ask("Keys one", "Keys two", "Keys three", "Keys four", "Keys five")
    inbox(page, "Keys", 5)
    page.reload()
    expect(shown(page)).to_have_text("Keys one")
    keys = page.keyboard
    keys.press("j")
    expect(shown(page)).to_have_text("Keys two")
    keys.press("k")
    expect(shown(page)).to_have_text("Keys one")
    keys.press("j")
    keys.press("a")  # the form is that of the request it came to, however fast that was
    comment = page.locator("#approve-comment")
    expect(comment).to_be_focused()
    expect(shown(page)).to_have_text("Keys two")
    keys.type("jka, fine by me")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.get_by_text("“Keys two” was approved.")).to_be_visible()
    page.wait_for_load_state()  # its keys are there
    expect(shown(page)).to_have_text("Keys three")
    assert "Keys three" in focused(page)
    keys.press("r")
    expect(page.locator("#reject-comment")).to_be_focused()
    keys.type("Too dear")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.get_by_text("“Keys three” was rejected.")).to_be_visible()
    page.wait_for_load_state()
    expect(page.locator("[data-mail]")).to_have_count(3)
    assert "Keys four" in focused(page)
    keys.press("s")
    keys.press("j")
    keys.press("Space")
    expect(page.locator("#bulk > p")).to_contain_text("2 chosen")
    keys.press("a")
    expect(page.locator("#bulk-approve-comment")).to_be_focused()
    keys.type("Both")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="2 of 2 approved")).to_be_visible()
    page.wait_for_load_state()
    keys.press("/")
    expect(page.locator("#inbox-text")).to_be_focused()
    keys.press("?")  # typed, and no sheet of keys
    expect(page.locator("#keys-dialog")).not_to_be_visible()
    keys.press("Escape")
    keys.press("?")
    expect(page.locator("#keys-dialog")).to_contain_text("Choose it, to decide several together")


def test_enter_goes_on_to_the_request_and_back_to_the_one_before(people: People, ask: Ask) -> None:
    page = people.sign_in("alice")
    ask("Returning one", "Returning two")
    mails = inbox(page, "Returning", 2)
    page.reload()
    page.keyboard.press("j")
    expect(shown(page)).to_have_text("Returning two")
    page.keyboard.press("Enter")
    expect(page.locator(".detail-scroll")).to_be_focused()
    expect(page.locator(".detail svg .node").first).to_be_visible()
    mails.first.click()
    expect(shown(page)).to_have_text("Returning one")
    page.go_back()
    expect(shown(page)).to_have_text("Returning two")
    assert page.title().startswith("Returning two")
    assert page.locator("h1").count() == 1


def test_what_arrives_disturbs_nothing_that_is_under_way(people: People, ask: Ask) -> None:
    page = people.sign_in("alice")
    ask("Live one", "Live two")
    mails = inbox(page, "Live", 2)
    page.reload()
    before = int(page.locator(".rail [data-badge-figure]").inner_text())
    page.locator("[data-mail]", has_text="Live two").focus()
    page.keyboard.press("s")
    page.keyboard.press("Escape")
    expect(page.locator("[data-choose]:checked")).to_have_count(0)
    page.locator("[data-mail]", has_text="Live two").focus()
    page.keyboard.press("s")
    page.locator("[data-decision=approve] summary").click()
    page.locator("#approve-comment").fill("Half a sen")
    ask("Live three")
    expect(mails).to_have_count(3, timeout=SLOW)
    expect(page.locator(".rail [data-badge-figure]")).to_have_text(str(before + 1))
    expect(page.locator("#approve-comment")).to_be_focused()
    expect(page.locator("#approve-comment")).to_have_value("Half a sen")
    expect(page.locator("[data-choose]:checked")).to_have_count(1)
    expect(page.locator("[data-mail][aria-current]")).to_contain_text("Live one")
    mails.last.click()  # another is looked at meanwhile, and what was typed is there on coming back
    expect(shown(page)).to_have_text("Live three")
    mails.first.click()
    expect(page.locator("#approve-comment")).to_have_value("Half a sen")


def reload_slowly(page: Page, meanwhile: Callable[[], None]) -> None:
    """The page is there, but not yet all of its scripts, while this happens."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/js/inbox*.js", hold)
    page.reload(wait_until="commit")
    expect(page.locator("[data-mail]")).to_have_count(1)
    meanwhile()
    assert held, "the page had loaded before"
    held.pop().continue_()


def test_what_arrives_while_the_page_loads_is_not_missed(people: People, ask: Ask) -> None:
    page, other = people.sign_in("alice"), people.sign_in("alice")
    ask("Hurried one")
    inbox(page, "Hurried", 1)
    inbox(other, "Hurried", 1)

    def another() -> None:
        ask("Hurried two")
        expect(other.locator("[data-mail]")).to_have_count(2, timeout=SLOW)

    reload_slowly(page, another)
    expect(page.locator("[data-mail]")).to_have_count(2)


def test_one_that_arrives_as_another_goes_while_the_page_loads_is_not_missed(
    people: People, ask: Ask
) -> None:
    """There are as many as the page says that there are."""
    page = people.sign_in("alice")
    ask("Swapped one")
    inbox(page, "Swapped", 1)

    def run_that_asks(title: str) -> str:
        waiting = json.loads(people.served.baton("approvals", "--json"))["approvals"]
        return next((str(one["run"]) for one in waiting if one["title"] == title), "")

    def exchanged() -> None:
        people.served.baton("approve", run_that_asks("Swapped one"), "--as", "alice")
        ask("Swapped two")
        wait_until(lambda: bool(run_that_asks("Swapped two")), "the second request")

    reload_slowly(page, exchanged)
    expect(page.locator("[data-mail]", has_text="Swapped two")).to_be_visible()
    expect(page.locator("[data-mail]", has_text="Swapped one")).to_have_count(0)


def test_the_search_is_as_fast_as_one_types_and_stands_in_the_address(people: People, ask: Ask) -> None:
    page = people.sign_in("alice")
    ask("Found it", "Found that")
    inbox(page, "Found", 2)
    page.locator("#inbox-text").fill("Found that")
    expect(page.locator("[data-mail]")).to_have_count(1)
    page.wait_for_url(lambda url: url.endswith("/approvals/?q=Found%20that"))
    page.locator("#inbox-filters summary").click()
    page.get_by_label("Due").select_option("overdue")
    expect(page.get_by_role("heading", name="No request fits")).to_be_visible()
    page.wait_for_url(lambda url: url.endswith("/approvals/?q=Found%20that&due=overdue"))
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Clear the search").click()
    expect(page.locator("#inbox-text")).to_have_value("")


def test_who_was_first_is_said_in_place(people: People, ask: Ask) -> None:
    ask("Raced", approver="group:approver")
    alice, bob = people.sign_in("alice"), people.sign_in("bob")
    for page in (alice, bob):
        inbox(page, "Raced", 1)
        page.reload()
        page.keyboard.press("a")
        page.locator("#approve-comment").fill("Mine")
    # Whether his list or his record comes first is chance: that of his record is made to come last.
    held: list[Route] = []
    bob.route("**/approvals/*/", lambda route: held.append(route))  # noqa: PLW0108 - the library writes on what it is given
    alice.keyboard.press("Tab")
    alice.keyboard.press("Enter")
    expect(alice.get_by_text("“Raced” was approved.")).to_be_visible()
    # His list has heard of it, and what he has typed is still there.
    expect(bob.locator("[data-gone]")).to_be_visible(timeout=SLOW)
    assert held
    for record in held:
        record.continue_()
    bob.unroute("**/approvals/*/")
    expect(bob.locator("#record")).to_contain_text("approved it")
    expect(bob.locator("#approve-comment")).to_have_value("Mine")
    bob.locator("[data-decision=approve] button[type=submit]").click()
    expect(bob.locator("#decide")).to_contain_text("alice approved it")
    people.wrong = [line for line in people.wrong if "status of 409" not in line]
    bob.locator("#decide").get_by_role("link", name="See how it stands now").click()
    expect(bob.get_by_text("Approved by Alice Archer")).to_be_visible()


def test_without_scripts_several_are_decided_as_well(people: People, ask: Ask) -> None:
    ask("Plain one", "Plain two")
    inbox(people.sign_in("alice"), "Plain", 2)
    page = people.sign_in("alice", java_script_enabled=False)
    page.goto("/approvals/")
    page.locator("#inbox-text").fill("Plain")
    page.locator("#inbox-text").press("Enter")
    page.get_by_label("Choose Plain one").check()
    page.get_by_label("Choose Plain two").check()
    page.locator("[data-bulk=reject] summary").click()
    page.locator("#bulk-reject-comment").fill("Neither")
    page.locator("[data-bulk=reject] button[type=submit]").click()
    expect(page.get_by_role("heading", name="2 of 2 rejected")).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_axe_finds_nothing_in_any_state_of_the_inbox(
    width: int, scheme: str, people: People, ask: Ask
) -> None:
    options: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    page = people.sign_in("alice", **options)
    title = f"Axe {scheme} {width}"
    ask(f"{title} one", f"{title} two")
    mails = inbox(page, title.replace(" ", "+"), 2)
    states: list[tuple[str, Callable[[], object]]] = [
        ("found", lambda: None),
        ("filters", lambda: page.locator("#inbox-filters summary").click()),
        ("chosen", lambda: choose_both(page)),
        ("deciding several", lambda: page.locator("[data-bulk=reject] summary").click()),
        ("several decided", lambda: page.locator("[data-bulk=reject] button[type=submit]").click()),
        ("nothing fits", lambda: page.goto("/approvals/?q=nothing&due=overdue&show=mine")),
        ("decided", lambda: page.goto("/approvals/?show=decided&who=me")),
    ]
    expect(mails).to_have_count(2)
    for name, act in states:
        act()
        page.wait_for_load_state()
        assert_accessible(page, f"{name}, {width} {scheme}")
        assert sideways(page) == [], name


def choose_both(page: Page) -> None:
    page.keyboard.press("Escape")
    for box in page.locator("[data-choose]").all():
        box.check()
