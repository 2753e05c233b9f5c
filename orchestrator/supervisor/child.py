"""One running instance of a program: its process group, its output and its signs of life."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress

from orchestrator.supervisor.heartbeat import DESCRIPTOR
from orchestrator.supervisor.pipes import Inlet
from orchestrator.supervisor.programs import Program


class Child:
    """Started on construction; the keeper reads its pipes and reaps it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.started_at = self.seen_at = time.monotonic()
        self.has_beaten = False
        self.output, self.pulse = Inlet(), Inlet()
        os.set_blocking(self.pulse.writer, False)
        self._process = self._spawn()
        self.output.close_writer()
        self.pulse.close_writer()

    def _spawn(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - the commands are our own
            self.program.argv,
            stdin=subprocess.DEVNULL,
            stdout=self.output.writer,
            stderr=self.output.writer,
            env=os.environ | {DESCRIPTOR: str(self.pulse.writer), "PYTHONUNBUFFERED": "1"},
            pass_fds=(self.pulse.writer, *self.program.descriptors),
            # A group of its own, to be killed whole; and Ctrl+C in a terminal reaches the keeper alone.
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lived(self) -> float:
        return time.monotonic() - self.started_at

    @property
    def stalled(self) -> bool:
        """Whether no sign of life has come for too long."""
        patience = self.program.stall if self.has_beaten else self.program.boot
        return time.monotonic() - self.seen_at > patience

    def hear(self) -> None:
        """Take the signs of life that have come."""
        if self.pulse.read():
            self.has_beaten = True
            self.seen_at = time.monotonic()

    def ask_to_stop(self) -> None:
        """Only the process itself is told: what it has forked it stops in its own order."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill it and everything it has forked."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def ended(self, code: int) -> list[str]:
        """It has been reaped: sweep out what is left of its group; returns the last lines it wrote."""
        self._process.returncode = code
        self.kill()
        self.pulse.rest()
        return self.output.rest()
