"""Django's admin behind our own door: its sign-in form would let passwords be guessed without a limit."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode


class BatonAdminSite(admin.AdminSite):
    site_header = site_title = "Baton administration"
    index_title = "Everything that is stored"

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:  # noqa: ARG002 - as inherited
        """Strangers sign in where everybody does; who is signed in and may not enter goes home."""
        if request.user.is_authenticated:
            return redirect("home")
        target = request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")
        return redirect(f"{reverse('sign-in')}?{urlencode({REDIRECT_FIELD_NAME: target})}")


class BatonAdminConfig(AdminConfig):
    default_site = "orchestrator.web.admin_site.BatonAdminSite"
