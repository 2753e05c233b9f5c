"""`python -m tests.chaos <command> …`: each command is a module with `main(argv)`, which gives the exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = {
    "kills": "tests.chaos.kills",
    "stops": "tests.chaos.stops",
}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the command; --help shows them")
    given = parser.parse_args(argv)
    return int(import_module(COMMANDS[given.command]).main(given.arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
