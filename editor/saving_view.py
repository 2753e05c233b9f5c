"""A workflow becomes a template of the team, or the next version of one; templates are retired, brought back, deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.contrib.auth.models import User
from django.core.validators import RegexValidator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods

from orchestrator import engine
from orchestrator.definition import DefinitionError, Issue, migrate
from orchestrator.engine.template_saving import DOCUMENTATION_LENGTH, Wish
from orchestrator.exceptions import InvalidError
from orchestrator.models import TeamTemplate, TeamTemplateVersion, Workflow
from orchestrator.permissions import can, require, require_keeper, templates_for, workflows_for
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusals_as_pages

DRAFT: Final = "draft"
_BOX: Final = {"class": "input"}
_KEY: Final = RegexValidator(
    r"^[a-z][a-z0-9_-]{0,59}\Z", "A key is a small letter, then at most 59 small letters, digits, '_' or '-'."
)
_VERBS: Final = {
    "retire": (engine.retire_template, "{} is retired. What was made of it stays."),
    "restore": (engine.restore_template, "{} is in the gallery again."),
    "delete": (engine.delete_template, "{} was deleted. What was made of it stays."),
}


class SaveForm(forms.Form):
    """What the template is called, made of and good for."""

    into = forms.ChoiceField(required=False, initial="", label="Save as", widget=forms.Select(_BOX))
    made_of = forms.ChoiceField(label="Made of", widget=forms.Select(_BOX))
    name = forms.CharField(max_length=200, label="Name", widget=forms.TextInput(_BOX))
    key = forms.CharField(
        required=False,
        max_length=60,
        label="Key",
        validators=[_KEY],
        help_text="How commands and the API name a new template. Made of its name if you leave it empty.",
        widget=forms.TextInput(_BOX | {"spellcheck": "false", "autocomplete": "off"}),
    )
    description = forms.CharField(
        required=False,
        max_length=1_000,
        label="Description",
        help_text="What it does, in a sentence or two, for its card in the gallery.",
        widget=forms.Textarea(_BOX | {"rows": 2}),
    )
    documentation = forms.CharField(
        required=False,
        max_length=DOCUMENTATION_LENGTH,
        label="Documentation",
        help_text="When to use it, what to fill in, what to know. Shown as you write it.",
        widget=forms.Textarea(_BOX | {"rows": 10}),
    )

    def __init__(self, workflow: Workflow, kept: Iterable[TeamTemplate], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        numbers = workflow.versions.order_by("-number").values_list("number", flat=True)
        chosen = [(str(number), f"Version {number}") for number in numbers]
        self.fields["made_of"].choices = [*chosen, (DRAFT, "The draft")]  # type: ignore[attr-defined]
        next_of = [(one.key, f"The next version of {one.name}") for one in kept]
        self.fields["into"].choices = [("", "A new template"), *next_of]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not given.get("into") and given.get("name") and not given.get("key") and "key" not in self.errors:
            given["key"] = slugify(given["name"])[:60].strip("-_")
            try:
                _KEY(given["key"])
            except forms.ValidationError:
                self.add_error("key", "The name makes no key of itself; give one, such as nightly-load.")
        return given

    def take(self, issues: Iterable[Issue]) -> list[Issue]:
        """Show what is about a field beside it; the others are given back."""
        rest = []
        for issue in issues:
            if issue.path in ("key", "name", "description"):
                self.add_error(issue.path, issue.message)
            else:
                rest.append(issue)
        return rest


@require_http_methods(["GET", "HEAD", "POST"])
@refusals_as_pages
def save_as(request: HttpRequest, key: str) -> HttpResponse:
    """A published version, or a draft that checks, becomes a template for everybody who may design."""
    workflow = get_object_or_404(workflows_for(request.user), key=key)
    require(request.user, "design")
    require(request.user, "design", workflow)
    kept = _kept_by(request)
    form = SaveForm(workflow, kept, request.POST or None, initial=_start(request, workflow, kept))
    issues: list[Issue] = []
    if form.is_valid():
        try:
            return _saved(request, workflow, form, kept)
        except (DefinitionError, InvalidError) as error:
            issues = form.take(error.issues)
    context = {"workflow": workflow, "form": form, "issues": issues}
    status = UNPROCESSABLE if form.is_bound else 200
    return answer(request, "workflows/save_template.html", context, status=status)


@require_http_methods(["POST"])
@refusals_as_pages
def carry_out(request: HttpRequest, template: str, verb: str) -> HttpResponse:
    """Retire it, bring it back, delete it: for its owner and administrators."""
    if verb not in _VERBS:
        raise Http404
    found = get_object_or_404(templates_for(request.user), key=template)
    require_keeper(request.user, found)
    act, said = _VERBS[verb]
    act(found)
    there = ["workflow-new"] if verb == "delete" else ["workflow-template", found.key]
    return go(request, reverse(there[0], args=there[1:]), said.format(found.name))


def _kept_by(request: HttpRequest) -> list[TeamTemplate]:
    """The templates to which this person may add a version."""
    found = templates_for(request.user).filter(retired_at=None)
    mine = found if can(request.user, "admin") else found.filter(owner=request.user.pk)
    return list(mine[:500])


def _start(request: HttpRequest, workflow: Workflow, kept: list[TeamTemplate]) -> dict[str, Any]:
    """What the form begins with: the template that was made of this workflow, if there is one."""
    versions = (
        TeamTemplateVersion.objects.filter(template__in=kept).select_related("template").order_by("-pk")
    )
    wanted = request.GET.get("into", "")
    known = [one.key for one in kept]
    last = (
        versions.filter(template__key=wanted) if wanted in known else versions.filter(source=workflow)
    ).first()
    newest = workflow.versions.order_by("-number").values_list("number", flat=True).first()
    start = {"made_of": str(newest or DRAFT), "name": workflow.name, "description": workflow.description}
    if last is None:
        return start
    head = last.template
    about = {"into": head.key, "name": head.name, "description": head.description}
    return start | about | {"documentation": last.documentation}


def _saved(
    request: HttpRequest, workflow: Workflow, form: SaveForm, kept: list[TeamTemplate]
) -> HttpResponse:
    assert isinstance(request.user, User)
    given = form.cleaned_data
    wish = Wish(
        source=workflow,
        source_version=0 if given["made_of"] == DRAFT else int(given["made_of"]),
        definition=_definition(workflow, given["made_of"]),
        name=given["name"],
        description=given["description"],
        documentation=given["documentation"].replace("\r\n", "\n"),
    )
    into = next((one for one in kept if one.key == given["into"]), None)
    if into is None:
        version = engine.save_template(given["key"], wish, user=request.user)
    else:
        version = engine.add_template_version(into, wish, user=request.user)
    said = f"{wish.name} is version {version.number} of the template {version.template.key}."
    return go(request, reverse("workflow-template", args=[version.template.key]), said)


def _definition(workflow: Workflow, side: str) -> dict[str, Any]:
    """In the current schema."""
    if side == DRAFT:
        return workflow.draft
    version = get_object_or_404(workflow.versions, number=int(side))
    return migrate(version.definition).data
