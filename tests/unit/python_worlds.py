"""What a Python condition sees, and the same as the expressions see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st

KNOWN = ("assess", "a", "b", "load-2")
STATUSES = ["pending", "ready", "running", "waiting", "completed", "failed", "skipped", "cancelled"]


# What Python sees --------------------------------------------------------------------------------------


class Status(str):
    """Older definitions met statuses as members of an enumeration, and as text."""

    __slots__ = ()

    @property
    def value(self) -> str:
        return str(self)


class TaskStatus:
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass
class Seen:
    """What a condition could look at."""

    id: str = "w"
    name: str = "nightly"
    metadata: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, SimpleNamespace] = field(default_factory=dict)


workflow = Seen()
params: dict[str, Any] = {}


def look_at(world: dict[str, Any]) -> dict[str, Any]:
    """Let the lambdas see this world; the same as the context of an expression."""
    workflow.metadata, workflow.parameters = world["metadata"], world["params"]
    workflow.tasks = {
        key: SimpleNamespace(
            status=Status(task["status"]), result=task["output"], error=task["error"], attempts=1
        )
        for key, task in world["tasks"].items()
    }
    params.clear()
    params.update(world["params"])
    seen = {"id": workflow.id, "name": workflow.name, "metadata": world["metadata"]}
    tasks = {key: task | {"attempts": 1} for key, task in world["tasks"].items()}
    return {"workflow": seen, "tasks": tasks, "params": world["params"], "run": {"id": "r"}}


@dataclass(frozen=True)
class Pair:
    """A condition of an older definition, and what Python makes of it."""

    source: str
    meant: Callable[[], Any]

    def __str__(self) -> str:
        return self.source


def pair(source: str, meant: Callable[[], Any]) -> Pair:
    return Pair(source, meant)


# The worlds a condition may find. Of 0 and false, 1 and true the two languages think differently (a boolean is no number
# here), so that each key holds one kind of value; each may be missing.
_NUMBERS = st.sampled_from([0, 1, 2, 3, 7, -4, 2.5, 0.0, 100])
_TEXTS = st.sampled_from(["", "high", "low", "High", "x", "a,b", "3"])
_METADATA = st.fixed_dictionaries(
    {},
    optional={
        "approval_level": _NUMBERS,
        "level": _NUMBERS,
        "amount": _NUMBERS,
        "name": _TEXTS,
        "priority": _TEXTS,
        "flag": st.booleans(),
        "none": st.none(),
        "tags": st.lists(_TEXTS, max_size=3),
        "scores": st.lists(_NUMBERS, max_size=3),
        "limits": st.fixed_dictionaries(
            {}, optional={"max": _NUMBERS, "inner": st.fixed_dictionaries({"max": _NUMBERS})}
        ),
        "a b": _TEXTS,
        "in": _TEXTS,
    },
)
_OUTPUT = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "priority": _TEXTS,
        "rows": _NUMBERS,
        "ok": st.booleans(),
        "items": st.lists(_NUMBERS, max_size=3),
    },
)
_TASK = st.fixed_dictionaries(
    {"status": st.sampled_from(STATUSES), "output": _OUTPUT, "error": st.none() | _TEXTS}
)
WORLDS = st.fixed_dictionaries(
    {
        "metadata": _METADATA,
        "params": st.fixed_dictionaries({}, optional={"size": _NUMBERS, "env": _TEXTS}),
        "tasks": st.fixed_dictionaries(dict.fromkeys(KNOWN, _TASK)),
    }
)
