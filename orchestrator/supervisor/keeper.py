"""The keeper: one loop that starts, hears, replaces and stops the children."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TextIO

from orchestrator.supervisor.backoff import Backoff
from orchestrator.supervisor.child import Child
from orchestrator.supervisor.pipes import Inlet
from orchestrator.supervisor.programs import Program

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LOOK = 1.0  # seconds between two looks at the watch while nothing happens


class Place:
    """Where one program runs: the child that is in it, or the moment at which the next one starts."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.child: Child | None = None
        self.backoff = Backoff()
        self.start_at = 0.0


class Keeper:
    """Keeps `programs` running until it is told to stop. One to a process, on its main thread.

    A first SIGTERM, SIGINT or SIGHUP stops them in good order, each within its grace; a second one at once.
    """

    def __init__(self, programs: Sequence[Program], log: TextIO = sys.stderr) -> None:
        self._places = [Place(program) for program in programs]
        self._log = log
        self._selector = selectors.DefaultSelector()
        self._stop_requests = 0
        self._stop_signal = ""
        self._stopping_since: float | None = None

    def run(self) -> None:
        """Returns once everything has stopped."""
        self._listen_for_signals()
        while not self._stop_requests or any(self._children()):
            self._advance(time.monotonic())
            for key, _ in self._selector.select(_LOOK):
                key.data()
            self._reap()

    def _advance(self, now: float) -> None:
        if self._stop_requests:
            self._stop(now)
            return
        for place in self._places:
            if place.child is None and now >= place.start_at:
                self._start(place)
            elif place.child is not None and place.child.stalled:
                self._say(place.program.name, "gave no sign of life for too long: killed")
                place.child.kill()

    def _start(self, place: Place) -> None:
        child = place.child = Child(place.program)
        self._watch(child.output, lambda: self._relay(child))
        self._watch(child.pulse, child.hear)

    def _stop(self, now: float) -> None:
        if self._stopping_since is None:
            self._stopping_since = now
            self._say("keeper", f"stops: {self._stop_signal}")
            for child in self._children():
                child.ask_to_stop()
        for child in self._children():
            if self._stop_requests > 1 or now - self._stopping_since > child.program.grace:
                self._say(child.program.name, "did not stop in time: killed")
                child.kill()

    def _reap(self) -> None:
        """Take note of every process that ended; as the first process of a container that includes strangers."""
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = found
                for place in self._places:
                    if place.child is not None and place.child.pid == pid:
                        self._ended(place, place.child, os.waitstatus_to_exitcode(status))

    def _ended(self, place: Place, child: Child, code: int) -> None:
        for inlet in (child.output, child.pulse):
            self._unwatch(inlet)
        for line in child.ended(code):
            self._say(child.program.name, line)
        place.child = None
        if self._stop_requests:
            return
        pause = place.backoff.after(child.lived)
        place.start_at = time.monotonic() + pause
        self._say(child.program.name, f"{_how(code)}; starts again in {pause:g} s")

    def _children(self) -> Iterator[Child]:
        return (place.child for place in self._places if place.child is not None)

    def _relay(self, child: Child) -> None:
        for line in child.output.lines():
            self._say(child.program.name, line)

    def _say(self, name: str, line: str) -> None:
        width = max(len(place.program.name) for place in self._places)
        # Whoever read the log may have gone; that is no reason to stop.
        with suppress(BrokenPipeError):
            self._log.write(f"{name:<{width}} | {line}\n")
            self._log.flush()

    def _watch(self, inlet: Inlet, act: Callable[[], None]) -> None:
        def read() -> None:
            act()
            if inlet.at_end:
                self._unwatch(inlet)

        self._selector.register(inlet.reader, selectors.EVENT_READ, read)

    def _unwatch(self, inlet: Inlet) -> None:
        with suppress(KeyError):
            self._selector.unregister(inlet.reader)

    def _listen_for_signals(self) -> None:
        """Signals wake the loop through a socket, so that none is handled in the middle of something."""
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in _STOP_SIGNALS:
            signal.signal(number, self._count_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(reader, selectors.EVENT_READ, lambda: reader.recv(4096))
        self._writer = writer

    def _count_stop(self, number: int, _frame: object) -> None:
        self._stop_requests += 1
        self._stop_signal = signal.Signals(number).name


def _how(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
