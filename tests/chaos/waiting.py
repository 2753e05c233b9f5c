"""Waiting for something to become true, or for a command to end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

Found = TypeVar("Found")

LOOK_SECONDS = 0.1


def found_within(seconds: float, look: Callable[[], Found]) -> Found:
    """What `look` gives once that is something, or its last nothing when the time is over."""
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)
    return found


def end_in_order() -> None:
    """From now on SIGTERM ends this process as Ctrl+C does: what it has started and made is taken away."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def output_of(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """What the command prints; when this process is to end, the command is told to and waited for."""
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return output
