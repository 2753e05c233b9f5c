"""`python -m orchestrator.supervisor`: `keep` is the keeper, `be` one of its children. People use `baton up`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib import import_module

from orchestrator.supervisor import fate, programs, titles
from orchestrator.supervisor.keeper import Keeper
from orchestrator.supervisor.listening import PortTakenError, listen


def main() -> None:
    options = _parser().parse_args()
    options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="orchestrator.supervisor")
    commands = parser.add_subparsers(required=True)
    keep = commands.add_parser("keep")
    keep.add_argument("names", nargs="+", choices=programs.NAMES)
    keep.add_argument("--host", default="127.0.0.1")
    keep.add_argument("--port", type=int, default=8000)
    keep.set_defaults(run=_keep)
    be = commands.add_parser("be")
    be.add_argument("name", choices=programs.NAMES)
    be.add_argument("--parent", type=int, required=True)
    be.add_argument("--socket", type=int)
    be.set_defaults(run=_be)
    return parser


def _keep(options: argparse.Namespace) -> None:
    titles.set_title("keeper")
    try:
        server = listen(options.host, options.port) if "web" in options.names else None
    except PortTakenError as error:
        sys.exit(str(error))
    Keeper(programs.baton(options.names, server.fileno() if server else None)).run()


def _be(options: argparse.Namespace) -> None:
    fate.die_with_parent(options.parent)
    titles.set_title(programs.TITLES.get(options.name, options.name))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestrator.settings")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    body = import_module(f"orchestrator.supervisor.bodies.{options.name}")
    body.run(options.socket)


if __name__ == "__main__":
    main()
