"""How views answer: a page or the part that htmx asked for, a way back after a form, a refusal in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from orchestrator.exceptions import BatonError, InvalidError

UNPROCESSABLE = 422
SEE_OTHER = 303

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def wants_part(request: HttpRequest) -> bool:
    """Whether htmx asks for a fragment. Going back in history it asks for the page."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def answer(
    request: HttpRequest, page: str, context: dict[str, Any], *, part: str = "", status: int = 200
) -> HttpResponse:
    """The page, or its part for htmx; caches are told that the two differ."""
    chosen = part if part and wants_part(request) else page
    response = render(request, chosen, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def go(request: HttpRequest, url: str, said: str = "") -> HttpResponse:
    """After a form was carried out: on to `url`, with a word about it."""
    if said:
        messages.success(request, said)
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    response = HttpResponseRedirect(url)
    response.status_code = SEE_OTHER
    return response


def refusals_as_pages(view: View[P]) -> View[P]:
    """What the engine refuses is answered in its words, with the status the error names."""

    @wraps(view)
    def answering(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except BatonError as error:
            return refusal(request, error)

    return answering


def refusal(request: HttpRequest, error: BatonError, back: str = "") -> HttpResponse:
    """A page for people without scripts, a notice in place for those with; it leads to `back`, or whence one came."""
    status = UNPROCESSABLE if isinstance(error, InvalidError) else error.status
    context = {"error": error, "back": back or _back(request)}
    return answer(request, "refusal.html", context, part="_partials/_refusal.html", status=status)


def _back(request: HttpRequest) -> str:
    """The page the form stood on, when it is one of ours."""
    referer = request.headers.get("Referer", "")
    here = f"{request.scheme}://{request.get_host()}/"
    return referer if referer.startswith(here) else "/"
