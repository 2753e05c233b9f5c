"""The websocket routes of the live feed."""

from __future__ import annotations

from django.urls import path

from monitoring.consumers import MeFeed, RunFeed, TalkFeed

urlpatterns = [
    path("ws/runs/<int:pk>/", RunFeed.as_asgi(), name="run-feed"),
    path("ws/approvals/<int:pk>/", TalkFeed.as_asgi(), name="talk-feed"),
    path("ws/me/", MeFeed.as_asgi(), name="me-feed"),
]
