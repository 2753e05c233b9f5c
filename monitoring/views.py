"""Two addresses for machines, open to all: they tell which part is well, and nothing of what Baton holds."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orchestrator.reads.health import Part, database, health
from orchestrator.web.middleware import open_before_setup

RETRY_AFTER_SECONDS = 5


@open_before_setup
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """For the alarm: 200 while every part is well, 503 naming those that are not."""
    del request
    return _answer(health())


@open_before_setup
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """For the load balancer: 200 while this web process can answer pages, which takes the database."""
    del request
    return _answer({"database": database()})


def _answer(parts: dict[str, Part]) -> JsonResponse:
    is_well = all(part["ok"] for part in parts.values())
    response = JsonResponse({"ok": is_well, "parts": parts}, status=200 if is_well else 503)
    if not is_well:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
