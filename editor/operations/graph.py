"""Tasks and the connections between them, as operations change them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from editor.operations.documents import got, in_order, is_names, put, without
from editor.operations.errors import OperationError
from orchestrator.definition.graph import CycleError, topological_order
from orchestrator.definition.issues import show
from orchestrator.definition.names import KEY_RULE, did_you_mean, is_key, nearest
from orchestrator.definition.renaming import rename_in_task

Definition = dict[str, Any]


def tasks_of(definition: Definition) -> dict[str, Any]:
    tasks = definition.get("tasks")
    return tasks if isinstance(tasks, dict) else {}


def dependencies_of(definition: Definition, key: str) -> list[str]:
    found = got(definition, ("tasks", key, "dependencies"))
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def order_of_work(definition: Definition) -> list[str]:
    """The keys, each after those it waits for; in definition order where they wait for each other."""
    tasks = tasks_of(definition)
    edges = {key: [one for one in dependencies_of(definition, key) if one in tasks] for key in tasks}
    try:
        return list(topological_order(edges))
    except CycleError:
        return list(tasks)


def known(definition: Definition, key: str) -> str:
    """The key, if there is such a task."""
    tasks = tasks_of(definition)
    if key not in tasks or not isinstance(tasks[key], dict):
        hint = nearest(key, tasks)
        raise OperationError(
            "unknown_task", f"There is no task {show(key)}.{did_you_mean(hint)}", f"tasks.{key}"
        )
    return key


def free(definition: Definition, key: str) -> str:
    """The key, if a task may be given it."""
    if not is_key(key):
        raise OperationError("bad_key", f"{show(key)} cannot be a key: it is {KEY_RULE}.", "tasks")
    if key in tasks_of(definition):
        raise OperationError(
            "task_exists", f"There is a task {show(key)} already; choose another key.", f"tasks.{key}"
        )
    return key


def add(definition: Definition, key: str, task: Mapping[str, Any], before: str | None = None) -> Definition:
    free(definition, key)
    keys = list(tasks_of(definition))
    at = keys.index(known(definition, before)) if before is not None else None
    whole = definition if isinstance(definition.get("tasks"), dict) else {**definition, "tasks": {}}
    found: Definition = put(whole, ("tasks", key), dict(task), at)
    for dependency in dependencies_of(found, key):
        _refuse_loop(found, known(definition, dependency), key)
    return found


def remove(definition: Definition, key: str) -> Definition:
    """The task, and every connection to it."""
    found: Definition = without(definition, ("tasks", known(definition, key)))
    for behind in successors_of(definition, key):
        found = without(found, ("tasks", behind, "dependencies", key))
    return _in_groups(found, lambda keys: [one for one in keys if one != key])


def remove_joined(definition: Definition, key: str) -> Definition:
    """The task goes, and what stood behind it stands behind what stood before it."""
    before = dependencies_of(definition, known(definition, key))
    found = definition
    for behind in successors_of(definition, key):
        for dependency in before:
            if dependency not in dependencies_of(found, behind):
                found = connect(found, dependency, behind)
    return remove(found, key)


def connect(definition: Definition, origin: str, to: str) -> Definition:
    known(definition, origin)
    known(definition, to)
    if origin in dependencies_of(definition, to):
        text = f"{show(to)} runs after {show(origin)} already."
        raise OperationError("already_connected", text, f"tasks.{to}.dependencies")
    _refuse_loop(definition, origin, to)
    value = got(definition, ("tasks", to, "dependencies"))
    whole = [*value, origin] if isinstance(value, list) else [origin]
    found: Definition = put(definition, ("tasks", to, "dependencies"), whole)
    return found


def disconnect(definition: Definition, origin: str, to: str) -> Definition:
    value = got(definition, ("tasks", known(definition, to), "dependencies"))
    if not isinstance(value, list) or origin not in value:
        text = f"{show(to)} does not run after {show(origin)}."
        raise OperationError("not_connected", text, f"tasks.{to}.dependencies")
    rest = [one for one in value if one != origin]
    found: Definition = put(definition, ("tasks", to, "dependencies"), rest)
    return found


def splice(definition: Definition, key: str, origin: str, to: str) -> Definition:
    """Put a task into a connection."""
    found = disconnect(definition, origin, to)
    if origin not in dependencies_of(found, known(found, key)):
        found = connect(found, origin, key)
    return found if key in dependencies_of(found, to) else connect(found, key, to)


def rename(definition: Definition, key: str, to: str) -> Definition:
    """Another key, in its place, and wherever the task is named: dependencies and expressions."""
    free(definition, to)
    known(definition, key)
    return with_names(definition, {key: to})


def with_names(definition: Definition, names: Mapping[str, str]) -> Definition:
    """The same for many at once, old key → new key, whether or not they are keys of tasks."""
    tasks = {names.get(name, name): renamed_in(task, names) for name, task in tasks_of(definition).items()}
    return _in_groups({**definition, "tasks": tasks}, lambda keys: [names.get(one, one) for one in keys])


def order(definition: Definition, key: str, before: str | None = None) -> Definition:
    """The task stands before this one in the definition, or last: sequential tasks run in that order."""
    keys = [name for name in tasks_of(definition) if name != known(definition, key)]
    place = keys.index(known(definition, before)) if before not in (None, key) else len(keys)
    if before == key:
        return definition
    found: Definition = in_order(definition, ("tasks",), [*keys[:place], key, *keys[place:]])
    return found


def move(definition: Definition, positions: Mapping[str, Any]) -> Definition:
    """Where tasks stand on the canvas; null: wherever the layout puts them."""
    found = definition
    for key, position in positions.items():
        path = ("tasks", known(definition, key), "position")
        found = (
            without(found, path) if position is None else put(found, path, point(position, ".".join(path)))
        )
    return found


def successors_of(definition: Definition, key: str) -> list[str]:
    return [other for other in tasks_of(definition) if key in dependencies_of(definition, other)]


def renamed_in(task: Any, names: Mapping[str, str]) -> Any:
    """The task with the new keys in its expressions and dependencies."""
    found = rename_in_task(task, names)
    needs = found.get("dependencies") if isinstance(found, dict) else None
    if not isinstance(needs, list) or not any(isinstance(one, str) and one in names for one in needs):
        return found
    after = [names.get(one, one) if isinstance(one, str) else one for one in needs]
    return {**found, "dependencies": after}


def _in_groups(definition: Definition, change: Callable[[list[str]], list[str]]) -> Definition:
    """The groups with other keys in them."""
    groups = got(definition, ("metadata", "canvas", "groups"))
    for name, group in groups.items() if isinstance(groups, dict) else ():
        keys = got(group, ("tasks",))
        if is_names(keys) and (new := change(keys)) != keys:
            definition = put(definition, ("metadata", "canvas", "groups", name, "tasks"), new)
    return definition


def _refuse_loop(definition: Definition, origin: str, to: str) -> None:
    trail = _trail(definition, origin, to)
    if trail:
        loop = " → ".join([*trail, trail[0]])
        text = f"{show(to)} cannot run after {show(origin)}: they would wait for each other ({loop})."
        raise OperationError("cycle", text, f"tasks.{to}.dependencies")


def _trail(definition: Definition, origin: str, to: str) -> Sequence[str]:
    """The shortest way from `to` to `origin`; empty when there is none."""
    came_from: dict[str, str] = {origin: ""}
    queue = [origin]
    for key in queue:
        if key == to:
            return _unwound(came_from, to)
        for before in dependencies_of(definition, key):
            if before not in came_from:
                came_from[before] = key
                queue.append(before)
    return ()


def _unwound(came_from: Mapping[str, str], key: str) -> list[str]:
    trail = [key]
    while key := came_from[key]:
        trail.append(key)
    return trail


def point(value: Any, path: str) -> dict[str, float]:
    """{x, y}, if it is that."""
    if not isinstance(value, dict) or not all(is_number(value.get(name)) for name in ("x", "y")):
        raise OperationError("wrong_type", "A position is {x, y}, two numbers.", path)
    return {"x": value["x"], "y": value["y"]}


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
