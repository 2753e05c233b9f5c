"""The crowd: a million old rows, 500 runs at once and a run of 5,000 tasks slow nothing that does not touch them.

`python -m tests.chaos crowd --database sqlite`. The medians of a turn, a claim, a tick, the pages and lists are taken in
a quiet, small database, beside the old rows, and once more while workers carry the crowd. Old rows may add a
quarter at most; what is measured under load shares processor and disk with the workers, and is told, not judged.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from tests.benchmarks.profiles import PROFILES, Profile


def main(argv: Sequence[str]) -> int:
    given = _arguments(argv)
    profile = next(one for one in PROFILES if one.name == given.database)
    why_not = profile.missing()
    if why_not:
        sys.stderr.write(f"{profile.name}: {why_not}\n")
        return 1
    return _gather(profile, given.rows, given.bound)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos crowd", description=__doc__)
    parser.add_argument("--database", choices=[profile.name for profile in PROFILES], default="sqlite")
    parser.add_argument("--rows", type=int, default=1_000_000, help="old rows, of all tables together")
    parser.add_argument("--bound", type=float, default=0.25, help="by which part a median may grow")
    return parser.parse_args(argv)


def _gather(profile: Profile, rows: int, bound: float) -> int:
    """In a process of its own, since Django knows one configuration."""
    with tempfile.TemporaryDirectory(prefix="baton-crowd-") as folder, profile.database() as address:
        environment = {
            **os.environ,
            "BATON_DATA_DIR": folder,
            "BATON_LOG_LEVEL": "ERROR",
            "BATON_ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
            **address,
        }
        command = [sys.executable, "-m", "tests.chaos.crowd_driver", str(rows), str(bound)]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
