"""Sending a request and reading the answer: within one deadline, under a cap on what is unpacked, past the guard."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache

import httpcore
import httpx

from orchestrator.actions.api_call import message
from orchestrator.actions.api_call.guard import (
    CancelledError,
    Deadline,
    DeadlineExceededError,
    GuardedBackend,
    HostRefusedError,
    Resolver,
    look_up,
)
from orchestrator.actions.base import ActionError

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # the header of the data says which


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said; `body` is unpacked."""

    status: int
    headers: httpx.Headers
    body: bytes
    url: httpx.URL


def send(
    request: httpx.Request,
    *,
    allowed: Collection[str],
    deadline: Deadline,
    max_bytes: int,
    redirects: int = 0,
    resolve: Resolver = look_up,
) -> Answer:
    """Send the request, follow at most `redirects` redirects, and return the last answer. Raises ActionError."""
    backend = GuardedBackend(allowed, deadline, resolve)
    with (
        _explained(request.url.host),
        httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend, keepalive_expiry=0) as pool,
    ):
        for _ in range(redirects + 1):
            answer = _send_once(pool, request, max_bytes)
            location = answer.headers.get("location", "")
            if not redirects or answer.status not in message.REDIRECTS or not location:
                return answer
            request = message.next_request(request, answer.status, location)
    raise ActionError(
        "too_many_redirects", f"The server redirected more than {redirects} times.", retryable=False
    )


def _send_once(pool: httpcore.ConnectionPool, request: httpx.Request, max_bytes: int) -> Answer:
    response = pool.handle_request(
        httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.content or None,
        )
    )
    headers = httpx.Headers(response.headers)
    with closing(response):
        chunks = _capped(response.iter_stream(), max_bytes)
        body = b"".join(_unpacked(chunks, headers.get("content-encoding", ""), max_bytes))
    return Answer(response.status, headers, body, request.url)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Made once: reading the certificates takes tens of milliseconds. The environment may not replace them."""
    return httpx.create_ssl_context(trust_env=False)


def _unpacked(chunks: Iterable[bytes], encoding: str, max_bytes: int) -> Iterator[bytes]:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return iter(chunks)
    if encoding in ("gzip", "x-gzip", "deflate"):
        return _capped(_inflated(chunks, max_bytes), max_bytes)
    raise ActionError(
        "bad_response", f"The answer is packed with {encoding[:40]!a}, which was not asked for."
    )


def _inflated(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Unpack in pieces no larger than the cap, so that a bomb cannot fill the memory within one step."""
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    started = False
    try:
        for chunk in chunks:
            started = True
            while chunk and not inflater.eof:
                yield inflater.decompress(chunk, max_bytes + 1)
                chunk = inflater.unconsumed_tail  # noqa: PLW2901 - the rest of the same chunk
            if inflater.eof:
                return
    except zlib.error:
        raise ActionError("bad_response", "The answer is not the gzip data it claims to be.") from None
    if started and not inflater.eof:
        raise ActionError("connection_lost", "The answer ended in the middle.")


def _capped(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise ActionError(
                "too_large", f"The answer is larger than the {max_bytes} bytes allowed.", retryable=False
            )
        yield chunk


@contextmanager
def _explained(host: str) -> Iterator[None]:
    """Every way in which a request fails on its way, as an ActionError with a stable code."""
    try:
        yield
    except HostRefusedError as error:
        raise ActionError("host_refused", str(error), retryable=False) from None
    except CancelledError:
        raise ActionError(
            "cancelled", "The task was cancelled during the request.", retryable=False
        ) from None
    except (DeadlineExceededError, httpcore.TimeoutException):
        raise ActionError("timeout", f"{host} did not answer in full in the time allowed.") from None
    except httpcore.ConnectError as error:
        raise _connect_failed(host, error) from error
    except httpcore.LocalProtocolError as error:
        raise ActionError("bad_request", f"The request cannot be sent: {error}.", retryable=False) from error
    except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
        raise ActionError(
            "connection_lost", f"The connection to {host} broke before the answer was whole."
        ) from error


def _connect_failed(host: str, error: httpcore.ConnectError) -> ActionError:
    reason = error.args[0]  # the pool drops the cause, but not what the error was made from
    if isinstance(reason, ssl.SSLCertVerificationError):
        return ActionError(
            "bad_certificate", f"The certificate of {host} cannot be trusted.", retryable=False
        )
    if isinstance(reason, ssl.SSLError):
        return ActionError("connect_failed", f"{host} does not speak TLS as expected.")
    return ActionError("connect_failed", f"{host} cannot be reached: {reason}")
