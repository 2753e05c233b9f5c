"""What the routes for agents are asked, what they answer, and what an answer means that is none."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote

import httpx

TIMEOUT_SECONDS: Final = 10.0
FILE_TIMEOUT_SECONDS: Final = 60.0  # between two signs that a file is being taken
_CHUNK: Final = 64 * 1024
MOST_AT_ONCE: Final = 50  # tasks of one claim
MOST_LINES: Final = 100  # of one request
LONGEST_TEXT: Final = 4000  # of a line or an error
_LONGEST_PAUSE: Final = 60.0  # that an answer may ask for
_PASSING: Final = frozenset({0, 429, 500, 502, 503, 504})


File = bytes | str | os.PathLike[str]  # what is in it, or the path of where it is


class ClientError(Exception):
    """A request did not lead to what was asked for. `status` is that of the answer, 0 when none came."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{message} ({f'{status} ' if status else ''}{code})")
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    @property
    def is_passing(self) -> bool:
        """Whether the same request may do better in a while."""
        return self.status in _PASSING


class RefusedError(ClientError):
    """The token is not valid, or is that of another agent."""


class LeaseLostError(ClientError):
    """The task was given to another, has ended, or was cancelled."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A task that an agent has taken up. `seconds` is how long the lease lasts from now on, by the server's clock."""

    lease: int
    run: int
    workflow: str
    task: str
    index: int
    attempt: int
    parameters: dict[str, Any]
    idempotency_key: str
    lease_until: datetime
    timeout_at: datetime | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Sign:
    """The answer to a heartbeat: until when the lease holds, or that the task was cancelled."""

    lease_until: datetime | None
    cancelled: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Post:
    """A request as both clients send it."""

    path: str
    body: Mapping[str, Any]
    timeout: float = TIMEOUT_SECONDS


def address(url: str | None) -> str:
    """Raises ValueError when it is none."""
    found = (url or os.environ.get("BATON_URL", "http://localhost:8000")).strip().rstrip("/")
    if not found.lower().startswith(("http://", "https://")):
        raise ValueError(f"The address of Baton begins with http:// or https://; it is {found!r}.")
    return found


def headers(token: str | None) -> dict[str, str]:
    """Raises ValueError without a token."""
    found = token or os.environ.get("BATON_AGENT_TOKEN", "")
    if not found:
        raise ValueError("An agent needs its token: give `token`, or set BATON_AGENT_TOKEN.")
    return {"Authorization": f"Bearer {found.strip()}", "Accept": "application/json"}


def registering(agent_id: str, description: Mapping[str, Any]) -> Post:
    given = {name: value for name, value in description.items() if value is not None}
    return Post(f"/api/agents/{quote(agent_id, safe='')}/register", given)


def claiming(agent_id: str, wait: float, most: int) -> Post:
    body = {"wait": wait, "most": min(most, MOST_AT_ONCE)}
    return Post(f"/api/agents/{quote(agent_id, safe='')}/claim", body, wait + TIMEOUT_SECONDS)


def of_lease(lease: int, verb: str, **body: Any) -> Post:
    return Post(f"/api/leases/{lease}/{verb}", body)


def attaching(lease: int, name: str) -> str:
    """Where a file of this name is put."""
    return f"/api/leases/{lease}/artifacts/{quote(name, safe='')}"


def headers_of(data: File) -> dict[str, str]:
    """How long it is, so that the server can refuse it before it is sent."""
    size = len(data) if isinstance(data, bytes) else Path(data).stat().st_size
    return {"Content-Type": "application/octet-stream", "Content-Length": str(size)}


@contextmanager
def opened(data: File) -> Iterator[bytes | IO[bytes]]:
    """What is sent as the body of a request."""
    if isinstance(data, bytes):
        yield data
        return
    with Path(data).open("rb") as handle:
        yield handle


async def in_chunks(data: File) -> AsyncIterator[bytes]:
    """The file piece by piece, read beside the event loop."""
    if isinstance(data, bytes):
        yield data
        return
    with Path(data).open("rb") as handle:
        while chunk := await asyncio.to_thread(handle.read, _CHUNK):
            yield chunk


def lines_of(lines: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Lines of a level and a text each, in the form in which they are accepted."""
    return [{"level": level, "message": accepted(text)} for level, text in lines]


def accepted(text: str) -> str:
    """Text that is neither empty nor too long, nor holds what cannot be stored."""
    sound = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")[:LONGEST_TEXT]
    return sound if sound.strip() else "(nothing)"


def checked(answer: httpx.Response) -> Any:
    """What the answer holds. Raises ClientError."""
    try:
        data = answer.json()
    except ValueError:
        data = None
    if answer.is_success and isinstance(data, dict):
        return data
    error = data.get("error") if isinstance(data, dict) else None
    if not isinstance(error, dict):
        raise _unexpected(answer)
    raise _error(answer, str(error.get("code", "")), str(error.get("message", "")))


def _unexpected(answer: httpx.Response) -> ClientError:
    message = f"{answer.request.url} does not answer as Baton does: {answer.text[:200]!r}."
    return _error(answer, "unexpected", message)


def _error(answer: httpx.Response, code: str, message: str) -> ClientError:
    status = answer.status_code
    if status in (401, 403):
        return RefusedError(status, code, message)
    if code == "lease_lost":
        return LeaseLostError(status, code, message)
    return ClientError(status, code, message, retry_after=_retry_after(answer))


def unreachable(url: str, error: Exception) -> ClientError:
    reason = str(error) or type(error).__name__
    return ClientError(0, "unreachable", f"{url} does not answer: {reason}.")


def _retry_after(answer: httpx.Response) -> float | None:
    try:
        return min(max(0.0, float(answer.headers["Retry-After"])), _LONGEST_PAUSE)
    except (KeyError, ValueError):
        return None


def assignments(answer: httpx.Response) -> list[Assignment]:
    given = checked(answer)
    try:
        return [_assignment(answer, one) for one in given["tasks"]]
    except (KeyError, TypeError, ValueError):
        raise _unexpected(answer) from None


def _assignment(answer: httpx.Response, given: Mapping[str, Any]) -> Assignment:
    until = datetime.fromisoformat(given["lease_until"])
    timeout_at = given.get("timeout_at")
    return Assignment(
        lease=given["lease"],
        run=given["run"],
        workflow=given["workflow"],
        task=given["task"],
        index=given["index"],
        attempt=given["attempt"],
        parameters=given["parameters"],
        idempotency_key=given["idempotency_key"],
        lease_until=until,
        timeout_at=datetime.fromisoformat(timeout_at) if timeout_at else None,
        seconds=_seconds_until(until, answer),
    )


def sign(answer: httpx.Response) -> Sign:
    given = checked(answer)
    try:
        until = datetime.fromisoformat(given["lease_until"]) if given["lease_until"] else None
        return Sign(until, bool(given["cancelled"]), _seconds_until(until, answer) if until else 0.0)
    except (KeyError, TypeError, ValueError):
        raise _unexpected(answer) from None


def _seconds_until(until: datetime, answer: httpx.Response) -> float:
    """By the clock of the server, which is not that of this machine; it tells whole seconds, so half of one is added."""
    try:
        now = parsedate_to_datetime(answer.headers["Date"]) + timedelta(seconds=0.5)
    except (KeyError, ValueError):
        now = datetime.now(until.tzinfo)
    return max(0.0, (until - now).total_seconds())
