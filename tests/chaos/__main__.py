"""`python -m tests.chaos <command> …`: each command is a module with `main(argv)`, which gives the exit code.

`all` is every one of them in turn, in the lengths that are their defaults.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = {
    "kills": "tests.chaos.kills",
    "stops": "tests.chaos.stops",
    "races": "tests.chaos.races",
    "outages": "tests.chaos.outages",
    "crowd": "tests.chaos.crowd",
    "soak": "tests.chaos.soak",
}
ALL = "all"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("command", choices=[*COMMANDS, ALL])
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the command; --help shows them")
    given = parser.parse_args(argv)
    names = list(COMMANDS) if given.command == ALL else [given.command]
    return max(_run(name, given.arguments) for name in names)


def _run(name: str, arguments: Sequence[str]) -> int:
    sys.stdout.write(f"== {name}\n")
    sys.stdout.flush()
    return int(import_module(COMMANDS[name]).main(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
