"""The websocket route of the editor."""

from __future__ import annotations

from django.urls import path

from editor.consumers import DraftFeed

urlpatterns = [path("ws/workflows/<slug:key>/", DraftFeed.as_asgi(), name="draft-feed")]
