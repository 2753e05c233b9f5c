"""What a page owes people who do not see it, do not point, or do not want it to move: measured in the browser.

`assert_accessible(page, name)` is for any state of any page: axe-core with every rule of WCAG 2.2 A and AA and its best
practices. The other functions give what is wrong as sentences, and nothing when all is well.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Final

from playwright.sync_api import Page

RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

# What is still fading in has the contrast of neither colour.
_RUN: Final = """(tags) => Promise.allSettled(document.getAnimations()
  .filter((one) => Number.isFinite(one.effect?.getComputedTiming().endTime)).map((one) => one.finished)).then(() => axe.run(document, { runOnly: tags, resultTypes: ["violations"] }).then(({ violations }) =>
  violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, any, all, none }) => {
    const why = [...any, ...all, ...none].map(({ message }) => message).join("; ");
    return `${id} (${help}) at ${target.join(" ")}: ${why}`;
  }))))"""

# A key was pressed before, so that what takes the focus by script shows it as it would to whoever tabs there.
_UNSEEN_FOCUS: Final = """async () => {
  const reach = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  const shown = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !one.disabled;
  const ringed = (one) => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  };
  const told = (one) => `${one.localName}${one.id ? "#" + one.id : ""}.${one.getAttribute("class") ?? ""} "${(one.innerText ?? "").trim().slice(0, 30)}"`;
  const inside = (one, found) => one.contains(found) || (found !== null && found.contains(one) && found.localName === "label");
  const wrong = [];
  for (const one of [...document.querySelectorAll(reach)].filter(shown)) {
    one.focus();
    if (document.activeElement !== one) continue;
    // The canvas pans to its task in a frame of its own.
    if (one instanceof SVGElement) for (let n = 0; n < 3; n++) await new Promise(requestAnimationFrame);
    one.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
    const ring = one.querySelector(":scope > .n-focus");
    const seen = ringed(one) || ringed(one.parentElement) || (ring && getComputedStyle(ring).display !== "none");
    if (!seen) wrong.push(`no ring around ${told(one)}`);
    const { x, y, width, height } = one.getBoundingClientRect();
    const spots = [[.5, .5], [.1, .1], [.9, .1], [.1, .9], [.9, .9]].map(([a, b]) => [x + width * a, y + height * b]);
    if (!spots.some(([a, b]) => inside(one, document.elementFromPoint(a, b)))) wrong.push(`hidden behind something: ${told(one)}`);
  }
  return wrong;
}"""

_MOVING: Final = """() => {
  const wrong = document.getAnimations().map((one) => `${one.constructor.name} ${one.animationName ?? one.transitionProperty ?? ""} on ${one.effect?.target?.getAttribute("class")}`);
  const lasting = (text) => text.split(",").some((part) => parseFloat(part) > 0);
  for (const one of document.querySelectorAll("*")) {
    for (const part of [null, "::before", "::after"]) {
      const { animationName, transitionDuration } = getComputedStyle(one, part);
      if (animationName !== "none") wrong.push(`${animationName} on ${one.localName}.${one.getAttribute("class")}`);
      else if (lasting(transitionDuration)) wrong.push(`a transition on ${one.localName}.${one.getAttribute("class")}`);
    }
  }
  return [...new Set(wrong)];
}"""

_SIDEWAYS: Final = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const scrolls = (one) => one && one !== root && (/(auto|scroll|hidden|clip)/.test(getComputedStyle(one).overflowX) || scrolls(one.parentElement));
  const wide = [...document.querySelectorAll("main *, header *, nav *")].filter((one) =>
    one.checkVisibility() && one.getBoundingClientRect().right > root.clientWidth + 1 && !scrolls(one.parentElement));
  const widest = wide.slice(-1).map((one) => `${one.localName}.${one.getAttribute("class")}`);
  return [`scrolls sideways: ${root.scrollWidth} > ${root.clientWidth} by ${widest}`];
}"""


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """What axe-core finds. Its source is evaluated through the debugger, which the policy of the page does not bind."""
    if not page.evaluate("() => 'axe' in globalThis"):
        page.evaluate(_axe())
    return _sentences(page, _RUN, list(RULES))


def assert_accessible(page: Page, name: str) -> None:
    """Fails with every violation of this state of the page, called `name`."""
    found = violations(page)
    assert not found, "\n".join(f"{name}: {one}" for one in found)


def unseen_focus(page: Page) -> list[str]:
    """Where the focus can go without being seen."""
    page.keyboard.press("Tab")
    return _sentences(page, _UNSEEN_FOCUS)


def moving(page: Page) -> list[str]:
    """What moves, or would."""
    return _sentences(page, _MOVING)


def sideways(page: Page) -> list[str]:
    """What makes the page wider than the window."""
    return _sentences(page, _SIDEWAYS)


def _sentences(page: Page, script: str, *given: Any) -> list[str]:
    found: list[str] = page.evaluate(script, *given)
    return found
