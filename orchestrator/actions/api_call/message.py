"""From parameters to the request that is sent, and from a redirect to the next request. No network here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx

from orchestrator import __version__
from orchestrator.actions.base import ActionError

MAX_REDIRECTS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})

# gzip alone, because what comes back is unpacked under a cap of our own.
_OUR_HEADERS = {"User-Agent": f"Baton/{__version__}", "Accept": "*/*", "Accept-Encoding": "gzip"}
_RESERVED = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HOST = re.compile(rb"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def build(parameters: Mapping[str, Any], idempotency_key: str) -> httpx.Request:
    """The first request. Raises ActionError when the parameters cannot make one."""
    url = parse_url(parameters["url"])
    if parameters.get("query"):
        url = url.copy_merge_params(_query(parameters["query"]))
    headers = {**_OUR_HEADERS, "Idempotency-Key": idempotency_key}
    custom = {name: _text(value) for name, value in parameters.get("headers", {}).items()}
    request = httpx.Request(
        parameters["method"],
        url,
        headers=httpx.Headers(_merged(headers, custom)),
        json=parameters.get("json"),
        data=_form(parameters.get("form")),
        content=_content(parameters.get("body")),
    )
    request.read()
    return request


def parse_url(text: str) -> httpx.URL:
    """An http(s) address with a host and without a user name. Raises ActionError `bad_url`."""
    fault = url_fault(text)
    if fault:
        raise ActionError("bad_url", fault, retryable=False)
    return httpx.URL(text)


def url_fault(text: str) -> str:
    """Why this cannot be called, as a sentence; empty when it can. Never repeats the address: it may hold a key."""
    try:
        url = httpx.URL(text)
        host = url.raw_host
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return "The url cannot be read; write it as https://host/path."
    if url.scheme not in ("http", "https"):
        return "The url must begin with http:// or https://."
    if not _HOST.fullmatch(host):
        return "The url names no host, or one that cannot be."
    if url.port is not None and not 1 <= url.port <= 65535:
        return "The port of the url must be from 1 to 65535."
    if url.userinfo:
        return "The url must not hold a user name or password; send them in a header, from a secret."
    return ""


def header_fault(name: str, value: Any) -> str:
    """Why this header cannot be sent, as a sentence; empty when it can."""
    if not _TOKEN.fullmatch(name):
        return f"{name!a} is not the name of a header."
    if name.lower() in _RESERVED:
        return f"The header {name} is set by Baton itself; leave it out."
    if isinstance(value, dict | list) or value is None:
        return f"The header {name} must be text."
    if _CONTROL.search(_text(value)):
        return f"The header {name} holds a line break or another control character."
    return ""


def next_request(request: httpx.Request, status: int, location: str) -> httpx.Request:
    """The request that a redirect asks for.

    Another origin gets none of the headers that were given, since an API key in a header of any name would otherwise
    be handed on, and never a body. Raises ActionError `bad_redirect`.
    """
    target = _target(request.url, location)
    same = _origin(target) == _origin(request.url)
    if request.url.scheme == "https" and target.scheme == "http":
        raise _bad_redirect("leads from https to http")
    method, keeps_body = _next_method(request.method, status)
    if keeps_body and request.content and not same:
        raise _bad_redirect("would send the body to another server")
    headers = request.headers.copy() if same else httpx.Headers(_OUR_HEADERS)
    for name in ("host", "content-length", "transfer-encoding", *(() if keeps_body else ("content-type",))):
        headers.pop(name, None)
    content = request.content if keeps_body and request.content else None
    return httpx.Request(method, target, headers=headers, content=content)


def _target(base: httpx.URL, location: str) -> httpx.URL:
    try:
        text = str(base.join(location))
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise _bad_redirect("has an address that cannot be read") from None
    if url_fault(text):
        raise _bad_redirect("has an address that api_call does not follow")
    return httpx.URL(text)


def _next_method(method: str, status: int) -> tuple[str, bool]:
    """The method after a redirect and whether the body goes along, as browsers do it."""
    if status == 303 and method != "HEAD":
        return "GET", False
    if status in (301, 302) and method == "POST":
        return "GET", False
    return method, True


def _bad_redirect(what: str) -> ActionError:
    return ActionError("bad_redirect", f"The redirect {what}.", retryable=False)


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _merged(ours: Mapping[str, str], custom: Mapping[str, str]) -> dict[str, str]:
    """Names of headers have no case: what was given replaces ours however it is written."""
    given = {name.lower() for name in custom}
    return {name: value for name, value in ours.items() if name.lower() not in given} | dict(custom)


def _query(query: Mapping[str, Any]) -> dict[str, str | list[str]]:
    return {name: _text_or_list(value) for name, value in query.items() if value is not None}


def _form(form: Mapping[str, Any] | None) -> dict[str, str | list[str]] | None:
    return None if form is None else _query(form)


def _content(body: str | None) -> bytes | None:
    return None if body is None else body.encode()


def _text_or_list(value: Any) -> str | list[str]:
    return [_text(item) for item in value] if isinstance(value, list) else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
