"""What a task reserves while an agent holds it, against what the agent has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

RESOURCES: Final = ("cpu", "memory_mb")
_ROUNDING: Final = 1e-9  # three tenths are not quite 0.3

Amounts = Mapping[str, float]


def amounts_of(resources: Mapping[str, Any]) -> dict[str, float]:
    """Of what an agent or a task says of its resources, the figures that are counted."""
    given = ((name, resources.get(name)) for name in RESOURCES)
    return {
        name: float(value)
        for name, value in given
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    }


def total_of(several: Iterable[Amounts]) -> dict[str, float]:
    """What several tasks reserve together."""
    found = dict.fromkeys(RESOURCES, 0.0)
    for one in several:
        for name, value in one.items():
            found[name] += value
    return found


def free_of(has: Amounts, reserved: Amounts) -> dict[str, float]:
    """What is left. What an agent does not tell of is not counted and does not limit it."""
    return {name: value - reserved.get(name, 0.0) for name, value in has.items()}


def fits(needs: Amounts, free: Amounts) -> bool:
    """Whether a task that needs so much can be taken up beside what is held already."""
    return all(value <= free[name] + _ROUNDING for name, value in needs.items() if name in free)
