"""Templates that a team makes of its workflows: saved as versions, retired, brought back, deleted.

A name that ships belongs to what ships. What is kept has been checked, holds no secret in plain text, and its
parameters are those of the workflow, with their descriptions, defaults and whether they are required.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import IntegrityError
from django.utils import timezone

from orchestrator import catalog
from orchestrator.definition.issues import DefinitionError, Issue
from orchestrator.definition.rules.draft import Draft
from orchestrator.definition.rules.plain_secrets import check_plain_secrets
from orchestrator.engine.definitions import check_definition
from orchestrator.engine.points import committing
from orchestrator.engine.templates import version_of
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import TeamTemplate, TeamTemplateVersion, Workflow

DOCUMENTATION_LENGTH: Final = 20_000
_PAGES: Final = frozenset({"blank", "import"})  # what stands under /workflows/new/ beside the templates


@dataclass(frozen=True, slots=True)
class Wish:
    """What a template, or its next version, shall be made of. `source_version` 0 stands for the draft."""

    source: Workflow
    source_version: int
    definition: Mapping[str, Any]
    name: str
    description: str = ""
    documentation: str = ""


def save_template(key: str, wish: Wish, *, user: User) -> TeamTemplateVersion:
    """A new template in its first version; that of a moment ago when the same person sends the same once more.

    Raises DefinitionError with all that keeps it from being a template, InvalidError when the key cannot be had.
    """
    _refuse_key(key)
    definition = _kept(key, wish)
    try:
        with committing("template"):
            head = TeamTemplate.objects.create(
                key=key, name=wish.name, description=wish.description, owner=user
            )
            return _add(head, 1, definition, wish, user)
    except IntegrityError:
        known = version_of(key, None)
        if known is not None and known.template.owner_id == user.pk and _is_same(known, definition, wish):
            return known
        raise InvalidError(
            f"There is a template {key} already.", [_key_issue(f"{key} is taken; choose another key.")]
        ) from None


def add_template_version(template: TeamTemplate, wish: Wish, *, user: User) -> TeamTemplateVersion:
    """The next version; the newest there is when that is the same already. Raises DefinitionError."""
    definition = _kept(template.key, wish)
    with committing("template"):
        head = TeamTemplate.objects.select_for_update().get(pk=template.pk)
        newest = head.versions.order_by("-number").first()
        if newest is not None and _is_same(newest, definition, wish):
            return newest
        head.name, head.description = wish.name, wish.description
        head.save(update_fields=["name", "description", "updated_at"])
        return _add(head, (newest.number if newest else 0) + 1, definition, wish, user)


def retire_template(template: TeamTemplate) -> None:
    """Out of the gallery; its versions, and what was made of it, stay."""
    with committing("template"):
        TeamTemplate.objects.filter(pk=template.pk, retired_at=None).update(retired_at=timezone.now())


def restore_template(template: TeamTemplate) -> None:
    with committing("template"):
        TeamTemplate.objects.filter(pk=template.pk).update(retired_at=None)


def delete_template(template: TeamTemplate) -> None:
    """With all its versions. What was made of it stays. Raises ConflictError while it is in use."""
    with committing("template"):
        deleted, _ = TeamTemplate.objects.filter(pk=template.pk, retired_at__isnull=False).delete()
    if not deleted:
        raise ConflictError("Retire the template first; then it can be deleted.", code="in_use")


# The parts


def _kept(key: str, wish: Wish) -> dict[str, Any]:
    """The definition as it is kept: under the template's own names. Raises DefinitionError."""
    report = check_definition({**wish.definition, "id": key, "name": wish.name})
    if report.definition is None:
        raise DefinitionError(report.issues)
    # Not what the report holds of them: it ends with so many warnings.
    found = check_plain_secrets(Draft(report.definition.data, {}))
    if refused := [replace(issue, severity="error") for issue in found]:
        raise DefinitionError(refused)
    return {**report.definition.data, "description": wish.description}


def _is_same(version: TeamTemplateVersion, definition: dict[str, Any], wish: Wish) -> bool:
    return version.definition == definition and version.documentation == wish.documentation


def _add(
    head: TeamTemplate, number: int, definition: dict[str, Any], wish: Wish, user: User
) -> TeamTemplateVersion:
    return TeamTemplateVersion.objects.create(
        template=head,
        number=number,
        definition=definition,
        documentation=wish.documentation,
        source=wish.source,
        source_version=wish.source_version,
        created_by=user,
    )


def _refuse_key(key: str) -> None:
    if catalog.has(key):
        text = f"{key} is the name of a template that ships with Baton; choose another key."
        raise InvalidError(text, [_key_issue(text)])
    if key in _PAGES:
        text = f"A template cannot be called {key}; choose another key."
        raise InvalidError(text, [_key_issue(text)])


def _key_issue(text: str) -> Issue:
    return Issue("key", "taken", text)
