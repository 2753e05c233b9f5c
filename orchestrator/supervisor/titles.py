"""What `ps` and `top` call each process: `baton-web`, `baton-clock`, `baton-worker`… Elsewhere than on Linux, nothing.

The cluster and what it forks would all be one name otherwise, and nobody could tell which of them is doing what.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import multiprocessing.util
import sys
from collections.abc import Callable

_PR_SET_NAME = 15


def set_title(role: str) -> None:
    """Call this process `baton-<role>`; the kernel keeps fifteen letters. On the main thread."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, f"baton-{role}".encode(), 0, 0, 0)


def title_forks(born: Callable[[str], None]) -> None:
    """From now on every process that multiprocessing forks is called by what it runs, and tells `born` of that name."""

    def after_fork(_: object) -> None:
        # The function that a process was made for is not public; without it the name of the parent stays.
        target = getattr(multiprocessing.current_process(), "_target", None)
        if role := getattr(target, "__name__", "").lower():
            set_title(role)
            born(role)

    multiprocessing.util.register_after_fork(title_forks, after_fork)
