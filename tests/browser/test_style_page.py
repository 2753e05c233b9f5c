"""The style page in a browser: every part in both themes, for everybody, and each state by its form alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page

from orchestrator.web import style
from tests.browser.accessibility import assert_accessible, moving, sideways, unseen_focus
from tests.browser.site import Site, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Of these each has a form of its own; the rest are dashed like what was skipped.
FORMS = ("queued", "running", "success", "failed", "retrying", "waiting", "skipped")
SHAPES = {
    "badges": "[data-sample=badge] .state",
    "tiles": "[data-sample=blob] .blob",
    "pieces of a bar": "[data-sample=progress] i",
    "nodes": ".surface .node",
}
# What is left of a state in one ink: what surrounds it and how it is drawn, without its glyph, its word and its colour.
_FORM = """([what, state]) => {
  const one = document.querySelector(`${what}.s-${state}`);
  const said = (part, names) => part ? names.map((name) => getComputedStyle(part)[name]).join(" ") : "";
  const box = said(one, ["height", "borderTopStyle", "borderTopWidth", "borderTopRightRadius", "backgroundImage", "clipPath"]);
  const drawn = [".n-body", ".n-in"].map((name) => one.querySelector(name));
  return [box, ...drawn.map((part) => said(part, ["strokeWidth", "strokeDasharray", "stroke"]) + (part?.localName ?? ""))].join(" | ");
}"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The page as the view renders it, under the policy of the product, without a server that runs in debug mode."""
    with serving() as found:
        found.pages["/style/"] = render_to_string("style/page.html", style.samples())
        yield found


@pytest.fixture
def wrong() -> list[str]:
    return []


@pytest.fixture
def opened(site: Site, browser: Browser, request: pytest.FixtureRequest, wrong: list[str]) -> Iterator[Page]:
    options: dict[str, Any] = getattr(request, "param", {})
    context = browser.new_context(base_url=site.url, **options)
    page = context.new_page()
    page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
    page.goto("/style/")
    page.locator(".surface .node").first.wait_for()
    yield page
    context.close()
    assert not wrong, "\n".join(wrong)


def test_axe_finds_no_violation_in_any_part(opened: Page) -> None:
    assert_accessible(opened, "style")


@pytest.mark.parametrize("opened", [{"viewport": {"width": 320, "height": 640}}], indirect=True)
def test_every_part_fits_into_320_pixels(opened: Page) -> None:
    assert sideways(opened) == []


@pytest.mark.parametrize("opened", [{"forced_colors": "active", "reduced_motion": "reduce"}], indirect=True)
def test_in_one_ink_each_state_has_a_form_of_its_own_and_nothing_moves(opened: Page) -> None:
    for name, what in SHAPES.items():
        forms = {state: opened.evaluate(_FORM, [what, state]) for state in FORMS}
        assert len(set(forms.values())) == len(FORMS), f"{name}: {forms}"
    assert moving(opened) + unseen_focus(opened) == []
