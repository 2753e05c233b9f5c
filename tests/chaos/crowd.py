"""The crowd: a million old rows, 500 runs at once and a run of 5,000 tasks slow nothing that does not touch them.

`python -m tests.chaos crowd --database sqlite`. The medians of a turn, a claim, a tick, the pages and lists are taken in
a quiet, small database, beside the old rows, and once more while workers carry the crowd. Old rows may add a
quarter at most; what is measured under load shares processor and disk with the workers, and is told, not judged.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tests.benchmarks.profiles import PROFILES
from tests.scratch import run_apart


def main(argv: Sequence[str]) -> int:
    given = _arguments(argv)
    profile = next(one for one in PROFILES if one.name == given.database)
    why_not = profile.missing()
    if why_not:
        sys.stderr.write(f"{profile.name}: {why_not}\n")
        return 1
    words = [str(given.rows), str(given.bound)]
    hosts = {"BATON_ALLOWED_HOSTS": "testserver,localhost,127.0.0.1"}
    return run_apart("tests.chaos.crowd_driver", words, profile.database(), **hosts)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos crowd", description=__doc__)
    parser.add_argument("--database", choices=[profile.name for profile in PROFILES], default="sqlite")
    parser.add_argument("--rows", type=int, default=1_000_000, help="old rows, of all tables together")
    parser.add_argument("--bound", type=float, default=0.25, help="by which part a median may grow")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
