"""What a test run of a draft is made of: the tasks it does in earnest, what stands in for others, what it leaves out.

Pure: drafts, scopes and stand-ins in, a definition for `engine.start_trial` out. Before what is tried stands what it
may look at, each task with its outcome; behind it stands nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from editor.operations.graph import dependencies_of, tasks_of
from orchestrator.definition import DefinitionError, Issue, migrate
from orchestrator.definition.expressions import ExpressionError, Reference, compile_expression
from orchestrator.definition.graph import successors
from orchestrator.definition.issues import at, show
from orchestrator.definition.language import APPROVAL_GATE
from orchestrator.definition.normal import approver_names, levels_of_gate, normalise, task_reference
from orchestrator.definition.strict_json import check_value
from orchestrator.planning.inline import references as check_references
from orchestrator.planning.plan import CONDITION_CHECK, Plan, PlanTask
from orchestrator.planning.stand_ins import NOTHING, STAND_IN, Outcome, Source, StandIn

Kind = Literal["all", "from", "to", "only"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

MAX_OUTPUT: Final = 1024**2  # bytes of JSON that may stand in for one task, as many as it may give
MAX_WORDS: Final = 2_000  # of an error, a comment
_GIVEN: Final = ("output", "status", "error", "decision", "by", "comment", "fields")
_KEPT_AT_ITS_PLACE: Final = ("id", "name", "description", "checkpoint", "position", "dependencies")
_KEPT_IN_SCOPE: Final = (*_KEPT_AT_ITS_PLACE, "join", "execution_mode", "on_failure")
_PER_ITEM: Final = frozenset({"item", "index"})


@dataclass(frozen=True, slots=True)
class Scope:
    """Which part of the draft is tried: all of it, or what begins with, ends with or is one task."""

    kind: Kind = "all"
    task: str = ""


@dataclass(frozen=True, slots=True)
class Division:
    """Every task once, each part in definition order: what is tried, what stands before that, and the rest."""

    scope: tuple[str, ...]
    before: tuple[str, ...]
    left_out: tuple[str, ...]


def divided(draft: dict[str, Any], scope: Scope) -> Division:
    """The tasks of any draft, however wrong it is, by what a trial of this scope does with them."""
    keys = list(tasks_of(draft))
    edges = {key: [one for one in dependencies_of(draft, key) if one in tasks_of(draft)] for key in keys}
    if scope.kind == "all":
        return Division(tuple(keys), (), ())
    start = [scope.task] if scope.task in edges else []
    ways: dict[str, Mapping[str, Sequence[str]]] = {"from": successors(edges), "to": edges, "only": {}}
    tried = _reached(start, ways[scope.kind])
    before = _reached(tried, edges) - tried
    return Division(
        tuple(key for key in keys if key in tried),
        tuple(key for key in keys if key in before),
        tuple(key for key in keys if key not in tried and key not in before),
    )


def _reached(start: Iterable[str], ways: Mapping[str, Sequence[str]]) -> set[str]:
    found = set(start)
    frontier = list(found)
    while frontier:
        for key in ways.get(frontier.pop(), ()):
            if key not in found:
                found.add(key)
                frontier.append(key)
    return found


# The definition


def assembled(
    draft: dict[str, Any], division: Division, stand_ins: Mapping[str, StandIn]
) -> tuple[dict[str, Any], dict[str, StandIn]]:
    """The definition that is run, and what stands in for its tasks: all of those before the scope, and some in it.

    What is left out is not looked at, so a draft may be tried that is wrong elsewhere.
    """
    canonical = normalise(migrate(draft).data)
    tasks = tasks_of(canonical)
    kept = [key for key in tasks if key in {*division.scope, *division.before}]
    before = set(division.before)
    checkpoints = {_checkpoint(key, tasks[key]) for key in kept}
    found: dict[str, Any] = {}
    used: dict[str, StandIn] = {}
    for key in kept:
        task = tasks[key]
        if isinstance(task, dict) and (key in before or key in stand_ins):
            used[key] = stand_ins.get(key, NOTHING)
            task = _outside(task) if key in before else _inside(task)
        found[key] = _without_lost_checkpoint(task, checkpoints)
    settings = canonical.get("settings")
    changed = {} if settings is None else {"settings": _without_lost_checkpoint(settings, checkpoints)}
    return {**canonical, **changed, "tasks": found}, used


def _outside(task: Mapping[str, Any]) -> dict[str, Any]:
    """It settles at once, whatever became of those before it: their outcomes come from the same hand."""
    kept = {name: task[name] for name in _KEPT_AT_ITS_PLACE if name in task}
    return {**kept, "action": STAND_IN, "join": "all_settled", "execution_mode": "parallel"}


def _inside(task: Mapping[str, Any]) -> dict[str, Any]:
    """Whether it comes to the task is decided in earnest, and what its failure leads to; only the work is not done."""
    kept = {name: task[name] for name in _KEPT_IN_SCOPE if name in task}
    conditions = task.get("conditions")
    if isinstance(conditions, list):
        whole = [one for one in conditions if not _is_per_item(one)]
        kept |= {"conditions": whole} if whole else {}
        if not whole and kept.get("execution_mode") == "conditional":
            kept["execution_mode"] = "sequential"
    return {**kept, "action": STAND_IN}


def _is_per_item(condition: Any) -> bool:
    """Whether it decides on items of a for_each, which are not made where the whole is given."""
    try:
        named = compile_expression(condition).references
    except ExpressionError:
        return False
    return any(reference.root in _PER_ITEM for reference in named)


def _checkpoint(key: str, task: Any) -> Any:
    """The name of the checkpoint that it records."""
    name = task.get("checkpoint") if isinstance(task, dict) else None
    return key if name is True else name if isinstance(name, str) else None


def _without_lost_checkpoint(value: Any, checkpoints: set[Any]) -> Any:
    """A way back to a checkpoint that is not part of the trial leads to the latest."""
    failure = value.get("on_failure") if isinstance(value, dict) else None
    if not isinstance(failure, dict):
        return value
    name = failure.get("checkpoint")
    if not isinstance(name, str) or name in checkpoints:
        return value
    return {**value, "on_failure": {key: one for key, one in failure.items() if key != "checkpoint"}}


# What expressions look at


def missing(plan: Plan, stand_ins: Mapping[str, StandIn]) -> list[Issue]:
    """What an expression of the trial reads and nobody said: each output once for each task that reads it."""
    unknown = {key for key, one in stand_ins.items() if one.source == "nothing"}
    found: dict[tuple[str, str], Issue] = {}
    for task in plan.tasks.values() if unknown else ():
        for reference in _read_by(task):
            if _is_output(reference) and reference.path[0] in unknown:
                read = reference.path[0]
                found[task.key, read] = _unread(task, plan.tasks[read])
    return [found[place] for place in sorted(found, key=lambda one: (plan.tasks[one[0]].order, one[1]))]


def _unread(reader: PlanTask, read: PlanTask) -> Issue:
    text = (
        f"{reader.name} reads {task_reference(read.key)}.output; pin its output, take that of a past run, "
        f"or run from {read.name}."
    )
    return Issue(at("tasks", reader.key), "missing_data", text, hint=read.key)


def _is_output(reference: Reference) -> bool:
    return reference.root == "tasks" and (reference.path[1:2] or ("output",)) == ("output",)


def _read_by(task: PlanTask) -> Iterator[Reference]:
    for expression in (*task.conditions, *task.item_conditions):
        yield from expression.references
    if task.action == STAND_IN:
        return
    if task.for_each is not None:
        yield from task.for_each.references
    yield from task.agent.references
    if task.action == CONDITION_CHECK:
        yield from check_references(dict(task.raw_parameters))
    else:
        yield from task.parameters.references
    if task.gate is not None:
        yield from task.gate.timeout.references


# What people give in place of work


def stand_in_of(given: Any, source: Source, path: str, action: str = "") -> StandIn:
    """From `{output}`, `{status, output?, error?}` or, for an approval, `{decision, by?, comment?, fields?}`.

    Raises DefinitionError that says where and how it is wrong.
    """
    issues = [*_faults(given, path, action)]
    if issues:
        raise DefinitionError(issues)
    if "decision" in given:
        return _decided(given, source)
    outcome: Outcome = given.get("status", "completed")
    error = _error(given.get("error")) if outcome == "failed" else None
    return StandIn(source, outcome, given.get("output"), error)


def _faults(given: Any, path: str, action: str) -> Iterator[Issue]:
    if not isinstance(given, dict):
        yield Issue(path, "wrong_type", f"This is a map such as {{output: …}}; it is {show(given)}.")
        return
    for name in given:
        if name not in _GIVEN:
            yield Issue(
                at(path, name),
                "unknown_field",
                f"There is no {show(name)} here; there are {', '.join(_GIVEN)}.",
            )
    yield from check_value(given, path, max_bytes=MAX_OUTPUT)
    outcome = given.get("status", "completed")
    if outcome not in get_args(Outcome):
        text = f"A status is one of {', '.join(get_args(Outcome))}; this is {show(outcome)}."
        yield Issue(at(path, "status"), "not_in_enum", text)
    yield from _faults_of_words(given, path)
    yield from _faults_of_decision(given, path, action)


def _faults_of_words(given: Mapping[str, Any], path: str) -> Iterator[Issue]:
    for name in ("by", "comment"):
        if not isinstance(given.get(name, ""), str):
            yield Issue(at(path, name), "wrong_type", f"This is a text; it is {show(given[name])}.")
    error = given.get("error", "")
    message = error.get("message", "") if isinstance(error, dict) else error
    if not isinstance(message, str):
        text = f"An error is a text, or {{code, message}}; this is {show(error)}."
        yield Issue(at(path, "error"), "wrong_type", text)
    for name, words in (("error", message), ("comment", given.get("comment")), ("by", given.get("by"))):
        if isinstance(words, str) and len(words) > MAX_WORDS:
            yield Issue(at(path, name), "out_of_range", f"This has at most {MAX_WORDS:,} characters.")


def _faults_of_decision(given: Mapping[str, Any], path: str, action: str) -> Iterator[Issue]:
    if "fields" in given and not isinstance(given["fields"], dict):
        yield Issue(at(path, "fields"), "wrong_type", "The fields are a map: a value by name.")
    if "decision" not in given:
        return
    if given["decision"] not in ("approved", "rejected"):
        text = f"A decision is approved or rejected; this is {show(given['decision'])}."
        yield Issue(at(path, "decision"), "not_in_enum", text)
    if action != APPROVAL_GATE:
        text = "Only an approval is decided; give this task an output."
        yield Issue(at(path, "decision"), "no_approval", text)


def _error(given: Any) -> dict[str, Any]:
    made = {"code": "test_run", "message": "It was made to fail in this test run."}
    if isinstance(given, dict):
        return {**made, **{name: given[name] for name in ("code", "message") if given.get(name)}}
    return {**made, "message": given} if given else made


def _decided(given: Mapping[str, Any], source: Source) -> StandIn:
    """As the engine records a person's decision."""
    who, comment = given.get("by") or "somebody", given.get("comment", "")
    output = {"decision": given["decision"], "by": [who], "comment": comment}
    if "fields" in given:
        output["fields"] = given["fields"]
    if given["decision"] == "approved":
        return StandIn(source, "completed", output)
    said = f": {comment}" if comment else "."
    return StandIn(source, "failed", output, {"code": "rejected", "message": f"{who} rejected it{said}"})


