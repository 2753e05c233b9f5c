"""Who is at the other end of a socket: asked anew each time, so that a sign-out or a lost right ends the feed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from orchestrator.permissions import Person


def viewer(scope: dict[str, Any]) -> Person:
    """The user of the session whose cookie the socket came with; an anonymous one when it is no longer good."""
    engine = import_module(settings.SESSION_ENGINE)
    request = HttpRequest()
    request.session = engine.SessionStore(scope["cookies"].get(settings.SESSION_COOKIE_NAME))
    return get_user(request)
