"""A few bytes that a cluster shares with everything it forks.

The cluster may be told to stop only through its parent process; a worker deep in its work sees it here. And here its
processes note when they last did their part, since one that is killed while it waits dies with the lock of a queue, and
who comes after it waits for that lock without end.
"""

from __future__ import annotations

import mmap
import struct
import time

_STAMPS = ("stopping", "guarded", "worker", "taken", "monitor", "handed", "heard")
_PLACES = {name: 8 * place for place, name in enumerate(_STAMPS)}

_memory = mmap.mmap(-1, 8 * len(_STAMPS))


def announce_stop() -> None:
    """Ask every process of this cluster to take no more work and to finish or release what it has."""
    _stamp("stopping")


def stopping() -> bool:
    return _stamped("stopping") > 0


def guard_passed() -> None:
    """The guard of the cluster has just looked after its processes."""
    _stamp("guarded")


def guard_age() -> float:
    """Seconds since the guard last did; a guard that hangs would let dead workers lie."""
    return time.monotonic() - _stamped("guarded")


def born(role: str) -> None:
    """A process of the cluster begins."""
    if role in {"worker", "monitor"}:
        _stamp(role)


def message_taken() -> None:
    """A worker has got a message."""
    _stamp("taken")


def result_handed() -> None:
    """A worker hands a result to the monitor."""
    # The first that nobody has heard of counts.
    if _stamped("handed") <= max(_stamped("heard"), _stamped("monitor")):
        _stamp("handed")


def result_heard() -> None:
    """The monitor has got a result."""
    _stamp("heard")


def in_doubt() -> bool:
    """Whether it is still to be seen that something comes through to the worker or monitor that began last."""
    return _stamped("worker") > _stamped("taken") or _stamped("monitor") > _stamped("heard")


def clogged_for() -> float:
    """For how many seconds nothing has come through since somebody was replaced; 0 while all goes well.

    Whoever is new gets what comes next, or another does. If nobody does, the one before died with the lock.
    """
    now = time.monotonic()
    since_birth = now - _stamped("worker") if _stamped("worker") > _stamped("taken") else 0.0
    unheard = _stamped("handed") > _stamped("monitor") > _stamped("heard")
    return max(since_birth, now - _stamped("handed") if unheard else 0.0)


def _stamp(name: str) -> None:
    struct.pack_into("d", _memory, _PLACES[name], time.monotonic())


def _stamped(name: str) -> float:
    return float(struct.unpack_from("d", _memory, _PLACES[name])[0])
