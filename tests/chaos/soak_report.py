"""What a soak found: the last third of the time beside the first."""

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
    """Megabytes by role, sample by sample; seconds between tasks, window by window."""

    memory: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    steps: list[list[float]] = field(default_factory=list)

    def note_memory(self, sample: dict[str, float]) -> None:
        for role, megabytes in sample.items():
            self.memory[role].append(megabytes)

    def memory_thirds(self) -> dict[str, tuple[float, float]]:
        thirds = {role: _thirds(series) for role, series in self.memory.items() if len(series) >= _FEWEST}
        return {
            role: (statistics.mean(first), statistics.mean(last)) for role, (first, last) in thirds.items()
        }

    def p95_thirds(self) -> tuple[float, float]:
        first, last = _thirds(self.steps)
        return _p95([one for window in first for one in window]), _p95(
            [one for window in last for one in window]
        )


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
    if after > before * (1 + P95_MAY_GROW):
        found.append(f"p95 between tasks grew from {1000 * before:.1f} to {1000 * after:.1f} ms")
    return found


def table(figures: Figures) -> str:
    lines = [f"{'':<12}{'first third':>14}{'last third':>14}{'':>9}"]
    for role, (first, last) in sorted(figures.memory_thirds().items()):
        lines.append(f"{role:<12}{first:>11.1f} MB{last:>11.1f} MB{_growth(first, last):>+9.1%}")
    if len(figures.steps) >= 2:
        before, after = figures.p95_thirds()
        lines.append(
            f"{'p95 of steps':<12}{1000 * before:>11.1f} ms{1000 * after:>11.1f} ms{_growth(before, after):>+9.1%}"
        )
    return "\n".join(lines)


def _growth(before: float, after: float) -> float:
    return after / before - 1 if before else float("inf") if after else 0.0


def _thirds(series: Sequence[Value]) -> tuple[Sequence[Value], Sequence[Value]]:
    size = max(1, len(series) // 3)
    return series[:size], series[-size:]


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[18] if len(values) > 1 else float("nan")
