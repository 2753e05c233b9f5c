"""Where api_call may connect to: the guard against requests forged towards the inside (SSRF).

A name is looked up once, every address it has must be public, and the connection goes to one of the addresses that
were checked. So a name that changes its address between check and connection gains nothing, and each redirect is
checked because each connects anew. Servers on the administrator's list (`host:port`) are let through as they are.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator

import httpcore

PUBLIC_PORTS = frozenset({80, 443})
_SLICE_SECONDS = 1.0  # a blocked read looks this often whether the task was cancelled

Resolver = Callable[[str, int], list[str]]

_IPV6_PUBLIC = ipaddress.ip_network("2000::/3")
# Networks that `is_global` lets through, or that carry an IPv4 address which a gateway would unpack.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",  # carrier-grade NAT
        "168.63.129.16/32",  # the platform address of a large cloud
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relay of 6to4
        "2001::/23",  # protocol assignments, with Teredo
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)


class HostRefusedError(Exception):
    """The server is not one that api_call may talk to."""


class DeadlineExceededError(Exception):
    """The time for the whole request is over."""


class CancelledError(Exception):
    """The task was cancelled while the request was under way."""


class Deadline:
    """The time left for a whole request, whatever number of reads and redirects it takes."""

    def __init__(self, seconds: float, cancelled: Callable[[], bool] = lambda: False) -> None:
        self._end = time.monotonic() + seconds
        self._cancelled = cancelled

    def left(self) -> float:
        """Seconds left, always more than 0; raises when there are none or the task was cancelled."""
        if self._cancelled():
            raise CancelledError
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise DeadlineExceededError
        return seconds


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet; False for whatever is not a plain address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if ip.scope_id is not None or ip not in _IPV6_PUBLIC:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NOT_PUBLIC)


def is_allowed(host: str, port: int, allowed: Collection[str]) -> bool:
    """Whether the administrator's list names this `host:port`."""
    return f"{_plain(host)}:{port}" in {_plain_entry(entry) for entry in allowed}


def _plain_entry(entry: str) -> str:
    host, _, port = entry.rpartition(":")
    return f"{_plain(host)}:{port}"


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a host, in the order the system prefers."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def checked_addresses(host: str, port: int, allowed: Collection[str], resolve: Resolver) -> list[str]:
    """The addresses to connect to. Raises HostRefusedError, or OSError when the name is not known."""
    if is_allowed(host, port, allowed):
        return resolve(host, port)
    if port not in PUBLIC_PORTS:
        raise HostRefusedError(
            f"Port {port} of {host} is not open to api_call; only 80 and 443 are, and what the administrator allows."
        )
    addresses = resolve(host, port)
    if not addresses or not all(is_public(address) for address in addresses):
        raise HostRefusedError(
            f"{host} is inside a private network; an administrator can allow {host}:{port} in BATON_API_ALLOWED_HOSTS."
        )
    return addresses


class GuardedBackend(httpcore.NetworkBackend):
    """Connects only where the guard permits, and keeps every operation within the deadline."""

    def __init__(
        self,
        allowed: Collection[str],
        deadline: Deadline,
        resolve: Resolver = look_up,
        inner: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._allowed = allowed
        self._deadline = deadline
        self._resolve = resolve
        self._inner = inner or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline is stricter than any single timeout
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._addresses(host, port)
        for number, address in enumerate(addresses, start=1):
            share = self._deadline.left() / (len(addresses) - number + 1)
            try:
                stream = self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                return DeadlineStream(stream, self._deadline)
        raise httpcore.ConnectError(f"{host} has no address.")

    def _addresses(self, host: str, port: int) -> list[str]:
        def resolve(name: str, number: int) -> list[str]:
            return _within(self._deadline, lambda: self._resolve(name, number))

        try:
            return checked_addresses(host, port, self._allowed, resolve)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"The name {host} is not known.") from error


def _within(deadline: Deadline, work: Callable[[], list[str]]) -> list[str]:
    """Do blocking work on a thread of its own, since a look-up cannot be given a timeout."""
    answers: queue.SimpleQueue[list[str] | BaseException] = queue.SimpleQueue()

    def put_answer() -> None:
        try:
            answers.put(work())
        except BaseException as error:  # noqa: BLE001 - carried over to the waiting thread and raised there
            answers.put(error)

    threading.Thread(target=put_answer, name="look-up", daemon=True).start()
    answer = _first(answers, deadline)
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _first(
    answers: queue.SimpleQueue[list[str] | BaseException], deadline: Deadline
) -> list[str] | BaseException:
    while True:
        try:
            return answers.get(timeout=min(_SLICE_SECONDS, deadline.left()))
        except queue.Empty:
            continue


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose reads and writes end with the deadline of the whole request.

    A timeout for each read alone would let a server that drips one byte at a time hold a worker for ever.
    """

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - see the class
        while True:
            seconds = min(_SLICE_SECONDS, self._deadline.left())
            try:
                return self._inner.read(max_bytes, seconds)
            except httpcore.ReadTimeout:
                continue

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - see the class
        for piece in _pieces(buffer):
            self._inner.write(piece, self._deadline.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - see the class
    ) -> httpcore.NetworkStream:
        # The name is still the host's, so the certificate is checked against it although the address was chosen.
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left())
        return DeadlineStream(inner, self._deadline)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


def _pieces(buffer: bytes, size: int = 16_384) -> Iterator[bytes]:
    for begin in range(0, len(buffer), size):
        yield buffer[begin : begin + size]
