"""A Baton at work is told to stop and started again, again and again, as when a new release goes out.

Within 30 s everything has ended: tasks that are nearly done have finished, the others are released, no process is left.
Afterwards every run must have the right answer, each outcome recorded once, and the invariants must hold.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tests.chaos import databases
from tests.chaos.waiting import end_in_order, output_of

Seen = dict[str, Any]

LONGER_THAN_A_STOP = 35.0


def main(argv: Sequence[str]) -> int:
    given = _arguments(argv)
    end_in_order()
    well = 0
    for name, environment in databases.each(given.database):
        seen = stop(environment, given.rounds, LONGER_THAN_A_STOP, stubborn=True, log=given.log)
        sys.stdout.write(f"{name}: {json.dumps(seen, indent=2)}\n")
        well += not seen["problems"]
    return int(well < len(given.database))


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos stops", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often it is stopped")
    parser.add_argument("--database", nargs="+", choices=databases.NAMES, default=databases.NAMES)
    parser.add_argument("--log", default=os.devnull, help="where the output of Baton goes")
    return parser.parse_args(argv)


def stop(
    environment: Mapping[str, str], rounds: int, seconds: float, *, stubborn: bool, log: str = os.devnull
) -> Seen:
    """In a process of its own, since Django knows one configuration."""
    words = (str(rounds), log, str(seconds), str(int(stubborn)))
    output = output_of([sys.executable, "-m", "tests.chaos.stopping", *words], environment)
    found: Seen = json.loads(output.splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
