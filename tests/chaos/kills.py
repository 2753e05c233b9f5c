"""Every process of a Baton at work is killed in turn, again and again: nothing is lost, doubled or left behind.

A process is killed by `kill -9` at a random moment, or stopped as one that hangs. A canary run started right after it
must complete and every part be back within 30 s; 2 s after it nothing may be alive whose ancestors are gone. Then every
run must have the right answer, each outcome recorded once, and the invariants must hold.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.chaos import databases
from tests.chaos.waiting import end_in_order, output_of

Tallies = dict[str, dict[str, Any]]

MOST_PROBLEMS = 30  # are printed; what goes wrong does so for many runs at once
_COLUMNS = ("kills", "slowest", "lost", "doubled", "orphans")


def main(argv: Sequence[str]) -> int:
    given = _arguments(argv)
    end_in_order()
    results = {
        name: kill(environment, given.rounds, given.workers, given.log, given.role)
        for name, environment in databases.each(given.database)
    }
    sys.stdout.write("\n".join([*_table(results), *_problems(results)[:MOST_PROBLEMS], ""]))
    return int(len(results) < len(given.database) or any(_problems(results)))


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos kills", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="how often each is killed")
    parser.add_argument("--database", nargs="+", choices=databases.NAMES, default=databases.NAMES)
    parser.add_argument("--role", nargs="+", default=[], help="kill these only, named as in the table")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--log", default=os.devnull, help="where the output of Baton goes")
    return parser.parse_args(argv)


def kill(
    environment: Mapping[str, str],
    rounds: int,
    workers: int = 2,
    log: str = os.devnull,
    roles: Sequence[str] = (),
) -> Tallies:
    """In a process of its own, since Django knows one configuration."""
    command = [sys.executable, "-m", "tests.chaos.matrix", str(rounds), str(workers), log, *roles]
    found: Tallies = json.loads(output_of(command, environment).splitlines()[-1])
    return found


def _table(results: Mapping[str, Tallies]) -> Iterator[str]:
    heads = ("kills", "slowest, s", "lost", "doubled", "orphans")
    yield f"{'killed':28}{'database':12}" + "".join(f"{head:>12}" for head in heads)
    for database, tallies in results.items():
        for role, tally in tallies.items():
            yield f"{role:28}{database:12}" + "".join(f"{tally[name]:>12}" for name in _COLUMNS)


def _problems(results: Mapping[str, Tallies]) -> list[str]:
    return [
        f"{database}, {role}: {problem}"
        for database, tallies in results.items()
        for role, tally in tallies.items()
        for problem in tally["problems"]
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
