"""What an expression in a task may name, with what that was in the last run. One source with the rules of validation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

from django.db.models import QuerySet

from editor.steps import as_map
from orchestrator import actions
from orchestrator.definition import language
from orchestrator.definition.issues import show
from orchestrator.definition.normal import member_reference, normalise, task_reference
from orchestrator.definition.rules.draft import Draft
from orchestrator.definition.templates import is_heavier_than
from orchestrator.models import Run, Secret, Workflow
from orchestrator.reads.past import PastValues, first_item, past_values
from orchestrator.secrets import mask

CUT: Final = 200  # characters of a value
MOST_NAMES: Final = 400
_WITH_VALUES: Final = 60  # tasks, the nearest first: an output may be large
_MEMBERS: Final = 24  # of one map
_DEPTH: Final = 3
NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Name:
    """A name as an expression writes it. `only`: where alone it may stand, "secrets" (parameters that are neither
    shown nor stored) or "compensation"; `value` is JSON, cut, and None where nothing is known of it."""

    name: str
    about: str
    value: str | None = None
    only: str = ""

    def as_json(self) -> dict[str, str | None]:
        return {name: value for name, value in asdict(self).items() if value or name in ("name", "about")}


class Known:
    """The names of one task of the draft as it is stored. `runs` are those that whoever asks may see."""

    def __init__(self, workflow: Workflow, key: str, runs: QuerySet[Run]) -> None:
        self.workflow, self.key, self.runs = workflow, key, runs
        self.draft = Draft(normalise(workflow.draft), actions.schemas())
        self.task: Mapping[str, Any] = self.draft.tasks[key]

    @cached_property
    def upstream(self) -> list[str]:
        """The nearest first."""
        found: dict[str, None] = {}
        layer = [self.key]
        while layer:
            layer = [
                one for key in layer for one in self.draft.edges[key] if one not in found and one != self.key
            ]
            found |= dict.fromkeys(layer)
            layer = list(dict.fromkeys(layer))
        return list(found)

    @property
    def looped(self) -> bool:
        return self.task.get("for_each") is not None

    def params(self, past: PastValues) -> dict[str, Any]:
        """What they were in the last run, or else would be by default; secret ones are left out."""
        given = mask(dict(past.params))
        found = {}
        for name, spec in self.draft.parameters.items():
            value = given.get(name, as_map(spec).get("default"))
            if name not in self.draft.secret_parameters and value is not None:
                found[name] = value
        return found

    def workflow_facts(self) -> dict[str, Any]:
        data = self.draft.data
        return {"id": self.workflow.key, "name": data.get("name"), "metadata": as_map(data.get("metadata"))}

    def item(self) -> tuple[Any, ...]:
        return first_item(self.runs, self.workflow.pk, self.key) if self.looped else ()

    def names(self) -> list[Name]:
        """All of them, those that are nearest first, cut where they are too many to choose from."""
        found: list[Name] = []
        for name in self._names():
            found.append(name)
            if len(found) == MOST_NAMES:
                break
        return found

    def _names(self) -> Iterator[Name]:
        past = past_values(self.runs, self.workflow.pk, [*self.upstream[:_WITH_VALUES], self.key])
        if self.looped:
            item = self.item()
            yield from _tree("item", "the item it runs for", item[0] if item else NOTHING)
            yield Name("index", "the place of the item, from 0", "0" if item else None)
        yield from self._params(past)
        for key in self.upstream:
            yield from self._task(key, past)
        yield from self._own(past)
        yield from self._facts(past)
        for name in Secret.objects.values_list("name", flat=True)[:MOST_NAMES]:
            yield Name(member_reference("secrets", name), "a secret", only="secrets")

    def _params(self, past: PastValues) -> Iterator[Name]:
        values = self.params(past)
        for name, spec in self.draft.parameters.items():
            secret = name in self.draft.secret_parameters
            about = str(as_map(spec).get("description") or "an input of the run")[:CUT]
            yield Name(
                member_reference("params", name),
                about,
                cut(values.get(name, NOTHING)),
                only="secrets" if secret else "",
            )

    def _task(self, key: str, past: PastValues, only: str = "") -> Iterator[Name]:
        called = str(self.draft.tasks[key].get("name") or key)
        facts = past.tasks.get(key, {})
        for member in ("output", "status", "error", "attempts"):
            about = f"{called}, {member}"
            yield from _tree(f"{task_reference(key)}.{member}", about, facts.get(member, NOTHING), only)
        yield from self._filled_in(key, facts.get("output"), only)

    def _filled_in(self, key: str, output: Any, only: str) -> Iterator[Name]:
        """The fields that an approval asks for, before anybody has filled them in."""
        task = self.draft.tasks[key]
        form = as_map(task.get("parameters")).get("form")
        if task.get("action") != language.APPROVAL_GATE or not isinstance(form, list):
            return
        known = as_map(as_map(output).get("fields"))
        for field in form:
            name = as_map(field).get("name")
            if isinstance(name, str) and name not in known:
                about = str(as_map(field).get("label") or "what was filled in")[:CUT]
                yield Name(member_reference(f"{task_reference(key)}.output.fields", name), about, only=only)

    def _own(self, past: PastValues) -> Iterator[Name]:
        """What undoes a task may look at what it gave."""
        if as_map(self.task.get("compensation")):
            yield from self._task(self.key, past, only="compensation")

    def _facts(self, past: PastValues) -> Iterator[Name]:
        run = past.run or {}
        for name, about in (
            ("id", "its number"),
            ("trigger", "how it was started"),
            ("started_at", "when it started"),
        ):
            yield Name(f"run.{name}", f"the run, {about}", cut(run.get(name, NOTHING)))
        for name, value in self.workflow_facts().items():
            if name in language.WORKFLOW_MEMBERS and name != "metadata":
                yield Name(f"workflow.{name}", f"the workflow, {name}", cut(value))
        yield from _tree("workflow.metadata", "the workflow, metadata", self.workflow_facts()["metadata"])
        yield Name("now", "the moment, as text")


def _tree(name: str, about: str, value: Any, only: str = "", depth: int = _DEPTH) -> Iterator[Name]:
    """A value and the members of its maps."""
    yield Name(name, about, cut(value), only)
    if isinstance(value, dict) and depth:
        for key in list(value)[:_MEMBERS]:
            yield from _tree(member_reference(name, key), about, value[key], only, depth - 1)


def cut(value: Any, longest: int = CUT) -> str | None:
    """A value in a line; None where there is none."""
    if value is NOTHING:
        return None
    if isinstance(value, list | dict) and is_heavier_than(value, 4 * longest):
        return f"{show(value)}, …"
    text = json.dumps(mask(value[: longest + 1] if isinstance(value, str) else value), ensure_ascii=False)
    return text if len(text) <= longest else text[:longest] + "…"
