"""The web: Daphne on a socket that the keeper holds."""

from __future__ import annotations

import gc

import django

django.setup()

from daphne.server import Server  # noqa: E402 - installs its reactor, which must come before any other
from django.conf import settings  # noqa: E402
from django.urls import get_resolver  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402
from twisted.internet import reactor, threads  # noqa: E402
from twisted.internet.task import LoopingCall  # noqa: E402

from orchestrator import processes  # noqa: E402
from orchestrator.models import Process  # noqa: E402
from orchestrator.supervisor import heartbeat  # noqa: E402

REQUEST_SECONDS = 120
_SIGN_SECONDS = 2.0


def run(socket: int | None) -> None:
    """Serve until SIGTERM."""
    application = import_string(settings.ASGI_APPLICATION)
    _ = get_resolver().url_patterns  # the first request would load all that answers requests
    gc.collect()
    gc.freeze()  # what stays for good is not looked through again: that took a tenth of a second in the midst of a request
    server = Server(
        application=application,
        endpoints=[f"fd:fileno={socket}"],
        http_timeout=REQUEST_SECONDS,
        server_name="baton",
        verbosity=0,
    )
    reactor.callWhenRunning(_start_beating)
    server.run()
    processes.leave(Process.Kind.WEB)


def _start_beating() -> None:
    # From the loop itself, so that a loop that hangs is noticed. The row is written beside it: a database that hangs
    # is no reason to replace the web, which can still say so.
    LoopingCall(heartbeat.beat).start(_SIGN_SECONDS)
    LoopingCall(threads.deferToThread, processes.beat, Process.Kind.WEB).start(processes.BEAT_SECONDS)
