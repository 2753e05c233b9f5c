"""The memory of a whole `baton up`, by what its processes are for."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from tests.benchmarks import served


def by_role(keeper: int) -> dict[str, float]:
    """Megabytes, shared pages counted in proportion. The processes a cluster forks and replaces are one figure."""
    found: dict[str, float] = defaultdict(float)
    roles = {keeper: "keeper"}
    for pid in served.family(keeper)[1:]:
        roles[pid] = role = _role(pid, roles.get(served.parent(pid), ""))
        found[role] += served.pss_kb(pid) / 1024
    found["keeper"] = served.pss_kb(keeper) / 1024
    return dict(found)


def _role(pid: int, parent: str) -> str:
    if parent == "keeper":
        return _name(pid)
    return {"workers": "sentinel", "sentinel": "forks"}.get(parent, f"child of {parent}")


def _name(pid: int) -> str:
    """web, workers or clock: what the command line tells it to be."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "gone"
    return words[words.index("be") + 1] if "be" in words else "other"
