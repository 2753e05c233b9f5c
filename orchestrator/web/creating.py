"""New workflows from a definition that somebody brings."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from orchestrator import engine
from orchestrator.definition import DefinitionError, Issue, Report, formats
from orchestrator.permissions import require
from orchestrator.reads.canvas import canvas
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusals_as_pages
from orchestrator.web.forms import ImportForm


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
