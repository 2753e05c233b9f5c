"""Every page for everybody: axe-core, 400 % zoom, the focus, no motion, forced colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.accessibility import assert_accessible, moving, sideways, unseen_focus, violations
from tests.browser.conftest import People
from tests.browser.test_pages import PATHS, linked_pages

# Some minutes on a busy machine: each walks through every page.
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

# Where something is drawn, or stands on grounds of its own: the colours alone are proved in both themes by the unit tests.
DRAWN = (
    *("/", "/workflows/new/", "/workflows/new/approval_chain/"),
    *("/workflows/approval_chain/edit/?step=level1", "/workflows/approval_chain/edit/canvas/", "/approvals/"),
)
Look = Callable[[Page], list[str]]
# 1280 x 1024 at 400 %: what WCAG 2.2, 1.4.10, asks for.
ZOOMED = {"width": 320, "height": 256}


def wrong_on_every_page(
    people: People, look: Look, paths: tuple[str, ...] = PATHS, **options: Any
) -> list[str]:
    """What is wrong, page by page, in one context for all of them."""
    outside = people.stranger(**options)
    outside.goto("/sign-in/")
    wrong = [f"/sign-in/: {one}" for one in look(outside)]
    page = people.sign_in("admin", **options)
    for path in [*paths, *linked_pages(page)]:
        page.goto(path)
        wrong += [f"{path}: {one}" for one in look(page)]
    return wrong


@pytest.mark.parametrize(("scheme", "paths"), [("light", PATHS), ("dark", DRAWN)], ids=["light", "dark"])
def test_axe_finds_no_violation(scheme: str, paths: tuple[str, ...], people: People) -> None:
    window = {"width": 1440, "height": 900}
    wrong = wrong_on_every_page(people, violations, paths, color_scheme=scheme, viewport=window)
    assert not wrong, "\n".join(wrong)


def test_at_400_percent_axe_finds_nothing_nothing_scrolls_sideways_and_the_focus_is_seen(
    people: People,
) -> None:
    def look(page: Page) -> list[str]:
        return violations(page) + sideways(page) + unseen_focus(page)

    wrong = wrong_on_every_page(people, look, viewport=ZOOMED)
    assert not wrong, "\n".join(wrong)


def test_in_forced_colours_without_motion_the_focus_is_seen_and_nothing_moves(people: People) -> None:
    def look(page: Page) -> list[str]:
        return moving(page) + unseen_focus(page)

    wrong = wrong_on_every_page(people, look, forced_colors="active", reduced_motion="reduce")
    assert not wrong, "\n".join(wrong)


def test_axe_finds_no_violation_in_what_opens(people: People) -> None:
    """Dialogs, menus and forms that unfold: a page at rest does not show them to axe."""
    page = people.sign_in("admin")
    page.goto("/")
    page.keyboard.press("?")
    assert_accessible(page, "shortcuts")
    page.keyboard.press("Escape")
    page.locator("[data-menu] > summary").click()
    assert_accessible(page, "menu")
    run = _first(page, "/runs/", r"^/runs/\d+/$")
    page.goto(run)
    for dialog in ("events-dialog", "facts-dialog"):
        page.locator(f"[data-dialog={dialog}]").click()
        page.locator(f"#{dialog}[open]").wait_for()
        assert_accessible(page, dialog)
        page.keyboard.press("Escape")


def test_axe_finds_no_violation_in_the_forms_of_a_decision_and_of_an_error(people: People) -> None:
    page = people.sign_in("alice", color_scheme="dark")
    page.goto("/workflows/new/blank/")
    page.get_by_label("Name").fill(" ")
    page.get_by_role("button", name="Create and draw").click()
    page.locator("[aria-invalid=true]").first.wait_for()
    assert_accessible(page, "a form with an error")
    # The browser itself reports the refused form as an error; any other stays one.
    people.wrong = [line for line in people.wrong if "status of 422" not in line]
    page.goto("/approvals/")
    requests = page.locator("[data-mail]")
    if requests.count():  # other tests of the same Baton may have decided all
        requests.first.click()
        for choice in page.locator("details:is([data-decision], [data-override]) > summary").all():
            choice.click()
            assert_accessible(page, f"decision {choice.inner_text()}")
            page.keyboard.press("Escape")


def _first(page: Page, path: str, pattern: str) -> str:
    page.goto(path)
    found: str = page.evaluate(
        "(pattern) => [...document.links].map((one) => one.pathname).find((path) => new RegExp(pattern).test(path))",
        pattern,
    )
    return found
