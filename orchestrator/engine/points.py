"""Named points where a test may let the process die, wait or fail; in production each is one dictionary look-up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import transaction

_armed: dict[str, Callable[[], None]] = {}


def reached(point: str) -> None:
    """Tell that this point was reached."""
    act = _armed.get(point)
    if act is not None:
        act()


@contextmanager
def committing(what: str) -> Iterator[None]:
    """One transaction with a point on either side of its commit."""
    with transaction.atomic():
        yield
        reached(f"{what} before commit")
    reached(f"{what} after commit")


def arm(point: str, act: Callable[[], None]) -> None:
    """Let `act` happen whenever the point is reached."""
    _armed[point] = act


def disarm() -> None:
    _armed.clear()
