"""The routes of the editor's pages."""

from __future__ import annotations

from django.urls import path

from editor import simulate_view, text_view, try_view, versions_view, views

urlpatterns = [
    path("workflows/new/blank/", views.blank, name="workflow-blank"),
    path("workflows/<slug:key>/edit/json/", text_view.edit_text, name="workflow-text"),
    path("workflows/<slug:key>/simulate/", simulate_view.simulate_draft, name="workflow-simulate"),
    path("workflows/<slug:key>/try/", try_view.try_draft, name="workflow-try"),
    path("workflows/<slug:key>/diff/", versions_view.choose, name="workflow-diff-choose"),
    path("workflows/<slug:key>/diff/<slug:before>/<slug:after>/", versions_view.diff, name="workflow-diff"),
    path("workflows/<slug:key>/restore/", versions_view.restore, name="workflow-restore"),
    path("workflows/<slug:key>/draft.<slug:form>", text_view.download_draft, name="draft-download"),
    path("workflows/<slug:key>/edit/", views.edit, name="workflow-edit"),
]
