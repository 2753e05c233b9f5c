"""From a server's answer to the output of the task or to the error of the attempt. No network here."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from orchestrator.actions.api_call.exchange import Answer
from orchestrator.actions.base import ActionError
from orchestrator.definition import strict_json
from orchestrator.definition.issues import DefinitionError

MAX_RETRY_AFTER = 3600.0  # seconds

# What tells about the answer and never carries a session or a key.
SAFE_HEADERS = frozenset(
    {
        "age",
        "cache-control",
        "content-language",
        "content-length",
        "content-type",
        "date",
        "etag",
        "expires",
        "last-modified",
        "link",
        "location",
        "ratelimit-limit",
        "ratelimit-remaining",
        "ratelimit-reset",
        "request-id",
        "retry-after",
        "x-correlation-id",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-request-id",
        "x-total-count",
    }
)
_BUSY = frozenset({408, 425, 429})
_EXCERPT = 200
_CHARSETS = frozenset({"iso-8859-1", "latin-1", "windows-1252", "us-ascii", "utf-16"})


def to_output(answer: Answer, wanted: str, elapsed_seconds: float) -> dict[str, Any]:
    """The output of the task. The url is given without its query, which often holds a key."""
    kind, body = _body(answer, wanted)
    return {
        "status": answer.status,
        "headers": {name: value for name, value in answer.headers.items() if name in SAFE_HEADERS},
        "body": body,
        "body_type": kind,
        "url": str(answer.url.copy_with(query=None, fragment=None)),
        "elapsed_ms": round(elapsed_seconds * 1000),
    }


def require_expected(answer: Answer, expected: Iterable[int | str], now: datetime) -> None:
    """Raises ActionError unless the status is one that was expected; a busy or broken server may be asked again."""
    if any(matches(answer.status, item) for item in expected):
        return
    text = f"{answer.url.host} answered {_status(answer.status)}{_excerpt(answer)}"
    if answer.status in _BUSY:
        raise ActionError("server_busy", text, retry_after=_retry_after(answer, now))
    if answer.status >= 500:
        raise ActionError("server_error", text, retry_after=_retry_after(answer, now))
    raise ActionError("unexpected_status", text, retryable=False)


def matches(status: int, expected: int | str) -> bool:
    """Whether a status meets one entry of the list: a number such as 201, or a class such as 2xx."""
    text = str(expected).lower()
    return text == str(status) or (text.endswith("xx") and text[:-2] == str(status // 100))


def status_fault(expected: object) -> str:
    """Why this is not an expected status, as a sentence; empty when it is."""
    text = str(expected).lower()
    is_class = len(text) == 3 and text[0] in "12345" and text[1:] == "xx"
    is_number = (
        isinstance(expected, int | str) and text.isascii() and text.isdigit() and 100 <= int(text[:6]) <= 599
    )
    if is_class or is_number:
        return ""
    return "An expected status is a number from 100 to 599 or a class such as 2xx."


def retry_after_seconds(value: str, now: datetime) -> float | None:
    """The wait a Retry-After header asks for, from 0 to an hour; None when it cannot be read."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), MAX_RETRY_AFTER)


def _retry_after(answer: Answer, now: datetime) -> float | None:
    value = answer.headers.get("retry-after")
    return None if value is None else retry_after_seconds(value, now)


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _excerpt(answer: Answer) -> str:
    """The beginning of a text answer, since servers often say there what is wrong."""
    if not _is_text(answer) or not answer.body:
        return "."
    text = " ".join(_decoded(answer)[: _EXCERPT * 4].split())
    return f": {text[:_EXCERPT]}" if text else "."


def _body(answer: Answer, wanted: str) -> tuple[str, Any]:
    if wanted == "none" or not answer.body:
        return "none", None
    if wanted == "json":
        return "json", _json(answer)
    if wanted == "text":
        return "text", _decoded(answer)
    if wanted == "auto" and _is_json(answer):
        return _json_or_text(answer)
    if wanted == "auto" and _is_text(answer):
        return "text", _decoded(answer)
    return "base64", base64.b64encode(answer.body).decode()


def _json(answer: Answer) -> Any:
    try:
        return strict_json.loads(answer.body, max_bytes=len(answer.body))
    except DefinitionError as error:
        raise ActionError(
            "bad_response", f"The answer is not usable JSON: {error}", retryable=False
        ) from None


def _json_or_text(answer: Answer) -> tuple[str, Any]:
    try:
        return "json", _json(answer)
    except ActionError:
        return "text", _decoded(answer)


def _content_type(answer: Answer) -> str:
    return str(answer.headers.get("content-type", "")).lower()


def _media_type(answer: Answer) -> str:
    return _content_type(answer).partition(";")[0].strip()


def _is_json(answer: Answer) -> bool:
    kind = _media_type(answer)
    return kind == "application/json" or kind.endswith("+json")


def _is_text(answer: Answer) -> bool:
    kind = _media_type(answer)
    return (
        _is_json(answer)
        or kind.startswith("text/")
        or kind in ("application/xml", "application/x-ndjson")
        or kind.endswith("+xml")
    )


def _decoded(answer: Answer) -> str:
    # A null character is replaced as well: PostgreSQL stores none in JSON.
    return answer.body.decode(_charset(answer), errors="replace").replace("\x00", "\ufffd")


def _charset(answer: Answer) -> str:
    """The few that can be decoded with certainty; anything else is read as UTF-8."""
    _, _, rest = _content_type(answer).partition("charset=")
    name = rest.partition(";")[0].strip().strip("\"'")
    return name if name in _CHARSETS else "utf-8"
