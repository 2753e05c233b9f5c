"""The socket that the web serves. The keeper holds it, so that a restart of the web refuses nobody."""

from __future__ import annotations

import socket

_BACKLOG = 256


class PortTakenError(Exception):
    """Nothing can be served at that address."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that children may inherit. Raises PortTakenError with a sentence."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        server = socket.socket(family, kind, protocol)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(address)
        server.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PortTakenError(
            f"Cannot serve on {host}:{port}: {reason}. Choose another with --port."
        ) from error
    server.set_inheritable(True)
    return server
