"""What a soak found: the last third of the time beside the first.

A disk has its moods. How long steps take is therefore judged beside raw commits, made all the while in a file or table of
their own: only what grows more than those do is Baton's.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

MEMORY_MAY_GROW = 0.10
P95_MAY_GROW = 0.20
_FEWEST = 6  # measurements, before thirds mean anything

Value = TypeVar("Value")


@dataclass
class Figures:
    """Megabytes by role and seconds of raw commits, sample by sample; seconds between tasks, window by window."""

    memory: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    steps: list[list[float]] = field(default_factory=list)
    commits: list[list[float]] = field(default_factory=list)

    def note_memory(self, sample: dict[str, float]) -> None:
        for role, megabytes in sample.items():
            self.memory[role].append(megabytes)

    def memory_thirds(self) -> dict[str, tuple[float, float]]:
        thirds = {role: _thirds(series) for role, series in self.memory.items() if len(series) >= _FEWEST}
        return {
            role: (statistics.mean(first), statistics.mean(last)) for role, (first, last) in thirds.items()
        }

    def p95_thirds(self) -> tuple[float, float]:
        return _p95_of_thirds(self.steps)

    def commit_thirds(self) -> tuple[float, float]:
        """The same of the raw commits; alike where none were made."""
        return _p95_of_thirds(self.commits) if len(self.commits) >= 2 else (1.0, 1.0)


def problems(figures: Figures) -> list[str]:
    """Whatever crept up, in sentences."""
    found = [
        f"{role} grew from {first:.1f} to {last:.1f} MB ({_growth(first, last):+.0%})"
        for role, (first, last) in sorted(figures.memory_thirds().items())
        if last > first * (1 + MEMORY_MAY_GROW)
    ]
    if not figures.memory_thirds() or len(figures.steps) < 2:
        return [*found, "It was too short to tell."]
    before, after = figures.p95_thirds()
    raw_before, raw_after = figures.commit_thirds()
    if after / raw_after > before / raw_before * (1 + P95_MAY_GROW):
        found.append(f"p95 between tasks grew from {1000 * before:.1f} to {1000 * after:.1f} ms")
    return found


def table(figures: Figures) -> str:
    lines = [f"{'':<12}{'first third':>14}{'last third':>14}{'':>9}"]
    for role, (first, last) in sorted(figures.memory_thirds().items()):
        lines.append(f"{role:<12}{first:>11.1f} MB{last:>11.1f} MB{_growth(first, last):>+9.1%}")
    if len(figures.steps) >= 2:
        lines.append(_line("p95 of steps", *figures.p95_thirds()))
        lines.append(
            "p95 of each window, ms: " + " ".join(f"{1000 * _p95(one):.0f}" for one in figures.steps)
        )
    if len(figures.commits) >= 2:
        lines.append(_line("raw commits", *figures.commit_thirds()))
    return "\n".join(lines)


def _line(name: str, before: float, after: float) -> str:
    return f"{name:<12}{1000 * before:>11.1f} ms{1000 * after:>11.1f} ms{_growth(before, after):>+9.1%}"


def _p95_of_thirds(series: Sequence[Sequence[float]]) -> tuple[float, float]:
    first, last = _thirds(series)
    return _p95([one for part in first for one in part]), _p95([one for part in last for one in part])


def _growth(before: float, after: float) -> float:
    return after / before - 1 if before else float("inf") if after else 0.0


def _thirds(series: Sequence[Value]) -> tuple[Sequence[Value], Sequence[Value]]:
    size = max(1, len(series) // 3)
    return series[:size], series[-size:]


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[18] if len(values) > 1 else float("nan")
