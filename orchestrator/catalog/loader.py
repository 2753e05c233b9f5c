"""Reading the template files, and making a definition of one."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from orchestrator.definition.fields import Field
from orchestrator.definition.issues import DefinitionError, Issue, at
from orchestrator.definition.names import did_you_mean, nearest


class UnknownTemplateError(DefinitionError):
    """There is no template of this name."""

    def __init__(self, key: str) -> None:
        hint = nearest(key, _load()) if len(key) <= 100 else ""
        text = f"There is no template {key[:100]!r}.{did_you_mean(hint)}"
        super().__init__([Issue("template", "unknown_template", text, hint=hint)])

    def __str__(self) -> str:
        return self.issues[0].message


@dataclass(frozen=True, slots=True)
class Template:
    """A workflow to start from. `definition` is complete and runs with the defaults of its parameters; it is shared,
    so ask `instantiate` for one of your own."""

    key: str
    name: str
    version: str
    description: str
    use_cases: tuple[str, ...]
    features: tuple[str, ...]
    parameters: tuple[Field, ...]
    definition: dict[str, Any]


def templates() -> list[Template]:
    """All templates, by name."""
    return sorted(_load().values(), key=lambda template: template.name)


def get(key: str) -> Template:
    """Raises UnknownTemplateError."""
    found = _load().get(key)
    if found is None:
        raise UnknownTemplateError(key)
    return found


def instantiate(key: str, params: dict[str, Any] | None = None, *, name: str = "") -> dict[str, Any]:
    """A definition made from a template, in which the given values are the defaults of its parameters.

    So the workflow runs with them as it is, and each can still be changed at a start. Raises UnknownTemplateError, or
    DefinitionError with every parameter that is unknown or of the wrong type, at paths like 'parameters.source'.
    """
    template = get(key)
    given = params or {}
    issues = _check(template, given)
    if issues:
        raise DefinitionError(issues)
    definition = copy.deepcopy(template.definition)
    for parameter, value in given.items():
        definition["parameters"][parameter]["default"] = copy.deepcopy(value)
    if name:
        definition["name"] = name
    return definition


def _check(template: Template, given: dict[str, Any]) -> list[Issue]:
    fields = {field.name: field for field in template.parameters}
    issues: list[Issue] = []
    for name, value in given.items():
        path = at("parameters", name)
        field = fields.get(name)
        issues += field.check(value, path, resolved=True) if field else [_unknown(template, name, path)]
    return issues


def _unknown(template: Template, name: str, path: str) -> Issue:
    known = [field.name for field in template.parameters]
    hint = nearest(name, known) if len(name) <= 100 else ""
    advice = did_you_mean(hint) or f" It has: {', '.join(known)}."
    text = f"The template {template.key} has no parameter {name[:100]!r}.{advice}"
    return Issue(path, "unknown_parameter", text, hint=hint)


@cache
def _load() -> dict[str, Template]:
    folder = resources.files(__package__)
    files = (entry for entry in folder.iterdir() if entry.name.endswith(".json"))
    read = [_template(json.loads(entry.read_text(encoding="utf-8"))) for entry in files]
    return {template.key: template for template in read}


def _template(content: dict[str, Any]) -> Template:
    return Template(
        key=content["key"],
        name=content["name"],
        version=content["version"],
        description=content["description"],
        use_cases=tuple(content["use_cases"]),
        features=tuple(content["features"]),
        parameters=tuple(_field(name, spec) for name, spec in content["definition"]["parameters"].items()),
        definition=content["definition"],
    )


def _field(name: str, spec: dict[str, Any]) -> Field:
    return Field(
        name=name,
        type=spec["type"],
        description=spec["description"],
        default=spec["default"],
        enum=tuple(spec.get("enum", ())),
    )
