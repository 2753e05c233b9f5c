"""Every websocket route, with the two walls around them: our own pages only, and a cookie to tell who it is."""

from __future__ import annotations

from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import CookieMiddleware
from django.urls import path, re_path

from monitoring.consumers import MeFeed, Nothing, RunFeed

urlpatterns = [
    path("ws/runs/<int:pk>/", RunFeed.as_asgi(), name="run-feed"),
    path("ws/me/", MeFeed.as_asgi(), name="me-feed"),
    re_path("", Nothing.as_asgi()),
]

application = AllowedHostsOriginValidator(CookieMiddleware(URLRouter(urlpatterns)))
