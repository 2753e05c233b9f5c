"""Each role killed in turn while runs go on. In a process of its own, configured for one database.

`python -m tests.chaos.matrix <rounds> <workers> <log> [<role> …]` prints one JSON object as its last line.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import django

if __name__ == "__main__":
    django.setup()

from orchestrator.models import Run
from orchestrator.planning.machine import RUN_ENDED
from tests.chaos import flow
from tests.chaos.baton import KEEPER, Baton
from tests.chaos.processes import Seen, family
from tests.chaos.roles import ROLES, Role
from tests.chaos.trickle import Trickle
from tests.chaos.waiting import end_in_order, found_within

END_SECONDS = 30.0
ORPHAN_SECONDS = 2.0
PATIENCE = 60.0  # beyond which nothing is waited for that was to happen sooner


class NothingGoesOnError(Exception):
    """More kills would show nothing more."""


@dataclass
class Tally:
    """What was seen of one role."""

    kills: int = 0
    slowest: float = 0.0
    lost: int = 0
    doubled: int = 0
    orphans: int = 0
    problems: list[str] = field(default_factory=list)


class Matrix:
    def __init__(self, baton: Baton, trickle: Trickle) -> None:
        self._baton = baton
        self._trickle = trickle
        self._judged = 0
        self.tallies: dict[str, Tally] = {}

    def strike(self, role: Role) -> None:
        """Kill one, see all well again, and look over everything that went on meanwhile."""
        tally = self.tallies.setdefault(role.name, Tally())
        self._trickle.pace = role.pace
        victim = found_within(PATIENCE, lambda: role.find(self._baton.family()))
        if victim is None:
            tally.problems.append("nobody was found at that place")
            return
        below = family(victim.pid)
        began = time.monotonic()
        os.kill(victim.pid, role.signal)
        tally.kills += 1
        canary = self._trickle.later(fails=1)
        self._see_the_end_of(victim, role, below, tally)
        self._see_recovery(victim, tally)
        carried = self._carried(canary.result(PATIENCE), tally)
        self._note_time(time.monotonic() - began, role, tally)
        self._judge(tally)
        if not carried:
            raise NothingGoesOnError(role.name)

    def _see_the_end_of(self, victim: Seen, role: Role, below: Sequence[Seen], tally: Tally) -> None:
        """Of all that was below it too; one that was merely stopped lives on until the watchdog comes."""
        if role.signal != signal.SIGKILL:
            return
        if victim.role == KEEPER:
            self._baton.reap()
        self._look_for_orphans(below, tally)
        if victim.role == KEEPER:
            self._baton.start()  # as the init of the machine would

    def _look_for_orphans(self, below: Sequence[Seen], tally: Tally) -> None:
        def left() -> list[Seen]:
            return [one for one in below if one.is_alive] + self._baton.strays()

        if not found_within(ORPHAN_SECONDS, lambda: not left()):
            found = left()
            tally.orphans += len(found)
            tally.problems.append(f"alive after {ORPHAN_SECONDS:g} s: {[one.title for one in found]}")

    def _see_recovery(self, victim: Seen, tally: Tally) -> None:
        if not found_within(PATIENCE, lambda: not victim.is_alive and self._baton.is_whole()):
            tally.problems.append(f"not whole again: {sorted(one.role for one in self._baton.family())}")

    def _carried(self, run: int | None, tally: Tally) -> bool:
        if not found_within(PATIENCE, lambda: _ended([run])):
            tally.problems.append(f"#{run}, the canary, did not end")
            return False
        return True

    def _note_time(self, took: float, role: Role, tally: Tally) -> None:
        tally.slowest = max(tally.slowest, round(took, 1))
        if took > role.recovers_within:
            tally.problems.append(f"recovered only after {took:.0f} s")

    def _judge(self, tally: Tally) -> None:
        """Every run that was started so far ends, and ends well."""
        runs = self._trickle.started[self._judged :]
        self._judged += len(runs)
        found_within(END_SECONDS, lambda: _ended(runs))
        verdict = flow.judge(runs)
        tally.lost += verdict.lost
        tally.doubled += verdict.doubled
        tally.problems += verdict.problems + self._trickle.problems
        self._trickle.problems.clear()


def _ended(runs: Iterable[int | None]) -> bool:
    return not Run.objects.filter(pk__in=list(runs)).exclude(status__in=RUN_ENDED).exists()


def measure(rounds: int, workers: int, log: Path, names: Sequence[str]) -> dict[str, Tally]:
    baton, token = Baton(log, workers), flow.prepare()
    roles = [role for role in ROLES if not names or role.name in names]
    try:
        baton.start()
        with Trickle(baton.url, token, roles[0].pace) as trickle:
            matrix = Matrix(baton, trickle)
            _strike_all(matrix, roles * rounds, trickle)
        return matrix.tallies
    finally:
        baton.end()


def _strike_all(matrix: Matrix, roles: Iterable[Role], trickle: Trickle) -> None:
    try:
        for role in roles:
            time.sleep(random.uniform(0, trickle.pace))  # whatever the runs are at by then
            matrix.strike(role)
            sys.stderr.write(f"{role.name}: {matrix.tallies[role.name]}\n"[:400])
    except NothingGoesOnError as error:
        matrix.tallies[str(error)].problems.append("nothing went on, so nothing more was killed")


if __name__ == "__main__":
    end_in_order()
    given = sys.argv[1:]
    found = measure(int(given[0]), int(given[1]), Path(given[2]), given[3:])
    sys.stdout.write(json.dumps({name: asdict(tally) for name, tally in found.items()}) + "\n")
