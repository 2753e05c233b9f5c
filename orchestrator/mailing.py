"""The address of a mail server, as it stands in BATON_EMAIL_URL. Pure, for the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

_PORTS: Final = {"smtp": 587, "smtps": 465}
EXAMPLE: Final = "smtp://user:password@mail.example.org:587"


@dataclass(frozen=True, slots=True)
class MailServer:
    """`tls` begins in clear and goes over to TLS (STARTTLS); `ssl` is encrypted from the first byte."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    tls: bool = False
    ssl: bool = False


def mail_server(url: str) -> MailServer:
    """What the address says; an empty server for one that is empty or wrong (see `fault_of`)."""
    if not url or fault_of(url):
        return MailServer()
    parts = urlsplit(url)
    in_clear = dict(parse_qsl(parts.query)).get("tls") == "no"
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=parts.scheme == "smtp" and not in_clear,
        ssl=parts.scheme == "smtps",
    )


def fault_of(url: str) -> str:
    """Why this is no address of a mail server, in a sentence that never repeats it: it may hold a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "it cannot be read; a password with special characters is percent-encoded"
    if parts.scheme not in _PORTS:
        return "it must begin with smtp:// or smtps://"
    if not parts.hostname:
        return "it names no host"
    if port == 0:
        return "its port must be from 1 to 65535"
    if parts.path not in ("", "/") or {name for name, _ in parse_qsl(parts.query)} - {"tls"}:
        return "after the host there may be a port and ?tls=no, and nothing else"
    return ""
