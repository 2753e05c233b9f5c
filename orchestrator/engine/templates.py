"""The templates there are: those that ship, and the team's as they are stored. Looking only; `template_saving` writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from orchestrator import catalog
from orchestrator.catalog import Template
from orchestrator.definition.issues import DefinitionError, Issue
from orchestrator.exceptions import ConflictError
from orchestrator.models import TeamTemplate, TeamTemplateVersion


def newest_versions(*, retired: bool = False) -> QuerySet[TeamTemplateVersion]:
    """The newest version of each template that is in use (or, asked for, retired), by the template's name."""
    newest = TeamTemplateVersion.objects.filter(template=OuterRef("template")).order_by("-number")
    return (
        TeamTemplateVersion.objects.filter(number=Subquery(newest.values("number")[:1]))
        .filter(template__retired_at__isnull=not retired)
        .select_related("template__owner", "created_by")
        .order_by("template__name", "template_id")
    )


def as_template(version: TeamTemplateVersion) -> Template:
    """A stored version in the form of those that ship."""
    head = version.template
    parameters = version.definition.get("parameters") or {}
    return Template(
        key=head.key,
        name=head.name,
        version=str(version.number),
        description=head.description,
        use_cases=(),
        features=(),
        parameters=tuple(catalog.field_of(name, spec) for name, spec in parameters.items()),
        definition=version.definition,
        team=True,
        owner=head.owner.get_username() if head.owner else "",
        documentation=version.documentation,
    )


def all_templates() -> list[Template]:
    """Those that ship, then the team's."""
    shipped = catalog.templates()
    taken = {template.key for template in shipped}
    team = (as_template(version) for version in newest_versions())
    return [*shipped, *(template for template in team if template.key not in taken)]


def find_template(key: str, number: int | None = None) -> Template:
    """The template of that key, in that version or the newest. Raises UnknownTemplateError, or ConflictError if it is
    retired."""
    version = version_of(key, number)
    if version is None or catalog.has(key):
        return _shipped(key, number)
    if version.template.retired_at is not None:
        raise ConflictError(f"The template {key} is retired: nothing new is made of it.", code="retired")
    return as_template(version)


def make_definition(
    key: str, params: Mapping[str, Any] | None = None, *, name: str = "", number: int | None = None
) -> dict[str, Any]:
    """A definition made from a template, shipped or the team's. Raises as `find_template`, and DefinitionError with every
    parameter that does not do."""
    return catalog.made_from(find_template(key, number), dict(params or {}), name=name)


def version_of(key: str, number: int | None = None) -> TeamTemplateVersion | None:
    """That version of a team's template, or its newest, retired or not."""
    versions = TeamTemplateVersion.objects.filter(template__key=key).select_related("template__owner")
    return (versions if number is None else versions.filter(number=number)).order_by("-number").first()


def version_in_use(key: str) -> TeamTemplateVersion | None:
    """The newest version of a team's template that is not retired."""
    version = version_of(key)
    return version if version and version.template.retired_at is None else None


def _shipped(key: str, number: int | None) -> Template:
    """One that ships, which has no other versions. Raises UnknownTemplateError."""
    if number is not None and (catalog.has(key) or version_of(key)):
        text = f"The template {key} has no version {number}."
        raise DefinitionError([Issue("template_version", "unknown_version", text)])
    team = TeamTemplate.objects.filter(retired_at=None).values_list("key", flat=True)
    return catalog.get(key, also=() if catalog.has(key) else list(team))
