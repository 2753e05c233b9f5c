"""The socket that the web serves. The keeper holds it, so that a restart of the web refuses nobody."""

from __future__ import annotations

import socket

_BACKLOG = 256
_PORTS = range(65_536)


class PortTakenError(Exception):
    """Nothing can be served at that address."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that children may inherit. Raises PortTakenError with a sentence."""
    try:
        server = _bind(host, port)
    except OSError as error:
        raise PortTakenError(_sentence(host, port, error.strerror or str(error))) from error
    server.listen(_BACKLOG)
    server.set_inheritable(True)
    return server


def _bind(host: str, port: int) -> socket.socket:
    if port not in _PORTS:  # the resolver would wrap it round
        raise OSError(0, "there is no such port")
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    server = socket.socket(family, kind, protocol)
    try:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(address)
    except OSError:
        server.close()
        raise
    return server


def _sentence(host: str, port: int, reason: str) -> str:
    return f"Cannot serve on {host}:{port}: {reason}. Choose another address with --host and --port."
