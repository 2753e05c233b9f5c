"""An agent that writes down each call in a file, with its idempotency key: the outside world of the chaos tests."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from django.conf import settings

from orchestrator.actions.agent_task import AgentContext
from orchestrator.actions.base import ActionError

_LOOK = 0.05


def recorder(parameters: dict[str, Any], context: AgentContext) -> dict[str, Any]:
    """Works for `seconds`, fails its first `fails` attempts, and returns `value`. A `stubborn` one never stops early."""
    _note(context.idempotency_key)
    end = time.monotonic() + parameters.get("seconds", 0.0)
    while (left := end - time.monotonic()) > 0:
        if context.cancelled() and not parameters.get("stubborn"):
            raise ActionError("cancelled", "The task was cancelled.", retryable=False)
        time.sleep(min(left, _LOOK))
    if context.attempt <= parameters.get("fails", 0):
        raise ActionError("told_to_fail", "This attempt was told to fail.")
    return {"value": parameters["value"]}


def calls() -> Counter[str]:
    """How often each key was called with."""
    return Counter(_file().read_text().split()) if _file().exists() else Counter()


def _note(key: str) -> None:
    # One write at the end of the file is whole, also between processes and when the process dies right after it.
    descriptor = os.open(_file(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, f"{key}\n".encode())
    finally:
        os.close(descriptor)


def _file() -> Path:
    return Path(settings.DATA_DIR) / "calls"
