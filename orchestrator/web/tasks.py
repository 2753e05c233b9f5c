"""The panel of one task, and its output and log as files."""

from __future__ import annotations

import json
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orchestrator.downloads import download
from orchestrator.models import Artifact, LogLine, Run, TaskRun
from orchestrator.permissions import runs_for
from orchestrator.reads.lists import with_names
from orchestrator.reads.panel import task_panel
from orchestrator.web.answers import answer, refusals_as_pages
from orchestrator.web.offers import task_context

_MOST_LINES: Final = 100_000


@require_safe
@never_cache
def panel(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """Everything about one task: a page by itself, or the panel beside the canvas."""
    run = run_of(request, pk)
    try:
        found = task_panel(run, key, item_index(request))
    except TaskRun.DoesNotExist:
        raise Http404 from None
    context = {"run": run, "panel": found, **task_context(request, run, found)}
    return answer(request, "runs/task.html", context, part="runs/_panel.html")


@require_safe
@never_cache
def output(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """The whole output, as the tasks after it see it."""
    row = task_of(run_of(request, pk), key, item_index(request))
    text = json.dumps(row.output, ensure_ascii=False, indent=2)
    return _file(text, "application/json", f"run-{pk}-{key}-output.json")


@require_safe
@never_cache
def log(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """The whole log as plain text, a line each."""
    row = task_of(run_of(request, pk), key, item_index(request))
    lines = LogLine.objects.filter(task_run=row).order_by("pk")[:_MOST_LINES]
    text = "".join(f"{line.at.isoformat()} {line.attempt} {line.level} {line.message}\n" for line in lines)
    return _file(text, "text/plain", f"run-{pk}-{key}.log")


@require_safe
@refusals_as_pages
def artifact(request: HttpRequest, pk: int, artifact: int) -> HttpResponse:
    """A file that an agent handed in, to be saved."""
    found = get_object_or_404(Artifact, pk=artifact, task_run__run=run_of(request, pk))
    return download(found.key, found.name, found.content_type)


def panel_again(
    request: HttpRequest, row: TaskRun, extra: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """The panel as it is now, after something was done there; `extra` brings a form that needs another look."""
    run = run_of(request, row.run_id)
    found = task_panel(run, row.key, row.index)
    context = {"run": run, "panel": found, **task_context(request, run, found), **(extra or {})}
    return answer(request, "runs/task.html", context, part="runs/_panel.html", status=status)


def run_of(request: HttpRequest, pk: int) -> Run:
    return get_object_or_404(with_names(runs_for(request.user)), pk=pk)


def task_of(run: Run, key: str, index: int) -> TaskRun:
    row = get_object_or_404(TaskRun, run_id=run.pk, key=key, index=index)
    row.run = run
    return row


def item_index(request: HttpRequest) -> int:
    """The item that `?item=` names, counted from 0; -1 for the task itself."""
    text = request.GET.get("item", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else -1


def _file(text: str, media_type: str, name: str) -> HttpResponse:
    response = HttpResponse(text, content_type=f"{media_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
