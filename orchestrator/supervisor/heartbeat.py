"""The child's side of the watchdog: a byte down a pipe says "I am getting on".

Processes forked later inherit the pipe, so a worker of a cluster speaks for the whole cluster.
"""

from __future__ import annotations

import os
from contextlib import suppress

DESCRIPTOR = "BATON_HEARTBEAT_FD"


def beat() -> None:
    """Give a sign of life; without a keeper, nothing. Never blocks and never fails."""
    descriptor = os.environ.get(DESCRIPTOR)
    if descriptor is None:
        return
    # A full pipe holds signs enough, and a keeper that is gone has taken this process with it.
    with suppress(OSError):
        os.write(int(descriptor), b".")
