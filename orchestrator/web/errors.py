"""The pages for what went wrong. They ask nothing of the database, so that they work when it does not."""

from __future__ import annotations

import logging
import sys
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from orchestrator.database import is_away
from orchestrator.web.middleware import open_before_setup

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_WORDS: dict[int, tuple[str, str]] = {
    400: (
        "This request could not be read",
        "It may have been cut off, or be too large. Go back and try again.",
    ),
    403: ("You may not do this", "Your role does not allow it. An administrator can give you one that does."),
    404: (
        "There is no such page",
        "It may have been removed, or it belongs to somebody who has not shared it.",
    ),
    500: (
        "Something went wrong here",
        "It was logged. Try again; if it stays, tell who runs this server when it was.",
    ),
    503: (
        "The database does not answer",
        "Runs are safe and go on as soon as the database is back; this page then comes by itself.",
    ),
}
AWAY_TEXT = "The database does not answer; try again in a moment."
UNSURE_TEXT = (
    "The database went away before it said whether this was done. Look whether it was, and send it again if not: "
    "go back, and what you typed is still there."
)
STAYS_TEXT = "The database does not answer just now. What this page shows stays; try again in a moment."
CSRF_TEXT = (
    "The form was open for so long that it is not valid any more, or cookies are off. "
    "Go back, reload the page and send it again."
)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The session, when it cannot be saved, says that it was deleted meanwhile; the database may have gone instead."""
    if is_away(exception):
        return unavailable(request, exception)
    return page(request, HTTPStatus.BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    return page(request, HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    return page(request, HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """A database that is away is not a fault of the program: 503, and when to come back."""
    error = sys.exc_info()[1]
    return unavailable(request, error) if is_away(error) else page(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def unavailable(request: HttpRequest, error: BaseException | None) -> HttpResponse:
    """The database is away: said in the form that was asked for. A page in a browser comes back by itself."""
    logger.warning("%s %s: the database does not answer: %s", request.method, request.path, error)
    is_safe = request.method in _SAFE
    if "HX-Request" in request.headers:
        # Whatever the page shows stays; its script says the sentence.
        text = STAYS_TEXT if is_safe else UNSURE_TEXT
        response = HttpResponse(text, status=503, content_type="text/plain", headers={"HX-Reswap": "none"})
    elif request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        said = {"code": "unavailable", "message": AWAY_TEXT if is_safe else UNSURE_TEXT, "issues": []}
        response = JsonResponse({"error": said}, status=503)
    else:
        response = page(request, HTTPStatus.SERVICE_UNAVAILABLE, text="" if is_safe else UNSURE_TEXT)
        if is_safe:
            response["Refresh"] = str(RETRY_AFTER_SECONDS)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    response["Cache-Control"] = "no-store"
    return response


@open_before_setup
def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    """What Django's protection against forged forms answers with."""
    return page(request, HTTPStatus.FORBIDDEN, heading="This form is too old", text=CSRF_TEXT)


def page(request: HttpRequest, status: int, *, heading: str = "", text: str = "") -> HttpResponse:
    """Drawn without the request, for the frame around other pages asks the database who looks."""
    known, said = _WORDS[status]
    context = {"status": int(status), "heading": heading or known, "text": text or said, "path": request.path}
    return HttpResponse(render_to_string("error.html", context), status=status)
