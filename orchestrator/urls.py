"""Every URL of the web process."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from monitoring import views as monitoring
from orchestrator.web import errors

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", monitoring.healthz, name="healthz"),
    path("readyz", monitoring.readyz, name="readyz"),
    path("api/", include("editor.api")),
    path("api/", include("editor.changes_api")),
    path("api/", include("editor.trial_api")),
    path("api/", include("orchestrator.api.urls")),
    path("admin/", admin.site.urls),
    path("", include("orchestrator.web.account_urls")),
    path("", include("editor.urls")),
    path("", include("orchestrator.web.urls")),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
