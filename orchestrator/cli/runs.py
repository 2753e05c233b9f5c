"""Commands that start runs and steer them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from orchestrator import actions, engine
from orchestrator.cli.base import BatonCommand, acting, as_user, emit, row, say, table
from orchestrator.cli.carrying import Carrier
from orchestrator.cli.drawing import draw, shot
from orchestrator.cli.following import finish, follow, watcher
from orchestrator.cli.looks import ago, span, status_style
from orchestrator.cli.params import param_option, typed
from orchestrator.cli.tasks import task
from orchestrator.definition import parse
from orchestrator.definition.fields import FieldType
from orchestrator.engine.definitions import current_version
from orchestrator.models import Run, Workflow
from orchestrator.planning.machine import RunStatus
from orchestrator.reads.status import find_workflow, resolve, status
from orchestrator.reads.why import is_worker_up


@click.command("start", cls=BatonCommand)
@click.argument("workflow")
@param_option
@click.option(
    "--wait", is_flag=True, help="Wait for the end. With no worker up this process carries the run itself."
)
@click.option("--timeout", type=click.FloatRange(min=0), help="With --wait: wait at most so many seconds.")
@click.option("--key", "idempotency_key", help="Asked again with the same key, the same run is answered.")
@as_user
def start(
    workflow: str,
    params: dict[str, str],
    wait: bool,
    timeout: float | None,
    idempotency_key: str | None,
    user: str | None,
) -> None:
    """Start a run of a WORKFLOW."""
    if timeout is not None and not wait:
        raise click.UsageError("--timeout goes with --wait.")
    chosen = find_workflow(workflow)
    values = typed(params, _types(chosen)) if params else {}
    run = engine.start(chosen, values, user=acting(user), trigger="cli", idempotency_key=idempotency_key)
    if wait:
        _wait(run, timeout)
        return
    emit(
        _brief(run),
        lambda: Text(f"Run {run.pk} of {chosen.key} is {run.status}. Watch it: baton monitor {run.pk}"),
    )
    if not is_worker_up():
        say(
            "No worker is up: nothing is carried out until 'baton up' runs. (--wait carries the run right here.)"
        )


def _types(workflow: Workflow) -> dict[str, FieldType]:
    definition = parse(current_version(workflow).definition, actions=actions.schemas())
    return {name: parameter.type for name, parameter in definition.parameters.items()}


def _wait(run: Run, timeout: float | None) -> None:
    with ExitStack() as stack:
        carrier = None if is_worker_up() else stack.enter_context(Carrier(run.pk))
        run = follow(run, timeout, watcher(), carrier.step if carrier else None)
    emit(_brief(run), lambda: Text(f"Run {run.pk} is {run.status}{_cause(run)}"))
    finish(run)


def _brief(run: Run) -> dict[str, Any]:
    return {"run": run.pk, "status": run.status, "workflow": run.workflow.key, "error": run.error}


def _cause(run: Run) -> str:
    message = run.error.get("message") if isinstance(run.error, dict) else ""
    return f": {message}" if message else "."


@click.command("status", cls=BatonCommand)
@click.argument("run")
def show_status(run: str) -> None:
    """Show where a RUN stands, task by task."""
    found = resolve(run)
    emit(status(found), lambda: draw(shot(found.pk)))


@click.command("runs", cls=BatonCommand)
@click.argument("workflow", required=False)
@click.option(
    "--status", "wanted", type=click.Choice(RunStatus.values()), help="Only those with this status."
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many."
)
def runs(workflow: str | None, wanted: str | None, limit: int) -> None:
    """List the latest runs, of all workflows or of one WORKFLOW."""
    rows = Run.objects.select_related("workflow", "started_by").defer("params", "error").order_by("-pk")
    rows = rows.filter(workflow=find_workflow(workflow)) if workflow else rows
    rows = rows.filter(status=wanted) if wanted else rows
    found = list(rows[:limit])
    emit({"runs": [_listed(run) for run in found]}, lambda: _runs_table(found))


def _listed(run: Run) -> dict[str, Any]:
    return {
        "run": run.pk,
        "workflow": run.workflow.key,
        "status": run.status,
        "test_run": run.is_trial,
        "total": run.total,
        "settled": run.total - run.unsettled,
        "started_by": run.started_by.get_username() if run.started_by else None,
        "created_at": run.created_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }


def _runs_table(found: list[Run]) -> RenderableType:
    if not found:
        return Text("No runs yet. Start one: baton start WORKFLOW")
    listed = table("Run", "Workflow", "Status", "Tasks", "By", "Started", "Took")
    for run in found:
        tasks = f"{run.total - run.unsettled} of {run.total}"
        took = span(run.started_at, run.finished_at)
        name = f"{run.workflow.key} (test run)" if run.is_trial else run.workflow.key
        cells = (f"#{run.pk}", name, run.status, tasks, run.started_by, ago(run.created_at), took)
        row(listed, *cells, style={0: "bold", 2: status_style(run.status)})
    return listed


@click.command("stop", cls=BatonCommand)
@click.argument("run")
@as_user
def stop(run: str, user: str | None) -> None:
    """Pause a RUN: nothing new begins, what is under way finishes."""
    paused = engine.pause(resolve(run).pk, user=acting(user))
    emit(_brief(paused), lambda: Text(f"Run {paused.pk} is paused. Let it go on: baton resume {paused.pk}"))


@click.command("resume", cls=BatonCommand)
@click.argument("run")
@as_user
def resume(run: str, user: str | None) -> None:
    """Let a paused RUN go on."""
    resumed = engine.resume(resolve(run).pk, user=acting(user))
    emit(_brief(resumed), lambda: Text(f"Run {resumed.pk} is {resumed.status}."))


@click.command("cancel", cls=BatonCommand)
@click.argument("run")
@click.option("--reason", default="", help="Why; kept in the history.")
@as_user
def cancel(run: str, reason: str, user: str | None) -> None:
    """End a RUN now, for good."""
    cancelled = engine.cancel(resolve(run).pk, user=acting(user), reason=reason)
    emit(_brief(cancelled), lambda: Text(f"Run {cancelled.pk} is {cancelled.status}."))


COMMANDS = (start, show_status, runs, stop, resume, cancel, task)
