"""The colours of static/css/tokens.css: text that can be read, figures that can be seen, states that can be told apart."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Final

import pytest

from tests.unit.colours import VISIONS, Triple, contrast, distance, linear, mixed

CSS: Final = Path(__file__).resolve().parents[2] / "static" / "css"
THEMES: Final = ("light", "dark")
STATES: Final = ("queued", "running", "success", "failed", "retrying", "waiting")
TEXT, FIGURE, APART = 4.5, 3.0, 20.0
_TINT: Final = 0.12
_COLOUR: Final = re.compile(r"--([\w-]+): light-dark\((#[0-9A-F]{6}), (#[0-9A-F]{6})\);")

GROUNDS: Final = ("bg", "surface", "raised", "sunken", "hover", "canvas", "accent-soft")
TINTS: Final = tuple(f"tint {state}" for state in STATES)
# What is read, on all that it is written on.
READ: Final[dict[str, tuple[str, ...]]] = {
    "ink": (*GROUNDS, *TINTS, "avatar", "note", "note-fold"),
    "muted": (*GROUNDS, *TINTS),
    "accent": GROUNDS,
    "on-accent": ("accent", "accent-hover"),
    "bg": ("ink",),
    "failed": ("bg", "surface", "raised", "hover"),
    "code-key": ("sunken",),
    "code-str": ("sunken",),
    "code-num": ("sunken",),
    "code-ref": ("sunken", "accent-soft"),
}
# What is seen: glyphs, edges of nodes and fields, rings, bars.
SEEN: Final[dict[str, tuple[str, ...]]] = {
    **{state: (*GROUNDS, f"tint {state}") for state in STATES},
    "control": ("bg", "surface", "raised"),
    "accent": GROUNDS,
    "ink": ("canvas",),
    "edge": ("canvas", "surface"),
    "edge-taken": ("canvas", "surface"),
    "success-fill": ("surface",),
}
# Nothing is told by these alone: hairlines, the dots of the canvas, shades, edges of what has its words within.
ADORNING: Final = {"line", "line-2", "dot", "node", "map", "note-line"}


def tokens() -> dict[str, tuple[str, str]]:
    """Every colour by name, in both themes."""
    text = (CSS / "tokens.css").read_text(encoding="utf-8")
    return {name: (light, dark) for name, light, dark in _COLOUR.findall(text)}


def colour(name: str, theme: str) -> Triple:
    """A token, or the tint of a state as components lay it under their text."""
    kind, _, state = name.rpartition(" ")
    if kind:
        return mixed(colour(state, theme), colour("surface", theme), _TINT)
    return linear(tokens()[name][THEMES.index(theme)])


def too_faint(pairs: dict[str, tuple[str, ...]], least: float, theme: str) -> list[str]:
    return [
        f"{front} on {ground}: {found:.2f}"
        for front, grounds in pairs.items()
        for ground in grounds
        if (found := contrast(colour(front, theme), colour(ground, theme))) < least
    ]


@pytest.mark.parametrize("theme", THEMES)
def test_whatever_is_read_has_the_contrast_of_text(theme: str) -> None:
    assert too_faint(READ, TEXT, theme) == []


@pytest.mark.parametrize("theme", THEMES)
def test_whatever_is_looked_at_has_the_contrast_of_figures(theme: str) -> None:
    assert too_faint(SEEN, FIGURE, theme) == []


def test_every_colour_is_read_seen_a_ground_or_said_to_adorn() -> None:
    grounds = {ground for pairs in (READ, SEEN) for listed in pairs.values() for ground in listed}
    assert set(tokens()) == ({*READ, *SEEN, *ADORNING} | grounds) - set(TINTS)


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("theme", THEMES)
def test_the_states_are_told_apart_by(vision: str, theme: str) -> None:
    near = {
        f"{one} and {other}": found
        for one, other in combinations(STATES, 2)
        if (found := distance(colour(one, theme), colour(other, theme), vision)) < APART
    }
    assert near == {}


@pytest.mark.parametrize(("theme", "smallest"), [("light", 26.9), ("dark", 27.9)])
def test_the_smallest_distance_is_what_was_measured_when_they_were_chosen(
    theme: str, smallest: float
) -> None:
    pairs = list(combinations([colour(state, theme) for state in STATES], 2))
    assert min(distance(*pair, vision) for pair in pairs for vision in VISIONS) == pytest.approx(
        smallest, abs=0.05
    )


def test_the_tints_are_mixed_as_the_style_sheet_says() -> None:
    share = f"color-mix(in oklab, var(--st) {_TINT:.0%}, var(--surface))"
    assert f"--tint: {share};" in (CSS / "tokens.css").read_text(encoding="utf-8")


def test_no_style_sheet_has_a_colour_of_its_own() -> None:
    own = {
        f"{sheet.name}: {found}"
        for sheet in CSS.glob("*.css")
        if sheet.name != "tokens.css"
        for found in re.findall(r"[:,(\s](#[0-9a-fA-F]{3,8})\b[^{]*;", sheet.read_text(encoding="utf-8"))
    }
    assert own == set()


def test_the_measures_are_those_of_the_standards() -> None:
    black, white = linear("#000000"), linear("#FFFFFF")
    assert contrast(black, white) == pytest.approx(21)
    assert contrast(linear("#767676"), white) == pytest.approx(4.54, abs=0.01)
    assert distance(black, white) == pytest.approx(100, abs=0.01)
    # Red and green of the same lightness: nearly one colour without the long cones.
    assert (
        distance(linear("#E00000"), linear("#008000"), "protan")
        < distance(linear("#E00000"), linear("#008000")) / 2
    )
    assert mixed(white, black, 1) == pytest.approx(white, abs=1e-4)
