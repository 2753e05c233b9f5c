"""The reading end of a pipe from a child."""

from __future__ import annotations

import os

_CHUNK = 65_536
_LONGEST_LINE = 65_536


class Inlet:
    """Reads without waiting. `writer` is for the child; close it here once the child has it."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.at_end = False
        self._partial = b""

    def read(self) -> bytes:
        """What has come, up to a bound; nothing when nothing has, or no more will."""
        try:
            data = os.read(self.reader, _CHUNK)
        except BlockingIOError:
            return b""
        self.at_end = not data
        return data

    def lines(self) -> list[str]:
        """The whole lines that have come; a line without end is cut where it gets too long."""
        *whole, self._partial = (self._partial + self.read()).split(b"\n")
        if len(self._partial) > _LONGEST_LINE:
            whole, self._partial = [*whole, self._partial], b""
        return [_text(line) for line in whole]

    def rest(self) -> list[str]:
        """Everything that is still to be read, an unfinished line included. Closes the pipe."""
        rest = self._partial
        while data := self.read():
            rest += data
        os.close(self.reader)
        return [_text(line) for line in rest.split(b"\n") if line]

    def close_writer(self) -> None:
        os.close(self.writer)


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r")
