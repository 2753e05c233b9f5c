"""A few bytes that a cluster shares with everything it forks.

The cluster may be told to stop only through its parent process; a worker deep in its work sees it here.
"""

from __future__ import annotations

import mmap
import struct
import time

_SIZE = 16
_STOPPING = 0
_GUARDED_AT = 8

_memory = mmap.mmap(-1, _SIZE)


def announce_stop() -> None:
    """Ask every process of this cluster to take no more work and to finish or release what it has."""
    _memory[_STOPPING] = 1


def stopping() -> bool:
    return _memory[_STOPPING] == 1


def guard_passed() -> None:
    """The guard of the cluster has just looked after its processes."""
    struct.pack_into("d", _memory, _GUARDED_AT, time.monotonic())


def guard_age() -> float:
    """Seconds since the guard last did; a guard that hangs would let dead workers lie."""
    (at,) = struct.unpack_from("d", _memory, _GUARDED_AT)
    return time.monotonic() - float(at)
