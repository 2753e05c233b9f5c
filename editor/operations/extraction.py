"""Some steps become a workflow of their own, and one step that starts it and waits for it stands in their place.

What ran before them runs before it, what ran after them runs after it. Notes stay where they are; a group goes with its
steps, and where they are only some of a group the new step is in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from editor.operations.documents import as_map, got, is_names
from editor.operations.errors import OperationError
from editor.operations.graph import (
    Definition,
    dependencies_of,
    is_number,
    known,
    tasks_of,
)
from editor.operations.handing import Inputs, Outputs
from editor.operations.pasting import fresh_keys
from orchestrator.definition import CURRENT, language
from orchestrator.definition.graph import Ancestry
from orchestrator.definition.issues import show

_SETTINGS = ("max_parallel", "on_failure", "rollback_limit", "review_required")


@dataclass(frozen=True, slots=True)
class Extraction:
    """`definition` is the new workflow's, `step` the key of what starts it, `notes` what is otherwise than it was."""

    definition: Definition
    step: str
    notes: tuple[str, ...]
    _task: Mapping[str, Any]
    _before: Sequence[Mapping[str, Any]]
    _after: Sequence[Mapping[str, Any]]
    _first: str

    def operations(self, workflow_id: str) -> list[dict[str, Any]]:
        """What is done to the draft once the new workflow has this id."""
        given = self._task["parameters"]
        task = {**self._task, "parameters": {"workflow_id": workflow_id, **given}}
        add = {"op": "add", "key": self.step, "task": task, "before": self._first}
        return [dict(one) for one in (*self._before, add, *self._after)]


def extraction(draft: Definition, keys: Sequence[str], name: str, step: str = "") -> Extraction:
    """Raises OperationError where these steps cannot be taken out; its message says why, and what to do instead.

    `step` is the key that is wished for the new step; it gets a number where that is taken.
    """
    inside = _chosen(draft, keys)
    _refuse_ways_round(draft, inside)
    _refuse_split_checkpoints(draft, inside)
    (step,) = fresh_keys([step or "extracted"], tasks_of(draft)).values()
    inputs = Inputs(draft, inside)
    tasks = {key: _among(inputs.rewritten(key), inside) for key in inside}
    last = [key for key in inside if not any(key in dependencies_of(draft, other) for other in inside)]
    parameters = inputs.declarations()
    outputs = Outputs(draft, inside, last, step).operations()
    definition = {
        "name": name,
        "version": CURRENT,
        "description": f"Was a part of {draft.get('name') or 'another workflow'}.",
        **_groups_inside(draft, inside),
        **({"parameters": parameters} if parameters else {}),
        **_settings(draft),
        "tasks": tasks,
    }
    behind = [key for key in tasks_of(draft) if key not in inside and _needs_any(draft, key, inside)]
    return Extraction(
        definition=definition,
        step=step,
        notes=(*_notes(draft, inside, behind), *_open_notes(inputs.open_ones())),
        _task=_starting(draft, inside, name, inputs.passed()),
        _before=[{"op": "group", "id": one, "group": None} for one in _whole_groups(draft, inside)],
        _after=[
            *({"op": "connect", "from": step, "to": key} for key in behind),
            *_groups_around(draft, inside, step),
            *({"op": "remove", "key": key} for key in inside),
            *outputs,
        ],
        _first=inside[0],
    )


def _chosen(draft: Definition, keys: Sequence[str]) -> list[str]:
    """The steps, in the order of the definition."""
    wanted = {known(draft, key) for key in keys}
    if not wanted:
        raise OperationError(
            "nothing_chosen", "Choose the steps that are to be a workflow of their own.", "steps"
        )
    return [key for key in tasks_of(draft) if key in wanted]


def _refuse_ways_round(draft: Definition, inside: Sequence[str]) -> None:
    """Nothing may stand between the steps: it would run after the new step and before it."""
    ancestry = Ancestry({key: dependencies_of(draft, key) for key in tasks_of(draft)})
    own = ancestry.bits(inside)
    above = reduce(lambda bits, key: bits | ancestry.above(key), inside, 0)
    for key in ancestry.named(above & ~own):
        if ancestry.above(key) & own:
            first = next(ancestry.named(ancestry.above(key) & own))
            then = next(one for one in inside if ancestry.is_upstream(key, one))
            text = (
                f"{show(key)} runs after {show(first)} and before {show(then)}, so it would have to run within the new step. "
                f"Extract it as well, or fewer steps."
            )
            raise OperationError("not_convex", text, f"tasks.{key}")


def _refuse_split_checkpoints(draft: Definition, inside: Collection[str]) -> None:
    """A run is rolled back to a checkpoint of its own."""
    recorders = {_checkpoint(key, task): key for key, task in _maps(tasks_of(draft))}
    for key, task in (*_maps(tasks_of(draft)), ("", got(draft, ("settings",)))):
        name = got(task, ("on_failure", "checkpoint"))
        recorder = recorders.get(name) if isinstance(name, str) and name else None
        if recorder is None or (recorder in inside) == (key in inside):
            continue
        if not key:
            text = f"The workflow is rolled back to the checkpoint {show(name)}, which {show(recorder)} records: leave that out."
            raise OperationError("checkpoint_apart", text, "settings.on_failure")
        text = (
            f"{show(key)} is rolled back to the checkpoint {show(name)}, which {show(recorder)} records: "
            "they can only be in the same workflow. Extract both, or neither."
        )
        raise OperationError("checkpoint_apart", text, f"tasks.{key}.on_failure")


