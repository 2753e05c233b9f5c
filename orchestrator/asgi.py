"""What Daphne serves: pages and API over HTTP, the live feeds over websockets."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
pages = get_asgi_application()

# Only now, for these need a Django that is up.
from editor import routing as editor  # noqa: E402
from monitoring import routing as monitoring  # noqa: E402
from orchestrator.api.long_poll import with_long_poll  # noqa: E402
from orchestrator.web.feeds import walled  # noqa: E402

FEEDS = [*monitoring.urlpatterns, *editor.urlpatterns]
application = ProtocolTypeRouter({"http": with_long_poll(pages), "websocket": walled(FEEDS)})
