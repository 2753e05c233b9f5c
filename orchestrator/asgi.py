"""What Daphne serves: pages and API over HTTP, the live feed over websockets."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
http = get_asgi_application()

from monitoring import routing  # noqa: E402 - Django must be up

application = ProtocolTypeRouter({"http": http, "websocket": routing.application})
