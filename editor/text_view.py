"""The draft as JSON or YAML text: read, stored by the differences to what it was written over, and taken as a file."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from editor import drafts, listing
from editor.drafts import DisputeError
from editor.operations import difference, with_changes_over
from orchestrator.definition import DefinitionError, Issue, formats, migrate
from orchestrator.definition.strict_json import MAX_BYTES
from orchestrator.exceptions import BatonError
from orchestrator.models import Workflow
from orchestrator.permissions import require, workflows_for
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusals_as_pages

_WRITERS = {
    "json": (formats.to_json, "application/json"),
    "yaml": (formats.to_yaml, "application/yaml"),
}


class TextForm(forms.Form):
    """The text, and the revision over which it was written."""

    base_rev = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
    definition = forms.CharField(
        label="Definition",
        strip=False,
        max_length=MAX_BYTES,
        help_text="JSON or YAML. Ctrl+F of your browser finds in it.",
        widget=forms.Textarea({"class": "input mono", "rows": 32, "spellcheck": "false"}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@refusals_as_pages
def edit_text(request: HttpRequest, key: str) -> HttpResponse:
    """Whatever is sent stands in the text again, with all that is wrong with it."""
    workflow = _workflow(request, key)
    if request.method != "POST":
        return _shown(request, workflow)
    form = TextForm(request.POST)
    if not form.is_valid():
        return _shown(request, workflow, form=form, status=UNPROCESSABLE)
    try:
        _store(request, workflow, form)
    except DefinitionError as error:
        return _shown(request, workflow, form=form, issues=error.issues, status=UNPROCESSABLE)
    except DisputeError as error:
        workflow.refresh_from_db()
        return _shown(
            request, workflow, form=_merged(workflow, form, error), dispute=error, status=error.status
        )
    except BatonError as error:
        issues = [Issue("$", error.code, error.message)]
        return _shown(request, workflow, form=form, issues=issues, status=UNPROCESSABLE)
    return go(request, reverse("workflow-text", args=[key]), "The draft is saved.")


@require_safe
@refusals_as_pages
def download_draft(request: HttpRequest, key: str, form: str) -> HttpResponse:
    """The draft as a file."""
    if form not in _WRITERS:
        raise Http404
    workflow = _workflow(request, key)
    write, media_type = _WRITERS[form]
    response = HttpResponse(write(workflow.draft), content_type=f"{media_type}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{workflow.key}-draft.{form}"'
    return response


def _workflow(request: HttpRequest, key: str) -> Workflow:
    found = get_object_or_404(workflows_for(request.user), key=key)
    require(request.user, "design", found)
    return found


def _store(request: HttpRequest, workflow: Workflow, form: TextForm) -> None:
    assert isinstance(request.user, User)
    definition = _read(form.cleaned_data["definition"])
    drafts.change_to(workflow, definition, base_rev=form.cleaned_data["base_rev"], user=request.user)


def _read(text: str) -> dict[str, Any]:
    """A definition of the current schema, which need not check; raises DefinitionError where it cannot be read."""
    data = formats.read(text.replace("\r\n", "\n"))
    if not isinstance(data, dict):
        raise DefinitionError([Issue("$", "not_a_map", "A definition is a map: {name, version, tasks, …}.")])
    migration = migrate(data)
    if not migration.understood:
        raise DefinitionError(migration.issues)
    return migration.data


def _merged(workflow: Workflow, form: TextForm, error: DisputeError) -> TextForm:
    """What others have made of the draft, and over it what this person changed."""
    base = drafts.at_revision(workflow, form.cleaned_data["base_rev"])
    wished: Any = workflow.draft
    with suppress(DefinitionError):
        changes = difference(base, _read(form.cleaned_data["definition"]))
        wished = with_changes_over(workflow.draft, changes)
    return TextForm(initial={"base_rev": error.rev, "definition": formats.to_json(wished)})


def _shown(
    request: HttpRequest,
    workflow: Workflow,
    *,
    form: TextForm | None = None,
    issues: Any = (),
    dispute: DisputeError | None = None,
    status: int = 200,
) -> HttpResponse:
    assert isinstance(request.user, User)
    draft = drafts.draft_of(workflow, request.user)
    start = {"base_rev": draft.rev, "definition": formats.to_json(draft.definition)}
    context = {
        "workflow": workflow,
        "draft": draft,
        "form": form or TextForm(initial=start),
        "unread": issues,
        "refusal": dispute,
        "disputes": listing.told(dispute) if dispute else (),
        "problems": [issue for issue in draft.issues if issue.severity == "error"],
    }
    return answer(request, "editor/text.html", context, status=status)
