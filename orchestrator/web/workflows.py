"""The list of workflows and the page of one."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from orchestrator import actions, engine
from orchestrator.definition import check, formats
from orchestrator.engine.parameters import parameter_schema
from orchestrator.exceptions import InvalidError
from orchestrator.models import Run, Workflow, WorkflowVersion
from orchestrator.permissions import can, require, runs_for, workflows_for
from orchestrator.reads.canvas import canvas
from orchestrator.reads.lists import (
    WORKFLOW_FILTERS,
    RunQuery,
    WorkflowQuery,
    run_page,
    workflow_counts,
    workflow_page,
)
from orchestrator.reads.shown import as_text
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusals_as_pages
from orchestrator.web.forms import OnceForm, ParametersForm, new_idempotency_key

_RUNS_SHOWN: Final = 10
_WRITERS: Final = {
    "json": (formats.to_json, "application/json"),
    "yaml": (formats.to_yaml, "application/yaml"),
}


@require_safe
def workflow_list(request: HttpRequest) -> HttpResponse:
    """All workflows the person may see, searched and filtered by the address."""
    show = request.GET.get("show", "")
    query = WorkflowQuery(
        text=request.GET.get("q", "").strip()[:200],
        show=show if show in WORKFLOW_FILTERS else "",
        owner_id=request.user.pk if request.GET.get("owner") == "me" else None,
        after=request.GET.get("after", ""),
    )
    visible = workflows_for(request.user)
    context = {
        "query": query,
        "page": workflow_page(visible, query),
        "counts": workflow_counts(visible),
        "filtered": bool(query.text or query.show or query.owner_id),
        "may_create": can(request.user, "design"),
        "may_start": can(request.user, "operate"),
    }
    return answer(request, "workflows/list.html", context, part="workflows/_results.html")


@require_safe
def detail(request: HttpRequest, key: str) -> HttpResponse:
    """One workflow: what it does, drawn; a form to start it; its runs and versions."""
    workflow = _workflow(request, key)
    if not workflow.versions.exists() and can(request.user, "design", workflow):
        return go(request, reverse("workflow-edit", args=[workflow.key]))
    newest = _newest(workflow)
    form = _start_form(newest, None) if can(request.user, "operate", workflow) else None
    return answer(request, "workflows/detail.html", _page(request, workflow, newest, form))


@require_http_methods(["GET", "HEAD", "POST"])
@refusals_as_pages
def start(request: HttpRequest, key: str) -> HttpResponse:
    """The start form by itself, and what it is sent to. The same form sent twice starts one run."""
    workflow = _workflow(request, key)
    require(request.user, "operate", workflow)
    newest = _newest(workflow)
    form = _start_form(newest, request.POST if request.method == "POST" else None)
    once = OnceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and once.is_valid():
        run = _started(request, workflow, form, str(once.cleaned_data["once"]))
        if run is not None:
            return go(request, reverse("run-detail", args=[run.pk]))
    status = UNPROCESSABLE if form.is_bound else 200
    context = _page(request, workflow, newest, form)
    return answer(request, "workflows/start.html", context, part="workflows/_start_form.html", status=status)


@require_safe
def version(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """One version, as it was published."""
    workflow = _workflow(request, key)
    chosen = get_object_or_404(workflow.versions.select_related("created_by"), number=number)
    checked = check(chosen.definition, actions=actions.schemas())
    context = {
        "workflow": workflow,
        "version": chosen,
        "drawing": canvas(checked.definition.data) if checked.definition else None,
        "issues": checked.issues,
        "text": as_text(chosen.definition),
        "picture": f"{workflow.key}-{chosen.number}",
    }
    return answer(request, "workflows/version.html", context)


@require_safe
def download(request: HttpRequest, key: str, number: int, form: str) -> HttpResponse:
    """The definition of a version as a file."""
    if form not in _WRITERS:
        raise Http404
    workflow = _workflow(request, key)
    chosen = get_object_or_404(workflow.versions, number=number)
    write, media_type = _WRITERS[form]
    response = HttpResponse(write(chosen.definition), content_type=f"{media_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{workflow.key}-{number}.{form}"'
    return response


def _workflow(request: HttpRequest, key: str) -> Workflow:
    return get_object_or_404(workflows_for(request.user).select_related("owner"), key=key)


def _newest(workflow: Workflow) -> WorkflowVersion:
    """The version a start would use, read in the current schema even if it was stored in an older one."""
    newest = workflow.versions.order_by("-number").first()
    if newest is None:
        raise Http404
    return newest


def _start_form(newest: WorkflowVersion, data: Any) -> ParametersForm:
    checked = check(newest.definition, actions=actions.schemas())
    if checked.definition is None:
        raise InvalidError(
            "The newest version does not check any more; publish a mended one.", checked.issues
        )
    declared = parameter_schema(checked.definition.parameters).fields
    return ParametersForm(declared, data)


def _started(request: HttpRequest, workflow: Workflow, form: ParametersForm, once: str) -> Run | None:
    """The run; None when the engine found fault with the parameters, which the form then shows."""
    try:
        return engine.start(
            workflow, form.values(), user=request.user, idempotency_key=f"page:{request.user.pk}:{once}"
        )
    except InvalidError as error:
        form.take(error.issues)
        return None


def _page(
    request: HttpRequest, workflow: Workflow, newest: WorkflowVersion, form: ParametersForm | None
) -> dict[str, Any]:
    checked = check(newest.definition, actions=actions.schemas())
    runs = runs_for(request.user)
    return {
        "workflow": workflow,
        "version": newest,
        "versions": workflow.versions.select_related("created_by")
        .defer("definition")
        .order_by("-number")[:20],
        "drawing": canvas(checked.definition.data) if checked.definition else None,
        "tasks": len(newest.definition.get("tasks", {})),
        "runs": run_page(runs, RunQuery(workflow=workflow.key), size=_RUNS_SHOWN),
        "form": form,
        "once": request.POST.get("once") or new_idempotency_key(),
        "may_start": form is not None,
        "may_design": can(request.user, "design", workflow),
        "text": as_text(newest.definition),
    }
