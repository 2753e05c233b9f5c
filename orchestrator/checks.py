"""System checks: settings that would fail later fail at start-up, in a sentence.

Each check is a function that yields what is wrong; its messages name the environment variable to change and never show
the value of a key.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.module_loading import import_string

from orchestrator.mailing import EXAMPLE, fault_of
from orchestrator.planning.business import parse

LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
DATABASES: Final = frozenset({"sqlite3", "postgresql"})
OPEN_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_LEASE_TICKS: Final = 3

# Setting of settings.BATON → its environment variable, least and most.
RANGES: Final[dict[str, tuple[str, float, float]]] = {
    "DEMO_SECONDS": ("BATON_DEMO_SECONDS", 0, 3600),
    "FILE_MAX_BYTES": ("BATON_FILE_MAX_BYTES", 1, 1024**3),
    "API_MAX_BYTES": ("BATON_API_MAX_BYTES", 1, 64 * 1024 * 1024),
    "LEASE_SECONDS": ("BATON_LEASE_SECONDS", 1, 3600),
    "TICK_SECONDS": ("BATON_TICK_SECONDS", 0.05, 60),
    "THREADS": ("BATON_THREADS", 1, 256),
    "LINGER_SECONDS": ("BATON_LINGER_SECONDS", 0, 60),
}

Check = Callable[[], Iterator[CheckMessage]]
_checks: list[Check] = []


def _check(function: Check) -> Check:
    _checks.append(function)
    return function


@register
def settings_make_sense(**_: Any) -> list[CheckMessage]:
    """Everything that is wrong with the settings of this process."""
    return [message for check in _checks for message in check()]


@_check
def _database() -> Iterator[CheckMessage]:
    engine = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    if engine not in DATABASES:
        yield Error(
            f"DATABASE_URL names {engine}, which Baton does not run on.",
            hint="Use sqlite:///path or postgres://user:password@host/name.",
            id="baton.E001",
        )


@_check
def _redis() -> Iterator[CheckMessage]:
    if settings.REDIS_URL and urlsplit(settings.REDIS_URL).scheme not in {"redis", "rediss", "unix"}:
        yield Error(
            "REDIS_URL is not an address of a Redis server.",
            hint="It looks like redis://host:6379/0.",
            id="baton.E002",
        )


@_check
def _encryption_keys() -> Iterator[CheckMessage]:
    if not settings.ENCRYPTION_KEYS:
        yield Error("BATON_ENCRYPTION_KEYS holds no key.", hint=_NEW_KEY, id="baton.E003")
    for number, key in enumerate(settings.ENCRYPTION_KEYS, start=1):
        if key == settings.SECRET_KEY:
            yield Error(
                f"Key {number} of BATON_ENCRYPTION_KEYS is also the secret key; each needs its own.",
                id="baton.E004",
            )
        elif not _is_fernet_key(key):
            yield Error(
                f"Key {number} of BATON_ENCRYPTION_KEYS is not 32 bytes in url-safe base64.",
                hint=_NEW_KEY,
                id="baton.E005",
            )


_NEW_KEY = (
    "Make one with: python -c 'from cryptography.fernet import Fernet as F; print(F.generate_key().decode())'"
)


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


@_check
def _key_files() -> Iterator[CheckMessage]:
    keys = Path(settings.DATA_DIR) / "keys"
    for path in sorted(keys.glob("*")) if keys.is_dir() else ():
        if path.stat().st_mode & OPEN_TO_OTHERS:
            yield Error(
                f"Others can read the key file {path.name} in {keys}.",
                hint=f"Run: chmod 600 {path}",
                id="baton.E006",
            )


@_check
def _ranges() -> Iterator[CheckMessage]:
    for name, (variable, least, most) in RANGES.items():
        value = settings.BATON[name]
        if not least <= value <= most:
            yield Error(
                f"{variable} is {value:g}; it must lie between {least:g} and {most:g}.", id="baton.E007"
            )
    workers = settings.Q_CLUSTER["workers"]
    if not 1 <= workers <= 64:
        yield Error(f"BATON_WORKERS is {workers}; it must lie between 1 and 64.", id="baton.E007")


@_check
def _lease() -> Iterator[CheckMessage]:
    lease, tick = settings.BATON["LEASE_SECONDS"], settings.BATON["TICK_SECONDS"]
    if lease < _LEASE_TICKS * tick:
        yield Error(
            f"BATON_LEASE_SECONDS ({lease:g}) must be at least {_LEASE_TICKS} times BATON_TICK_SECONDS ({tick:g}).",
            hint="A lease that ends between two ticks would take work away from workers that are alive.",
            id="baton.E008",
        )


@_check
def _workspace() -> Iterator[CheckMessage]:
    workspace = Path(settings.BATON["WORKSPACE"]).resolve()
    data = Path(settings.DATA_DIR).resolve()
    if workspace == data or workspace in data.parents:
        yield Error(
            f"BATON_WORKSPACE ({workspace}) holds the data directory, so workflows could read its keys.",
            hint="Choose a directory of its own.",
            id="baton.E009",
        )
    elif workspace.exists() and not (
        workspace.is_dir() and os.access(workspace, os.R_OK | os.W_OK | os.X_OK)
    ):
        yield Error(
            f"BATON_WORKSPACE ({workspace}) is not a directory that Baton may write to.", id="baton.E010"
        )


@_check
def _postbox() -> Iterator[CheckMessage]:
    postbox = Path(settings.BATON["POSTBOX"]).resolve()
    workspace = Path(settings.BATON["WORKSPACE"]).resolve()
    if postbox == workspace or postbox in workspace.parents or workspace in postbox.parents:
        yield Error(
            f"BATON_POSTBOX ({postbox}) and BATON_WORKSPACE ({workspace}) share a directory, so workflows could answer for agents.",
            hint="Choose a directory of its own.",
            id="baton.E014",
        )
    elif postbox.exists() and not (postbox.is_dir() and os.access(postbox, os.R_OK | os.W_OK | os.X_OK)):
        yield Error(f"BATON_POSTBOX ({postbox}) is not a directory that Baton may write to.", id="baton.E015")


@_check
def _files() -> Iterator[CheckMessage]:
    files = Path(settings.BATON["FILES"]).resolve()
    for name in ("WORKSPACE", "POSTBOX"):
        other = Path(settings.BATON[name]).resolve()
        if files == other or files in other.parents or other in files.parents:
            yield Error(
                f"BATON_FILES ({files}) and BATON_{name} ({other}) share a directory, so others than Baton could change what is kept there.",
                hint="Choose a directory of its own.",
                id="baton.E016",
            )
    if files.exists() and not (files.is_dir() and os.access(files, os.R_OK | os.W_OK | os.X_OK)):
        yield Error(f"BATON_FILES ({files}) is not a directory that Baton may write to.", id="baton.E017")


@_check
def _agents() -> Iterator[CheckMessage]:
    for name, dotted in settings.BATON["AGENTS"].items():
        if not _is_callable(dotted):
            yield Error(
                f"The agent {name!r} names {dotted}, which is nothing that can be called.",
                hint='Mend its entry in settings.BATON["AGENTS"].',
                id="baton.E011",
            )


def _is_callable(dotted: str) -> bool:
    try:
        return callable(import_string(dotted))
    except ImportError:
        return False


@_check
def _allowed_private_hosts() -> Iterator[CheckMessage]:
    for entry in settings.BATON["API_ALLOWED_HOSTS"]:
        host, _, port = entry.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65_536:
            yield Error(
                f"BATON_API_ALLOWED_HOSTS holds {entry!r}, which is not host:port.",
                hint="For example intranet.example:8443.",
                id="baton.E012",
            )


@_check
def _mail() -> Iterator[CheckMessage]:
    if settings.EMAIL_URL and (fault := fault_of(settings.EMAIL_URL)):
        yield Error(
            f"BATON_EMAIL_URL is no address of a mail server: {fault}.",
            hint=f"It looks like {EXAMPLE}.",
            id="baton.E016",
        )
    try:
        validate_email(parseaddr(settings.DEFAULT_FROM_EMAIL)[1])
    except ValidationError:
        yield Error(
            f"BATON_EMAIL_FROM ({settings.DEFAULT_FROM_EMAIL!a}) is no address that mail can come from.",
            hint="It looks like Baton <baton@example.org>.",
            id="baton.E017",
        )


@_check
def _base_url() -> Iterator[CheckMessage]:
    parts = urlsplit(settings.BATON["BASE_URL"])
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        yield Error(
            "BATON_BASE_URL is not an address of pages.",
            hint="It looks like https://baton.example.org.",
            id="baton.E018",
        )


@_check
def _business_hours() -> Iterator[CheckMessage]:
    text = settings.BATON["BUSINESS_HOURS"]
    try:
        parse(text)
    except ValueError as error:
        yield Error(
            f"BATON_BUSINESS_HOURS is {text!r}: {error}",
            hint="For example mon-fri 09:00-17:00 Europe/Berlin.",
            id="baton.E025",
        )


@_check
def _open_to_the_network() -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        yield Error(
            "BATON_ALLOWED_HOSTS must not be *: any page of the internet could then pose as this server.",
            hint="List the names that people use for it.",
            id="baton.E013",
        )
        return
    if set(settings.ALLOWED_HOSTS) <= LOCAL_HOSTS:
        return
    if settings.DEBUG:
        yield Warning("BATON_DEBUG is on for a server that others can reach.", id="baton.W001")
    if settings.BATON["DEMO"]:
        yield Warning(
            "BATON_DEMO is on for a server that others can reach: the demo agent does the tasks of every agent.",
            id="baton.W002",
        )
    if not settings.SESSION_COOKIE_SECURE:
        yield Warning(
            "BATON_HTTPS is off for a server that others can reach: passwords travel in clear.",
            hint="Put it behind a proxy that speaks HTTPS and set BATON_HTTPS=1.",
            id="baton.W003",
        )
    if urlsplit(settings.BATON["BASE_URL"]).hostname in LOCAL_HOSTS:
        yield Warning(
            "BATON_BASE_URL leads to this machine alone, and so do the links in mails and chats.",
            hint="Set it to where people reach Baton, such as https://baton.example.org.",
            id="baton.W004",
        )
