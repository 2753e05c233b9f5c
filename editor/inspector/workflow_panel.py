"""What the inspector shows of the workflow as a whole, when no step is chosen: its name, its inputs, its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from editor.inspector.controls import Control, control, place, told
from editor.steps import as_map
from orchestrator.definition import Issue, language
from orchestrator.definition.issues import ROOT
from orchestrator.web.forms import as_json

_TOP: Final = {field.name: field for field in language.TOP_FIELDS}
_SPEC: Final = {field.name: field for field in language.PARAMETER_FIELDS}
_UNITS: Final = {"timeout_seconds": ("Time limit", "s"), "expected_seconds": ("Usually takes", "s")}
_FAILURES: Final = (
    ("", "fail (when not set)"),
    ("skip", "skip"),
    ("rollback", "roll back"),
    ("manual", "ask a person"),
)


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """One declared input of a run, under the name by which expressions know it."""

    name: str
    called: Control
    fields: Sequence[Control]

    @property
    def kind(self) -> str:
        return next((one.value for one in self.fields if one.path[-1] == "type"), "") or "string"


@dataclass(frozen=True, slots=True)
class WorkflowPanel:
    name: str
    about: Sequence[Control]
    parameters: Sequence[ParameterRow]
    settings: Sequence[Control]
    odd: Control | None
    steps: int
    problems: Sequence[tuple[Issue, Control | None]]


def workflow_panel(draft: Mapping[str, Any], issues: Sequence[Issue]) -> WorkflowPanel:
    mine = [issue for issue in issues if not issue.path.startswith("tasks")]
    about, settings = _about(draft), _settings(draft)
    specs = draft.get("parameters")
    declared = [_declared(name, spec) for name, spec in as_map(specs).items()]
    odd = _odd(specs) if specs is not None and not isinstance(specs, dict) else None
    every = [*about, *settings, *(one for row in declared for one in (row.called, *row.fields))]
    found = {one.path: one for one in told([*every, *([odd] if odd else [])], mine)}
    rows = [
        ParameterRow(row.name, found[row.called.path], [found[one.path] for one in row.fields])
        for row in declared
    ]
    return WorkflowPanel(
        name=str(draft.get("name") or "Workflow"),
        about=[found[one.path] for one in about],
        parameters=rows,
        settings=[found[one.path] for one in settings],
        odd=found[odd.path] if odd else None,
        steps=len(as_map(draft.get("tasks"))),
        problems=[
            (issue, next((one for one in found.values() if issue in one.problems), None)) for issue in mine
        ],
    )


def _plain(field: Any, value: Any, path: Sequence[str], /, **given: Any) -> Control:
    return control(replace(field, templated=False), value, path, ROOT, scope="workflow", **given)


def _about(draft: Mapping[str, Any]) -> list[Control]:
    name = _plain(_TOP["name"], draft.get("name"), ("name",), required=True)
    return [name, _plain(_TOP["description"], draft.get("description"), ("description",))]


def _settings(draft: Mapping[str, Any]) -> list[Control]:
    given = as_map(draft.get("settings"))
    found = []
    for field in language.SETTINGS_FIELDS:
        value, path = given.get(field.name), ("settings", field.name)
        more: dict[str, Any] = {}
        if field.name in _UNITS:
            more = dict(zip(("label", "unit"), _UNITS[field.name], strict=True))
        if field.name == "on_failure" and (value is None or isinstance(value, str)):
            said = "What a step does after its last retry that does not say it itself."
            more = {
                "kind": "choice",
                "value": "" if value == "fail" else value or "",
                "choices": _FAILURES,
                "json": "",
            }
            more |= {"rows": 0, "label": "If a step still fails", "hint": said, "expression": ""}
        found.append(_plain(field, value, path, **more))
    return found


def _declared(name: str, spec: Any) -> ParameterRow:
    called = Control(
        ("parameters", name, "*"),
        place(ROOT, ("parameters", name)),
        "Name",
        "parameter",
        name,
        required=True,
        scope="workflow",
    )
    if not isinstance(spec, dict):
        as_it_is = Control(
            ("parameters", name),
            called.where,
            "Declared as",
            "json",
            as_json(spec),
            json="map",
            scope="workflow",
        )
        return ParameterRow(name, called, [as_it_is])
    kind = spec.get("type", "string")
    typed = kind if kind in language.PARAMETER_TYPES else "any"
    fields = {**_SPEC, "default": replace(_SPEC["default"], type=typed)}
    found = [
        _plain(fields[one], spec.get(one), ("parameters", name, one), rows=0, expression="")
        for one in ("type", "required", "secret", "default", "description", "enum")
    ]
    return ParameterRow(name, called, [replace(one, label=_label(one.path[-1])) for one in found])


def _label(field: str) -> str:
    words = {"enum": "Choices", "secret": "Secret", "default": "When not given", "required": "Must be given"}
    return words.get(field, field.capitalize())


def _odd(specs: Any) -> Control:
    return Control(
        ("parameters",), "parameters", "Inputs", "json", as_json(specs), json="map", rows=4, scope="workflow"
    )
