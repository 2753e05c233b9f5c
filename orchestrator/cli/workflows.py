"""Commands on workflows: what there is, making them, checking them, taking them in and out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from orchestrator import catalog, database, engine
from orchestrator.catalog import Template
from orchestrator.cli.base import (
    BatonCommand,
    OfflineCommand,
    acting,
    as_user,
    emit,
    row,
    say,
    table,
    wants_json,
)
from orchestrator.cli.exits import Exit, plain
from orchestrator.cli.looks import ago, status_style
from orchestrator.cli.params import param_option, typed
from orchestrator.definition import formats
from orchestrator.definition.issues import DefinitionError, Issue
from orchestrator.exceptions import NotFoundError
from orchestrator.models import Workflow, WorkflowVersion
from orchestrator.reads.status import find_workflow, workflows_with_last_run

_MAX_BYTES = 2 * 1024 * 1024
_STDIN = "-"


@click.command("list", cls=BatonCommand)
@click.option("--search", default="", help="Only those with this in their name or id.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=200, show_default=True, help="At most so many."
)
def list_workflows(search: str, limit: int) -> None:
    """List the workflows and how their last run went."""
    rows = list(workflows_with_last_run(search).order_by("name", "id")[:limit])
    emit({"workflows": [_listed(workflow) for workflow in rows]}, lambda: _list_table(rows))


def _listed(workflow: Any) -> dict[str, Any]:
    return {
        "id": workflow.key,
        "name": workflow.name,
        "version": workflow.last_version,
        "template": workflow.template,
        "last_run": _last_run(workflow) if workflow.last_run else None,
        "updated_at": workflow.updated_at.isoformat(),
    }


def _last_run(workflow: Any) -> dict[str, Any]:
    return {"run": workflow.last_run, "status": workflow.last_status, "at": workflow.last_at.isoformat()}


def _list_table(rows: list[Any]) -> RenderableType:
    if not rows:
        return Text("No workflows yet. Make one: baton create sequential_pipeline (see 'baton templates').")
    found = table("Workflow", "Name", "Version", "Last run", "Status", "Started")
    for workflow in rows:
        run = f"#{workflow.last_run}" if workflow.last_run else "not yet"
        cells = (
            workflow.key,
            workflow.name,
            workflow.last_version,
            run,
            workflow.last_status,
            ago(workflow.last_at),
        )
        row(found, *cells, style={0: "bold", 4: status_style(workflow.last_status)})
    return found


@click.command("create", cls=BatonCommand)
@click.argument("template")
@param_option
@click.option("--id", "key", help="The id of the workflow; the template's name if not given.")
@click.option("--name", default="", help="The name of the workflow.")
@click.option(
    "--template-version",
    "number",
    type=click.IntRange(1),
    help="That version of a team's template; the newest if not given.",
)
@as_user
def create(
    template: str, params: dict[str, str], key: str | None, name: str, number: int | None, user: str | None
) -> None:
    """Create a workflow from a TEMPLATE; --param sets its parameters, which a start can still change."""
    found = engine.find_template(template, number)
    types = {field.name: field.type for field in found.parameters}
    definition = catalog.made_from(found, typed(params, types), name=name)
    workflow = engine.save_workflow(definition, user=acting(user), key=key, template=template)
    emit(_made(workflow), lambda: Text(f"Created {workflow.key}. Start it: baton start {workflow.key}"))


def _made(workflow: Workflow, issues: tuple[Issue, ...] = ()) -> dict[str, Any]:
    version = workflow.versions.order_by("-number").values_list("number", flat=True).first()
    found = {"id": workflow.key, "name": workflow.name, "version": version, "template": workflow.template}
    return {**found, "warnings": [issue.as_dict() for issue in issues]} if issues else found


@click.command("validate", cls=OfflineCommand)
@click.argument("file")
def validate(file: str) -> None:
    """Check a definition in a FILE (JSON, YAML or WfFormat; - is stdin) and name every problem."""
    try:
        report = engine.check_definition(_read(file))
        issues = report.issues
    except DefinitionError as error:
        issues = error.issues
    ok = not any(issue.severity == "error" for issue in issues)
    emit(
        {"ok": ok, "file": file, "issues": [issue.as_dict() for issue in issues]},
        lambda: _issues_shown(file, issues, ok),
    )
    if not ok:
        raise click.exceptions.Exit(Exit.FAILED)


def _issues_shown(file: str, issues: tuple[Issue, ...], ok: bool) -> RenderableType:
    verdict = Text(f"{plain(file)} is valid." if ok else f"{plain(file)} is not valid.", style="bold")
    if not issues:
        return verdict
    found = table("", "Where", "Problem", "Code")
    for issue in issues:
        style = {0: "red" if issue.severity == "error" else "yellow", 1: "bold"}
        row(found, issue.severity, issue.path, issue.message, issue.code, style=style)
    return Group(found, verdict)


@click.command("import", cls=BatonCommand)
@click.argument("file")
@click.option("--id", "key", help="The id of the workflow; the definition's own if not given.")
@click.option("--into", metavar="WORKFLOW", help="Publish it as a new version of this workflow instead.")
@as_user
def import_file(file: str, key: str | None, into: str | None, user: str | None) -> None:
    """Take in a definition from a FILE (JSON, YAML or WfFormat; - is stdin), of any schema version."""
    if key and into:
        raise click.UsageError("--id names a new workflow, --into one that is there; give one of them.")
    data = _read(file)
    warnings = tuple(issue for issue in engine.check_definition(data).issues if issue.severity == "warning")
    if into:
        workflow = find_workflow(into)
        engine.publish(workflow, data, user=acting(user), note=f"Imported from {Path(file).name}")
    else:
        workflow = engine.save_workflow(
            data, user=acting(user), key=key, note=f"Imported from {Path(file).name}"
        )
    for issue in () if wants_json() else warnings:
        say(f"Warning: {issue}")
    emit(
        _made(workflow, warnings),
        lambda: Text(f"Imported {workflow.key}. Start it: baton start {workflow.key}"),
    )


def _read(file: str) -> dict[str, Any]:
    if file == _STDIN:
        content = sys.stdin.buffer.read(_MAX_BYTES + 1)
    else:
        path = Path(file)
        if not path.exists():
            raise NotFoundError(f"There is no file {file!r}.")
        with path.open("rb") as handle:
            content = handle.read(_MAX_BYTES + 1)
    return formats.read(content, "" if file == _STDIN else Path(file).name)


@click.command("export", cls=BatonCommand)
@click.argument("workflow")
@click.option("--format", "form", type=click.Choice(["json", "yaml"]), default="json", show_default=True)
@click.option("--version", "number", type=click.IntRange(1), help="That version; the newest if not given.")
@click.option("--output", type=click.Path(dir_okay=False), help="Write to this file and not to stdout.")
def export(workflow: str, form: str, number: int | None, output: str | None) -> None:
    """Print the definition of a WORKFLOW."""
    version = _version(find_workflow(workflow), number)
    as_yaml = form == "yaml" and not wants_json()
    text = formats.to_yaml(version.definition) if as_yaml else formats.to_json(version.definition)
    if output is None:
        click.echo(text.rstrip("\n"))
        return
    Path(output).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    say(f"Wrote version {version.number} of {workflow} to {output}.")


def _version(workflow: Workflow, number: int | None) -> WorkflowVersion:
    versions = workflow.versions.order_by("-number")
    found = (versions.filter(number=number) if number else versions).first()
    if found is None:
        raise NotFoundError(f"Workflow {workflow.key} has no version {number or 1}.")
    return found


@click.command("templates", cls=OfflineCommand)
@click.argument("template", required=False)
def templates(template: str | None) -> None:
    """List the templates; with a TEMPLATE show its parameters."""
    if template is None:
        found = engine.all_templates() if database.is_there() else catalog.templates()
        emit({"templates": [_described(one) for one in found]}, lambda: _templates_table(found))
    else:
        shipped = catalog.has(template) or not database.is_there()
        one = catalog.get(template) if shipped else engine.find_template(template)
        emit(_described(one), lambda: _template_shown(one))


def _described(template: Template) -> dict[str, Any]:
    return {
        "key": template.key,
        "name": template.name,
        "version": template.version,
        "description": template.description,
        "use_cases": list(template.use_cases),
        "features": list(template.features),
        "team": template.team,
        "owner": template.owner,
        "documentation": template.documentation,
        "parameters": [
            {
                "name": field.name,
                "type": field.type,
                "required": field.required,
                "default": field.default,
                "enum": list(field.enum),
                "description": field.description,
            }
            for field in template.parameters
        ],
    }


def _templates_table(found: list[Template]) -> RenderableType:
    listed = table("Template", "Version", "What it does", "Made by")
    for template in found:
        made_by = template.owner or ("the team" if template.team else "Baton")
        row(listed, template.key, template.version, template.description, made_by, style={0: "bold"})
    return Group(listed, Text("\nIts parameters: baton templates TEMPLATE", style="dim"))


def _template_shown(template: Template) -> RenderableType:
    parameters = table("Parameter", "Type", "Default", "Meaning")
    for field in template.parameters:
        choices = f" One of {', '.join(map(str, field.enum))}." if field.enum else ""
        row(parameters, field.name, field.type, field.default, field.description + choices, style={0: "bold"})
    uses = "\n".join(f"• {use}" for use in template.use_cases) or template.documentation
    return Group(
        Text(plain(f"{template.name} {template.version}"), style="bold"),
        Text(plain(template.description)),
        Padding(Text(plain(uses)), (1, 0, 1, 2)),
        parameters,
    )


COMMANDS = (list_workflows, create, validate, import_file, export, templates)
