"""A definition compiled for running: every expression parsed, every edge known in both directions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.definition.expressions import Expression, Reference, compile_expression
from orchestrator.definition.schema import Definition, Task
from orchestrator.definition.templates import Template, compile_template
from orchestrator.planning.inline import references as check_references
from orchestrator.planning.resources import amounts_of
from orchestrator.planning.retry import RetryPolicy

CONDITION_CHECK = "condition_check"
APPROVAL_GATE = "approval_gate"
AGENT_TASK = "agent_task"

_SHOWN = (
    *("approvers", "title", "instructions", "data", "form", "editable"),
    *("quorum", "escalation", "levels", "order", "business_hours"),
)

# Joins under which a task can run although a dependency failed: only these can provide for a failure.
_TOLERANT_JOINS = frozenset({"all_settled", "first_succeeded"})


@dataclass(frozen=True, slots=True)
class Gate:
    """What the engine itself must know of an approval gate. `timeout` resolves to seconds or null."""

    content: Template
    timeout: Template
    on_timeout: str
    allow_requester: bool
    veto: bool = True
    allow_author: bool = False
    on_recall: str = "fail"
    send_back_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanTask:
    """One task, ready to be decided on.

    `needs` are the tasks its opening looks at (conditions, for_each, an inline check, a gate's text), `reads` those
    its parameters name and a worker must fetch, `handles` the dependencies whose failure it looks at. `limits_wait` tells
    whether the timeout, being given and not the default, also limits the wait for a run it started.
    """

    key: str
    name: str
    order: int
    action: str
    agent: Template
    dependencies: tuple[str, ...]
    successors: tuple[str, ...]
    join: str
    conditions: tuple[Expression, ...]
    item_conditions: tuple[Expression, ...]
    sequential: bool
    parameters: Template
    raw_parameters: Mapping[str, Any]
    for_each: Expression | None
    retry: RetryPolicy
    timeout_seconds: float
    limits_wait: bool
    on_failure: str
    output_schema: Mapping[str, Any] | None
    checkpoint: str
    gate: Gate | None
    needs: frozenset[str]
    reads: frozenset[str]
    handles: frozenset[str]
    resources: Mapping[str, float] = field(default_factory=dict)  # what it reserves while it runs


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole workflow version, ready to run."""

    id: str
    name: str
    metadata: Mapping[str, Any]
    tasks: Mapping[str, PlanTask]
    max_parallel: int | None
    timeout_seconds: float | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ()  # of its tasks, in definition order

    @property
    def facts(self) -> dict[str, Any]:
        """What expressions see as `workflow`."""
        return {"id": self.id, "name": self.name, "metadata": self.metadata}

    @property
    def roots(self) -> list[PlanTask]:
        return [task for task in self.tasks.values() if not task.dependencies]

    @property
    def leaves(self) -> list[PlanTask]:
        return [task for task in self.tasks.values() if not task.successors]


def compile_plan(definition: Definition) -> Plan:
    """Compile a checked definition; what does not compile here was refused by the checker."""
    successors = _successors(definition)
    return Plan(
        id=definition.id,
        name=definition.name,
        metadata=definition.metadata,
        tasks={
            task.key: _compile_task(task, order, tuple(successors[task.key]))
            for order, task in enumerate(definition.tasks.values())
        },
        max_parallel=definition.settings.max_parallel,
        timeout_seconds=definition.settings.timeout_seconds,
        parameters=definition.parameters,
        keys=tuple(definition.tasks),
    )


def _successors(definition: Definition) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {key: [] for key in definition.tasks}
    for task in definition.tasks.values():
        for dependency in task.dependencies:
            found[dependency].append(task.key)
    return found


def _compile_task(task: Task, order: int, successors: tuple[str, ...]) -> PlanTask:
    conditions = [compile_expression(source) for source in task.conditions]
    per_item = [c for c in conditions if _roots(c.references) & {"item", "index"}]
    for_each = compile_expression(_bare(task.for_each)) if task.for_each else None
    parameters = compile_template(dict(task.parameters))
    agent = compile_template(task.agent_id)
    gate = _gate(task) if task.action == APPROVAL_GATE else None
    return PlanTask(
        key=task.key,
        name=task.name,
        order=order,
        action=task.action,
        agent=agent,
        dependencies=tuple(task.dependencies),
        successors=successors,
        join=task.join,
        conditions=tuple(c for c in conditions if c not in per_item),
        item_conditions=tuple(per_item),
        sequential=task.execution_mode != "parallel",
        parameters=parameters,
        raw_parameters=task.parameters,
        for_each=for_each,
        retry=RetryPolicy(task.retry_count, task.retry_delay, task.retry_backoff, task.retry_max_delay),
        timeout_seconds=float(task.timeout_seconds),
        limits_wait="timeout_seconds" in task.raw,
        on_failure=task.on_failure,
        output_schema=task.output_schema,
        checkpoint=_checkpoint_name(task),
        gate=gate,
        needs=_needs(task, conditions, for_each, agent, gate),
        reads=_tasks_named(parameters.references),
        handles=_handles(task, conditions),
        resources=_resources(task),
    )


def _resources(task: Task) -> dict[str, float]:
    given = task.resources
    return amounts_of({"cpu": given.cpu, "memory_mb": given.memory_mb}) if given else {}


def _bare(source: str) -> str:
    """`for_each` may be written with or without its braces."""
    text = source.strip()
    return text[2:-2].strip() if text.startswith("{{") and text.endswith("}}") else text


def _checkpoint_name(task: Task) -> str:
    if task.checkpoint is True:
        return task.key
    return task.checkpoint or ""


def _gate(task: Task) -> Gate:
    given = task.parameters
    timeout = given.get("timeout_seconds", task.raw.get("timeout_seconds"))
    shown = {name: given[name] for name in _SHOWN if given.get(name) is not None}
    if "levels" not in shown:
        shown.setdefault("approvers", [])
    return Gate(
        content=compile_template(shown),
        timeout=compile_template(timeout),
        on_timeout=str(given.get("on_timeout", "reject")),
        allow_requester=given.get("allow_requester") is True,
        veto=given.get("veto") is not False,
        allow_author=given.get("allow_author") is True,
        on_recall=str(given.get("on_recall", "fail")),
        send_back_to=tuple(given.get("send_back_to") or ()),
    )


def _needs(
    task: Task, conditions: list[Expression], for_each: Expression | None, agent: Template, gate: Gate | None
) -> frozenset[str]:
    named = set(_tasks_named(agent.references))
    for expression in conditions:
        named |= _tasks_named(expression.references)
    if for_each:
        named |= _tasks_named(for_each.references)
    if gate:
        named |= _tasks_named(gate.content.references | gate.timeout.references)
    if task.action == CONDITION_CHECK:
        named |= _tasks_named(check_references(dict(task.parameters)))
    return frozenset(named)


def _handles(task: Task, conditions: list[Expression]) -> frozenset[str]:
    if task.join not in _TOLERANT_JOINS:
        return frozenset()
    looked_at = {
        reference.path[0]
        for expression in conditions
        for reference in expression.references
        if reference.root == "tasks" and len(reference.path) > 1 and reference.path[1] in {"status", "error"}
    }
    return frozenset(looked_at & set(task.dependencies))


def _roots(references: Iterable[Reference]) -> set[str]:
    return {reference.root for reference in references}


def _tasks_named(references: Iterable[Reference]) -> frozenset[str]:
    return frozenset(
        reference.path[0] for reference in references if reference.root == "tasks" and reference.path
    )
