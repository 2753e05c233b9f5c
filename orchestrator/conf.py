"""Baton's own settings, typed, in one place. Units are seconds and bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from orchestrator.planning.business import Calendar, parse


def _get(name: str) -> Any:
    return settings.BATON[name]


def base_url() -> str:
    """Where people reach the pages, for links in mails and chats; without a slash at its end."""
    return str(_get("BASE_URL")).rstrip("/")


def demo() -> bool:
    """Whether the demo agent serves every agent name."""
    return bool(_get("DEMO"))


def demo_seconds() -> float:
    return float(_get("DEMO_SECONDS"))


def agents() -> Mapping[str, str]:
    """Agent name → dotted path of the callable that does its tasks in the worker."""
    return dict(_get("AGENTS"))


def workspace() -> Path:
    """The one directory that file operations may touch."""
    return Path(_get("WORKSPACE"))


def postbox() -> Path:
    """Where each outbox agent has a folder with its file."""
    return Path(_get("POSTBOX"))


def files() -> Path:
    """Where files that people and agents hand in are kept; on several machines a folder that all of them share."""
    return Path(_get("FILES"))


def file_max_bytes() -> int:
    """How large a file that is handed in may be."""
    return int(_get("FILE_MAX_BYTES"))


def api_allowed_hosts() -> frozenset[str]:
    """`host:port` of private servers that api_call may reach."""
    return frozenset(_get("API_ALLOWED_HOSTS"))


def api_max_bytes() -> int:
    return int(_get("API_MAX_BYTES"))


def business_hours() -> Calendar:
    """What counts as business hours where an approval does not say it itself."""
    return parse(_get("BUSINESS_HOURS"))


def lease_seconds() -> float:
    """How long an attempt lives without a heartbeat of its worker."""
    return float(_get("LEASE_SECONDS"))


def tick_seconds() -> float:
    return float(_get("TICK_SECONDS"))


def threads() -> int:
    """How many attempts one worker process carries at once."""
    return int(_get("THREADS"))


def linger_seconds() -> float:
    """How long a worker without work looks on before it gives its place back to the queue."""
    return float(_get("LINGER_SECONDS"))


def encryption_keys() -> list[str]:
    """Fernet keys, newest first."""
    return list(settings.ENCRYPTION_KEYS)
