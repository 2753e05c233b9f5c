"""Reading the template files, and making a definition of one."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from orchestrator.definition.fields import Field
from orchestrator.definition.issues import DefinitionError, Issue, at
from orchestrator.definition.names import did_you_mean, nearest


class UnknownTemplateError(DefinitionError):
    """There is no template of this name. `also`: names there are beside those that ship."""

    def __init__(self, key: str, also: Iterable[str] = ()) -> None:
        hint = nearest(key, [*_load(), *also]) if len(key) <= 100 else ""
        text = f"There is no template {key[:100]!r}.{did_you_mean(hint)}"
        super().__init__([Issue("template", "unknown_template", text, hint=hint)])

    def __str__(self) -> str:
        return self.issues[0].message


@dataclass(frozen=True, slots=True)
class Template:
    """A workflow to start from. `definition` is shared, so ask `instantiate` for one of your own; that of a template which
    ships is complete and runs with the defaults of its parameters. `team`: it was made here, by `owner`."""

    key: str
    name: str
    version: str
    description: str
    use_cases: tuple[str, ...]
    features: tuple[str, ...]
    parameters: tuple[Field, ...]
    definition: dict[str, Any]
    team: bool = False
    owner: str = ""
    documentation: str = ""


def templates() -> list[Template]:
    """All templates, by name."""
    return sorted(_load().values(), key=lambda template: template.name)


def has(key: str) -> bool:
    """Whether a template of this name ships with Baton."""
    return key in _load()


def get(key: str, also: Iterable[str] = ()) -> Template:
    """Raises UnknownTemplateError, which looks for a name like it among those in `also`, too."""
    found = _load().get(key)
    if found is None:
        raise UnknownTemplateError(key, also)
    return found


def instantiate(key: str, params: dict[str, Any] | None = None, *, name: str = "") -> dict[str, Any]:
    """A definition made from a template that ships. Raises UnknownTemplateError, or as `made_from` does."""
    return made_from(get(key), params or {}, name=name)


def made_from(template: Template, given: Mapping[str, Any], *, name: str = "") -> dict[str, Any]:
    """A definition made from a template, in which the given values are the defaults of its parameters.

    So the workflow runs with them as it is, and each can still be changed at a start. Raises DefinitionError with every
    parameter that is unknown, of the wrong type or secret, at paths like 'parameters.source'.
    """
    issues = _check(template, given)
    if issues:
        raise DefinitionError(issues)
    definition = copy.deepcopy(template.definition)
    for parameter, value in given.items():
        definition["parameters"][parameter]["default"] = copy.deepcopy(value)
    if name:
        definition["name"] = name
    return definition


def _check(template: Template, given: Mapping[str, Any]) -> list[Issue]:
    fields = {field.name: field for field in template.parameters}
    issues: list[Issue] = []
    for name, value in given.items():
        path = at("parameters", name)
        field = fields.get(name)
        if field is not None and field.widget == "secret":
            issues.append(_secret(name, path))
        else:
            issues += field.check(value, path, resolved=True) if field else [_unknown(template, name, path)]
    return issues


def _unknown(template: Template, name: str, path: str) -> Issue:
    known = [field.name for field in template.parameters]
    hint = nearest(name, known) if len(name) <= 100 else ""
    advice = did_you_mean(hint) or f" It has: {', '.join(known)}."
    text = f"The template {template.key} has no parameter {name[:100]!r}.{advice}"
    return Issue(path, "unknown_parameter", text, hint=hint)


def _secret(name: str, path: str) -> Issue:
    text = f"{name} is secret: give it at each start. As a default it would stand in the workflow for all to read."
    return Issue(path, "secret_default", text)


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
        parameters=tuple(field_of(name, spec) for name, spec in content["definition"]["parameters"].items()),
        definition=content["definition"],
    )


def field_of(name: str, spec: Mapping[str, Any]) -> Field:
    """A declared parameter as a field of forms."""
    return Field(
        name=name,
        type=spec.get("type", "string"),
        description=spec.get("description", ""),
        required=spec.get("required", False),
        default=spec.get("default"),
        enum=tuple(spec.get("enum") or ()),
        widget="secret" if spec.get("secret") else "",
    )
