"""The routes of the editor's pages."""

from __future__ import annotations

from django.urls import path

from editor import views

urlpatterns = [
    path("workflows/new/blank/", views.blank, name="workflow-blank"),
    path("workflows/<slug:key>/edit/", views.edit, name="workflow-edit"),
]
