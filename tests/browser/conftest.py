"""One Baton and one Chromium for all browser tests; each test's tabs are watched for errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.served import Served, serving
from tests.needs import chromium

PATIENCE = 20_000  # ms; a machine that runs the other tests beside takes its time
expect.set_options(timeout=PATIENCE)

_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`Content Security Policy: ${event.violatedDirective} stopped ${event.blockedURI}`));
"""


@dataclass
class People:
    """Opens tabs of signed-in people and keeps what went wrong in them."""

    served: Served
    browser: Browser
    wrong: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def stranger(self, **options: Any) -> Page:
        """A tab of somebody who has not signed in."""
        context = self.browser.new_context(base_url=self.served.url, **options)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(_TELL_VIOLATIONS)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        return page

    def sign_in(self, username: str, **options: Any) -> Page:
        """A tab of this person, signed in through the form."""
        page = self.stranger(**options)
        page.goto("/sign-in/")
        page.locator("[name=username]").fill(username)
        page.locator("[name=password]").fill(self.served.password)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/sign-in/" not in url)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.wrong.append(f"{message.location.get('url')}: {message.text}")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("browser")) as found:
        found.baton("agents", "register", "lab", "--capability", "spectrometry", "--pool", "night")
        yield found


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Ends with this package: the loop that Playwright keeps running would stop the asynchronous tests after it."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield launched
        launched.close()


@pytest.fixture
def people(served: Served, browser: Browser) -> Iterator[People]:
    """Fails the test at its end if a tab saw an error or a violation of the policy."""
    found = People(served, browser)
    yield found
    for context in found.contexts:
        context.close()
    assert not found.wrong, "\n".join(found.wrong)
