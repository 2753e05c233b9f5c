"""Whether a task may run, given how its dependencies ended."""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    WAIT = "wait"
    RUN = "run"
    SKIP = "skip"


def judge(join: str, total: int, waits_for: int, ok: int, bad: int) -> Verdict:
    """The verdict for a task with `total` dependencies, of which `waits_for` are unsettled, `ok` count as completed
    and `bad` failed or were cancelled; the rest were skipped."""
    if total == 0:
        return Verdict.RUN
    if join == "first_succeeded" and ok:
        return Verdict.RUN
    if waits_for:
        return Verdict.WAIT
    met = {
        "any_succeeded": bad == 0 and ok > 0,
        "all_succeeded": ok == total,
        "all_settled": True,
        "first_succeeded": False,
    }[join]
    return Verdict.RUN if met else Verdict.SKIP
