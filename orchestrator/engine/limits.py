"""How long or large what people and programs hand to the engine may be, and the refusal of what is larger."""

from __future__ import annotations

from typing import Any, Final

from orchestrator.definition import strict_json
from orchestrator.definition.issues import Issue
from orchestrator.exceptions import InvalidError

PARAMETER_BYTES: Final = 1024 * 1024  # the values a run, or a retry, is given
OUTPUT_BYTES: Final = 1024 * 1024  # of one attempt, or given by hand
KEY_LENGTH: Final = 200  # of an idempotency key
COMMENT_LENGTH: Final = 5_000  # on a decision
REASON_LENGTH: Final = 1_000  # of a cancel, a skip, a failure by hand


def check_text(text: str, name: str, longest: int) -> None:
    """Raises InvalidError when the text called `name` is too long, or cannot be stored."""
    issues = strict_json.check_value(text, name)
    if len(text) > longest:
        message = f"'{name}' has at most {longest:,} characters; this one has {len(text):,}. Shorten it."
        issues.append(Issue(name, "too_long", message))
    if issues:
        raise InvalidError(issues[0].message, issues)


def check_json(value: Any, name: str, most_bytes: int) -> None:
    """Raises InvalidError when the value called `name` is too large, too deep, or no JSON."""
    issues = strict_json.check_value(value, name, max_bytes=most_bytes)
    if issues:
        raise InvalidError(issues[0].message, issues)
