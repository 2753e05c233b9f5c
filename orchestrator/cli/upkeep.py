"""Commands that look after Baton itself: health, stored definitions of older schemas, the database."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import click
from django.db import DatabaseError
from rich.console import RenderableType
from rich.text import Text

from orchestrator import database, engine
from orchestrator.cli.base import BatonCommand, OfflineCommand, acting, as_user, emit, row, table
from orchestrator.cli.exits import Exit
from orchestrator.definition import CURRENT
from orchestrator.definition.issues import DefinitionError
from orchestrator.models import Workflow
from orchestrator.reads.health import health as read_health
from orchestrator.reads.status import find_workflow, workflows_with_last_run


@click.command("health", cls=OfflineCommand)
def health() -> None:
    """Say whether web, workers, clock, database, queue and notices are well. Exit code 1 if one is not."""
    with contextlib.suppress(DatabaseError, database.DatabaseNotReadyError):
        database.prepare()  # what it cannot do is part of the answer
    parts = read_health()
    ok = all(part["ok"] for part in parts.values())
    emit({"ok": ok, "parts": parts}, lambda: _health_table(parts))
    if not ok:
        raise click.exceptions.Exit(Exit.FAILED)


def _health_table(parts: dict[str, Any]) -> RenderableType:
    found = table("", "Part", "How it is")
    for name, part in parts.items():
        style = {0: "green" if part["ok"] else "bold red", 1: "bold"}
        row(found, "✓ well" if part["ok"] else "✗ not well", name, part["sentence"], style=style)
    return found


@click.group("schema")
def schema() -> None:
    """Bring stored definitions of older schema versions up to date."""


@schema.command("status", cls=BatonCommand)
def schema_status() -> None:
    """Show which schema version each workflow's definition has."""
    rows = list(workflows_with_last_run().order_by("name", "id"))
    data = {"current": CURRENT, "workflows": [_schema_of(workflow) for workflow in rows]}
    emit(data, lambda: _schema_table(data["workflows"]))


def _schema_of(workflow: Any) -> dict[str, Any]:
    schema_version = workflow.last_schema
    return {
        "id": workflow.key,
        "version": workflow.last_version,
        "schema_version": schema_version,
        "needs_migration": schema_version is not None and schema_version != CURRENT,
    }


def _schema_table(workflows: Sequence[dict[str, Any]]) -> RenderableType:
    found = table("Workflow", "Version", "Schema", "")
    for one in workflows:
        word = "to be migrated" if one["needs_migration"] else "current"
        cells = (one["id"], one["version"], one["schema_version"], word)
        row(found, *cells, style={0: "bold", 3: "yellow" if one["needs_migration"] else "green"})
    return found


@schema.command("migrate", cls=BatonCommand)
@click.option("--workflow-id", required=True, help="The workflow to migrate.")
@as_user
def schema_migrate(workflow_id: str, user: str | None) -> None:
    """Publish a workflow's older definition in the current schema; the old version is kept."""
    _report([_migrate(find_workflow(workflow_id), user)])


@schema.command("migrate-all", cls=BatonCommand)
@as_user
def schema_migrate_all(user: str | None) -> None:
    """Do so with every workflow; those that cannot be translated are named and left as they are."""
    _report([_migrate(workflow, user) for workflow in workflows_with_last_run().order_by("name", "id")])


def _migrate(workflow: Workflow, user: str | None) -> dict[str, Any]:
    try:
        version = engine.migrate_workflow(workflow, user=acting(user))
    except DefinitionError as error:
        issues = [issue.as_dict() for issue in error.issues]
        return {"id": workflow.key, "result": "failed", "message": str(error), "issues": issues}
    if version is None:
        return {"id": workflow.key, "result": "current"}
    return {"id": workflow.key, "result": "migrated", "version": version.number, "message": version.note}


def _report(results: Sequence[dict[str, Any]]) -> None:
    emit({"workflows": list(results)}, lambda: _results_table(results))
    if any(one["result"] == "failed" for one in results):
        raise click.exceptions.Exit(Exit.FAILED)


def _results_table(results: Sequence[dict[str, Any]]) -> RenderableType:
    if not results:
        return Text("No workflows yet.")
    found = table("Workflow", "Result", "")
    for one in results:
        style = {0: "bold", 1: "bold red" if one["result"] == "failed" else "green"}
        row(found, one["id"], one["result"], one.get("message", ""), style=style)
    return found


@click.command("migrate", cls=OfflineCommand)
def migrate() -> None:
    """Bring the database up to date after an upgrade. An embedded one is migrated without asking."""
    done = database.migrate()
    emit({"migrated": bool(done)}, lambda: Text(done or "The database is up to date."))


COMMANDS = (health, schema, migrate)
