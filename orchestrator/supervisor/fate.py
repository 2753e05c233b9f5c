"""A child shares the fate of its parent: the kernel kills it when the parent is gone, whatever the parent died of."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1
_parent_of_next_fork: int | None = None


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process once `parent` is gone, also when it is gone already."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel was told
        os.kill(os.getpid(), signal.SIGKILL)


def bind_forks() -> None:
    """From now on every process forked from here, and from those, dies with the one that forked it."""
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)


def _before_fork() -> None:
    # The kernel counts the end of the *thread* that forked as the death of the parent, so only forks of a main
    # thread, which lives as long as its process, are bound.
    global _parent_of_next_fork
    is_main = threading.current_thread() is threading.main_thread()
    _parent_of_next_fork = os.getpid() if is_main else None


def _after_fork() -> None:
    if _parent_of_next_fork is not None:
        die_with_parent(_parent_of_next_fork)
