"""Who gets past the door: every page is closed unless its view says otherwise.

The exemption is a mark on the view, never a match on the path. The API answers for itself: Django REST Framework
marks its views as doing their own authentication, and `orchestrator.api` refuses by default too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import Resolver404, resolve
from django.utils.http import urlencode

from orchestrator.web import setup_code

View = TypeVar("View", bound=Callable[..., HttpResponse])


def public(view: View) -> View:
    """Mark a view that needs no sign-in."""
    return login_not_required(view)


def open_before_setup(view: View) -> View:
    """Mark a view that answers even while there is no user, such as a health check. Implies `public`."""
    view.open_before_setup = True
    return public(view)


class SetupMiddleware:
    """While nobody has an account every page leads to the one that makes the first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.is_done = False

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # In this order: what is open must answer also while the database, which knows the users, is away.
        if not (self.is_done or _is_open_before_setup(request.path_info) or self._done()):
            setup_code.announce()
            return HttpResponseRedirect(resolve_url("setup"))
        return self.get_response(request)

    def _done(self) -> bool:
        """Once there is a user this never asks the database again."""
        self.is_done = self.is_done or get_user_model().objects.exists()
        return self.is_done


def _is_open_before_setup(path: str) -> bool:
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    # A view of the API has a `cls`; it answers 401 in its own language.
    return getattr(view, "open_before_setup", False) or hasattr(view, "cls")


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Sends strangers to the sign-in page and back, also from within an htmx request."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponse],
        view_args: Sequence[Any],
        view_kwargs: Mapping[str, Any],
    ) -> HttpResponse | None:
        """Who asks is not looked up where everybody may: a health check answers without the database."""
        if not getattr(view_func, "login_required", True):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponse]
    ) -> HttpResponse:
        response = super().handle_no_permission(request, view_func)
        if not request.htmx:
            return response
        # A redirect would swap the sign-in page into a fragment; this makes htmx leave the page instead.
        return HttpResponse(status=401, headers={"HX-Redirect": _sign_in_from(request)})


def _sign_in_from(request: HttpRequest) -> str:
    """The sign-in page that leads back to the page the fragment was for, not to the fragment."""
    page = request.htmx.current_url_abs_path or resolve_url("home")
    return f"{resolve_url('sign-in')}?{urlencode({'next': page})}"
