"""Colours as an eye sees them: contrast, and distance under normal and colour-blind vision.

Sources of the formulae
- sRGB to linear light and to CIE XYZ: IEC 61966-2-1. Contrast and relative luminance: WCAG 2.2, definitions of these
  terms.
- Colour blindness: Machado, Oliveira, Fernandes, "A Physiologically-based Model for Simulation of Color Vision
  Deficiency", IEEE Transactions on Visualization and Computer Graphics 15(6), 2009: the matrices for severity 1.0,
  applied to linear light.
- Distance: CIE 1976, the straight line through CIELAB under D65 (CIE 15:2004).
- Mixing: OKLab (Ottosson, 2020), as CSS Color 4 prescribes for `color-mix(in oklab, …)`.
"""

from __future__ import annotations

from math import dist
from typing import Final

Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]

VISIONS: Final[dict[str, Matrix]] = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deutan": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritan": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
_TO_XYZ: Final[Matrix] = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_WHITE: Final[Triple] = (0.95047, 1.0, 1.08883)
_TO_LMS: Final[Matrix] = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_FROM_LMS: Final[Matrix] = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)


def linear(colour: str) -> Triple:
    """Linear light of `#RRGGBB`, each part from 0 to 1."""
    red, green, blue = (_opened(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return red, green, blue


def contrast(one: Triple, other: Triple) -> float:
    """From 1, the same, to 21, black on white."""
    dark, light = sorted((_times(_TO_XYZ, one)[1], _times(_TO_XYZ, other)[1]))
    return (light + 0.05) / (dark + 0.05)


def mixed(one: Triple, other: Triple, share: float) -> Triple:
    """`color-mix(in oklab, one share, other)`; OKLab is linear in the roots of LMS, so these are mixed."""
    pairs = zip(_roots(one), _roots(other), strict=True)
    long, middle, short = ((share * a + (1 - share) * b) ** 3 for a, b in pairs)
    return _clipped(_times(_FROM_LMS, (long, middle, short)))


def distance(one: Triple, other: Triple, vision: str = "normal") -> float:
    """How far apart two colours are for this kind of eye; 2.3 is just noticeable side by side."""
    return dist(_lab(_seen(one, vision)), _lab(_seen(other, vision)))


def _opened(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _times(matrix: Matrix, vector: Triple) -> Triple:
    one, two, three = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return one, two, three


def _clipped(colour: Triple) -> Triple:
    red, green, blue = (min(1.0, max(0.0, part)) for part in colour)
    return red, green, blue


def _roots(colour: Triple) -> list[float]:
    return [part ** (1 / 3) for part in _times(_TO_LMS, colour)]


def _seen(colour: Triple, vision: str) -> Triple:
    return _clipped(_times(VISIONS[vision], colour))


def _lab(colour: Triple) -> Triple:
    x, y, z = (_curve(a / white) for a, white in zip(_times(_TO_XYZ, colour), _WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _curve(part: float) -> float:
    return part ** (1 / 3) if part > (6 / 29) ** 3 else part / (3 * (6 / 29) ** 2) + 4 / 29
