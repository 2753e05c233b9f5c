"""Which agents are registered, as a turn asks it: often, and of what changes seldom."""

from __future__ import annotations

import time
from collections.abc import Iterable
from threading import Lock

from orchestrator.models import Agent

_FRESH_SECONDS = 1.0

_lock = Lock()
_known: frozenset[str] = frozenset()
_read_at = float("-inf")


def look() -> None:
    """Read who is registered, unless that was done within the last second. Outside of a turn's transaction."""
    if time.monotonic() - _read_at > _FRESH_SECONDS:
        agents = Agent.objects.only("key", "pools", "capabilities")
        remember(address for agent in agents for address in agent.addresses)


def remember(addresses: Iterable[str]) -> None:
    """Take these for the addresses of all who are registered."""
    global _known, _read_at
    with _lock:
        _known, _read_at = frozenset(addresses), time.monotonic()


def forget() -> None:
    """Read anew when looked at the next time."""
    global _read_at
    with _lock:
        _read_at = float("-inf")


def answers_for(agent_id: str) -> bool:
    """Whether a registered agent may be meant by this."""
    return agent_id in _known
