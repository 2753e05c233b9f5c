"""New workflows: from a template, or from a definition that somebody brings."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from orchestrator import catalog, engine
from orchestrator.definition import DefinitionError, Issue, Report, formats
from orchestrator.exceptions import InvalidError
from orchestrator.permissions import can, require
from orchestrator.reads.canvas import canvas
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusals_as_pages
from orchestrator.web.forms import ImportForm, ParametersForm, TemplateForm


@require_safe
@refusals_as_pages
def gallery(request: HttpRequest) -> HttpResponse:
    """The ways to a new workflow."""
    require(request.user, "design")
    drawn = [(template, canvas(template.definition)) for template in catalog.templates()]
    return answer(request, "workflows/new.html", {"templates": drawn})


@require_http_methods(["GET", "HEAD", "POST"])
@refusals_as_pages
def from_template(request: HttpRequest, template: str) -> HttpResponse:
    """The parameters of a template beside its drawing; sending them makes the workflow."""
    require(request.user, "design")
    chosen = _template(template)
    data = request.POST if request.method == "POST" else None
    named = TemplateForm(data, initial={"name": chosen.name})
    form = ParametersForm(chosen.parameters, data)
    if data is not None and named.is_valid() and form.is_valid():
        response = _created(request, chosen, named.cleaned_data["name"], form)
        if response is not None:
            return response
    context = {
        "template": chosen,
        "named": named,
        "form": form,
        "drawing": canvas(chosen.definition),
        "may_start": can(request.user, "operate"),
    }
    status = UNPROCESSABLE if data is not None else 200
    return answer(request, "workflows/from_template.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@refusals_as_pages
def import_definition(request: HttpRequest) -> HttpResponse:
    """Check a definition and say everything that is wrong with it; save it when nothing is and it was asked for."""
    require(request.user, "design")
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method != "POST":
        return answer(request, "workflows/import.html", {"form": form})
    if not form.is_valid():
        return answer(request, "workflows/import.html", {"form": form}, status=UNPROCESSABLE)
    source, filename = form.source()
    data, report = _read(source, filename)
    if report.ok and data is not None and "save" in request.POST:
        workflow = engine.save_workflow(data, user=request.user)
        return go(request, reverse("workflow-detail", args=[workflow.key]), f"{workflow.name} was imported.")
    context = {"form": ImportForm(initial={"text": _text(source)}), "report": report} | _found(report)
    return answer(request, "workflows/import.html", context, status=200 if report.ok else UNPROCESSABLE)


def _template(key: str) -> catalog.Template:
    try:
        return catalog.get(key)
    except catalog.UnknownTemplateError:
        raise Http404 from None


def _created(
    request: HttpRequest, template: catalog.Template, name: str, form: ParametersForm
) -> HttpResponse | None:
    """Where the new workflow, or its first run, is; None when the values did not do."""
    try:
        definition = catalog.instantiate(template.key, form.values(), name=name)
        workflow = engine.save_workflow(definition, user=request.user, key=name, template=template.key)
    except DefinitionError as error:
        form.take(error.issues)
        return None
    if "start" not in request.POST:
        return go(request, reverse("workflow-detail", args=[workflow.key]), f"{workflow.name} was created.")
    require(request.user, "operate", workflow)
    try:
        run = engine.start(workflow, {}, user=request.user)
    except InvalidError as error:
        # The workflow is there; what its start lacks is asked for on its own page.
        url = reverse("workflow-start", args=[workflow.key])
        return go(request, url, f"{workflow.name} was created. {error}")
    return go(request, reverse("run-detail", args=[run.pk]))


def _read(source: bytes | str, filename: str) -> tuple[dict[str, Any] | None, Report]:
    try:
        data = formats.read(source, filename)
    except DefinitionError as error:
        return None, Report(None, error.issues)
    return data, engine.check_definition(data)


def _text(source: bytes | str) -> str:
    return source.decode(errors="replace") if isinstance(source, bytes) else source


def _found(report: Report) -> dict[str, Any]:
    """What the check says, for the page: problems first, then warnings, and the drawing when it can be drawn."""
    errors = [issue for issue in report.issues if issue.severity == "error"]
    warnings: list[Issue] = [issue for issue in report.issues if issue.severity != "error"]
    drawing = canvas(report.definition.data) if report.definition else None
    return {"errors": errors, "warnings": warnings, "drawing": drawing, "definition": report.definition}
