"""What steps that become a workflow of their own are given there, and what they give back, with their references rewritten."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from editor.operations.documents import got
from editor.operations.errors import OperationError
from editor.operations.graph import Definition, tasks_of
from editor.operations.pasting import fresh_keys
from orchestrator.definition.issues import show
from orchestrator.definition.normal import member_reference, normal_task, task_reference
from orchestrator.definition.renaming import rewrite_in_task

_ROOTS = ("tasks", "params", "run", "workflow")
_KEY_LENGTH = 64
_OWN_OPERATIONS = ("dependencies", "position", "action")  # no expression stands in these


class Inputs:
    """What the steps name that is not among them: parameters of the new workflow, which the step that starts it passes.

    Parameters of the old workflow keep name and declaration. Outputs of steps that stay, and the run and the workflow as
    which they were started, become parameters that take anything: a step that was skipped gives null. Secrets and `now`
    are the same everywhere.
    """

    def __init__(self, draft: Definition, inside: Collection[str]) -> None:
        self._tasks = tasks_of(draft)
        declared = got(draft, ("parameters",))
        self._declared: dict[str, Any] = declared if isinstance(declared, dict) else {}
        self._inside = inside
        self._kept: set[str] = set()
        self._given: dict[str, str] = {}  # what it is in the old workflow → the parameter

    def rewritten(self, key: str) -> Any:
        """The step as it stands in the new workflow, but for its dependencies."""
        return rewrite_in_task(normal_task(self._tasks[key]), self._rewrite, _ROOTS)

    def declarations(self) -> dict[str, Any]:
        kept = {name: spec for name, spec in self._declared.items() if name in self._kept}
        return kept | {
            name: {"type": "any", "description": f"What {source} is where this is started."}
            for source, name in self._given.items()
        }

    def passed(self) -> dict[str, str]:
        """What the step that starts it gives them."""
        open_ones = self.open_ones()
        sources = {name: member_reference("params", name) for name in self._declared if name in self._kept}
        sources |= {name: f"has({sources[name]}) ? {sources[name]} : null" for name in open_ones}
        sources |= {name: source for source, name in self._given.items()}
        return {name: "{{ " + source + " }}" for name, source in sources.items()}

    def open_ones(self) -> list[str]:
        """The parameters of the old workflow without which a run may be started: they are null in the new one then."""
        return [
            name
            for name, spec in self._declared.items()
            if name in self._kept
            and isinstance(spec, dict)
            and spec.get("required") is not True
            and spec.get("default") is None
        ]

    def _rewrite(self, chain: tuple[str, ...]) -> tuple[int, str] | None:
        match chain:
            case ("tasks", key, *_) if key in self._inside or key not in self._tasks:
                return None  # it stays; or there is none, which the check of the new workflow tells
            case ("tasks", key, member, *_):
                wish = key if member == "output" else f"{key}_{member}"
                return 3, self._parameter(member_reference(task_reference(key), member), wish)
            case ("tasks", key):
                return 2, self._parameter(task_reference(key), f"{key}_task")
            case ("params", name, *_):
                self._kept.update({name} & self._declared.keys())
            case ("params",):
                self._kept.update(self._declared)
            case ("run" | "workflow" as root, member, *_):
                return 2, self._parameter(member_reference(root, member), f"{root}_{member}")
            case ("run" | "workflow" as root,):
                return 1, self._parameter(root, root)
        return None

    def _parameter(self, source: str, wish: str) -> str:
        if source not in self._given:
            taken = (*self._declared, *self._given.values())
            (self._given[source],) = fresh_keys([wish[:_KEY_LENGTH]], taken).values()
        return member_reference("params", self._given[source])


class Outputs:
    """What is left of the outputs of the steps to those that stay: the run that is started gives the outputs of its last
    steps, and the step that starts it passes them on."""

    def __init__(self, draft: Definition, inside: Collection[str], last: Collection[str], step: str) -> None:
        self._tasks = tasks_of(draft)
        self._inside, self._last = inside, last
        self._place = f"{task_reference(step)}.output.output"
        self._lost: list[str] = []

    def operations(self) -> list[dict[str, Any]]:
        """What makes the steps that stay name the outputs where they are now.

        Raises OperationError for what they name that is nowhere.
        """
        found: list[dict[str, Any]] = []
        for key, task in self._tasks.items():
            if key not in self._inside and isinstance(task, dict):
                found += self._of_task(key, task)
        return found

    def _of_task(self, key: str, task: dict[str, Any]) -> list[dict[str, Any]]:
        self._lost = []
        rewrite_in_task(
            normal_task(task), self._rewrite, ("tasks",)
        )  # conditions of other forms name tasks, too
        if self._lost:
            raise OperationError("needed_outside", self._refusal(key, self._lost[0]), f"tasks.{key}")
        after = rewrite_in_task(task, self._rewrite, ("tasks",))
        return [
            {"op": "set", "key": key, "field": [field], "value": value}
            for field, value in after.items()
            if value != task[field] and field not in _OWN_OPERATIONS
        ]

    def _rewrite(self, chain: tuple[str, ...]) -> tuple[int, str] | None:
        match chain:
            case ("tasks", key, "output", *_) if key in self._last:
                return 3, member_reference(self._place, key)
            case ("tasks", key, *members) if key in self._inside:
                self._lost.append(".".join((task_reference(key), *members[:1])))
        return None

    def _refusal(self, key: str, named: str) -> str:
        last = ", ".join(show(one) for one in self._last)
        return (
            f"{show(key)} names {named}, and a workflow gives back the outputs of its last steps alone, here of {last}. "
            f"Extract {show(key)} as well, or leave out what it names."
        )
