"""The workflows that are measured: no-op tasks in the shapes that matter."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from orchestrator import engine
from orchestrator.definition import formats
from orchestrator.models import Workflow

_DATA = Path(os.environ.get("BATON_WFCOMMONS") or Path(__file__).parents[3] / "shared" / "data" / "wfcommons")
MONTAGE = _DATA / "montage-chameleon-2mass-03d-001.json"


def task(*after: str) -> dict[str, Any]:
    return {
        "action": "agent_task",
        "agent_id": "system",
        "dependencies": list(after),
        "execution_mode": "parallel",
    }


def chain(length: int) -> Workflow:
    tasks = {f"t{n}": task(f"t{n - 1}") if n else task() for n in range(length)}
    return _saved(f"chain-{length}", tasks)


def fan(width: int) -> Workflow:
    """One task, then `width` of them, then one."""
    middle = {f"m{n}": task("first") for n in range(width)}
    return _saved(f"fan-{width}", {"first": task(), **middle, "last": task(*middle)})


def wide(width: int) -> Workflow:
    """Tasks that have nothing to do with each other."""
    return _saved(f"wide-{width}", {f"w{n}": task() for n in range(width)})


def diamond() -> Workflow:
    """One, three, one."""
    sides = {name: task("top") for name in ("left", "middle", "right")}
    return _saved("diamond", {"top": task(), **sides, "bottom": task(*sides)})


def montage() -> Workflow | None:
    """The largest of the real runs; None where it is not there."""
    if not MONTAGE.exists():
        return None
    return engine.save_workflow(formats.read(MONTAGE.read_bytes(), MONTAGE.name), key="montage")


def _saved(key: str, tasks: dict[str, Any]) -> Workflow:
    return engine.save_workflow({"name": key, "version": "2.0.0", "tasks": tasks}, key=key)
