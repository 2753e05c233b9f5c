"""Measure every database that is reachable, print a table, and as the last line one JSON object."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from tests.benchmarks.profiles import PROFILES, Profile
from tests.benchmarks.report import table


def main() -> None:
    given = _arguments()
    figures: dict[str, Any] = {}
    for profile in PROFILES:
        if profile.name not in given.database:
            continue
        why_not = profile.missing()
        if why_not:
            print(f"{profile.name}: not measured, {why_not}", file=sys.stderr)
            continue
        figures[profile.name] = _measure(profile, given.rounds, given.only)
    print(table(figures))
    print(json.dumps(figures))


def _arguments() -> argparse.Namespace:
    names = [profile.name for profile in PROFILES]
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--database", nargs="+", choices=names, default=names)
    parser.add_argument("--rounds", type=int, default=5, help="each figure is the median of so many")
    parser.add_argument("--only", default="", help="measure only what has this in its name")
    return parser.parse_args()


def _measure(profile: Profile, rounds: int, only: str) -> dict[str, Any]:
    """In a process of its own, since Django knows one configuration."""
    with tempfile.TemporaryDirectory(prefix="baton-bench-") as folder, profile.database() as address:
        environment = {**os.environ, "BATON_DATA_DIR": folder, "BATON_LOG_LEVEL": "ERROR", **address}
        command = [sys.executable, "-m", "tests.benchmarks.measure", str(rounds), only]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


if __name__ == "__main__":
    main()
