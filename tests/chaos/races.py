"""The races of the suite, run as often as it takes to believe them, on each database.

`python -m tests.chaos races --races 500 --database sqlite postgresql`. The tests are those of `make test`, each told by
`BATON_RACES` how often; what they counted comes back in pytest's report.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.scratch import address_of, remove_database

ROOT = Path(__file__).resolve().parents[2]
FILES = [
    f"tests/engine/test_{name}.py"
    for name in (
        "races",
        "decision_races",
        "questions",
        "agent_races",
        "wakeups",
        "clocks",
        "zombies",
        "cancelling",
        "heartbeats",
    )
]
NAME = f"baton_races_{os.getpid()}"
# Tests make a database of their own, named after this one, and take it away again.
ADDRESSES = {"sqlite": "", "postgresql": address_of(NAME)}


@dataclass(frozen=True)
class Row:
    """One test on one database; `figures` is what it counted."""

    database: str
    name: str
    seconds: float
    figures: str
    ok: bool


def main(argv: Sequence[str] | None = None) -> int:
    given = _arguments(argv)
    rows = [row for database in given.database for row in run(database, given.races)]
    sys.stdout.write(table(rows) + "\n")
    return 0 if rows and all(row.ok for row in rows) else 1


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos races", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--races", type=int, default=500, help="how often each race is run")
    parser.add_argument("--database", nargs="+", choices=list(ADDRESSES), default=list(ADDRESSES))
    return parser.parse_args(argv)


def run(database: str, races: int) -> list[Row]:
    """Every test on this database, in a process of its own; what it prints goes through."""
    with tempfile.TemporaryDirectory(prefix="baton-races-") as folder:
        report = Path(folder) / "report.xml"
        begin = time.monotonic()
        try:
            done = subprocess.run(_command(report), cwd=ROOT, env=_environment(database, races, folder))
        finally:
            _clean_up(database)
        rows = list(_read(report, database)) if report.exists() else []
    whole = Row(database, "all", time.monotonic() - begin, "", done.returncode == 0)
    return [*rows, whole]


def _clean_up(database: str) -> None:
    """Tests that were killed leave their database behind."""
    if database == "postgresql":
        remove_database(f"test_{NAME}")


def _command(report: Path) -> list[str]:
    options = ["-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    return [sys.executable, "-m", "pytest", *options, "-o", "junit_family=xunit1", *FILES]


def _environment(database: str, races: int, folder: str) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    return {
        **given,
        "DATABASE_URL": ADDRESSES[database],
        "BATON_RACES": str(races),
        "BATON_DATA_DIR": folder,
    }


def _read(report: Path, database: str) -> Iterator[Row]:
    for case in ElementTree.parse(report).iter("testcase"):
        name = str(case.get("name")).removeprefix("test_").replace("_", " ")
        counted = [f"{found.get('name')}: {found.get('value')}" for found in case.iter("property")]
        bad = [what for what in ("failure", "error", "skipped") if case.find(what) is not None]
        yield Row(database, name, float(case.get("time", 0)), "; ".join([*bad, *counted]), not bad)


def table(rows: Sequence[Row]) -> str:
    wide = max((len(row.name) for row in rows), default=0)
    lines = [f"{'database':<11} {'test':<{wide}} {'seconds':>8}     figures"]
    for row in rows:
        said = "ok" if row.ok else "BAD"
        lines.append(
            f"{row.database:<11} {row.name:<{wide}} {row.seconds:>8.1f} {said:<3} {row.figures}".rstrip()
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
