"""Files as people hand them in, several at a time: all of them are kept, or none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO

from orchestrator import conf, files
from orchestrator.exceptions import InvalidError


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as somebody hands it in, under the name they gave it."""

    name: str
    stream: IO[bytes] | Iterable[bytes]


def store_all(uploads: Sequence[Upload], area: str) -> list[files.Stored]:
    """Raises InvalidError on a file that is empty or too large, naming it."""
    stored: list[files.Stored] = []
    try:
        for one in uploads:
            stored.append(_store(one, area))  # noqa: PERF401 - what came before one that fails must go again
    except BaseException:
        files.remove(one.key for one in stored)
        raise
    return stored


def _store(upload: Upload, area: str) -> files.Stored:
    try:
        return files.store(upload.stream, conf.file_max_bytes(), area=area)
    except InvalidError as error:
        raise type(error)(f"“{files.tidy_name(upload.name)}”: {error.message}") from None
