"""Storing definitions: checked before they are kept, older schemas brought up to date beside the original."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError
from django.utils import timezone
from django.utils.text import slugify

from orchestrator import actions, catalog
from orchestrator.catalog import Template
from orchestrator.definition import CURRENT, Definition, DefinitionError, Report, check, migrate
from orchestrator.engine.approvers import check_author
from orchestrator.engine.points import committing
from orchestrator.engine.templates import as_template, version_in_use
from orchestrator.exceptions import InvalidError, NotFoundError
from orchestrator.models import Workflow, WorkflowVersion

_KEY_LENGTH = 70
_TRIES = 5  # at a key that was free a moment ago


def check_definition(data: Any) -> Report:
    """Every problem of a definition, located, with the actions of this installation."""
    return check(data, actions=actions.schemas())


def save_workflow(
    data: Mapping[str, Any],
    *,
    user: User | None = None,
    key: str | None = None,
    template: str = "",
    note: str = "",
) -> Workflow:
    """Store a new workflow and publish its first version.

    A definition of an older schema is kept as it is as version 1, and what it was migrated to as version 2. Raises
    DefinitionError with every problem when it does not check.
    """
    definition = _checked(data, user)
    return _under_free_key(
        key or definition.id or definition.name,
        lambda free: _create(free, data, definition, user=user, template=template, note=note),
    )


def start_draft(name: str, *, user: User | None = None) -> Workflow:
    """A workflow with nothing in it yet: a draft to be drawn, without a version that could be run."""
    draft = {"name": name, "version": CURRENT, "tasks": {}}

    def create(key: str) -> Workflow:
        with committing("save"):
            return Workflow.objects.create(key=key, name=name, owner=user, draft=draft)

    return _under_free_key(name, create)


def _create(
    key: str, data: Mapping[str, Any], definition: Definition, *, user: User | None, template: str, note: str
) -> Workflow:
    """Raises IntegrityError when the key is taken."""
    with committing("save"):
        workflow = Workflow.objects.create(
            key=key,
            name=definition.name,
            description=definition.description,
            owner=user,
            draft=definition.data,
            template=template,
        )
        _store_versions(workflow, data, definition.data, user, note)
    return workflow


def publish(
    workflow: Workflow, data: Mapping[str, Any], *, user: User | None = None, note: str = ""
) -> WorkflowVersion:
    """Publish a new version of an existing workflow. Raises DefinitionError."""
    definition = _checked(data, user)
    with committing("publish"):
        version = _store_versions(_locked(workflow), data, definition.data, user, note)
        workflow.name = definition.name
        workflow.description = definition.description
        workflow.draft = definition.data
        workflow.save(update_fields=["name", "description", "draft", "draft_rev", "updated_at"])
    return version


def archive(workflow: Workflow) -> None:
    """Take it off the lists; its versions, runs and history stay. Done twice it is what it was after the first."""
    with committing("archive"):
        Workflow.objects.filter(pk=workflow.pk, archived_at=None).update(archived_at=timezone.now())


def _locked(workflow: Workflow) -> Workflow:
    """The workflow with what it has come to since it was read, for the next to publish to wait; its draft is new."""
    fresh = Workflow.objects.select_for_update().only("draft_rev").get(pk=workflow.pk)
    workflow.draft_rev = fresh.draft_rev + 1
    return workflow


def _checked(data: Mapping[str, Any], author: User | None = None) -> Definition:
    report = check_definition(data)
    if report.definition is None:
        raise DefinitionError(report.issues)
    if faults := check_author(report.definition.data, author):
        raise DefinitionError([*faults, *report.issues])
    return report.definition


def _store_versions(
    workflow: Workflow,
    given: Mapping[str, Any],
    checked: dict[str, Any],
    user: User | None,
    note: str,
) -> WorkflowVersion:
    migration = migrate(dict(given))
    if migration.from_version != CURRENT:
        _add_version(workflow, dict(given), migration.from_version, user, note)
        note = f"Migrated from schema {migration.from_version} to {CURRENT}"
    return _add_version(workflow, checked, CURRENT, user, note)


def _add_version(
    workflow: Workflow, data: dict[str, Any], schema: str, user: User | None, note: str
) -> WorkflowVersion:
    last = workflow.versions.order_by("-number").values_list("number", flat=True).first() or 0
    return WorkflowVersion.objects.create(
        workflow=workflow,
        number=last + 1,
        definition=data,
        schema_version=schema,
        note=note[:500],
        created_by=user,
    )


def _under_free_key(wish: str, create: Callable[[str], Workflow]) -> Workflow:
    """Two people may save the same new name at once: who comes second takes the next key."""
    for _ in range(_TRIES - 1):
        try:
            return create(_free_key(wish))
        except IntegrityError:
            continue
    return create(_free_key(wish))


def _free_key(wish: str) -> str:
    base = slugify(wish)[:_KEY_LENGTH].strip("-") or "workflow"
    taken = set(Workflow.objects.filter(key__startswith=base).values_list("key", flat=True))
    if base not in taken:
        return base
    return next(name for n in range(2, len(taken) + 3) if (name := f"{base}-{n}") not in taken)


def current_version(workflow: Workflow) -> WorkflowVersion:
    """The newest version, migrated first if it is of an older schema."""
    version = workflow.versions.order_by("-number").first()
    if version is None:
        raise NotFoundError(f"Workflow {workflow.key} has no published version.")
    if version.schema_version != CURRENT:
        return migrate_workflow(workflow) or workflow.versions.order_by("-number").first() or version
    return version


def migrate_workflow(workflow: Workflow, *, user: User | None = None) -> WorkflowVersion | None:
    """Publish a stored older definition in the current schema; None when it is current. Raises DefinitionError."""
    with committing("migrate"):
        _locked(workflow)
        version = workflow.versions.order_by("-number").first()
        if version is None or version.schema_version == CURRENT:
            return None  # another was first
        definition = _checked(version.definition)
        note = f"Migrated from schema {version.schema_version} to {CURRENT}"
        workflow.draft = definition.data
        workflow.save(update_fields=["draft", "draft_rev", "updated_at"])
        return _add_version(workflow, definition.data, CURRENT, user, note)


def workflow_of_template(name: str) -> Workflow:
    """The workflow that stands for a template when a task starts one by the template's name; made at its first use.

    Each version of a team's template has one of its own, so that a new version is what is started from then on.
    """
    version = None if catalog.has(name) else version_in_use(name)
    key = f"template-{name[:45]}-{version.pk}" if version else f"template-{slugify(name)}"[:_KEY_LENGTH]
    known = Workflow.objects.filter(key=key).first()
    if known is not None:
        return known
    if version is None and not catalog.has(name):
        raise InvalidError(f"There is no workflow template {name}.", code="unknown_template")
    return _made_once(as_template(version) if version else catalog.get(name), key)


def _made_once(template: Template, key: str) -> Workflow:
    """Two tasks may want it first at the same moment: one makes it, the other finds it."""
    data = catalog.made_from(template, {})
    try:
        return _create(key, data, _checked(data), user=None, template=template.key, note="")
    except IntegrityError:
        return Workflow.objects.get(key=key)
