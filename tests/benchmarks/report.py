"""The figures as a table."""

from __future__ import annotations

from typing import Any

_WORDS = {
    "raw_commits_per_s": "raw commits a second",
    "chain_per_s": "chain of 500, tasks a second",
    "chain_ratio": "  of raw commits",
    "fan_per_s": "1 → 1,000 → 1, tasks a second",
    "fan_ratio": "  of raw commits",
    "diamonds_per_s": "200 diamonds of 5, tasks a second",
    "diamonds_ratio": "  of raw commits",
    "montage_per_s": "montage of 748, tasks a second",
    "montage_ratio": "  of raw commits",
    "start_p50_ms": "start to first task, median, ms",
    "start_p95_ms": "start to first task, p95, ms",
    "step_p50_ms": "task to task, median, ms",
    "step_p95_ms": "task to task, p95, ms",
    "idle_cpu_percent": "idle: % of one core, all processes",
    "rss_mb": "idle: memory of all processes, MB",
    "turn_ms": "a turn in a run of 100 tasks, ms",
    "turn_growth": "  grows by, to 5,000 tasks or 10,000 old runs",
}


def table(figures: dict[str, dict[str, Any]]) -> str:
    """One row a figure, one column a database."""
    names = list(figures)
    lines = ["".join([f"{'':50}", *(f"{name:>20}" for name in names)])]
    for key, words in _WORDS.items():
        cells = [figures[name].get(key) for name in names]
        if any(cell is not None for cell in cells):
            lines.append("".join([f"{words:50}", *(f"{_shown(cell):>20}" for cell in cells)]))
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
