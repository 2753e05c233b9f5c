"""What people do with runs and tasks: forms that are sent, engine functions that are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from orchestrator import engine
from orchestrator.exceptions import InvalidError
from orchestrator.models import Run, TaskRun
from orchestrator.permissions import require
from orchestrator.reads.live import facts
from orchestrator.reads.panel import task_panel
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusals_as_pages, wants_part
from orchestrator.web.forms import CompleteForm, ReasonForm, RetryForm
from orchestrator.web.offers import run_verbs
from orchestrator.web.tasks import item_index, panel_again, run_of, task_of

_SAID = {
    "pause": "The run pauses: what runs now finishes, nothing new starts.",
    "resume": "The run goes on.",
    "cancel": "The run was cancelled.",
    "retry": "The task is tried again.",
    "skip": "The run goes on without the task.",
    "fail": "The task has failed.",
    "complete": "The task is completed.",
}
_RUN_VERBS: dict[str, Callable[..., Run]] = {
    "pause": engine.pause,
    "resume": engine.resume,
    "cancel": engine.cancel,
}


@require_POST
@refusals_as_pages
def run_action(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Pause, resume or cancel."""
    if verb not in _RUN_VERBS:
        raise Http404
    run = run_of(request, pk)
    require(request.user, "operate", run)
    form = ReasonForm(request.POST)
    reason = {"reason": form.cleaned_data["reason"]} if verb == "cancel" and form.is_valid() else {}
    _RUN_VERBS[verb](run.pk, user=request.user, **reason)
    if not wants_part(request):
        return go(request, reverse("run-detail", args=[run.pk]), _SAID[verb])
    run = run_of(request, pk)
    context = {"run": run, "facts": facts(run), "verbs": run_verbs(request.user, run)}
    return answer(request, "runs/_actions.html", context)


@require_POST
@refusals_as_pages
def task_action(request: HttpRequest, pk: int, key: str, verb: str) -> HttpResponse:
    """Retry, skip, fail or complete a task."""
    if verb not in _TASK_VERBS:
        raise Http404
    run = run_of(request, pk)
    require(request.user, "operate", run)
    row = task_of(run, key, item_index(request))
    make, carry_out = _TASK_VERBS[verb]
    form = make(request.POST, auto_id=f"{verb}-%s")
    if form.is_valid():
        try:
            carry_out(request, row, form.cleaned_data)
        except InvalidError as error:
            form.add_error(None, error.message)
    if form.errors:
        return panel_again(request, row, {f"{verb}_form": form, "open_form": verb}, UNPROCESSABLE)
    if wants_part(request):
        return panel_again(request, row)
    url = f"{reverse('run-detail', args=[run.pk])}?task={row.key}"
    return go(request, url, _SAID[verb])


def _retry(request: HttpRequest, row: TaskRun, given: dict[str, Any]) -> None:
    """Parameters that were not changed are not an edit: the definition's own stay in force."""
    parameters = given["parameters"]
    raw = task_panel(row.run, row.key, row.index).raw_parameters
    edited = parameters if parameters is not None and parameters != raw else None
    engine.retry_task(row.pk, user=request.user, parameters=edited)


def _skip(request: HttpRequest, row: TaskRun, given: dict[str, Any]) -> None:
    engine.skip_task(row.pk, user=request.user, reason=given["reason"])


def _fail(request: HttpRequest, row: TaskRun, given: dict[str, Any]) -> None:
    engine.fail_task(row.pk, user=request.user, reason=given["reason"])


def _complete(request: HttpRequest, row: TaskRun, given: dict[str, Any]) -> None:
    engine.complete_task(row.pk, user=request.user, output=given["output"])


_Carrying = Callable[[HttpRequest, TaskRun, dict[str, Any]], None]
_TASK_VERBS: dict[str, tuple[type[forms.Form], _Carrying]] = {
    "retry": (RetryForm, _retry),
    "skip": (ReasonForm, _skip),
    "fail": (ReasonForm, _fail),
    "complete": (CompleteForm, _complete),
}
