"""Every page, wide and narrow, light and dark: its landmarks, no sideways scrolling, nothing in the console."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATHS = (
    "/",
    "/workflows/",
    "/workflows/new/",
    "/workflows/new/approval_chain/",
    "/workflows/new/conditional_workflow/",
    "/workflows/approval_chain/template/",
    "/workflows/new/import/",
    "/my-tasks/",
    "/agents/",
    "/agents/-/new/",
    "/agents/lab/",
    "/agents/lab/edit/",
    "/workflows/new/blank/",
    "/workflows/approval_chain/edit/?step=level1",
    "/workflows/approval_chain/edit/?step=%2B",
    "/workflows/approval_chain/edit/canvas/",
    "/workflows/approval_chain/edit/json/",
    "/workflows/approval_chain/diff/1/draft/",
    "/workflows/approval_chain/simulate/",
    "/workflows/approval_chain/try/?scope=from&task=level1",
    "/runs/",
    "/approvals/",
    "/profile/",
    "/profile/away/",
    "/profile/notices/",
    "/profile/tokens/",
    "/settings/chats/",
    "/settings/secrets/",
)
VIEWS = ("graph", "timeline", "list")
MISSING = "/runs/999999/"

# What is wrong with a page, in words; nothing when all is well.
_FAULTS = """() => {
  const root = document.documentElement;
  const faults = [];
  const count = (what) => document.querySelectorAll(what).length;
  if (count("h1") !== 1) faults.push(`${count("h1")} h1`);
  if (count("main") !== 1) faults.push(`${count("main")} main landmarks`);
  if (!document.title.trim()) faults.push("no title");
  const skip = document.querySelector("a.skip");
  if (!skip || !document.querySelector(skip.getAttribute("href"))) faults.push("no skip link to a target");
  if (root.scrollWidth > root.clientWidth) faults.push(`scrolls sideways: ${root.scrollWidth} > ${root.clientWidth}`);
  return faults;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_is_whole_at(width: int, scheme: str, people: People) -> None:
    options: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    outside = people.stranger(**options)
    outside.goto("/sign-in/")
    wrong = [f"/sign-in/: {fault}" for fault in outside.evaluate(_FAULTS)]
    page = people.sign_in("admin", **options)
    for path in [*PATHS, *linked_pages(page)]:
        reply = page.goto(path)
        assert reply is not None and reply.ok, path
        wrong += [f"{path}: {fault}" for fault in page.evaluate(_FAULTS)]
    assert not wrong, "\n".join(wrong)


def test_a_page_that_is_not_there_says_so_and_leads_on(people: People) -> None:
    page = people.sign_in("admin")
    reply = page.goto(MISSING)
    assert reply is not None and reply.status == 404
    assert page.evaluate(_FAULTS) == []
    # The browser itself reports the missing page as an error; any other stays one.
    people.wrong = [line for line in people.wrong if not line.startswith(people.served.url + MISSING)]


def linked_pages(page: Page) -> Iterator[str]:
    """The pages of one workflow, one run and one request, as the lists lead to them."""
    workflow = _first_link(page, "/workflows/", r"^/workflows/(?!new/)[\w-]+/$")
    yield from (workflow, f"{workflow}start/", f"{workflow}versions/1/")
    run = _first_link(page, "/runs/", r"^/runs/\d+/$")
    yield from (f"{run}?view={view}" for view in VIEWS)
    yield f"{run}events/"
    yield f"{run}why/"
    task = page.request.get(f"{run}live").json()
    yield from (f"{run}?task={key}" for key in list(task["tasks"])[:1])
    # Other tests of the same Baton may have decided every request by now.
    requests = r"^/approvals/\d+/$"
    yield (
        _links(page, "/approvals/?show=all", requests) or _links(page, "/approvals/?show=decided", requests)
    )[0]


def _first_link(page: Page, path: str, pattern: str) -> str:
    links = _links(page, path, pattern)
    assert links, f"{path} leads to nothing like {pattern}"
    return links[0]


def _links(page: Page, path: str, pattern: str) -> list[str]:
    """The paths of a page's links that are like the pattern."""
    page.goto(path)
    links: list[str] = page.evaluate(
        """(pattern) => [...document.links].map((link) => link.pathname)
           .filter((path) => new RegExp(pattern).test(path))""",
        pattern,
    )
    return links
