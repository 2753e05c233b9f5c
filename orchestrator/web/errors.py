"""The pages for what went wrong. They ask nothing of the database, so that they work when it does not."""

from __future__ import annotations

import sys
from http import HTTPStatus

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from orchestrator.web.middleware import open_before_setup

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
        "Baton is busy",
        "The database did not answer in time. Nothing was changed. Try again in a moment.",
    ),
}
CSRF_TEXT = (
    "The form was open for so long that it is not valid any more, or cookies are off. "
    "Go back, reload the page and send it again."
)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    return page(request, HTTPStatus.BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    return page(request, HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    return page(request, HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """A database that is busy is not a fault of the program: 503, and when to come back."""
    is_busy = isinstance(sys.exc_info()[1], OperationalError)
    return page(request, HTTPStatus.SERVICE_UNAVAILABLE if is_busy else HTTPStatus.INTERNAL_SERVER_ERROR)


@open_before_setup
def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    """What Django's protection against forged forms answers with."""
    return page(request, HTTPStatus.FORBIDDEN, heading="This form is too old", text=CSRF_TEXT)


def page(request: HttpRequest, status: int, *, heading: str = "", text: str = "") -> HttpResponse:
    """Drawn without the request, for the frame around other pages asks the database who looks."""
    known, said = _WORDS[status]
    context = {"status": int(status), "heading": heading or known, "text": text or said, "path": request.path}
    response = HttpResponse(render_to_string("error.html", context), status=status)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response["Retry-After"] = "5"
    return response
