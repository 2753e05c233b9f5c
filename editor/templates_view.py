"""The gallery of templates, and the page of one: its parameters beside what they come to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from editor.drawing import drawn
from editor.preview import Preview, foretell
from orchestrator import catalog, engine
from orchestrator.catalog import Template
from orchestrator.definition import DefinitionError
from orchestrator.definition.fields import Field
from orchestrator.engine.templates import as_template, newest_versions, version_of
from orchestrator.exceptions import ConflictError, InvalidError
from orchestrator.models import TeamTemplateVersion
from orchestrator.permissions import can, keeps, require
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusals_as_pages
from orchestrator.web.forms import ParametersForm, TemplateForm

MOST_LISTED: Final = 60
MOST_DRAWN: Final = 400  # tasks of a template that is drawn in the gallery
_AT_START: Final = "Asked at each start if you leave it empty."


@dataclass(frozen=True, slots=True)
class Chosen:
    """A template; `row` is its stored version, None for one that ships."""

    template: Template
    row: TeamTemplateVersion | None = None

    @property
    def is_retired(self) -> bool:
        return self.row is not None and self.row.template.retired_at is not None


@require_safe
@refusals_as_pages
def gallery(request: HttpRequest) -> HttpResponse:
    """The ways to a new workflow: templates that ship, the team's, blank, or a definition of one's own."""
    require(request.user, "design")
    text = request.GET.get("q", "").strip()[:200]
    named = Q(template__name__icontains=text) | Q(template__description__icontains=text)
    # With a text that nobody could store there is nothing to find.
    team = newest_versions().filter(named) if "\x00" not in text else newest_versions().none()
    shipped = [
        one for one in catalog.templates() if text.casefold() in f"{one.name} {one.description}".casefold()
    ]
    found = list(team[: MOST_LISTED + 1])
    retired = [
        row for row in newest_versions(retired=True)[:MOST_LISTED] if keeps(request.user, row.template)
    ]
    context = {
        "query": text,
        "templates": _drawn(shipped),
        "team": _drawn(as_template(row) for row in found[:MOST_LISTED]),
        "more": len(found) > MOST_LISTED,
        "searchable": bool(text) or bool(found),
        "retired": [row.template for row in retired] if not text else [],
    }
    return answer(request, "workflows/new.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@refusals_as_pages
def from_template(request: HttpRequest, template: str) -> HttpResponse:
    """The parameters of a template beside its drawing; sending them makes the workflow, or shows what they come to."""
    require(request.user, "design")
    chosen = _chosen(request, template)
    data = request.POST if request.method == "POST" else None
    if data is not None and chosen.is_retired:
        raise ConflictError(
            f"The template {chosen.template.name} is retired: nothing new is made of it.", code="retired"
        )
    named, form = _forms(chosen.template, data)
    is_good = data is not None and named.is_valid() and form.is_valid()
    if is_good and "preview" not in request.POST:
        response = _created(request, chosen, named.cleaned_data["name"], form)
        if response is not None:
            return response
    context = _page(request, chosen, named, form)
    return answer(
        request,
        "workflows/from_template.html",
        context,
        status=UNPROCESSABLE if form.errors or named.errors else 200,
    )


@require_http_methods(["POST"])
@refusals_as_pages
def preview(request: HttpRequest, template: str) -> HttpResponse:
    """What the values that are in the form now come to. Changes nothing; answered with the part of the page."""
    require(request.user, "design")
    chosen = _chosen(request, template)
    _, form = _forms(chosen.template, request.POST)
    return answer(request, "workflows/_preview.html", _foretold(chosen.template, form))


def _chosen(request: HttpRequest, key: str) -> Chosen:
    """In the version that the address or the form names."""
    given = request.POST.get("version") or request.GET.get("version", "")
    number = int(given) if given.isdecimal() and len(given) < 10 else None
    if given and number is None:
        raise Http404
    if catalog.has(key):
        return Chosen(catalog.get(key))
    row = version_of(key, number)
    if row is None:
        raise Http404
    return Chosen(as_template(row), row)


def _forms(template: Template, data: QueryDict | None) -> tuple[TemplateForm, ParametersForm]:
    named = TemplateForm(data, initial={"name": template.name})
    return named, ParametersForm(
        [_asked(field) for field in template.parameters if field.widget != "secret"], data
    )


def _asked(field: Field) -> Field:
    """A parameter that every start needs may still be left open here."""
    if not field.required or field.default is not None:
        return field
    return replace(field, required=False, description=f"{field.description} {_AT_START}".lstrip())


def _created(request: HttpRequest, chosen: Chosen, name: str, form: ParametersForm) -> HttpResponse | None:
    """Where the new workflow, or its first run, is; None when the values did not do."""
    assert isinstance(request.user, User)
    template = chosen.template
    note = f"From version {template.version} of the template {template.key}" if template.team else ""
    try:
        definition = catalog.made_from(template, form.values(), name=name)
        workflow = engine.save_workflow(
            definition, user=request.user, key=name, template=template.key, note=note
        )
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


def _page(request: HttpRequest, chosen: Chosen, named: TemplateForm, form: ParametersForm) -> dict[str, Any]:
    row = chosen.row
    secret = [field.title for field in chosen.template.parameters if field.widget == "secret"]
    return {
        "template": chosen.template,
        "row": row,
        "retired": chosen.is_retired,
        "keeper": row is not None and keeps(request.user, row.template),
        "versions": _versions(row) if row else (),
        "named": named,
        "form": form,
        "secret": secret,
        "may_start": can(request.user, "operate"),
        **_foretold(chosen.template, form),
    }


def _versions(row: TeamTemplateVersion) -> Any:
    return row.template.versions.select_related("created_by", "source").defer("definition", "source__draft")[
        :50
    ]


def _foretold(template: Template, form: ParametersForm) -> dict[str, Any]:
    """The preview for the page: of what is in the form, or of the template itself where that does not do."""
    problems: list[str] = []
    found: Preview | None = None
    try:
        if not form.is_bound or form.is_valid():
            found = foretell(catalog.made_from(template, form.values() if form.is_bound else {}))
        else:
            problems = [f"{form[name].label}: {error}" for name in form.errors for error in form.errors[name]]
    except DefinitionError as error:
        problems = [issue.message for issue in error.issues if issue.severity == "error"]
    drawing = found.drawing if found else drawn(template.definition)
    return {
        "preview": found,
        "problems": problems,
        "drawing": drawing,
        "drawn": json.dumps(drawing) if found else "",
    }


def _drawn(templates: Iterable[Template]) -> list[tuple[Template, int, dict[str, Any] | None]]:
    """Each with the number of its tasks, and its drawing unless that is too large for a card."""
    counted = [(one, len(one.definition.get("tasks", {}))) for one in templates]
    return [(one, count, drawn(one.definition) if count <= MOST_DRAWN else None) for one, count in counted]
