"""Commands that serve: `up` for everything on one machine, and its three processes each by itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click
from django.conf import settings
from django.core import checks
from django.core.management import call_command
from rich.text import Text

from orchestrator.cli.base import BatonCommand, emit, say
from orchestrator.cli.demo import demo
from orchestrator.exceptions import BatonError

ANYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound


class SettingsError(BatonError):
    """A setting is wrong; the message says which."""

    code = "bad_settings"


def _address(function: Any) -> Any:
    host = click.option(
        "--host", envvar="BATON_HOST", default="127.0.0.1", show_default=True, help="To serve on."
    )
    port = click.option("--port", envvar="BATON_PORT", type=int, default=8000, show_default=True)
    return host(port(function))


@click.command("up", cls=BatonCommand)
@_address
def up(host: str, port: int) -> None:
    """Serve Baton: web, workers and clock under one supervisor, until Ctrl+C."""
    _keep(("web", "workers", "clock"), host, port)


@click.command("web", cls=BatonCommand)
@_address
def web(host: str, port: int) -> None:
    """Serve only the pages, the API and the live feed."""
    _keep(("web",), host, port)


@click.command("workers", cls=BatonCommand)
def workers() -> None:
    """Run only the workers of this machine. Any number of machines may."""
    _keep(("workers",))


@click.command("clock", cls=BatonCommand)
def clock() -> None:
    """Run only the clock, which finds what is due. One is enough; several do no harm."""
    _keep(("clock",))


def _keep(names: Sequence[str], host: str = "", port: int = 0) -> NoReturn:
    """Check, prepare, and become the keeper of these processes: it needs nothing of Django, so nothing of it stays."""
    _check_settings()
    command = [sys.executable, "-m", "orchestrator.supervisor", "keep", *names]
    address = ""
    if "web" in names:
        if not settings.DEBUG:
            call_command("collectstatic", interactive=False, verbosity=0)
        command += ["--host", host, "--port", str(port)]
        os.environ["BATON_PORT"] = str(port)  # of which links in mails are made where nothing else is said
        address = _url(host, port)
    _announce(names, address)
    sys.stdout.flush()
    os.execv(sys.executable, command)  # noqa: S606 - our own


def _check_settings() -> None:
    found = [issue for issue in checks.run_checks(include_deployment_checks=False) if not issue.is_silenced()]
    for issue in found:
        if not issue.is_serious():
            say(f"Warning: {issue.msg}{f' {issue.hint}' if issue.hint else ''}")
    serious = [issue for issue in found if issue.is_serious()]
    if serious:
        raise SettingsError(
            " ".join(f"{issue.msg}{f' {issue.hint}' if issue.hint else ''}" for issue in serious)
        )


def _announce(names: Sequence[str], address: str) -> None:
    data = {"processes": list(names), "address": address or None}
    served = f"Baton is served at {address}" if address else "Baton"
    emit(data, lambda: Text(f"{served} ({', '.join(names)}). Ctrl+C stops it."))


def _url(host: str, port: int) -> str:
    shown = "localhost" if host in ANYWHERE else host
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"


COMMANDS = (up, web, workers, clock, demo)
