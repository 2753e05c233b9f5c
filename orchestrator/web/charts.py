"""Sizes of the small charts that pages draw as SVG, in the units of their view box."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from orchestrator.reads.home import Day

LEFT: Final = 30.0
RIGHT: Final = 790.0
AXIS: Final = 60.0
HEIGHT: Final = 54.0  # of the highest bar over the axis
DEPTH: Final = 16.0  # of the longest bar under it
_LEAST: Final = 3.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour: what completed stands on the axis, what failed hangs from it."""

    at: datetime
    x: float
    width: float
    top: float
    height: float
    depth: float
    completed: int
    failed: int
    label: str


@dataclass(frozen=True, slots=True)
class HourBars:
    """The chart, and the figures of the two lines that measure it."""

    bars: list[Bar]
    lines: list[tuple[float, int]]
    label_y: float = AXIS + DEPTH + 16


def hour_bars(day: Day) -> HourBars:
    most = max(1, day.most)
    worst = max((hour.failed for hour in day.hours), default=0)
    pitch = (RIGHT - LEFT) / max(1, len(day.hours))
    bars = []
    for n, hour in enumerate(day.hours):
        height = _scaled(hour.completed, most, HEIGHT)
        bars.append(
            Bar(
                at=hour.at,
                x=round(LEFT + n * pitch + pitch * 0.2, 1),
                width=round(pitch * 0.6, 1),
                top=round(AXIS - height, 1),
                height=height,
                depth=_scaled(hour.failed, max(worst, most / 4), DEPTH),
                completed=hour.completed,
                failed=hour.failed,
                label=_label(n, len(day.hours), hour.at),
            )
        )
    return HourBars(bars, _lines(most))


def _scaled(number: int, most: float, size: float) -> float:
    return round(max(_LEAST, size * number / most), 1) if number else 0.0


def _label(n: int, total: int, at: datetime) -> str:
    if n == total - 1:
        return "now"
    return f"{at:%H:%M}" if n % 6 == 0 else ""


def _lines(most: int) -> list[tuple[float, int]]:
    """A line at the top and, where it is a whole number, one at half."""
    marks = {most, most // 2} - {0}
    return [(round(AXIS - HEIGHT * mark / most, 1), mark) for mark in sorted(marks, reverse=True)]