# What is done in earnest


def acts(task: Any) -> str:
    """What a task does beyond Baton when it is run in earnest, in words; nothing where it only looks or decides."""
    given = task.get("parameters") if isinstance(task, dict) else None
    deed = _DEEDS.get(str(task.get("action"))) if isinstance(task, dict) else None
    return deed(task, given if isinstance(given, dict) else {}) if deed else ""


def _calls(_task: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    method = str(given.get("method") or "GET").upper()
    return (
        ""
        if method in ("GET", "HEAD", "OPTIONS")
        else f"sends {show(method)[1:-1]} to {_short(given.get('url'))}"
    )


def _files(_task: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    operation = str(given.get("operation") or "")
    return "" if operation in ("read", "list") else f"changes files ({_short(operation)})"


def _starts(_task: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    return f"starts a run of {_short(given.get('workflow_id') or given.get('template'))}"


def _asks(_task: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    levels = [level for _, level in levels_of_gate(given, "")]
    names = [name for level in levels for name in approver_names(level.get("approvers"))]
    return f"asks {_short(', '.join(dict.fromkeys(names)) or 'its approvers')}"


def _assigns(task: Mapping[str, Any], _given: Mapping[str, Any]) -> str:
    agent = str(task.get("agent_id") or "system")
    return "" if agent in ("system", "demo") else f"gives work to {_short(agent)}"


def _short(value: Any) -> str:
    text = str(value or "…")
    return text if len(text) <= 60 else f"{text[:60]}…"


_DEEDS: Final = {
    "api_call": _calls,
    "file_operation": _files,
    "workflow_trigger": _starts,
    APPROVAL_GATE: _asks,
    "agent_task": _assigns,
}