def _checkpoint(key: str, task: Mapping[str, Any]) -> str:
    name = task.get("checkpoint")
    return key if name is True else name if isinstance(name, str) else ""


def _maps(tasks: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((key, task) for key, task in tasks.items() if isinstance(task, dict))


def _among(task: Any, inside: Collection[str]) -> Any:
    """Without what it needs of the steps that stay; a join says nothing where nothing is needed."""
    needs = task.get("dependencies")
    if not isinstance(needs, list):
        return task
    left = [one for one in needs if one in inside]
    return {
        name: left if name == "dependencies" else value
        for name, value in task.items()
        if left or name != "join" or not needs
    }


def _settings(draft: Definition) -> dict[str, Any]:
    """What holds for each step. A checkpoint that all are rolled back to stays behind, and so the new step is."""
    settings = got(draft, ("settings",))
    if not isinstance(settings, dict):
        return {}
    kept = {name: settings[name] for name in _SETTINGS if name in settings}
    if got(kept, ("on_failure", "checkpoint")):
        del kept["on_failure"]
    return {"settings": kept} if kept else {}


# The step that starts it


def _starting(
    draft: Definition, inside: Sequence[str], name: str, passed: Mapping[str, str]
) -> dict[str, Any]:
    tasks = tasks_of(draft)
    before = {one for key in inside for one in _outer(draft, key, inside)}
    joins = {tasks[key].get("join") for key in inside if _outer(draft, key, inside)}
    task: dict[str, Any] = {
        "name": name,
        "action": language.WORKFLOW_TRIGGER,
        "parameters": {"parameters": dict(passed), "wait": True} if passed else {"wait": True},
        "dependencies": [key for key in tasks if key in before],
    }
    if len(joins) == 1 and (join := joins.pop()) is not None:
        task["join"] = join
    if any(tasks[key].get("execution_mode") == "parallel" for key in inside):
        task["execution_mode"] = "parallel"
    return task | _middle(tasks[key].get("position") for key in inside)


def _middle(positions: Iterator[Any]) -> dict[str, Any]:
    """Of the places that are known, if any are."""
    places = [one for one in positions if all(is_number(got(one, (axis,))) for axis in ("x", "y"))]
    if not places:
        return {}
    middle = {
        axis: round((min(one[axis] for one in places) + max(one[axis] for one in places)) / 2)
        for axis in ("x", "y")
    }
    return {"position": middle}


def _outer(draft: Definition, key: str, inside: Collection[str]) -> list[str]:
    return [one for one in dependencies_of(draft, key) if one in tasks_of(draft) and one not in inside]


def _needs_any(draft: Definition, key: str, some: Collection[str]) -> bool:
    return any(one in some for one in dependencies_of(draft, key))


def _notes(draft: Definition, inside: Sequence[str], behind: Sequence[str]) -> Iterator[str]:
    """What a run does otherwise now."""
    starts = {
        frozenset(outer)
        for key in inside
        if (outer := _outer(draft, key, inside)) or not _needs_any(draft, key, inside)
    }
    if len(starts) > 1:
        names = ", ".join(key for key in tasks_of(draft) if any(key in one for one in starts))
        yield f"Not all of these steps waited for the same before; now none of them begins before {names} have ended."
    if behind and any(tasks_of(draft)[key].get("conditions") for key in inside):
        yield (
            "Where a condition has one of these steps skipped, what ran after it was skipped as well; now "
            f"{', '.join(behind)} runs whenever the new workflow completes."
        )


def _open_notes(names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"In a run that is started without {', '.join(names)}, these steps find null there, not nothing."


# Groups


def _groups(draft: Definition) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    groups = as_map(got(draft, ("metadata", "canvas", "groups"))) or {}
    for name, group in groups.items():
        keys = got(group, ("tasks",))
        if is_names(keys) and keys:
            yield name, group, keys


def _whole_groups(draft: Definition, inside: Collection[str]) -> list[str]:
    return [name for name, _, keys in _groups(draft) if all(key in inside for key in keys)]


def _groups_inside(draft: Definition, inside: Collection[str]) -> dict[str, Any]:
    whole = _whole_groups(draft, inside)
    groups = {name: group for name, group, _ in _groups(draft) if name in whole}
    return {"metadata": {"canvas": {"groups": groups}}} if groups else {}


def _groups_around(draft: Definition, inside: Sequence[str], step: str) -> Iterator[dict[str, Any]]:
    """The step takes the place of the others in a group that held them all, and more."""
    for name, group, keys in _groups(draft):
        if len(keys) > len(inside) and all(key in keys for key in inside):
            after = [step if key == inside[0] else key for key in keys]
            yield {"op": "group", "id": name, "group": {**group, "tasks": after}}
