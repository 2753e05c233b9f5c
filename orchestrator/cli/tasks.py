"""The command for one task of a run: look at it, and say how a failed one goes on."""

from __future__ import annotations

from typing import Any

import click
from rich.console import RenderableType
from rich.pretty import Pretty
from rich.text import Text

from orchestrator import engine
from orchestrator.cli.base import BatonCommand, acting, as_user, emit, row, table
from orchestrator.cli.exits import plain
from orchestrator.definition import strict_json
from orchestrator.definition.names import did_you_mean, nearest
from orchestrator.exceptions import NotFoundError
from orchestrator.models import Run, TaskRun
from orchestrator.reads.status import resolve
from orchestrator.reads.why import why_task

_LOG_LINES = 20


@click.command("task", cls=BatonCommand)
@click.argument("run")
@click.argument("key")
@click.argument("verb", required=False, type=click.Choice(["retry", "skip", "fail", "complete"]))
@click.option("--index", type=click.IntRange(0), help="One item of a for_each task, counted from 0.")
@click.option("--parameters", metavar="JSON", help="With retry: use these instead of its own.")
@click.option("--output", metavar="JSON", help="With complete: the result.")
@click.option("--reason", default="", help="With skip or fail: why; kept in the history.")
@as_user
def task(
    run: str,
    key: str,
    verb: str | None,
    index: int | None,
    parameters: str | None,
    output: str | None,
    reason: str,
    user: str | None,
) -> None:
    """Show the task KEY of a RUN, or say how it goes on after it failed: retry, skip, fail, complete."""
    found = _find(resolve(run), key, index)
    if verb is not None:
        found = _tell(found, verb, parameters, output, reason, user)
    emit(_described(found), lambda: _shown(found))


def _find(run: Run, key: str, index: int | None) -> TaskRun:
    found = (
        run.tasks.filter(key=key, index=-1 if index is None else index)
        .select_related("run__workflow")
        .first()
    )
    if found is None:
        hint = did_you_mean(nearest(key, run.tasks.filter(index=-1).values_list("key", flat=True)))
        raise NotFoundError(
            f"Run {run.pk} has no task {key[:100]!r}{'' if index is None else f'[{index}]'}.{hint}"
        )
    return found


def _tell(
    found: TaskRun, verb: str, parameters: str | None, output: str | None, reason: str, user: str | None
) -> TaskRun:
    who = acting(user)
    if verb == "retry":
        values = strict_json.loads(parameters) if parameters else None
        if values is not None and not isinstance(values, dict):
            raise click.UsageError("--parameters takes a JSON map.")
        return engine.retry_task(found.pk, user=who, parameters=values)
    if verb == "complete":
        return engine.complete_task(found.pk, user=who, output=strict_json.loads(output) if output else None)
    if verb == "skip":
        return engine.skip_task(found.pk, user=who, reason=reason)
    return engine.fail_task(found.pk, user=who, reason=reason)


def _described(found: TaskRun) -> dict[str, Any]:
    blocking = why_task(found)
    return {
        "run": found.run_id,
        "task": found.key,
        "index": found.index,
        "status": found.status,
        "reason": found.reason,
        "attempts": found.attempt,
        "agent": found.agent_id,
        "input": found.input,
        "output": found.output,
        "error": found.error,
        "why": blocking.as_dict() if blocking else None,
        "log": [
            {"attempt": line.attempt, "at": line.at.isoformat(), "level": line.level, "message": line.message}
            for line in reversed(found.log.order_by("-pk")[:_LOG_LINES])
        ],
    }


def _shown(found: TaskRun) -> RenderableType:
    facts = _described(found)
    log = facts.pop("log")
    why = facts.pop("why")
    listed = table("", "")
    listed.show_header = False
    for name, value in facts.items():
        text = (
            Text(plain(str(value)))
            if isinstance(value, str | int)
            else Pretty(value, max_string=200, max_length=20)
        )
        listed.add_row(Text(name, style="bold"), text)
    if why:
        row(listed, "why", why["sentence"])
        row(listed, "to do", why["fix"])
    for line in log:
        row(listed, "log", f"{line['at'][11:19]} {line['level']}: {line['message']}")
    return listed
