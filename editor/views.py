"""The pages of the editor. The list view is a full editor that works without scripts: each form posts operations."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final, cast

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods

from editor import drafts, listing
from editor.drafts import DisputeError
from editor.operations import OperationError, carry_out
from editor.operations.graph import tasks_of
from editor.operations.pasting import fresh_keys
from editor.steps import NewStepForm, StepForm
from orchestrator import engine
from orchestrator.definition import DefinitionError, strict_json
from orchestrator.exceptions import BatonError, InvalidError
from orchestrator.models import Workflow
from orchestrator.permissions import can, require, workflows_for
from orchestrator.web.answers import UNPROCESSABLE, answer, go, refusals_as_pages
from orchestrator.web.forms import new_idempotency_key

NEW: Final = "+"  # in place of a key: the step that is being added


class AboutForm(forms.Form):
    """What the workflow as a whole is called."""

    name = forms.CharField(max_length=200, widget=forms.TextInput({"class": "input"}))
    description = forms.CharField(
        required=False, max_length=10_000, widget=forms.Textarea({"class": "input", "rows": 2})
    )

    def operations(self, draft: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"op": "set", "field": [name], "value": self.cleaned_data[name]}
            for name in ("name", "description")
            if self.cleaned_data[name] != draft.get(name, "")
        ]


class ExtractForm(forms.Form):
    """Which steps become a workflow of their own, and what it is called."""

    steps = forms.MultipleChoiceField(
        required=False, error_messages={"invalid_choice": "There is no step %(value)s any more."}
    )
    name = forms.CharField(
        label="What the new workflow is called",
        max_length=200,
        widget=forms.TextInput({"class": "input"}),
        error_messages={"required": "Say what the new workflow is called."},
    )

    def __init__(self, draft: dict[str, Any], data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="extract-%s")
        choices = [(key, key) for key in tasks_of(draft)]
        cast("forms.MultipleChoiceField", self.fields["steps"]).choices = choices

    @property
    def chosen(self) -> list[str]:
        return self["steps"].value() or []

    def clean_steps(self) -> list[str]:
        steps: list[str] = self.cleaned_data["steps"]
        if len(steps) < 2:
            raise forms.ValidationError("Choose two steps or more in the list.")
        return steps


class BlankForm(forms.Form):
    name = forms.CharField(max_length=200, widget=forms.TextInput({"class": "input"}))


@require_http_methods(["GET", "HEAD", "POST"])
@refusals_as_pages
def blank(request: HttpRequest) -> HttpResponse:
    """A workflow that starts with nothing; once it is there its first step can be added."""
    require(request.user, "design")
    form = BlankForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return answer(
            request, "editor/blank.html", {"form": form}, status=UNPROCESSABLE if form.is_bound else 200
        )
    assert isinstance(request.user, User)
    workflow = engine.start_draft(form.cleaned_data["name"], user=request.user)
    if request.POST.get("then"):
        return go(
            request, f"{reverse('workflow-edit', args=[workflow.key])}?{urlencode({'step': NEW})}#new-step"
        )
    return go(request, reverse("workflow-canvas", args=[workflow.key]))


@require_http_methods(["GET", "HEAD", "POST"])
@refusals_as_pages
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """The draft as a list of steps, one of them open; and every form on it."""
    workflow = get_object_or_404(workflows_for(request.user).select_related("owner"), key=key)
    require(request.user, "design", workflow)
    page = _Editing(request, workflow)
    return page.carry_out() if request.method == "POST" else page.shown(request.GET.get("step", ""))


class _Editing:
    """One request. What was typed is shown again whenever it could not be stored."""

    def __init__(self, request: HttpRequest, workflow: Workflow) -> None:
        assert isinstance(request.user, User)
        self.request, self.workflow, self.user = request, workflow, request.user
        self.forms: dict[str, forms.Form] = {}
        self.context: dict[str, Any] = {}
        self.wanted: list[dict[str, Any]] = []

    def carry_out(self) -> HttpResponse:
        step, what = self.request.POST.get("step", ""), self.request.POST.get("do", "")
        verbs = {
            "save": self._save,
            "add": self._add,
            "extract": self._extract,
            "about": self._about,
            "fix": self._fix,
            "publish": self._publish,
            "undo": self._undo,
            "redo": self._undo,
        }
        try:
            return verbs.get(what, self._act)(step)
        except DisputeError as error:
            return self._disputed(step, error)
        except DefinitionError:
            self.context["blocked"] = True
            return self.shown(step, UNPROCESSABLE)
        except BatonError as error:
            return self._refused(step, error, 409 if error.status == 409 else UNPROCESSABLE)

    def shown(self, step: str, status: int = 200) -> HttpResponse:
        draft = drafts.draft_of(self.workflow, self.user)
        tasks = tasks_of(draft.definition)
        step = step if step == NEW or isinstance(tasks.get(step), dict) else ""
        problems, advice = listing.problems(draft.definition, draft.issues)
        context = {
            "workflow": self.workflow,
            "draft": draft,
            "rev": draft.rev,
            "once": new_idempotency_key(),
            "steps": listing.steps(draft.definition, draft.issues, step),
            "problems": problems,
            "advice": advice,
            "show_problems": "problems" in self.request.GET,
            "open": step,
            "form": self.forms.get(step) or self._form(step, draft.definition),
            "extracting": self._extracting(draft.definition),
            "about": self.forms.get("about") or AboutForm(initial=draft.definition),
            "may_start": can(self.request.user, "operate", self.workflow),
            **self.context,
        }
        return answer(self.request, "editor/list.html", context, status=status)

    # What the forms ask for

    def _save(self, step: str) -> HttpResponse:
        """The form was filled in from the revision it names: what differs from that is what the person changed."""
        draft = drafts.at_revision(self.workflow, self._base_rev())
        if not isinstance(tasks_of(draft).get(step), dict):
            return self._change([{"op": "rename", "key": step, "to": step}], step)  # says that there is none
        form = StepForm(draft, step, self.request.POST)
        self.forms[step] = form
        if not form.is_valid():
            return self.shown(step, UNPROCESSABLE)
        operations = form.operations()
        return self._change(operations, form.cleaned_data["key"] or step)

    def _add(self, _step: str) -> HttpResponse:
        form = NewStepForm(self.workflow.draft, self.request.POST)
        self.forms[NEW] = form
        if not form.is_valid():
            return self.shown(NEW, UNPROCESSABLE)
        wish = _key_of(form.cleaned_data["name"])
        key = fresh_keys([wish], tasks_of(self.workflow.draft))[wish]
        return self._change([form.operation(key)], key)

    def _extract(self, _step: str) -> HttpResponse:
        require(self.user, "design")
        form = self.forms["extract"] = ExtractForm(self.workflow.draft, self.request.POST)
        if not form.is_valid():
            return self.shown("", UNPROCESSABLE)
        keys, name = form.cleaned_data["steps"], form.cleaned_data["name"]
        sending = {"base_rev": self._base_rev(), "user": self.user, "batch": self._batch()}
        found = drafts.extract(self.workflow, keys, name, step=_key_of(name), **sending)
        said = f"{len(keys)} steps are now the workflow {found.workflow.name}."
        return self._go(
            found.step,
            said=" ".join([said, *found.notes, "Undo brings them back here; the new workflow stays."]),
        )

    def _about(self, _step: str) -> HttpResponse:
        form = AboutForm(self.request.POST)
        self.forms["about"] = form
        if not form.is_valid():
            return self.shown("", UNPROCESSABLE)
        return self._change(form.operations(drafts.at_revision(self.workflow, self._base_rev())), "")

    def _act(self, step: str) -> HttpResponse:
        """Remove, join, move up or down: operations that need nothing but the step."""
        operation = listing.operation(self.workflow.draft, self.request.POST.get("do", ""), step)
        return self._change([operation] if operation else [], step)

    def _fix(self, step: str) -> HttpResponse:
        """The operations that a finding offered, as the page sends them back."""
        try:
            operations = strict_json.loads(self.request.POST.get("operations", ""))
        except DefinitionError as error:
            raise InvalidError(f"The operations cannot be read: {error}", error.issues) from None
        if not isinstance(operations, list):
            raise InvalidError("Operations are a list.")
        return self._change(operations, step, problems=True)

    def _undo(self, step: str) -> HttpResponse:
        act = drafts.undo if self.request.POST["do"] == "undo" else drafts.redo
        act(self.workflow, user=self.user, batch=self._batch())
        return self._go(step)

    def _publish(self, _step: str) -> HttpResponse:
        note = self.request.POST.get("note", "")
        version = drafts.publish(self.workflow, base_rev=self._base_rev(), user=self.user, note=note)
        said = f"Version {version.number} is published. Runs under way keep the version they began with."
        return go(self.request, reverse("workflow-detail", args=[self.workflow.key]), said)

    def _change(self, operations: list[dict[str, Any]], step: str, *, problems: bool = False) -> HttpResponse:
        self.wanted = operations
        drafts.change(
            self.workflow, operations, base_rev=self._base_rev(), user=self.user, batch=self._batch()
        )
        return self._go(step, problems=problems)

    def _go(self, step: str, *, problems: bool = False, said: str = "") -> HttpResponse:
        """Back to the step, or to what is left of the problems."""
        self.workflow.refresh_from_db()
        url = reverse("workflow-edit", args=[self.workflow.key])
        if problems:
            return go(self.request, f"{url}?problems=shown#problems")
        there = step in tasks_of(self.workflow.draft)
        return go(self.request, f"{url}?{urlencode({'step': step})}#step-{step}" if there else url, said)

    def _disputed(self, step: str, error: DisputeError) -> HttpResponse:
        """The form holds what others have made of the step meanwhile, and on top what this person changed: sent again it
        puts only that in the place of theirs."""
        self.workflow.refresh_from_db()
        with suppress(OperationError):
            wished = carry_out(self.workflow.draft, self.wanted)
            if isinstance(tasks_of(wished).get(step), dict):
                self.forms[step] = StepForm(wished, step)
        return self._refused(step, error, 409, disputes=listing.told(error), rev=error.rev)

    def _refused(self, step: str, error: BatonError, status: int, **more: Any) -> HttpResponse:
        self.workflow.refresh_from_db()
        self.context = {"refusal": error, **more}
        return self.shown(step if step not in ("", "about") else "", status)

    def _form(self, step: str, draft: dict[str, Any]) -> forms.Form | None:
        if step == NEW:
            return NewStepForm(draft)
        return StepForm(draft, step) if step else None

    def _extracting(self, draft: dict[str, Any]) -> forms.Form | None:
        """While steps are chosen for a workflow of their own."""
        bound = self.forms.get("extract")
        return bound or (ExtractForm(draft) if "extract" in self.request.GET else None)

    def _batch(self) -> str:
        """The name that the page gave its form: one that is sent twice is carried out once."""
        return self.request.POST.get("once", "")[: drafts.MAX_BATCH]

    def _base_rev(self) -> int:
        given = self.request.POST.get("base_rev", "")
        return int(given) if given.isdecimal() and len(given) < 10 else self.workflow.draft_rev


def _key_of(name: str) -> str:
    """A key for a step of this name; another step may have it."""
    return slugify(name).replace("-", "_").strip("_")[:60]
