"""The soak: half an hour at half of what it can carry, and neither memory nor latency may creep up.

`python -m tests.chaos soak --minutes 30 --database sqlite`. A whole `baton up` is measured for its capacity, then fed at
half of that. After a warm-up, the last third of the time is compared with the first, for each process and for the p95 of
the time from the start of a task that does nothing to that of the next. Data is not deleted meanwhile: that is part of the test.
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
    words = [str(given.minutes), str(given.rate)]
    demo = {"BATON_DEMO": "1", "BATON_DEMO_SECONDS": "0"}
    return run_apart("tests.chaos.soak_driver", words, profile.database(), **demo)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="of steady load, the warm-up included")
    parser.add_argument("--database", choices=[profile.name for profile in PROFILES], default="sqlite")
    parser.add_argument("--rate", type=float, default=0.0, help="runs a second, instead of half the capacity")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
