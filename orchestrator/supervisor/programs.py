"""What can be kept running, and by which command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass

NAMES = ("web", "workers", "clock")
TITLES = {"workers": "cluster"}  # the parent of the workers is none itself


@dataclass(frozen=True, slots=True)
class Program:
    """A command to keep running. Times in seconds.

    `stall` is how long it may give no sign of life, `boot` how long until the first, `grace` how long it may take to
    stop in good order. `descriptors` are open files it inherits.
    """

    name: str
    argv: tuple[str, ...]
    stall: float = 20.0
    boot: float = 90.0
    grace: float = 25.0
    descriptors: tuple[int, ...] = ()


def baton(names: Iterable[str], socket: int | None = None) -> list[Program]:
    """The named processes of Baton; `socket` is the listening one that the web serves."""
    return [_baton(name, socket if name == "web" else None) for name in names]


def _baton(name: str, socket: int | None) -> Program:
    argv = [sys.executable, "-m", "orchestrator.supervisor", "be", name, "--parent", str(os.getpid())]
    if socket is not None:
        argv += ["--socket", str(socket)]
    return Program(
        name,
        tuple(argv),
        stall=float(os.environ.get("BATON_STALL_SECONDS", "20")),
        descriptors=() if socket is None else (socket,),
    )
