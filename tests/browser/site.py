"""A small web server over the repository's static files and a few test pages, with the strict policy of the real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from django.template import Context, Engine

ROOT = Path(__file__).resolve().parents[2]
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def render(template: str, context: dict[str, Any]) -> str:
    """A page of tests/browser/pages, over the product's own templates and partials."""
    engine = Engine(
        dirs=[str(ROOT / "templates"), str(Path(__file__).parent / "pages")],
        libraries={"static": "django.templatetags.static"},
    )
    return engine.get_template(template).render(Context(context))


class Site:
    """Pages by path; a page is text, or JSON when it is not a string."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.pages: dict[str, str | dict[str, Any]] = {}

    def page(self, path: str, template: str, **context: Any) -> str:
        self.pages[path] = render(template, context)
        return self.url + path


class _Handler(SimpleHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        body = self.site.pages.get(self.path.partition("?")[0])
        if body is None:
            super().do_GET()
        elif isinstance(body, str):
            self._answer(body.encode(), "text/html; charset=utf-8")
        else:
            self._answer(json.dumps(body).encode(), "application/json")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *args: Any) -> None:
        """Requests are not news."""


@contextmanager
def serving() -> Iterator[Site]:
    """The site, on a free port, until the block ends."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(ROOT)))
    handler.site = site = Site(server.server_address[1])
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
