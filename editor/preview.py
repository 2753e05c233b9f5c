"""What a template comes to with some values: walked through, every task taken to give its sample result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from editor.drawing import Drawing, drawn
from editor.simulation import Walked, simulate
from orchestrator import actions, engine
from orchestrator.definition import Definition, DefinitionError, Task
from orchestrator.definition.expressions import ExpressionError
from orchestrator.definition.language import APPROVAL_GATE
from orchestrator.definition.normal import levels_of_gate
from orchestrator.definition.templates import compile_template
from orchestrator.reads.canvas import in_words

MOST_WALKED: Final = 600  # tasks; more are drawn only
_SEEN_AS: Final = {
    "completed": ("success", "Runs"),
    "failed": ("failed", "Fails"),
    "skipped": ("skipped", "Not taken"),
}
_NOT_REACHED: Final = ("queued", "Not reached")
_ASKED: Final = "Is asked"


@dataclass(frozen=True, slots=True)
class Foretold:
    """One task as it would go. `who` does it or decides, where that is known; `why` it is not taken."""

    key: str
    number: int
    name: str
    label: str
    who: str
    state: str
    word: str
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """The drawing, and the same in words; `tasks` is empty where there are too many to walk through."""

    drawing: Drawing
    tasks: tuple[Foretold, ...]
    count: int

    @property
    def taken(self) -> int:
        return sum(one.state in ("success", "failed") for one in self.tasks)

    @property
    def left_out(self) -> list[str]:
        return [one.name for one in self.tasks if one.state not in ("success", "failed")]


def foretell(data: Mapping[str, Any]) -> Preview:
    """The preview of a definition whose parameters have their defaults. Raises DefinitionError where it does not check."""
    report = engine.check_definition(data)
    if report.definition is None:
        raise DefinitionError(report.issues)
    definition = report.definition
    drawing = drawn(definition.data)
    if len(definition.tasks) > MOST_WALKED:
        return Preview(drawing, (), len(definition.tasks))
    tasks = tuple(_foretold(definition))
    by_key = {one.key: one for one in tasks}
    for node in drawing["nodes"]:
        one = by_key[node["key"]]
        node |= {"state": one.state, "word": one.word, "agent": one.who, "figure": one.who}
    return Preview(drawing, tasks, len(tasks))


def _foretold(definition: Definition) -> Iterator[Foretold]:
    params = {name: parameter.default for name, parameter in definition.parameters.items()}
    for number, walked in enumerate(simulate(definition).tasks, start=1):
        task = definition.tasks[walked.key]
        state, word = _SEEN_AS.get(walked.status, _NOT_REACHED)
        asked = task.action == APPROVAL_GATE and state == "success"
        yield Foretold(
            key=task.key,
            number=number,
            name=task.name,
            label=actions.get(task.action).label,
            who=_who(task, params),
            state=state,
            word=_ASKED if asked else word,
            why=_why(task, walked),
        )


def _who(task: Task, params: Mapping[str, Any]) -> str:
    """The agent or the approvers, as far as the parameters alone tell."""
    if task.action == APPROVAL_GATE:
        levels = [level for _, level in levels_of_gate(task.parameters, "")]
        return ", then ".join(filter(None, (_approvers(level, params) for level in levels)))
    agent = _resolved(task.agent_id, params) if task.action == "agent_task" else ""
    return "" if agent in (None, "system") else str(agent)


def _approvers(level: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    found = _resolved(level.get("approvers"), params)
    return ", ".join(str(one) for one in found) if isinstance(found, list) else str(found or "")


def _resolved(value: Any, params: Mapping[str, Any]) -> Any:
    try:
        return compile_template(value).resolve({"params": dict(params)})
    except (ExpressionError, DefinitionError):
        return ""


def _why(task: Task, walked: Walked) -> str:
    if walked.why:
        return walked.why
    wanted = " and ".join(map(in_words, task.conditions)) if walked.status == "skipped" else ""
    return f"only if {wanted}" if wanted else ""
