"""What the log leaves out."""

from __future__ import annotations

import logging

from orchestrator.database import is_away


class WithoutTraceWhileAway(logging.Filter):
    """A request that failed because the database is away is one line: where in the code that was says nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and is_away(record.exc_info[1]):
            record.exc_info = record.exc_text = None
        return True
