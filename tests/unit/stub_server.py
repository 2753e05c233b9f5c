"""A web server that misbehaves in every way a client may meet; what it does stands in the path."""

from __future__ import annotations

import gzip
import socket
import threading
import zlib
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LIMIT = 1024 * 1024
PAUSE = 0.01  # between two bytes of a server that drips


@lru_cache(maxsize=1)
def bomb() -> bytes:
    """200 MiB in 0.2."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"\x00" * LIMIT
    return b"".join(packer.compress(zeros) for _ in range(200)) + packer.flush()


class Server(ThreadingHTTPServer):
    """Answers by path and keeps what it was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict[str, Any]] = []
        self.closing = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what many of these tests are about."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        """The test's output is its own."""

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen = {
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers.items()),
            "body": body,
        }
        self.server.requests.append(seen)
        name = urlsplit(self.path).path.strip("/").partition("/")[0]
        getattr(self, f"on_{name.replace('-', '_')}")()

    def answer(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def on_json(self) -> None:
        self.answer(
            b'{"rows": [1, 2]}', Content_Type="application/json", Set_Cookie="session=1", X_Request_Id="r1"
        )

    def on_text(self) -> None:
        self.answer("grüße".encode("iso-8859-1"), Content_Type="text/plain; charset=ISO-8859-1")

    def on_null(self) -> None:
        self.answer(b"a\x00b", Content_Type="text/plain")

    def on_binary(self) -> None:
        self.answer(b"\x00\xff", Content_Type="application/octet-stream")

    def on_broken_json(self) -> None:
        self.answer(b'{"a": 1, "a": 2}', Content_Type="application/json")

    def on_empty(self) -> None:
        self.send_response(204)
        self.end_headers()

    def on_status(self) -> None:
        self.answer(b"because", int(self.path.rsplit("/", 1)[1]), Content_Type="text/plain")

    def on_later(self) -> None:
        self.answer(b"", 429, Retry_After="7")

    def on_packed(self) -> None:
        self.answer(gzip.compress(b"unpacked"), Content_Type="text/plain", Content_Encoding="gzip")

    def on_deflated(self) -> None:
        self.answer(zlib.compress(b"unpacked"), Content_Type="text/plain", Content_Encoding="deflate")

    def on_not_packed(self) -> None:
        self.answer(b"this is no gzip", Content_Encoding="gzip")

    def on_cut_packed(self) -> None:
        self.answer(gzip.compress(b"unpacked" * 1000)[:30], Content_Encoding="gzip")

    def on_odd_packed(self) -> None:
        self.answer(b"x", Content_Encoding="gzip, gzip")

    def on_bomb(self) -> None:
        self.answer(bomb(), Content_Type="text/plain", Content_Encoding="gzip")

    def on_endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.server.closing.is_set():
            self.wfile.write(b"." * 65536)

    def on_exactly(self) -> None:
        self.answer(b"." * LIMIT, Content_Type="text/plain")

    def on_drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.drip()

    def on_drip_slowly(self) -> None:
        """A byte a second: each of them in time for whoever only limits the single read."""
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.drip(1.0)

    def on_drip_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self.drip()

    def drip(self, pause: float = PAUSE) -> None:
        while not self.server.closing.wait(pause):
            self.wfile.write(b".")
            self.wfile.flush()

    def on_hang(self) -> None:
        self.server.closing.wait(30)

    def on_reset(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"half")
        self.wfile.flush()
        # Closing with this option on sends a reset instead of an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.connection.close()

    def on_short(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"half")

    def on_garbage(self) -> None:
        self.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")

    def on_redirect(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self.answer(status=int(query["status"][0]), Location=query["to"][0])

    def on_loop(self) -> None:
        self.answer(status=302, Location="/loop")


for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
    setattr(Handler, f"do_{name}", Handler.handle_any)
